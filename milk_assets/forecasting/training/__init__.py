"""Training: fitting, calibrating and tuning a model."""
