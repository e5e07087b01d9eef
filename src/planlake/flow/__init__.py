"""The data's way: ingest, refine, snapshot, each one function from one layer of tables to the next."""
