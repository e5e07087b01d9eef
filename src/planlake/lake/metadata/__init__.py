"""The metadata of tables as readers need it, read without pyiceberg, whose import takes longer than a short query."""
