"""What users query: the views, and SQL that users write."""
