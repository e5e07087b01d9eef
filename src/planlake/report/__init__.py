"""Reports what is stored, and changes nothing."""
