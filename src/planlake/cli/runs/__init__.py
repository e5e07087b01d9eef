"""The commands of the room `runs`."""
