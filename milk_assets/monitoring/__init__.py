"""Watching over the data in service: drift of what is published."""
