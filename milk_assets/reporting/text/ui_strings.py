"""UI strings: navigation, controls, legends and notes of the HTML page, and what its script writes.

Belongs here: fixed words of the page. Not here: words about figures, which are next to the figures (`sections`, `charts`).
"""

from milk_assets.reporting.text.bilingual import BilingualText

PAGE = {
    "brand": BilingualText("Precios de la leche", "Milk prices"),
    "skip": BilingualText("Ir al contenido", "Skip to content"),
    "scope": BilingualText("México · al consumidor · pesos por litro", "Mexico · consumer prices · pesos per litre"),
    "warnings": BilingualText("Avisos", "Warnings"),
    "summary": BilingualText("Resumen", "Summary"),
    "sections": BilingualText("Secciones", "Sections"),
    "prices_of": BilingualText("Precios del", "Prices of"),
    "next": BilingualText("Próxima publicación esperada", "Next publication expected"),
    "coverage": BilingualText("Cobertura", "Coverage"),
    "model": BilingualText("Modelo", "Model"),
    "answers": BilingualText("Cinco respuestas", "Five answers"),
    "weighted": BilingualText("Ponderado por población", "Weighted by population"),
    "rows": BilingualText("renglones", "rows"),
    "more": BilingualText("renglones más, en los archivos", "more rows, in the files"),
    "files": BilingualText("Archivos", "Files"),
    "archive": BilingualText("Boletines anteriores", "Past reports"),
    "dashboard": BilingualText("Tablero de vigilancia", "Monitoring dashboard"),
    "source": BilingualText("Precios al consumidor en pesos por litro", "Consumer prices in pesos per litre"),
    "official": BilingualText("SNIIM, Secretaría de Economía", "SNIIM, Secretaría de Economía"),
    "sample": BilingualText("De muestra, generados, no oficiales", "Sample, generated, not official"),
    "borders": BilingualText("Límites estatales: Natural Earth, dominio público", "State borders: Natural Earth, public domain"),
    "language": BilingualText("Idioma", "Language"),
}
LEGEND = {
    "history": BilingualText("cada publicación", "each publication"),
    "mean": BilingualText("promedio del mes", "mean of the month"),
    "ahead": BilingualText("pronóstico del mes", "forecast of the month"),
    "before": BilingualText("pronóstico anterior", "previous forecast"),
    "80": BilingualText("intervalo de 80 %", "80 % interval"),
    "95": BilingualText("intervalo de 95 %", "95 % interval"),
}
SAME_SCALE_NOTE = BilingualText(
    "Promedio aritmético nacional; la misma escala de pesos en los cuatro.",
    "Simple national mean; the same scale of pesos in all four.",
)
STRIPS_NOTE = BilingualText(
    "Cada punto es una ciudad; la raya, el promedio nacional; los nombres, la más barata y la más cara.",
    "Each dot is a city; the bar, the national mean; the names, the cheapest and the dearest.",
)
ERRORS_NOTE = BilingualText(
    "Error medio de cada publicación, en centavos: pronóstico (azul) y «sin cambio» (gris).",
    "Mean error of each publication, in centavos: forecast (blue) and “no change” (grey).",
)
EXPLORER = {
    "title": BilingualText("Explorador de series", "Series explorer"),
    "lead": BilingualText(
        "Elija una serie para ver su historia y su pronóstico; filtre y ordene. La dirección de la página guarda lo elegido.",
        "Choose a series to see its history and forecast; filter and sort. The page's address keeps what was chosen.",
    ),
    "state": BilingualText("Estado", "State"),
    "city": BilingualText("Ciudad", "City"),
    "milk": BilingualText("Leche", "Milk"),
    "channel": BilingualText("Canal", "Channel"),
    "all_states": BilingualText("Todos los estados", "All states"),
    "all_cities": BilingualText("Todas las ciudades", "All cities"),
    "all_milks": BilingualText("Ambas leches", "Both milks"),
    "all_channels": BilingualText("Ambos canales", "Both channels"),
    "clear_all": BilingualText("Quitar filtros", "Clear filters"),
}
MAP = {
    "view": BilingualText("Mercado", "Market"),
    "kind": BilingualText("Color", "Colour"),
    "price": BilingualText("Precio", "Price"),
    "change": BilingualText("Cambio en un mes", "Change in a month"),
    "none": BilingualText("sin precio", "no price"),
    "hint": BilingualText("Toque un estado para filtrar el explorador.", "Touch a state to filter the explorer."),
}
SCRIPT_STRINGS = {
    "hint": MAP["hint"],
    "of": BilingualText("de", "of"),
    "series": BilingualText("series", "series"),
    "month": BilingualText("Mes", "Month"),
    "forecast": BilingualText("Pronóstico", "Forecast"),
    "interval": BilingualText("Intervalo de 80 %", "80 % interval"),
    "no_change": BilingualText("Contra sin cambio", "Against no change"),
    "previous": BilingualText("Contra el anterior", "Against previous"),
    "publication": BilingualText("Publicación", "Publication"),
    "down": BilingualText("Baja", "Down"),
    "same": BilingualText("Igual", "Same"),
    "up": BilingualText("Sube", "Up"),
    "last": BilingualText("último precio", "last price"),
    "sort": BilingualText("Ordenar por", "Sort by"),
    "chart": BilingualText("Historia y pronóstico de", "History and forecast of"),
    "no_price": BilingualText("sin precio", "no price"),
    "none": BilingualText("Ninguna serie cumple los filtros.", "No series meets the filters."),
    "read": BilingualText(
        "Mueva el puntero, o las flechas con la gráfica elegida, para leer cada fecha.",
        "Move the pointer, or the arrow keys with the chart chosen, to read each date.",
    ),
    "months": BilingualText("ene feb mar abr may jun jul ago sep oct nov dic", "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"),
}
"""What the script writes by itself: the Spanish. It finds the English in the page's dictionary."""
