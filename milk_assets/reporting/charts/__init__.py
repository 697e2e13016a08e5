"""Charts of the page, as inline SVG, and of the XLSX workbook."""
