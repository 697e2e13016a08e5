"""`python -m grafana`: write the dashboards as JSON files, which are committed and which Grafana imports unchanged.

Belongs here: the list of dashboards and their file names.
"""

from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.endpoint_dashboard import endpoint_dashboard
from grafana.platform_dashboard import platform_dashboard

FOLDER = Path(__file__).parent
DASHBOARDS = {"platform.json": platform_dashboard, "endpoint.json": endpoint_dashboard}


def dashboard_files() -> dict[str, str]:
    """Return file name → content of each dashboard. The same code always gives the same content."""
    return {name: JSONEncoder(sort_keys=True, indent=1).encode(build()) + "\n" for name, build in DASHBOARDS.items()}


if __name__ == "__main__":
    for name, content in dashboard_files().items():
        (FOLDER / name).write_text(content)
        print(FOLDER / name)
