"""Forecasts of milk prices: panel, features, model, training and evaluation. Pure functions: frames and plain values in and out."""
