"""The daily price report: its figures, and the formats in which it is published."""
