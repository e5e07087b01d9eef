"""Step three: the latest version of each record."""
