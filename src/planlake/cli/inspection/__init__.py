"""The commands of the room `inspection`."""
