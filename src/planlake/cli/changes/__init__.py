"""The commands of the room `changes`."""
