"""Names: what the source calls things, what this project calls them, and the key of a series.

Belongs here: the one table of places and spellings, the words for milk and channel, file names. Cells are read in `workbook`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from milk_model.series_names import Vocabulary
from milk_model.series_names import slug as slug  # one rule for keys, here and at the endpoint

MILKS = ("pasteurised", "uht")
CHANNELS = ("store", "supermarket")
PRICE_COLUMNS: tuple[tuple[str, str], ...] = tuple(product(MILKS, CHANNELS))  # the four price columns, in the source's order

MILK_LABELS = {"pasteurised": "Pasteurizada", "uht": "Ultrapasteurizada"}  # what Spanish readers see, and the source's headers
CHANNEL_LABELS = {"store": "Tiendas", "supermarket": "Autoservicios"}

NATIONAL = "Nacional"  # the "state" of the two national averages
AVERAGES = {"arithmetic": "Promedio aritmético", "weighted": "Promedio ponderado"}  # their "city"

# States and cities in the source's own order and spelling, trailing blanks included.
PLACES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Aguascalientes ", ("Aguascalientes",)),
    ("Baja California", ("Mexicali", "Tijuana")),
    ("Baja California Sur", ("La Paz",)),
    ("Campeche", ("Campeche",)),
    ("Coahuila", ("Piedras Negras", "Saltillo", "Torreón")),
    ("Colima", ("Colima",)),
    ("Chiapas", ("Tapachula", "Tuxtla Gutiérrez")),
    ("Chihuahua", ("Chihuahua", "Cd.Juárez")),
    ("CDMX", ("Ciudad de México", "ZM Ciudad de México")),
    ("Durango", ("Durango", "Gómez Palacio")),
    ("Guanajuato", ("León", "Celaya")),
    ("Guerrero", ("Acapulco", "Chilpancingo")),
    ("Hidalgo", ("Pachuca",)),
    ("Jalisco", ("Guadalajara", "ZM Guadalajara")),
    ("Edo. México", ("Toluca",)),
    ("Michoacán", ("Morelia",)),
    ("Morelos", ("Cuernavaca",)),
    ("Nayarit", ("Tepic",)),
    ("Nuevo León", ("Monterrey", "ZM Monterrey")),
    ("Oaxaca", ("Oaxaca",)),
    ("Puebla", ("Puebla", "ZM Puebla")),
    ("Querétaro", ("Querétaro",)),
    ("Quintana Roo", ("Cancún", "Chetumal")),
    ("San Luis Potosí", ("San Luis Potosí",)),
    ("Sinaloa", ("Culiacán",)),
    ("Sonora", ("Cd. Obregón", "Hermosillo", "Nogales", "San Luis Río Colorado")),
    ("Tabasco", ("Villahermosa",)),
    ("Tamaulipas", ("Cd. Victoria", "Matamoros", "Nuevo Laredo", "Reynosa", "Tampico")),
    ("Tlaxcala", ("Tlaxcala",)),
    ("Veracruz", ("Coatzacoalcos", "Xalapa", "Veracruz ")),
    ("Yucatán", ("Mérida",)),
    ("Zacatecas", ("Zacatecas",)),
)

# Canonical name: other ways the source, or a reader, writes it; states and cities alike. Accents, case and blanks need no entry.
SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "Ciudad de México": ("CDMX", "Cd. de México", "Cd. México", "D.F.", "DF", "Distrito Federal", "Mexico City"),
    "Estado de México": ("Edo. México", "Edo. de México", "Edomex", "México"),
    "Ciudad Juárez": ("Cd. Juárez", "Juárez"),
    "Ciudad Obregón": ("Cd. Obregón", "Obregón"),
    "Ciudad Victoria": ("Cd. Victoria", "Victoria"),
    "ZM Ciudad de México": ("ZM CDMX", "Z.M. Ciudad de México", "Zona Metropolitana de la Ciudad de México"),
    "ZM Guadalajara": ("Z.M. Guadalajara", "Zona Metropolitana de Guadalajara"),
    "ZM Monterrey": ("Z.M. Monterrey", "Zona Metropolitana de Monterrey"),
    "ZM Puebla": ("Z.M. Puebla", "Zona Metropolitana de Puebla"),
    "Coahuila": ("Coahuila de Zaragoza",),
    "Michoacán": ("Michoacán de Ocampo",),
    "Veracruz": ("Veracruz de Ignacio de la Llave",),
    "Acapulco": ("Acapulco de Juárez",),
    "Pachuca": ("Pachuca de Soto",),
    "Xalapa": ("Jalapa",),
    "Promedio ponderado": ("Promedio ponderado por población",),
}

_MILK_WORDS = {
    "pasteurised": ("Pasteurizada", "Leche pasteurizada", "Pasteurized"),
    "uht": ("Ultrapasteurizada", "Ultra pasteurizada", "Leche ultrapasteurizada", "Ultrapasteurised", "Ultrapasteurized"),
}
_CHANNEL_WORDS = {"store": ("Tiendas", "Tienda", "Stores"), "supermarket": ("Autoservicios", "Autoservicio", "Supermarkets")}

SOURCE_FOLDER = "SNIIM-Archivosfuente/Comentarios/Otros"  # where the site keeps its workbooks
_FILE = re.compile(r"Leche(\d{8})\.xlsx", re.IGNORECASE)


class UnknownNameError(ValueError):
    """A name that is none of the valid ones; the message lists the nearest."""


class SeriesName(NamedTuple):
    """The four canonical names of a series."""

    state: str
    city: str
    milk: str
    channel: str


def series_key(state: str, city: str, milk: str, channel: str) -> str:
    """The key of a series, `state/city/milk/channel` in slugs, from any spelling of its four names.

    Places may be new: they are slugged as they are. Milk and channel may not. Raises UnknownNameError.
    """
    return "/".join((slug(canonical_name(state)), slug(canonical_name(city)), find_milk(milk), find_channel(channel)))


def split_key(key: str) -> SeriesName:
    """The canonical names behind a key; takes any spelling of its parts. Raises UnknownNameError where a part is not known."""
    parts = key.split("/")
    if len(parts) != len(SeriesName._fields):
        raise UnknownNameError(
            f"series {key!r}: expected state/city/milk/channel, such as jalisco/guadalajara/uht/store; found {len(parts)} part(s)"
        )
    state = find_state(parts[0])
    return SeriesName(state, find_city(parts[1], state), find_milk(parts[2]), find_channel(parts[3]))


def find_series(valid: Iterable[str], *names: str) -> str:
    """The one of the `valid` keys that a key, or four names, mean. Raises UnknownNameError with the nearest keys."""
    parts = names[0].split("/") if len(names) == 1 else list(names)
    if len(parts) != len(SeriesName._fields):
        raise UnknownNameError(
            f"series {names!r}: expected a key state/city/milk/channel, or those four names; found {len(parts)} part(s)"
        )
    key = series_key(parts[0], parts[1], parts[2], parts[3])
    keys = {candidate: candidate for candidate in valid}
    return _look_up(key, keys, "series")


def find_milk(text: str) -> str:
    """`pasteurised` or `uht`, from Spanish or English. Raises UnknownNameError."""
    return _look_up(text, _milk_words(), "milk")


def find_channel(text: str) -> str:
    """`store` or `supermarket`, from Spanish or English. Raises UnknownNameError."""
    return _look_up(text, _channel_words(), "channel")


def find_state(text: str) -> str:
    """The canonical name of a known state, or `Nacional`. Raises UnknownNameError."""
    return _look_up(canonical_name(text), {slug(state): state for state in known_places()}, "state")


def find_city(text: str, state: str) -> str:
    """The canonical name of a known city of a state (given by its canonical name). Raises UnknownNameError."""
    return _look_up(canonical_name(text), {slug(city): city for city in known_places()[state]}, f"city of {state}")


@lru_cache(maxsize=4096)
def canonical_name(text: str) -> str:
    """The project's spelling of a place: the table's when it knows the place, else the text with its blanks trimmed."""
    return _canonical_by_slug().get(slug(text)) or " ".join(text.split())


def source_place(state: str, city: str) -> tuple[str, str]:
    """A canonical state and city in the source's own spelling, blanks trimmed, for what is read beside its workbooks.

    A place that the table does not hold stays as it is.
    """
    return _source_by_canonical().get((state, city), (state, city))


@lru_cache(maxsize=1)
def known_places() -> Mapping[str, tuple[str, ...]]:
    """Canonical state: its canonical cities. `Nacional` holds the two averages."""
    places = {canonical_name(state): tuple(canonical_name(city) for city in cities) for state, cities in PLACES}
    return {**places, NATIONAL: tuple(AVERAGES.values())}


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """Every spelling that is understood, as the endpoint takes it with the data."""
    return Vocabulary(_canonical_by_slug(), _milk_words(), _channel_words())


def file_name(day: date) -> str:
    """The source's name for the workbook of a publication date: `Leche31032025.xlsx`."""
    return f"Leche{day:%d%m%Y}.xlsx"


