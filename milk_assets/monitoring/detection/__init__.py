"""Detection: problems in the feed, the prices and the forecasts."""
