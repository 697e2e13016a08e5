"""Alerts: from observations to incidents and messages."""
