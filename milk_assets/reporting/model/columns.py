"""Columns that several tables share: the names of a series, its key, prices and forecast errors.

Belongs here: columns used by more than one section. Not here: columns of forecasts (`model.forecast_rows`) and of one table
(its section).
"""

from milk_assets.reporting.model.report import Column
from milk_assets.reporting.text.bilingual import BilingualText

STATE_COLUMN = Column("state", BilingualText("Estado", "State"))
CITY_COLUMN = Column("city", BilingualText("Ciudad", "City"))
MARKET_COLUMNS = (
    Column("milk", BilingualText("Leche", "Milk")),
    Column("channel", BilingualText("Canal", "Channel")),
)
SERIES_COLUMNS = (STATE_COLUMN, CITY_COLUMN, *MARKET_COLUMNS)
"""The four names of a series, with which most tables begin."""
SERIES_KEY = Column("series", BilingualText("Clave", "Key"))
"""The key of a series, for programs: the files hold it, the page does not print it."""
MARKET_LABEL = Column("segment", BilingualText("Mercado", "Market"))
"""Milk and channel in one column, as in "Pasteurizada, tiendas"."""
PUBLICATION = Column("publication", BilingualText("Publicación", "Publication"), "date")
TASK = Column("task", BilingualText("Pregunta", "Question"))
PRICE = Column("price", BilingualText("Precio", "Price"), "price")
PRICE_PER_LITRE = Column("price", BilingualText("MXN/l", "MXN/l"), "price")
CITY_COUNT = Column("cities", BilingualText("Ciudades", "Cities"), "count")

MAE = Column("mae", BilingualText("Error del pronóstico", "Error of the forecast"), "ratio")
MAE_NO_CHANGE = Column("mae_no_change", BilingualText("Error de «sin cambio»", "Error of “no change”"), "ratio")
COVERED = Column("covered", BilingualText("Dentro del 80 %", "Within 80 %"), "share")
