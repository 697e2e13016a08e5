"""CSV and JSON: the report's tables for programs.

Belongs here: serialisation. Not here: words and figures (`sections`) and the schema of the JSON document (`report.schema.json`).
"""

import json
from datetime import date
from importlib.resources import files
from typing import Any

import pandas as pd

from milk_assets.reporting.model.report import Report, Table
from milk_assets.reporting.text.bilingual import BilingualText
from milk_assets.reporting.text.formatting import as_day

CSV_COLUMN_NAMES = {
    "origin": "origen",
    "level": "nivel",
    "series": "clave",
    "state": "estado",
    "city": "ciudad",
    "milk": "leche",
    "channel": "canal",
    "task": "pregunta",
    "lead": "adelanto",
    "target": "para",
    "last_price": "ultimo_precio",
    "no_change": "sin_cambio",
    "forecast": "pronostico",
    "lo80": "desde_80",
    "hi80": "hasta_80",
    "lo95": "desde_95",
    "hi95": "hasta_95",
    "p_up": "p_sube",
    "p_same": "p_igual",
    "p_down": "p_baja",
    "trust": "peso_modelo",
    "previous": "pronostico_anterior",
    "revision": "contra_anterior",
}
"""The columns of `model.forecast_rows.FORECAST_COLUMNS` in the CSV file."""
SCHEMA_VERSION = 1
"""Version of the JSON document. It rises when a name is removed or changes its meaning."""
DIGITS = 4
"""Decimals of a figure in the files: a hundredth of a centavo, below which figures carry no information."""
FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r")
"""First characters that make a spreadsheet run a cell as a formula (OWASP, CSV injection)."""


def to_csv(report: Report) -> str:
    """Write the forecasts as CSV: a header and one row per forecast.

    Dates are YYYY-MM-DD, prices MXN per litre; the target of a month is its first day. The last columns of each row are the
    provenance, so that a row copied out of the file still says where it is from.
    """
    frame = report.tables["forecasts"].frame.rename(columns=CSV_COLUMN_NAMES)
    provenance = report.provenance
    frame = frame.assign(
        datos="muestra" if provenance.sample else "oficiales",
        modelo=provenance.model_version,
        linea_base="sí" if provenance.is_baseline else "no",
        atraso_dias=provenance.stale_days,
        libro=provenance.workbook,
    )
    for name in frame.select_dtypes(include=["object", "string"]):
        frame[name] = frame[name].map(escape_formula)
    return frame.to_csv(index=False, float_format=f"%.{DIGITS}f", date_format="%Y-%m-%d", lineterminator="\n")


def escape_formula(value: object) -> object:
    """Put an apostrophe before text that a spreadsheet would run as a formula; return any other value unchanged."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_PREFIXES) else value


def to_json(report: Report) -> str:
    """Write the whole report as JSON: warnings, sentences, provenance and every table as columns and rows (see `schema`).

    Dates are ISO strings, missing values null, figures in the unit of their column's kind (see `text.formatting.Kind`).
    """
    provenance = report.provenance
    trained_through = None if provenance.trained_through is None else provenance.trained_through.isoformat()
    document = {
        "schema": SCHEMA_VERSION,
        "day": report.day.isoformat(),
        "publication": report.publication.isoformat(),
        "next_publication": report.next_publication.isoformat(),
        **_in_both_languages("banners", report.banners),
        **_in_both_languages("headline", report.headline),
        **_in_both_languages("summary", report.summary),
        "units": "MXN por litro, precios al consumidor",
        "provenance": {**provenance.__dict__, "trained_through": trained_through, "coverage": provenance.coverage},
        "sections": [
            {
                "key": section.key,
                **_in_both_languages("title", section.title),
                **_in_both_languages("lead", section.lead),
                **_in_both_languages("lines", section.lines),
                "tables": [_table_document(table) for table in section.tables if "document" in table.outputs],
            }
            for section in report.sections
        ],
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _in_both_languages(name: str, text: BilingualText | tuple[BilingualText, ...]) -> dict[str, object]:
    """A text, or several, in Spanish as `name` and in English as `<name>_en`."""
    english = text.en if isinstance(text, BilingualText) else [part.en for part in text]
    return {name: text, f"{name}_en": english}


def _table_document(table: Table) -> dict[str, object]:
    values = [_json_values(table.frame[column.name]) for column in table.columns]
    return {
        "key": table.key,
        **_in_both_languages("title", table.title),
        **_in_both_languages("caption", table.caption),
        "columns": [
            {"name": column.name, **_in_both_languages("label", column.label), "kind": column.kind} for column in table.columns
        ],
        "rows": list(zip(*values, strict=True)),
    }


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the JSON document of every report."""
    document: dict[str, Any] = json.loads(files("milk_assets.reporting").joinpath("report.schema.json").read_text("utf-8"))
    return document


def _json_values(column: pd.Series) -> list[object]:
    """The values of one column as JSON values."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return [None if pd.isna(value) else as_day(value).isoformat() for value in column]
    if pd.api.types.is_float_dtype(column):
        return [None if value != value else round(value, DIGITS) for value in column.tolist()]
    return [_json_value(value) for value in column.tolist()]


def _json_value(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    return None if value is None or value != value else value
