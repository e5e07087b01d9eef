"""The commands of the room `setup`."""
