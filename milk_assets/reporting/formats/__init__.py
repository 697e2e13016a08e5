"""The formats of the report: HTML, XLSX, CSV, JSON, a digest, and the list of past reports."""
