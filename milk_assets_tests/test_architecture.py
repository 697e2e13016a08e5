"""Which room may know of which: arrows go one way."""

import ast
from pathlib import Path

import pytest

from milk_assets.code import HELD, TRAINING

ROOT = Path(__file__).parent.parent
DOMAIN = ("sniim", "forecasting", "promotion", "monitoring", "reporting")
COMMANDS = ("milk_assets/promotion/__main__.py",)  # the terminal's entries, which bring domain and platform together
OUTSIDE = ("dagster", "requests", "boto3", "obstore", "dagster_mlflow", "milk_assets.resources", "milk_assets.assets")


def imports(folder: Path) -> dict[str, set[str]]:
    """Module file → full names it imports, wherever in the file."""
    found = {}
    for file in sorted(folder.rglob("*.py")):
        names: set[str] = set()
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        found[file.relative_to(ROOT).as_posix()] = names
    return found


def offending(folder: Path, forbidden: tuple[str, ...], allowed: tuple[str, ...] = ()) -> list[str]:
    return [
        f"{file} imports {name}"
        for file, names in imports(folder).items()
        for name in sorted(names)
        if any(name == bad or name.startswith(f"{bad}.") for bad in forbidden) and file not in allowed
    ]


@pytest.mark.parametrize("room", DOMAIN)
def test_domain_code_knows_neither_dagster_nor_the_outside_world(room: str) -> None:
    folder = ROOT / "milk_assets" / room
    assert imports(folder), f"{room} is empty"
    assert offending(folder, OUTSIDE, allowed=COMMANDS) == []


def test_domain_code_has_no_mlflow_but_for_the_model_that_mlflow_loads() -> None:
    for room in DOMAIN:
        assert offending(ROOT / "milk_assets" / room, ("mlflow",), allowed=("milk_assets/promotion/pyfunc.py",)) == []


def test_serving_knows_nothing_of_the_platform_and_has_small_dependencies() -> None:
    assert offending(ROOT / "lambda_service", ("milk_assets", "dagster", "mlflow", "pandas", "scipy", "sklearn")) == []


def test_only_the_entries_import_build() -> None:
    entries = ("milk_assets/__main__.py", "milk_assets/definitions.py", "milk_assets/run.py", "milk_assets/demo.py", *COMMANDS)
    assert offending(ROOT / "milk_assets", ("milk_assets.build",), allowed=entries) == []


def test_what_a_model_is_made_of_is_in_the_version_of_the_training_code() -> None:
    """Everything of the endpoint's package that training and scoring reach, but for what only reads and names files."""
    of_endpoint = imports(ROOT / "lambda_service")
    reached: set[str] = set()
    waiting = {name for names in imports(ROOT / "milk_assets" / "forecasting").values() for name in names}
    while waiting:
        name = waiting.pop()
        file = f"{name.replace('.', '/')}.py"
        if file in of_endpoint and file not in reached:
            reached.add(file)
            waiting |= of_endpoint[file]
    assert "lambda_service/features.py" in reached
    assert reached - {f"lambda_service/{name}.py" for name in ("bundle", "layout", "booster")} == set(TRAINING) - {
        "milk_assets/forecasting",
        HELD,
    }


def test_nothing_pickles() -> None:
    for folder in ("milk_assets", "lambda_service"):
        assert offending(ROOT / folder, ("pickle", "cloudpickle", "joblib", "dill")) == []
