"""Lakes that were moved, damaged or lost: what is wrong, and how it is made whole."""
