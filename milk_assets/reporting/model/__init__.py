"""The report as data, independent of any output format."""
