"""Tells people of a run: what is said, and how it reaches them."""
