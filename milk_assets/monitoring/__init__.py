"""Monitoring: detecting problems in the data and the forecasts, alerts about them, and the dashboard."""
