"""One request of an API over HTTP: what is asked, what comes back, and why nothing did."""
