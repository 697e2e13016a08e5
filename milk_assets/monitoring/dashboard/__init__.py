"""The monitoring dashboard: one HTML page per publication."""
