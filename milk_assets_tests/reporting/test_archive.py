"""Archive: the stored list of past reports, written by this release and by earlier ones."""

import json

import pytest
from pydantic import ValidationError

from milk_assets.reporting.formats.archive import entry, to_page, with_entry

STORED = {
    "schema": 1,
    "reports": [
        {
            "day": "2025-03-31",
            "publication": "2025-03-31",
            "headline": "La leche sube",
            "headline_en": "Milk rises",
            "banners": ["Datos de muestra"],
            "files": ["report.html", "report.xlsx", "report.csv", "report.json"],
        }
    ],
}


def test_a_list_written_by_an_earlier_release_keeps_its_bytes(report):
    document = with_entry(json.loads(json.dumps(STORED)), entry(report))
    assert [one["day"] for one in document["reports"]] == ["2025-04-01", "2025-03-31"]
    assert document["reports"][1] == STORED["reports"][0]
    assert list(document) == ["schema", "reports"]
    assert list(document["reports"][0]) == list(STORED["reports"][0])


def test_a_report_of_a_stored_day_replaces_its_entry(report):
    first = with_entry(None, entry(report))
    assert with_entry(first, entry(report)) == first


def test_an_entry_without_english_or_banners_is_read_and_an_unknown_key_is_ignored():
    short = {"day": "2025-03-28", "publication": "2025-03-28", "headline": "La leche baja", "colour": "blue"}
    document = with_entry(STORED, short)
    assert document["reports"][1]["banners"] == []
    assert "colour" not in document["reports"][1]
    assert "28 de marzo de 2025" in to_page(document)


def test_an_entry_without_a_day_is_rejected():
    with pytest.raises(ValidationError, match="day"):
        with_entry(STORED, {"publication": "2025-03-28", "headline": "La leche baja"})
