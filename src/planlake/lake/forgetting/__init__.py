"""Taking one record out of every file that holds it."""
