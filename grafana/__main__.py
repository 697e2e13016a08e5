"""`python -m grafana`: write the dashboards' JSON, to be committed and imported by Grafana as it is.

Belongs here: which dashboards there are, and their files.
"""

from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.endpoint import endpoint
from grafana.platform import platform

FOLDER = Path(__file__).parent
DASHBOARDS = {"platform.json": platform, "endpoint.json": endpoint}


def written() -> dict[str, str]:
    """File name → its text. The same code gives the same text."""
    return {name: JSONEncoder(sort_keys=True, indent=1).encode(build()) + "\n" for name, build in DASHBOARDS.items()}


if __name__ == "__main__":
    for name, text in written().items():
        (FOLDER / name).write_text(text)
        print(FOLDER / name)
