"""Trusted tables: models are carried out over the refined views, checked and committed whole."""
