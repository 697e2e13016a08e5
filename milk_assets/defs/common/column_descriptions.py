"""What the columns of shared tables mean, for the schema that the UI shows."""

FORECASTS = {
    "origin": "newest publication that was known",
    "level": "city, or national for the two averages",
    "series": "key: state/city/milk/channel",
    "task": "publication or month",
    "lead": "publications or months ahead; month 0 is the running one",
    "target": "expected publication date, or first day of the month",
    "no_change": "MXN per litre: the last price carried forward",
    "forecast": "MXN per litre",
    "lo80": "MXN per litre; lower end of the 80 % interval",
    "hi80": "MXN per litre; upper end of the 80 % interval",
    "lo95": "MXN per litre; lower end of the 95 % interval",
    "hi95": "MXN per litre; upper end of the 95 % interval",
    "p_up": "probability that the price rises",
    "p_same": "probability that it stays",
    "p_down": "probability that it falls",
    "trust": "weight of the model against no change, 0 to 1",
}
