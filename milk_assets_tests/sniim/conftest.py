"""Fixtures: a small workbook in the layout of the source, as rows that a test can change before it is written."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

import pytest

WEEKDAYS = ("Lunes", "Martes", "Miércoles", "Jueves", "Viernes", "Sábado", "Domingo")
MONTHS = (
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
)
CITIES = (
    ("Aguascalientes ", "Aguascalientes", 26.15, 26.92, 29.25, 32.58),
    ("Baja California", "Tijuana", None, None, 31.62, 30.57),
    (None, "Mexicali", 27.3, 25.18, 24.5, 27.47),
    ("Chihuahua", "Cd.Juárez", 29.8, 27.34, None, 33.73),
    ("Sonora", "San Luis Río Colorado", 0, 0, 0, 0),
    ("Zacatecas", "Zacatecas", 25.0, 25.65, 32.5, 33.57),
)


def spanish(day: date) -> str:
    return f"{WEEKDAYS[day.weekday()]}, {day.day} de {MONTHS[day.month - 1]} de {day.year}"


def block_rows(day: date) -> list[list[object]]:
    """The rows of one block with averages and source note: 14 rows of six cells, the last one blank."""
    means = []
    for column in range(2, 6):
        priced = [city[column] for city in CITIES if city[column]]
        means.append(sum(priced) / len(priced))
    return [
        ["Precio promedio al consumidor por litro", None, None, None, None, None],
        [spanish(day), None, None, None, None, None],
        ["Estado", "Ciudad", "Pasteurizada", None, "Ultrapasteurizada", None],
        [None, None, "Tiendas", "Autoservicios", "Tiendas", "Autoservicios"],
        *[list(city) for city in CITIES],
        [None, "Promedio aritmético", *means],
        [None, "Promedio Ponderado por Población", *[mean - 0.4 for mean in means]],
        ["Fuente: SNIIM, con información de las Oficinas de Representación.", None, None, None, None, None],
        [None] * 6,
    ]


@dataclass
class Draft:
    """The rows of one sheet, to change and then write: a block of 28 March (rows 0 to 13) and one of 26 March (14 to 27)."""

    rows: list[list[object]] = field(default_factory=lambda: block_rows(date(2025, 3, 28)) + block_rows(date(2025, 3, 26)))
    extra_sheets: dict[str, list[list[object]]] = field(default_factory=dict)

    def insert_column(self, at: int, heading: str | None = None) -> None:
        for row in self.rows:
            row.insert(at, heading if "Estado" in row else None)

    def swap_columns(self, first: int, second: int, rows: range | None = None) -> None:
        for number in rows or range(len(self.rows)):
            row = self.rows[number]
            row[first], row[second] = row[second], row[first]

    def content(self) -> bytes:
        import openpyxl

        book = openpyxl.Workbook()
        book.active.title = "Leche"
        for name, rows in {"Leche": self.rows, **self.extra_sheets}.items():
            sheet = book[name] if name in book.sheetnames else book.create_sheet(name)
            for row in rows:
                sheet.append(row)
        stream = io.BytesIO()
        book.save(stream)
        return stream.getvalue()


@pytest.fixture
def draft() -> Draft:
    return Draft()


@pytest.fixture
def new_block() -> Callable[[date], list[list[object]]]:
    return block_rows
