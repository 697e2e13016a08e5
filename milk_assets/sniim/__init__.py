"""The source: SNIIM's workbook of milk prices, its names, its calendar, and samples in its shape."""
