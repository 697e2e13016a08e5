"""HTTP: one request in, one response out."""
