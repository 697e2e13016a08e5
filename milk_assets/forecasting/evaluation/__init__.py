"""Backtests and scores."""
