"""What readers get: forecasts and the daily report."""
