"""`planlake mcp`: read-only answers for people's assistants, over standard input and output."""
