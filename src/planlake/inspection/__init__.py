"""The lake compared with what is outside it: the API, the vendor's page, this machine."""
