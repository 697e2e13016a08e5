"""The list of past reports: one entry a day, as JSON and as a page.

Belongs here: the list's shape and its page. Where the files lie is the assets' business.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from milk_assets.reporting.formats.html import FILES, template
from milk_assets.reporting.model.report import Report
from milk_assets.reporting.text.formatting import as_day, plain_date

PAGE, DOCUMENT = "index.html", "index.json"


def entry(report: Report) -> dict[str, Any]:
    """What the list says of one report: its day, publication (YYYY-MM-DD), headline and warnings, the last two in both languages."""
    return {
        "day": report.day.isoformat(),
        "publication": report.publication.isoformat(),
        "headline": str(report.headline),
        "headline_en": report.headline.en,
        "banners": [str(banner) for banner in report.banners],
        "files": ["report.html", *FILES.values()],
    }


def with_entry(document: Mapping[str, Any] | None, one: Mapping[str, Any]) -> dict[str, Any]:
    """The list with that entry in the place of its day's, newest day first."""
    known = {} if document is None else {old["day"]: old for old in document["reports"]}
    entries: Sequence[Mapping[str, Any]] = [*{**known, one["day"]: one}.values()]
    return {"schema": 1, "reports": sorted((dict(each) for each in entries), key=lambda each: str(each["day"]), reverse=True)}


def to_page(document: Mapping[str, Any]) -> str:
    """The list as a self-contained page, each day linked to its folder; every outside word is escaped."""
    rows = [
        {
            **one,
            "day_said": plain_date(as_day(one["day"])),
            "publication_said": plain_date(as_day(one["publication"])),
        }
        for one in document["reports"]
    ]
    return template("index.html.j2").render(rows=rows, files=FILES)


def to_json(document: Mapping[str, Any]) -> str:
    """The list as JSON."""
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"
