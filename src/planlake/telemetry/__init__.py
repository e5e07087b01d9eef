"""What is reported of a run while it goes on: log lines, lineage, progress."""
