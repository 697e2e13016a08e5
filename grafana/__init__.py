"""Grafana's dashboards as code: `python -m grafana` writes their JSON beside this file."""
