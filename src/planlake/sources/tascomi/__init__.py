"""What is Tascomi's own: the catalogue files of its resources, and how its requests are signed."""
