"""Detecting problems in feed, prices and forecasts."""
