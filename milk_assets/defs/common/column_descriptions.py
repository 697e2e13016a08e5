"""What the columns of stored tables mean, for the schema that the Dagster UI shows.

Belongs here: column → meaning and unit. Which columns a table has is decided where it is computed.
"""

PRICES = {
    "publication": "publication date, as the workbook states it",
    "series": "key: state/city/milk/channel",
    "price": "MXN per litre, consumer price; null where the source has none",
    "kept": "kept, or why the price is null: blank or zero",
}
FEATURES = {
    "origin": "publication date on which all of the row was known",
    "series": "key: state/city/milk/channel",
    "last_price": "MXN per litre: the newest price on or before the origin",
    "room": "highest price of the last 36 publications minus the last price, MXN",
    "above_mean_24": "last price minus the mean of the 24 publications before it, MXN",
    "above_mean_6": "last price minus the mean of the 6 publications before it, MXN",
    "last_move": "change from the previous publication, MXN",
    "change_rate": "share of publications at which the series changed",
    "recent_rate": "the same share, weighted toward the newest publications",
    "staleness": "publications since the last change",
    "above_peers": "gap to the mean of its milk and channel, minus the usual gap of the series, MXN",
    "last_change": "size of the last change, MXN",
}
FORECASTS = {
    "origin": "newest publication that was known",
    "level": "city, or national for the two averages",
    "series": "key: state/city/milk/channel",
    "task": "publication or month",
    "lead": "publications or months ahead; month 0 is the current one",
    "target": "expected publication date, or first day of the month",
    "no_change": "MXN per litre: the last price carried forward",
    "forecast": "MXN per litre",
    "lo80": "MXN per litre; lower bound of the 80 % interval",
    "hi80": "MXN per litre; upper bound of the 80 % interval",
    "lo95": "MXN per litre; lower bound of the 95 % interval",
    "hi95": "MXN per litre; upper bound of the 95 % interval",
    "p_up": "probability that the price rises",
    "p_same": "probability that the price does not change",
    "p_down": "probability that the price falls",
    "trust": "weight of the model against no change, 0 to 1",
}
BACKTEST = FORECASTS | {
    "model": "challenger, champion or baseline",
    "actual": "MXN per litre: the published price",
}
TRACK_RECORD = FORECASTS | {
    "role": "champion (served) or challenger (shadow)",
    "model_version": "version in the model registry",
    "actual": "MXN per litre: the published price, or its mean over the month",
}
RESTATEMENTS = {
    "publication": "past date whose price changed",
    "series": "key: state/city/milk/channel",
    "old": "MXN per litre in the previous vintage; null for none",
    "new": "MXN per litre in this vintage; null for none",
    "kind": "changed, removed or added",
}
