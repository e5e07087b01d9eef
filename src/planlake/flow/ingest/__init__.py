"""Step one: from the API to raw."""
