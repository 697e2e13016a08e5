"""Names of the report's files, which link to each other.

Belongs here: names only, so that stores can read them without importing what writes the files.
"""

PAGE = "report.html"
SPREADSHEET, TABLE, DOCUMENT, DIGEST = "report.xlsx", "report.csv", "report.json", "digest.txt"
DOWNLOADS = {"XLSX": SPREADSHEET, "CSV": TABLE, "JSON": DOCUMENT}  # label → file, as the page links them
DASHBOARD_PAGE = "dashboard.html"  # the newest monitoring page, next to the newest report
INDEX_DOCUMENT, INDEX_PAGE = "index.json", "index.html"  # the list of reports
