"""Preview environments: a lake that shows the tables of another and keeps its changes to itself."""
