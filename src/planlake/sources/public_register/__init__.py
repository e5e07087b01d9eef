"""A second API, unlike Tascomi's: catalogue files only."""
