"""The page's own words: navigation, controls, legends, and what its script says.

Belongs here: fixed words of the page. Words about figures are beside the figures.
"""

from milk_assets.reporting.text.bilingual import Text

PAGE = {
    "brand": Text("Precios de la leche", "Milk prices"),
    "skip": Text("Ir al contenido", "Skip to content"),
    "scope": Text("México · al consumidor · pesos por litro", "Mexico · consumer prices · pesos per litre"),
    "warnings": Text("Avisos", "Warnings"),
    "summary": Text("Resumen", "Summary"),
    "sections": Text("Secciones", "Sections"),
    "prices_of": Text("Precios del", "Prices of"),
    "next": Text("Próxima publicación esperada", "Next publication expected"),
    "coverage": Text("Cobertura", "Coverage"),
    "model": Text("Modelo", "Model"),
    "answers": Text("Cinco respuestas", "Five answers"),
    "weighted": Text("Ponderado por población", "Weighted by population"),
    "rows": Text("renglones", "rows"),
    "more": Text("renglones más, en los archivos", "more rows, in the files"),
    "files": Text("Archivos", "Files"),
    "archive": Text("Boletines anteriores", "Past reports"),
    "dashboard": Text("Tablero de vigilancia", "Monitoring dashboard"),
    "source": Text("Precios al consumidor en pesos por litro", "Consumer prices in pesos per litre"),
    "official": Text("SNIIM, Secretaría de Economía", "SNIIM, Secretaría de Economía"),
    "sample": Text("De muestra, generados, no oficiales", "Sample, generated, not official"),
    "borders": Text("Límites estatales: Natural Earth, dominio público", "State borders: Natural Earth, public domain"),
    "language": Text("Idioma", "Language"),
}
LEGEND = {
    "history": Text("cada publicación", "each publication"),
    "mean": Text("promedio del mes", "mean of the month"),
    "ahead": Text("pronóstico del mes", "forecast of the month"),
    "before": Text("pronóstico anterior", "previous forecast"),
    "80": Text("intervalo de 80 %", "80 % interval"),
    "95": Text("intervalo de 95 %", "95 % interval"),
}
SAME_SCALE = Text(
    "Promedio aritmético nacional; la misma escala de pesos en los cuatro.",
    "Simple national mean; the same scale of pesos in all four.",
)
STRIPS = Text(
    "Cada punto es una ciudad; la raya, el promedio nacional; los nombres, la más barata y la más cara.",
    "Each dot is a city; the bar, the national mean; the names, the cheapest and the dearest.",
)
ERRORS = Text(
    "Error medio de cada publicación, en centavos: pronóstico (azul) y «sin cambio» (gris).",
    "Mean error of each publication, in centavos: forecast (blue) and “no change” (grey).",
)
EXPLORER = {
    "title": Text("Explorador de series", "Series explorer"),
    "lead": Text(
        "Elija una serie para ver su historia y su pronóstico; filtre y ordene. La dirección de la página guarda lo elegido.",
        "Choose a series to see its history and forecast; filter and sort. The page's address keeps what was chosen.",
    ),
    "state": Text("Estado", "State"),
    "city": Text("Ciudad", "City"),
    "milk": Text("Leche", "Milk"),
    "channel": Text("Canal", "Channel"),
    "all_states": Text("Todos los estados", "All states"),
    "all_cities": Text("Todas las ciudades", "All cities"),
    "all_milks": Text("Ambas leches", "Both milks"),
    "all_channels": Text("Ambos canales", "Both channels"),
    "clear_all": Text("Quitar filtros", "Clear filters"),
}
MAP = {
    "view": Text("Mercado", "Market"),
    "kind": Text("Color", "Colour"),
    "price": Text("Precio", "Price"),
    "change": Text("Cambio en un mes", "Change in a month"),
    "none": Text("sin precio", "no price"),
    "hint": Text("Toque un estado para filtrar el explorador.", "Touch a state to filter the explorer."),
}
SCRIPT = {
    "hint": MAP["hint"],
    "of": Text("de", "of"),
    "series": Text("series", "series"),
    "month": Text("Mes", "Month"),
    "forecast": Text("Pronóstico", "Forecast"),
    "interval": Text("Intervalo de 80 %", "80 % interval"),
    "no_change": Text("Contra sin cambio", "Against no change"),
    "previous": Text("Contra el anterior", "Against previous"),
    "publication": Text("Publicación", "Publication"),
    "down": Text("Baja", "Down"),
    "same": Text("Igual", "Same"),
    "up": Text("Sube", "Up"),
    "last": Text("último precio", "last price"),
    "sort": Text("Ordenar por", "Sort by"),
    "chart": Text("Historia y pronóstico de", "History and forecast of"),
    "no_price": Text("sin precio", "no price"),
    "none": Text("Ninguna serie cumple los filtros.", "No series meets the filters."),
    "read": Text(
        "Mueva el puntero, o las flechas con la gráfica elegida, para leer cada fecha.",
        "Move the pointer, or the arrow keys with the chart chosen, to read each date.",
    ),
    "months": Text("ene feb mar abr may jun jul ago sep oct nov dic", "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"),
}
"""What the script writes by itself; it finds the Spanish here and the English in the page's dictionary."""
