"""Charts as SVG, PNG and spreadsheet charts."""
