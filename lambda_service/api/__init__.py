"""The HTTP API: routes, schemas, validation and errors; one request in, one response out."""
