"""Text of the report: bilingual strings, labels, number and date formats."""
