"""Speaking to an API: the catalogue of its resources, keys, signing, requests, records."""
