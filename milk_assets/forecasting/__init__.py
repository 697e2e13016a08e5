"""Forecasts of milk prices: panel, features, model, intervals, tuning, backtest. Pure: frames and plain values in and out."""
