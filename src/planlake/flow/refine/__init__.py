"""Step two: from raw to typed rows."""
