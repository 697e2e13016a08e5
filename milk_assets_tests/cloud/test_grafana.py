"""Grafana's dashboards: the committed JSON is what the code writes, is of Grafana's schema, and asks for metrics that exist."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.__main__ import DASHBOARDS, FOLDER, written
from milk_assets.commands import metrics_server

FILES = sorted(DASHBOARDS)


def committed(name: str) -> dict[str, Any]:
    return dict(json.loads((FOLDER / name).read_text()))


@pytest.mark.parametrize("name", FILES)
def test_the_committed_dashboard_is_what_the_code_writes(name: str) -> None:
    assert (FOLDER / name).read_text() == written()[name], "run `python -m grafana` and commit what it writes"


def round_trip(document: dict[str, Any]) -> dict[str, Any]:
    """The document as Grafana's own types, made from its schema, read and write it: what they do not know is gone."""
    return dict(json.loads(JSONEncoder().encode(Dashboard.from_json(document))))


@pytest.mark.parametrize("name", FILES)
def test_a_dashboard_holds_nothing_but_what_grafanas_schema_knows(name: str) -> None:
    assert round_trip(committed(name)) == committed(name)
    assert round_trip(committed(name) | {"titel": "x"}) != committed(name) | {"titel": "x"}


@pytest.mark.parametrize("name", FILES)
def test_panels_have_numbers_of_their_own_and_do_not_overlap(name: str) -> None:
    panels = committed(name)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
        assert panel["type"] == "row" or (panel["targets"] and panel["datasource"] == {"uid": "${source}"})


def expressions() -> list[str]:
    return [target["expr"] for panel in committed("platform.json")["panels"] for target in panel.get("targets", [])]


def test_every_metric_that_is_asked_for_is_one_that_the_endpoint_shows() -> None:
    shown = set(re.findall(r'"(milk_\w+)"', Path(metrics_server.__file__).read_text()))
    asked = set(re.findall(r"milk_\w+", " ".join(expressions())))
    assert len(asked) > 10
    assert asked <= shown, asked - shown


def test_prometheus_understands_every_expression(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool on this machine (Debian's package prometheus)")

    def checked(found: list[str]) -> int:
        rules = [{"record": f"dashboard:{place}", "expr": expression} for place, expression in enumerate(found)]
        file = tmp_path / "rules.json"  # JSON is YAML
        file.write_text(json.dumps({"groups": [{"name": "dashboards", "rules": rules}]}))
        return subprocess.run([promtool, "check", "rules", str(file)], capture_output=True, timeout=30, check=False).returncode

    assert checked(expressions()) == 0
    assert checked(["sum(milk_incidents_open"]) != 0
