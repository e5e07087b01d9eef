"""`planlake ui`: the pages live on this machine, and a place to ask."""
