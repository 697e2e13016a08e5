"""What watches the feed, the prices and the forecasts."""
