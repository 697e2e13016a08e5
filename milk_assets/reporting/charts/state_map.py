"""State map: Mexico's 32 states coloured by price or change, in eight views.

Belongs here: how prices by state become classes, legends and a drawing. Not here: the prices (`sections.regions`), how the shapes
were made (`charts.make_states`) and the colours, which are CSS classes of the page.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
import pandas as pd
from markupsafe import Markup, escape
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from milk_assets.reporting.model.report import Report
from milk_assets.reporting.text.bilingual import BilingualText, format_bilingual
from milk_assets.reporting.text.formatting import CHANNEL_TEXTS, MARKETS, MILK_TEXTS, format_signed, market_label
from milk_model.series_names import slug

ViewKind = Literal["price", "change"]
CHANGE_EDGES = (-0.50, -0.05, 0.05, 0.50)
"""MXN. Boundaries of the five classes of change: five centavos are noise of a mean, fifty are two per cent of the price."""
PRICE_QUANTILES = (0.2, 0.4, 0.6, 0.8)
"""Boundaries of the five classes of price."""
LEAST_LABELLED_AREA = 1300
"""Square pixels. A smaller state has no space for its figure."""
NO_PRICE = "x"
"""The class of a state without a price."""


class StateShape(BaseModel):
    """One state: its path `d` in SVG, where its label is, and its area in square pixels."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    d: str
    label: tuple[int, int]
    area: int


class MapGeometry(BaseModel):
    """The document `states.json`: the shapes of the states with their source and licence."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int = 1
    source: str
    licence: str
    width: int
    height: int
    states: dict[str, StateShape]


@dataclass(frozen=True)
class MapView:
    """One colouring of the map.

    Attributes:
        key: milk/channel/kind.
        title: Title for readers.
        kind: price or change.
        classes: One character per state, in the order of the geometry: "0" to "4", or NO_PRICE.
        figures: One text per state; empty without a price.
        legend: Labels of the classes.
    """

    key: str
    title: BilingualText
    kind: ViewKind
    classes: str
    figures: tuple[str, ...]
    legend: tuple[str, ...]


@dataclass(frozen=True)
class StateMap:
    """The map drawn in its first view, and the views that a reader can choose. `chart_texts` are the words of the drawing."""

    svg: Markup
    views: tuple[MapView, ...]
    chart_texts: tuple[BilingualText, ...]


@cache
def geometry() -> MapGeometry:
    """Read the shapes of the states (see `milk_assets/reporting/charts/make_states.py`)."""
    return MapGeometry.model_validate_json(files("milk_assets.reporting").joinpath("states.json").read_bytes())


def draw_state_map(report: Report) -> StateMap:
    """Draw the report's prices by state and make the eight views: four markets, each with its price and its change in a month."""
    frame = report.tables["states"].frame
    kinds: tuple[ViewKind, ...] = ("price", "change")
    views = [_view(frame, milk, channel, kind) for kind in kinds for milk, channel in MARKETS]
    views.sort(key=lambda view: (view.kind != "price", view.classes.count(NO_PRICE)))  # the map with most prices first
    title = BilingualText("Mapa de precios por estado", "Map of prices by state")
    description = BilingualText(
        "Cada estado lleva el color de su precio; las cifras están en la tabla y en los archivos.",
        "Each state has the colour of its price; the figures are in the table and the files.",
    )
    return StateMap(_drawing(views[0], title, description), tuple(views), (title, description))


def _view(frame: pd.DataFrame, milk: str, channel: str, kind: ViewKind) -> MapView:
    rows = frame[(frame["milk"] == MILK_TEXTS[milk]) & (frame["channel"] == CHANNEL_TEXTS[channel])].set_index("state")
    values = rows[kind].reindex(list(geometry().states)).to_numpy(dtype=float)
    known_values = values[np.isfinite(values)]
    if kind == "change":
        edges = np.array(CHANGE_EDGES)
        subject = BilingualText("cambio en un mes", "change in a month")
    else:
        edges = np.unique(np.round(np.quantile(known_values, PRICE_QUANTILES), 1))
        subject = BilingualText("precio", "price")
    class_numbers = np.searchsorted(edges, np.round(values, 2), side="right").tolist()
    is_known = np.isfinite(values).tolist()
    return MapView(
        key=f"{milk}/{channel}/{kind}",
        title=format_bilingual("{market}: {what}", "{market}: {what}", market=market_label(milk, channel), what=subject),
        kind=kind,
        classes="".join(
            str(number) if has_price else NO_PRICE for number, has_price in zip(class_numbers, is_known, strict=True)
        ),
        figures=tuple(
            _figure(value, kind) if has_price else "" for value, has_price in zip(values.tolist(), is_known, strict=True)
        ),
        legend=_legend(edges, kind) if len(known_values) else (),
    )


def _figure(value: float, kind: ViewKind) -> str:
    return format_signed(value) if kind == "change" else f"{value:.2f}"


def _legend(edges: NDArray[np.float64], kind: ViewKind) -> tuple[str, ...]:
    """Labels of the classes: "< 26.4", "26.4 – 27.3", …, "≥ 29.1"."""
    texts = [format_signed(edge) if kind == "change" else f"{edge:.1f}" for edge in edges.tolist()]
    middle = [f"{low} – {high}" for low, high in itertools.pairwise(texts)]
    return (f"< {texts[0]}", *middle, f"≥ {texts[-1]}")


def _drawing(view: MapView, title: BilingualText, description: BilingualText) -> Markup:
    shapes = geometry()
    paths = "".join(
        f'<path id="mx-{slug(name)}" data-name="{escape(name)}" class="c{class_number}" d="{state.d}">'
        f"<title>{escape(name)} {figure}</title></path>"
        for (name, state), class_number, figure in zip(shapes.states.items(), view.classes, view.figures, strict=True)
    )
    labels = "".join(
        f'<text x="{state.label[0]}" y="{state.label[1] + 3}" data-s="{slug(name)}">{figure}</text>'
        for (name, state), figure in zip(shapes.states.items(), view.figures, strict=True)
        if state.area >= LEAST_LABELLED_AREA
    )
    return Markup(  # noqa: S704  names and words are escaped, paths are the project's own
        f'<svg id="mexico" class="choropleth by-price" viewBox="0 0 {shapes.width} {shapes.height}" role="group"'
        f' aria-label="{escape(title)}" aria-describedby="mexico-d"><desc id="mexico-d">{escape(description)}</desc>'
        f'{paths}<g class="labels" aria-hidden="true">{labels}</g></svg>'
    )


def view_documents(views: Sequence[MapView]) -> list[dict[str, object]]:
    """Return the views as the page's script reads them."""
    return [
        {"k": view.key, "t": view.title, "c": view.classes, "f": list(view.figures), "l": list(view.legend)} for view in views
    ]
