"""Grafana dashboards as code: `python -m grafana` writes them as JSON files to this folder."""
