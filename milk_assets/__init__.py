"""Forecasts of Mexico's official milk prices, as a Dagster asset graph. Importing this package imports nothing heavy."""
