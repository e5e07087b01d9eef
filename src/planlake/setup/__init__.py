"""Adding and trying tables, and editing planlake.yaml."""