def day_of_file(name: str) -> date | None:
    """The publication date in a workbook's name, or None when the name carries none."""
    match = _FILE.fullmatch(name)
    if match is None:
        return None
    try:
        return datetime.strptime(match[1], "%d%m%Y").date()  # noqa: DTZ007 (a date has no zone)
    except ValueError:
        return None


def _look_up(text: str, names: Mapping[str, str], kind: str) -> str:
    """The name a text stands for. `names`: slug, or key, of each accepted spelling: canonical name."""
    found = names.get(text) or names.get(slug(text))
    if found is not None:
        return found
    by_slug = {slug(spelling): name for spelling, name in names.items()}
    close = difflib.get_close_matches(slug(text), by_slug, n=3, cutoff=0.5)
    valid = sorted(set(names.values()))
    listed = list(dict.fromkeys(by_slug[near] for near in close)) or (valid if len(valid) <= 6 else [*valid[:5], "…"])
    raise UnknownNameError(f"unknown {kind} {text!r}; expected {' or '.join(listed)}")


@lru_cache(maxsize=1)
def _canonical_by_slug() -> dict[str, str]:
    by_slug = {slug(spelling): name for name, spellings in SPELLINGS.items() for spelling in (name, *spellings)}
    for state, cities in PLACES:
        for name in (state, *cities):
            by_slug.setdefault(slug(name), name.strip())
    for name in (NATIONAL, *AVERAGES.values()):
        by_slug.setdefault(slug(name), name)
    return by_slug


@lru_cache(maxsize=1)
def _source_by_canonical() -> Mapping[tuple[str, str], tuple[str, str]]:
    pairs = [(state, city) for state, cities in PLACES for city in cities]
    return {(canonical_name(state), canonical_name(city)): (state.strip(), city.strip()) for state, city in pairs}


@lru_cache(maxsize=1)
def _milk_words() -> dict[str, str]:
    return {slug(word): milk for milk, words in _MILK_WORDS.items() for word in (milk, *words)}


@lru_cache(maxsize=1)
def _channel_words() -> dict[str, str]:
    return {slug(word): channel for channel, words in _CHANNEL_WORDS.items() for word in (channel, *words)}
