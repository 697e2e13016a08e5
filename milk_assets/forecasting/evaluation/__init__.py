"""Evaluation: backtests and scores."""
