"""From the source's workbook to features."""
