"""Fitting, calibrating and tuning a model."""
