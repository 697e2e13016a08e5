"""What the columns of stored tables mean, for the schema that the Dagster UI shows.

Belongs here: column → meaning and unit. Which columns a table has is decided where it is computed.
"""

FEATURES = {
    "origin": "publication date on which all of the row was known",
    "series": "key: state/city/milk/channel",
    "last_price": "MXN per litre: the newest price on or before the origin",
    "discount_depth": "highest price of the last 36 publications minus the last price, MXN",
    "above_mean_24": "last price minus the mean of the 24 publications before it, MXN",
    "above_mean_6": "last price minus the mean of the 6 publications before it, MXN",
    "last_move": "change from the previous publication, MXN",
    "change_rate": "share of publications at which the series changed",
    "recent_rate": "the same share, weighted toward the newest publications",
    "staleness": "publications since the last change",
    "above_peers": "gap to the mean of its milk and channel, minus the usual gap of the series, MXN",
    "last_change": "size of the last change, MXN",
}
RESTATEMENTS = {
    "publication": "past date whose price changed",
    "series": "key: state/city/milk/channel",
    "old": "MXN per litre in the previous vintage; null for none",
    "new": "MXN per litre in this vintage; null for none",
    "kind": "changed, removed or added",
}
