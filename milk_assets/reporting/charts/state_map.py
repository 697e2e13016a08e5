"""The map of Mexico's 32 states: geometry, classes of colour, legend, for each of eight views.

Belongs here: how prices by state become colours. Prices are `regions`'; colours are the page's CSS classes.
"""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup, escape

from milk_assets.reporting.model.report import Report
from milk_assets.reporting.text.bilingual import Text, say
from milk_assets.reporting.text.formatting import CHANNEL, MILK, SEGMENTS, segment, signed
from milk_model.series_names import slug

CLASSES = 5
EDGES = (-0.50, -0.05, 0.05, 0.50)
"""MXN. Ends of the classes of change: five centavos are noise of a mean, fifty are two per cent of the price."""
LEAST_LABELLED = 1300
"""Square pixels below which a state has no room for its figure."""
NONE = "x"
"""The class of a state without a price."""


@dataclass(frozen=True)
class View:
    """One colouring: class and figure of each state, in the order of `states()`, and the labels of the classes.

    kind: price or change. classes: "0" to "4", or NONE.
    """

    key: str
    title: Text
    kind: str
    classes: str
    figures: tuple[str, ...]
    legend: tuple[str, ...]


@dataclass(frozen=True)
class Map:
    """The drawn map in its first view, the views a reader can choose, and the words for screen readers."""

    svg: Markup
    views: tuple[View, ...]
    words: tuple[Text, ...]


@cache
def geometry() -> dict[str, Any]:
    """The states' paths with their source and licence (see `milk_assets/reporting/charts/make_states.py`)."""
    document: dict[str, Any] = json.loads(files("milk_assets.reporting").joinpath("states.json").read_text("utf-8"))
    return document


def states() -> list[str]:
    """Names of the 32 states in the order of the drawing."""
    return list(geometry()["states"])


def mapped(report: Report) -> Map:
    """Eight views of the report's prices by state: four markets x price and change in a month."""
    frame = report.tables["states"].frame
    views = [_view(frame, milk, channel, kind) for kind in ("price", "change") for milk, channel in SEGMENTS]
    views.sort(key=lambda view: (view.kind != "price", view.classes.count(NONE)))  # the fullest map first
    title = Text("Mapa de precios por estado", "Map of prices by state")
    described = Text(
        "Cada estado lleva el color de su precio; las cifras están en la tabla y en los archivos.",
        "Each state has the colour of its price; the figures are in the table and the files.",
    )
    return Map(_drawn(views[0], title, described), tuple(views), (title, described))


def _view(frame: pd.DataFrame, milk: str, channel: str, kind: str) -> View:
    own = frame[(frame["milk"] == MILK[milk]) & (frame["channel"] == CHANNEL[channel])].set_index("state")[kind]
    values = own.reindex(states()).to_numpy(dtype=float)
    known = values[np.isfinite(values)]
    edges = np.array(EDGES) if kind == "change" else np.unique(np.round(np.quantile(known, [0.2, 0.4, 0.6, 0.8]), 1))
    codes = np.searchsorted(edges, np.round(values, 2), side="right")
    classes = "".join(NONE if value != value else str(code) for value, code in zip(values, codes, strict=True))
    figures = tuple("" if value != value else signed(value) if kind == "change" else f"{value:.2f}" for value in values.tolist())
    what = Text("precio", "price") if kind == "price" else Text("cambio en un mes", "change in a month")
    title = say("{market}: {what}", "{market}: {what}", market=segment(milk, channel), what=what)
    return View(f"{milk}/{channel}/{kind}", title, kind, classes, figures, _legend(edges, known, kind))


def _legend(edges: np.ndarray, known: np.ndarray, kind: str) -> tuple[str, ...]:
    """ "< 26.4", "26.4–27.3", …, "≥ 29.1"."""
    if not len(known):
        return ()
    texts = [signed(edge) if kind == "change" else f"{edge:.1f}" for edge in edges.tolist()]
    middle = [f"{low} – {high}" for low, high in itertools.pairwise(texts)]
    return (f"< {texts[0]}", *middle, f"≥ {texts[-1]}")


def _drawn(view: View, title: Text, described: Text) -> Markup:
    shape = geometry()
    paths = "".join(
        f'<path id="mx-{slug(name)}" data-name="{escape(name)}" class="c{code}" d="{state["d"]}">'
        f"<title>{escape(name)} {figure}</title></path>"
        for (name, state), code, figure in zip(shape["states"].items(), view.classes, view.figures, strict=True)
    )
    labels = "".join(
        f'<text x="{state["label"][0]}" y="{state["label"][1] + 3}" data-s="{slug(name)}">{figure}</text>'
        for (name, state), figure in zip(shape["states"].items(), view.figures, strict=True)
        if state["area"] >= LEAST_LABELLED
    )
    head = f'<svg id="mexico" class="choropleth by-price" viewBox="0 0 {shape["width"]} {shape["height"]}" role="group"'
    said = f' aria-label="{escape(title)}" aria-describedby="mexico-d"><desc id="mexico-d">{escape(described)}</desc>'
    inside = f'{paths}<g class="labels" aria-hidden="true">{labels}</g>'
    return Markup(f"{head}{said}{inside}</svg>")  # noqa: S704  names and words are escaped, paths are this package's own


def documents(views: Sequence[View]) -> list[dict[str, object]]:
    """The views for the page's script."""
    return [
        {"k": view.key, "t": view.title, "c": view.classes, "f": list(view.figures), "l": list(view.legend)} for view in views
    ]
