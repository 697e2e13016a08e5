"""Words: bilingual strings, number and date formats."""
