"""The report as HTML, spreadsheet, CSV, JSON and digest."""
