"""The daily price report: its facts and the formats they are printed in."""
