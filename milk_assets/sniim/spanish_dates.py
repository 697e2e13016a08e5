"""Spanish names of months and weekdays, as the source writes them and as the reports print them.

Belongs here: those two tables. Not here: reading a date (`sniim.sheet_blocks`) and writing one (`reporting.text.formatting`).
They are written by hand and not taken from a locale library, because reading a fixed source format must not change with a
library's locale data.
"""

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
WEEKDAYS = ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo")  # in the order of `date.weekday()`
