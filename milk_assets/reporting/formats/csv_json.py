"""CSV and JSON: the report's tables for whoever computes on.

Belongs here: serialisation of what `facts` computed. Words and figures are those of the report.
"""

import json
from datetime import date
from importlib.resources import files
from typing import Any

import pandas as pd

from milk_assets.reporting.model.report import Report, Table
from milk_assets.reporting.text.bilingual import Text
from milk_assets.reporting.text.formatting import as_day

CSV_NAMES = {
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
SCHEMA = 1
"""Version of the JSON document; a name that goes or changes its meaning raises it."""
DIGITS = 4
"""Decimals of a figure in the tidy files: a hundredth of a centavo, below which nothing is meant."""
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
"""First characters that make a spreadsheet run a cell as a formula (OWASP, CSV injection)."""


def to_csv(report: Report) -> str:
    """One row a forecast with a header row, dates as YYYY-MM-DD, prices in MXN per litre; a month's target is its first day.

    Provenance stands in the last columns of each row, so that a row cut out of the file still says where it is from.
    """
    frame = report.tables["forecasts"].frame.rename(columns=CSV_NAMES)
    mine = report.provenance
    frame = frame.assign(
        datos="muestra" if mine.sample else "oficiales",
        modelo=mine.model_version,
        linea_base="sí" if mine.is_baseline else "no",
        atraso_dias=mine.stale_days,
        libro=mine.workbook,
    )
    for name in frame.select_dtypes(include=["object", "string"]):
        frame[name] = frame[name].map(guarded)
    return frame.to_csv(index=False, float_format=f"%.{DIGITS}f", date_format="%Y-%m-%d", lineterminator="\n")


def guarded(value: object) -> object:
    """Text that a spreadsheet would run as a formula, made text by a leading apostrophe; anything else as it is."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_SIGNS) else value


def to_json(report: Report) -> str:
    """The whole report: its day, warnings, sentences, provenance, and every table as columns and rows (see `schema`).

    Dates are ISO strings, missing values null, figures in the unit their column's kind names (see `report.Kind`).
    """
    mine = report.provenance
    learned = None if mine.trained_through is None else mine.trained_through.isoformat()
    document = {
        "schema": SCHEMA,
        "day": report.day.isoformat(),
        "publication": report.publication.isoformat(),
        "next_publication": report.next_publication.isoformat(),
        **_both("banners", report.banners),
        **_both("headline", report.headline),
        **_both("summary", report.summary),
        "units": "MXN por litro, precios al consumidor",
        "provenance": {**mine.__dict__, "trained_through": learned, "coverage": mine.coverage},
        "sections": [
            {
                "key": section.key,
                **_both("title", section.title),
                **_both("lead", section.lead),
                **_both("lines", section.lines),
                "tables": [_document(one) for one in section.tables if "data" in one.places],
            }
            for section in report.sections
        ],
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _both(name: str, said: Text | tuple[Text, ...]) -> dict[str, object]:
    """A text, or a list of them, in Spanish and as `<name>_en` in English."""
    return {name: said, f"{name}_en": said.en if isinstance(said, Text) else [text.en for text in said]}


def _document(one: Table) -> dict[str, object]:
    values = [_values(one.frame[column.name]) for column in one.columns]
    return {
        "key": one.key,
        **_both("title", one.title),
        **_both("caption", one.caption),
        "columns": [{"name": column.name, **_both("label", column.label), "kind": column.kind} for column in one.columns],
        "rows": list(zip(*values, strict=True)),
    }


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) that every report's JSON document obeys."""
    document: dict[str, Any] = json.loads(files("milk_assets.reporting").joinpath("report.schema.json").read_text("utf-8"))
    return document


def _values(column: pd.Series) -> list[object]:
    """Plain JSON values of one column."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return [None if pd.isna(value) else as_day(value).isoformat() for value in column]
    if pd.api.types.is_float_dtype(column):
        return [None if value != value else round(value, DIGITS) for value in column.tolist()]
    return [_plain(value) for value in column.tolist()]


def _plain(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    return None if value is None or value != value else value
