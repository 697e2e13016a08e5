"""Names: what the source calls places and products, what this project calls them, and the key of a series.

Belongs here: the table of places and spellings, the words for milk and channel, file names. Not here: reading cells
(`sniim.workbook`), and the lookup of series at the endpoint (`milk_model.series_names`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from itertools import product

from milk_model.series_names import Vocabulary
from milk_model.series_names import slug as slug  # re-exported: keys follow one rule here and at the endpoint

MILKS = ("pasteurised", "uht")
CHANNELS = ("store", "supermarket")
PRICE_COLUMNS: tuple[tuple[str, str], ...] = tuple(product(MILKS, CHANNELS))  # the four price columns, in the order of the source

MILK_LABELS = {"pasteurised": "Pasteurizada", "uht": "Ultrapasteurizada"}  # the source's headers, also shown to Spanish readers
CHANNEL_LABELS = {"store": "Tiendas", "supermarket": "Autoservicios"}

NATIONAL = "Nacional"  # used in place of the state of the two national averages
AVERAGES = {"arithmetic": "Promedio aritmético", "weighted": "Promedio ponderado"}  # and in place of their city

# States and cities in the order and spelling of the source, including trailing blanks.
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

# Canonical name of a state or city → other spellings of the source or of readers. Accents, case and blanks need no entry.
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

SOURCE_FOLDER = "SNIIM-Archivosfuente/Comentarios/Otros"  # the folder of the workbooks on the site
_FILE_NAME = re.compile(r"Leche(\d{8})\.xlsx", re.IGNORECASE)


class UnknownNameError(ValueError):
    """A name that is not valid. The message lists the nearest valid names."""


def series_key(state: str, city: str, milk: str, channel: str) -> str:
    """The key of a series: `state/city/milk/channel`, each part a slug.

    Args:
        state: any spelling; a state that is not in the table keeps its own name.
        city: as state.
        milk: a spelling of pasteurised or UHT, in Spanish or English.
        channel: a spelling of store or supermarket, in Spanish or English.

    Raises:
        UnknownNameError: milk or channel is not valid.
    """
    return "/".join((slug(canonical_name(state)), slug(canonical_name(city)), find_milk(milk), find_channel(channel)))


def find_milk(text: str) -> str:
    """Translate a Spanish or English word to `pasteurised` or `uht`. Raises UnknownNameError."""
    return _look_up(text, _milk_words(), "milk")


def find_channel(text: str) -> str:
    """Translate a Spanish or English word to `store` or `supermarket`. Raises UnknownNameError."""
    return _look_up(text, _channel_words(), "channel")


@lru_cache(maxsize=4096)
def canonical_name(text: str) -> str:
    """The project's spelling of a place. A place that is not in the table keeps its own, without surplus blanks."""
    return _canonical_by_slug().get(slug(text)) or " ".join(text.split())


def source_place(state: str, city: str) -> tuple[str, str]:
    """The source's spelling of a canonical state and city, without surplus blanks, for output that is compared with its workbooks.

    A place that is not in the table is returned as it is.
    """
    return _source_by_canonical().get((state, city), (state, city))


@lru_cache(maxsize=1)
def known_places() -> Mapping[str, tuple[str, ...]]:
    """Canonical state → its canonical cities. `Nacional` has the two averages in place of cities."""
    places = {canonical_name(state): tuple(canonical_name(city) for city in cities) for state, cities in PLACES}
    return {**places, NATIONAL: tuple(AVERAGES.values())}


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """Every valid spelling, for the snapshot that the endpoint loads."""
    return Vocabulary(_canonical_by_slug(), _milk_words(), _channel_words())


def file_name(day: date) -> str:
    """The source's name for the workbook of a publication date: `Leche31032025.xlsx`."""
    return f"Leche{day:%d%m%Y}.xlsx"


def day_of_file(name: str) -> date | None:
    """The publication date in a workbook's file name; None when the name is not of that form or the date does not exist."""
    match = _FILE_NAME.fullmatch(name)
    if match is None:
        return None
    try:
        return datetime.strptime(match[1], "%d%m%Y").date()  # noqa: DTZ007 (a date has no zone)
    except ValueError:
        return None


def _look_up(word: str, name_by_slug: Mapping[str, str], kind: str) -> str:
    """The canonical name of a word. kind: what the names are, for the message. Raises UnknownNameError."""
    name = name_by_slug.get(word) or name_by_slug.get(slug(word))  # most words are slugs already
    if name is not None:
        return name
    nearest = difflib.get_close_matches(slug(word), name_by_slug, n=3, cutoff=0.5)
    suggestions = dict.fromkeys(name_by_slug[near] for near in nearest) or sorted(set(name_by_slug.values()))
    raise UnknownNameError(f"unknown {kind} {word!r}; expected {' or '.join(suggestions)}")


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
