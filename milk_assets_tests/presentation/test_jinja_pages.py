"""Jinja pages: escaping, undefined names, and style sheets inside a page."""

import pytest
from jinja2 import TemplateNotFound, UndefinedError

from milk_assets.presentation.jinja_pages import page_template

REPORTING, MONITORING = "milk_assets.reporting", "milk_assets.monitoring"


def test_an_undefined_name_is_an_error():
    with pytest.raises(UndefinedError):
        page_template(MONITORING, "dashboard.html.j2").render()


def test_a_template_is_found_only_in_its_own_package():
    with pytest.raises(TemplateNotFound):
        page_template(MONITORING, "report.html.j2")


def test_a_page_contains_its_style_sheet_without_comments_and_escapes_values():
    template = page_template(REPORTING, "index.html.j2")
    page = template.render(rows=[], files={"<b>": "report.xlsx"})
    assert "<style>\n:root{" in page
    assert "/*" not in page
    environment = template.environment
    assert environment.from_string("{{ word }}").render(word="<b>") == "&lt;b&gt;"


def test_a_script_is_inserted_without_its_comments():
    script = page_template(REPORTING, "report.html.j2").environment.from_string('{{ asset("chart.js") }}').render()
    assert script.startswith('const SVG = "http://www.w3.org/2000/svg";')
    assert "\n//" not in script
