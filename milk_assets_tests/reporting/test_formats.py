"""HTML, XLSX, CSV, JSON and digest: the same figures, the same warnings, nothing that a reader's program would run."""

import io
import itertools
import json
import re
from html.parser import HTMLParser

import jsonschema
import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook

from milk_assets.reporting.formats.csv_json import CSV_COLUMN_NAMES, schema, to_csv, to_json
from milk_assets.reporting.formats.digest import to_digest
from milk_assets.reporting.formats.html import to_html
from milk_assets.reporting.formats.spreadsheet import HEADER_ROW, TITLE_ROW, sheet_name, to_xlsx
from milk_assets.reporting.model.forecast_rows import FORECAST_COLUMNS, column_names
from milk_assets_tests.reporting.conftest import unchanged_prices

FORMATS = {
    "html": to_html,
    "xlsx": lambda report: " ".join(
        str(cell) for sheet in load_workbook(io.BytesIO(to_xlsx(report))) for row in sheet.values for cell in row
    ),
    "json": to_json,
    "digest": to_digest,
}


class Page(HTMLParser):
    """The elements of a page in order, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.elements if tag in tags]


@pytest.fixture(scope="module")
def book(report):
    return load_workbook(io.BytesIO(to_xlsx(report)))


def test_every_format_prints_the_same_mean_price(report, book):
    price = report.tables["glance"].frame["price"].iloc[0]
    assert price == pytest.approx(21.20)
    assert "21.20" in to_html(report)
    assert "$21.20" in to_digest(report)
    sheet = book["De un vistazo"]
    column = next(cell.column for cell in sheet[HEADER_ROW] if cell.value == "MXN/l")
    assert sheet.cell(HEADER_ROW + 1, column).value == pytest.approx(price)
    tables = {one["key"]: one for section in json.loads(to_json(report))["sections"] for one in section["tables"]}
    assert tables["glance"]["rows"][0][3] == pytest.approx(price)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_carries_the_warnings(make_inputs, name):
    inputs = make_inputs()
    stamp = inputs.provenance_with(sample=True, is_baseline=True, stale_days=2)
    text = FORMATS[name](inputs.report(provenance=stamp))
    for warning in ("Datos de muestra", "Datos atrasados 2 días", "Pronóstico: sin cambio (línea base)"):
        assert warning in text, f"{name} does not format_bilingual {warning}"
    clean = FORMATS[name](inputs.report())
    assert "Datos de muestra" not in clean
    assert "línea base" not in clean


def test_every_row_of_the_csv_has_its_provenance(make_inputs):
    inputs = make_inputs()
    frame = pd.read_csv(io.StringIO(to_csv(inputs.report(provenance=inputs.provenance_with(sample=True, is_baseline=True)))))
    assert set(frame["datos"]) == {"muestra"}
    assert set(frame["linea_base"]) == {"sí"}


def test_every_sheet_carries_the_warnings(make_inputs):
    inputs = make_inputs()
    book = load_workbook(io.BytesIO(to_xlsx(inputs.report(provenance=inputs.provenance_with(sample=True)))))
    assert all("Datos de muestra" in str(sheet.cell(2, 1).value) for sheet in book)


def test_the_csv_has_one_row_per_forecast_in_spanish_with_its_key(report):
    frame = pd.read_csv(io.StringIO(to_csv(report)), parse_dates=["origen", "para"])
    assert len(frame) == (12 + 8) * 21
    assert not frame.duplicated(["clave", "pregunta", "adelanto"]).any()
    own = frame[(frame["clave"] == "jalisco/guadalajara/pasteurised/store") & (frame["pregunta"] == "Próximas publicaciones")]
    first = own[own["adelanto"] == 1].iloc[0]
    assert first[["estado", "ciudad", "leche", "canal"]].tolist() == ["Jalisco", "Guadalajara", "Pasteurizada", "Tiendas"]
    assert first["para"] == pd.Timestamp("2025-04-02")
    assert first[["ultimo_precio", "pronostico", "p_igual"]].tolist() == pytest.approx([20.60, 20.61, 0.6])


def test_every_column_of_a_forecast_has_a_name_in_the_csv():
    assert list(CSV_COLUMN_NAMES) == column_names(FORECAST_COLUMNS)


def test_the_json_has_no_nan_or_infinity(report):
    def reject(constant):
        raise AssertionError(f"{constant} is not JSON")

    document = json.loads(to_json(report), parse_constant=reject)
    glance = next(one for section in document["sections"] for one in section["tables"] if one["key"] == "glance")
    assert glance["rows"][0][[column["name"] for column in glance["columns"]].index("change_year")] is None


@pytest.mark.parametrize("sign", ["=", "+", "-", "@"])
def test_a_name_that_looks_like_a_formula_stays_text(make_inputs, table, sign):
    name = f"{sign}HYPERLINK(1)"
    table[("Jalisco", name, "pasteurised", "store")] = [20.0] * 39 + [20.5]
    report = make_inputs().report()
    sheet = load_workbook(io.BytesIO(to_xlsx(report)))["Qué cambió"]
    cells = [cell for row in sheet.iter_rows(min_row=HEADER_ROW + 1) for cell in row if cell.value == name]
    assert len(cells) == 1
    assert cells[0].data_type == "s", "a formula would be f"
    cities = set(pd.read_csv(io.StringIO(to_csv(report)))["ciudad"])
    assert f"'{name}" in cities
    assert name not in cities


def test_a_number_below_zero_is_still_a_number_in_the_csv(make_inputs):
    inputs = make_inputs()
    before = inputs.forecasts.assign(forecast=inputs.forecasts["forecast"] + 0.25)
    frame = pd.read_csv(io.StringIO(to_csv(inputs.report(previous_forecasts=before))))
    assert frame["contra_anterior"].to_numpy() == pytest.approx(-0.25)


def test_the_workbook_has_a_frozen_header_on_every_sheet_and_formats_its_figures(report, book):
    assert book.sheetnames == [sheet_name(section) for section in report.sections], "one sheet per section"
    for section in report.sections:
        tables = [one for one in section.tables if "spreadsheet" in one.outputs]
        sheet = book[sheet_name(section)]
        assert sheet.freeze_panes == f"A{HEADER_ROW + 1 if tables else TITLE_ROW}", section.key
        heads = [cell.value for cell in sheet[HEADER_ROW] if cell.value and tables]
        assert heads == [str(column.label) for one in tables for column in one.columns], section.key
    assert book["Qué cambió"].cell(HEADER_ROW + 1, 6).number_format == "#,##0.00"


def test_the_workbook_has_native_charts(report, book):
    charts = {sheet.title: len(sheet._charts) for sheet in book if sheet._charts}
    assert charts == {"De un vistazo": 1, "Pronóstico": 4, "Mapa": 1, "Diferenciales": 1}


def test_one_report_always_gives_the_same_bytes(report):
    assert to_xlsx(report) == to_xlsx(report)
    assert to_html(report) == to_html(report)


def test_the_page_loads_nothing(report):
    text = to_html(report)
    page = Page(text)
    assert page.all("img", "iframe", "object") == []
    assert page.all("link") == [{"rel": "icon", "href": "data:,"}]
    assert all("src" not in attrs for attrs in page.all("script"))
    markup = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r"url\(|@import|https?://|\bon\w+=", markup)
    assert re.findall(r"https?://[^\"]+", text) == ["http://www.w3.org/2000/svg"], "a namespace, not an address"


def test_the_page_escapes_text_of_the_source(make_inputs, table):
    table[("Jalisco", "<b onclick=x>", "pasteurised", "store")] = [20.0] * 39 + [20.5]
    inputs = make_inputs()
    text = to_html(inputs.report(provenance=inputs.provenance_with(source_note="<script>alert(1)</script>", workbook="<i>")))
    page = Page(text)
    assert page.all("b") == Page(to_html(make_inputs(unchanged_prices()).report())).all("b")
    assert len(page.all("script")) == 2
    assert not any("onclick" in attrs for _, attrs in page.elements)
    assert "&lt;script&gt;" in text


def test_the_page_has_headings_captions_and_titles_for_screen_readers(report):
    text = to_html(report)
    page = Page(text)
    assert page.elements[0] == ("html", {"lang": "es"})
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in itertools.pairwise(levels)), "no level is skipped"
    assert text.count("<table") == text.count("<caption>") == 12
    assert all(attrs.get("scope") for attrs in page.all("th"))
    charts = page.all("svg")
    assert len(charts) == 4 + 4 + 1 + 1, "sparklines, fans, the map, the strips"
    assert text.count("<title id=") == text.count("<desc id=") - 1 == len(charts) - 1
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))


def luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb by WCAG 2.2."""
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "paper"),
    [("ink", "paper"), ("soft", "paper"), ("blue", "paper"), ("up", "paper"), ("down", "paper"), ("warn", "warnpaper")],
)
def test_text_has_enough_contrast(report, scheme, ink, paper):
    blocks = re.findall(r":root\{([^}]*)\}", to_html(report))
    colours = dict(re.findall(r"--(\w+):(#[0-9a-f]{6})", blocks[0 if scheme == "light" else 1]))
    light, dark = sorted((luminance(colours[ink]), luminance(colours[paper])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5, "WCAG AA"


def test_rows_of_one_group_share_one_cell(report):
    text = to_html(report)
    assert text.count('rowspan="4">Promedio aritmético') == 1, "one cell for the monthly means"


def test_the_digest_fits_a_phone(make_inputs):
    inputs = make_inputs()
    stamp = inputs.provenance_with(sample=True, stale_days=2)
    lines = to_digest(inputs.report(provenance=stamp)).splitlines()
    assert len(lines) <= 10
    assert lines[1].startswith("⚠ Datos de muestra")
    assert lines[-1] == "Próxima publicación: 2 de abril de 2025. Cobertura 12 de 12."


def test_a_report_without_forecasts_is_printed_in_every_format(make_inputs):
    inputs = make_inputs()
    report = inputs.report(forecasts=inputs.forecasts.iloc[:0])
    assert "No hay pronóstico mensual." in to_html(report)
    assert 'class="fan"' not in to_html(report)
    assert len(load_workbook(io.BytesIO(to_xlsx(report))).sheetnames) == 10
    assert to_csv(report).startswith("origen,")
    assert len(to_csv(report).splitlines()) == 1
    assert json.loads(to_json(report))["sections"]
    assert "Pronóstico" not in to_digest(report).splitlines()[-1]


def test_the_json_obeys_its_schema_and_wrong_documents_do_not(report):
    validator = jsonschema.Draft202012Validator(schema(), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    document = json.loads(to_json(report))
    validator.validate(document)
    for wrong in ({"day": "yesterday"}, {"sections": document["sections"][:9]}, {"schema": 2}):
        assert list(validator.iter_errors({**document, **wrong})), wrong
    without = {name: value for name, value in document.items() if name != "banners"}
    assert list(validator.iter_errors(without))


def test_a_long_table_is_cut_in_the_middle_on_the_page_and_whole_in_the_files(make_inputs, table):
    for index in range(60):
        table[("Jalisco", f"Pueblo {index:02d}", "uht", "store")] = [20.0] * 39 + [21.0 + index / 10]
    report = make_inputs().report()
    text = to_html(report)
    assert "… 30 <span>renglones más, en los archivos" in text
    movers = text[text.index('id="t-movers"') : text.index('id="outlook"')]
    assert "Pueblo 59" in movers
    assert "Pueblo 00" in movers
    assert "Pueblo 30" not in movers
    assert len(report.tables["movers"].frame) == 60
