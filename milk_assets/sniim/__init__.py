"""The source: reading and validating SNIIM workbooks of milk prices, names, calendar, sample data. Imports only `milk_model`."""
