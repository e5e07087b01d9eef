"""What the pages show, as frozen records: queries, and nothing of HTML."""
