"""The commands of the room `report`."""
