"""The assets, one module each: read inputs, call one domain function, write, return metadata."""
