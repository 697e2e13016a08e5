"""Grafana dashboards: the committed JSON equals what the code writes, follows Grafana's schema, and queries existing metrics."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.__main__ import DASHBOARDS, FOLDER, dashboard_files
from milk_assets.commands import metrics_server

FILES = sorted(DASHBOARDS)


def committed(name: str) -> dict[str, Any]:
    return dict(json.loads((FOLDER / name).read_text()))


@pytest.mark.parametrize("name", FILES)
def test_the_committed_dashboard_equals_what_the_code_writes(name: str) -> None:
    assert (FOLDER / name).read_text() == dashboard_files()[name], "run `python -m grafana` and commit what it writes"


def round_trip(document: dict[str, Any]) -> dict[str, Any]:
    """Read and write a document with the types generated from Grafana's schema, which drop unknown keys."""
    return dict(json.loads(JSONEncoder().encode(Dashboard.from_json(document))))


@pytest.mark.parametrize("name", FILES)
def test_a_dashboard_has_no_key_outside_grafanas_schema(name: str) -> None:
    assert round_trip(committed(name)) == committed(name)
    assert round_trip(committed(name) | {"titel": "x"}) != committed(name) | {"titel": "x"}


@pytest.mark.parametrize("name", FILES)
def test_panels_have_unique_ids_and_do_not_overlap(name: str) -> None:
    panels = committed(name)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    occupied: set[tuple[int, int]] = set()
    for panel in panels:
        area = panel["gridPos"]
        cells = {(area["x"] + x, area["y"] + y) for x in range(area["w"]) for y in range(area["h"])}
        assert area["x"] + area["w"] <= 24
        assert not cells & occupied, panel["title"]
        occupied |= cells
        assert panel["type"] == "row" or (panel["targets"] and panel["datasource"] == {"uid": "${source}"})


def expressions() -> list[str]:
    return [target["expr"] for panel in committed("platform.json")["panels"] for target in panel.get("targets", [])]


def test_every_queried_metric_exists_in_the_metrics_server() -> None:
    exported = set(re.findall(r'"(milk_\w+)"', Path(metrics_server.__file__).read_text()))
    queried = set(re.findall(r"milk_\w+", " ".join(expressions())))
    assert len(queried) > 10
    assert queried <= exported, queried - exported


def test_every_expression_is_valid_promql(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian package prometheus)")

    def promtool_status(queries: list[str]) -> int:
        rules = [{"record": f"dashboard:{index}", "expr": query} for index, query in enumerate(queries)]
        file = tmp_path / "rules.json"  # JSON is YAML
        file.write_text(json.dumps({"groups": [{"name": "dashboards", "rules": rules}]}))
        return subprocess.run([promtool, "check", "rules", str(file)], capture_output=True, timeout=30, check=False).returncode

    assert promtool_status(expressions()) == 0
    assert promtool_status(["sum(milk_incidents_open"]) != 0
