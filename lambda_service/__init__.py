"""Scoring and serving of milk price forecasts: small dependencies, knows nothing of the platform."""
