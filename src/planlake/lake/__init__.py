"""What is kept: the Iceberg catalogue, tables, files, the ledger, views."""
