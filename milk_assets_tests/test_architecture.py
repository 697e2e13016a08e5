"""Imports go one way: one table says what each package may import, and a test fails on any other import."""

import ast
import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from milk_assets.defs.common.training_code import QUARANTINE, SCORING_MODULES, TRAINING_CODE
from milk_assets.stores.layers.layer import Layer

ROOT = Path(__file__).parent.parent
PACKAGES = ("milk_model", "lambda_service", "milk_assets")
DOMAIN = (
    "milk_assets.frames",
    "milk_assets.sniim",
    "milk_assets.forecasting",
    "milk_assets.promotion",
    "milk_assets.monitoring",
    "milk_assets.reporting",
)
THIRD_PARTY_IN_DOMAIN = ("dagster", "dagster_mlflow", "requests", "boto3", "obstore")
LARGEST_FOLDER = 14  # modules and subfolders, `__init__` aside: a folder that a newcomer can read at one glance

# Package or module → what of the project it may import, besides itself and its subpackages. The longest prefix of a module's name counts.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "milk_model": (),
    "milk_assets.frames": (),
    "lambda_service": ("milk_model",),
    "lambda_service.serving": ("milk_model",),
    "lambda_service.api": ("lambda_service.serving", "milk_model"),
    # domain packages: no Dagster, no clock, no connection
    "milk_assets.sniim": ("milk_model",),
    "milk_assets.sniim.samples": ("milk_assets.sniim", "milk_model"),
    "milk_assets.forecasting": ("milk_assets.frames", "milk_assets.sniim", "milk_model"),
    "milk_assets.forecasting.training": ("milk_assets.forecasting", "milk_assets.sniim", "milk_model"),
    "milk_assets.forecasting.evaluation": ("milk_assets.forecasting", "milk_assets.frames", "milk_assets.sniim", "milk_model"),
    "milk_assets.presentation": (),  # templates and charts that monitoring and reporting share
    "milk_assets.promotion": ("milk_model",),
    "milk_assets.monitoring.detection": (
        "milk_assets.promotion",
        "milk_assets.resource_names",
        "milk_assets.settings",
        "milk_assets.sniim",
        "milk_model",
    ),
    "milk_assets.monitoring.alerts": ("milk_assets.monitoring.detection",),
    "milk_assets.monitoring.dashboard": (
        "milk_assets.monitoring.alerts",
        "milk_assets.monitoring.detection",
        "milk_assets.presentation",
        "milk_assets.sniim.names",
    ),
    "milk_assets.reporting.text": ("milk_assets.sniim",),
    "milk_assets.reporting.model": ("milk_assets.reporting.text", "milk_assets.sniim"),
    "milk_assets.reporting.sections": ("milk_assets.reporting.model", "milk_assets.reporting.text", "milk_assets.sniim"),
    "milk_assets.reporting.charts": (
        "milk_assets.presentation",
        "milk_assets.reporting.model",
        "milk_assets.reporting.text",
        "milk_model",
    ),
    "milk_assets.reporting.file_names": (),
    "milk_assets.reporting.formats": (
        "milk_assets.reporting.file_names",
        "milk_assets.presentation",
        "milk_assets.reporting.charts",
        "milk_assets.reporting.model",
        "milk_assets.reporting.sections.outlook",
        "milk_assets.reporting.text",
        "milk_assets.sniim",
    ),
    "milk_assets.reporting.build_report": (
        "milk_assets.reporting.sections",
        "milk_assets.reporting.model",
        "milk_assets.reporting.text",
    ),
    # the platform
    "milk_assets.resource_names": (),
    "milk_assets.settings": ("milk_assets.resource_names", "milk_assets.sniim.names"),
    "milk_assets.stores": (
        *DOMAIN,
        "milk_assets.resource_names",
        "milk_assets.settings",
        "milk_model",
    ),
    "milk_assets.defs.common": (*DOMAIN, "milk_assets.resource_names", "milk_assets.settings", "milk_model"),
    "milk_assets.defs.resources": (*DOMAIN, "milk_assets.resource_names", "milk_assets.settings"),
    "milk_assets.defs.assets": (
        *DOMAIN,
        "milk_assets.defs.common",
        "milk_assets.defs.resources",
        "milk_assets.resource_names",
        "milk_assets.settings",
        "milk_assets.stores",
        "milk_model",
    ),
    "milk_assets.defs.assets.monitoring": (
        *DOMAIN,
        "milk_assets.defs.assets",
        "milk_assets.defs.common",
        "milk_assets.resource_names",
        "milk_assets.settings",
        "milk_assets.stores",
        "milk_model",
    ),
    "milk_assets.defs.automation": (
        *DOMAIN,
        "milk_assets.defs.assets",
        "milk_assets.defs.common",
        "milk_assets.defs.resources",
        "milk_assets.resource_names",
        "milk_assets.settings",
        "milk_assets.stores",
        "milk_model",
        "lambda_service.health_check",
    ),
    "milk_assets.defs.build": (
        "milk_assets.defs.assets",
        "milk_assets.defs.automation",
        "milk_assets.defs.resources",
        "milk_assets.resource_names",
        "milk_assets.settings",
        "milk_assets.stores",
    ),
    "milk_assets.commands": (
        *DOMAIN,
        "milk_assets.defs",
        "milk_assets.resource_names",
        "milk_assets.settings",
        "milk_assets.stores",
        "milk_model",
        "lambda_service",
    ),
    "milk_assets.definitions": ("milk_assets.defs.build", "milk_assets.resource_names", "milk_assets.settings"),
    "milk_assets.__main__": (
        "milk_assets.commands",
        "milk_assets.defs.build",
        "milk_assets.resource_names",
        "milk_assets.settings",
    ),
}


@cache
def imports_of(package: str) -> dict[str, frozenset[str]]:
    """Module name → full names it imports, wherever in the module."""
    result: dict[str, frozenset[str]] = {}
    for file in sorted((ROOT / package).rglob("*.py")):
        module = file.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
        names: set[str] = set()
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
        result[module] = frozenset(names)
    return result


def all_imports() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        for module, names in imports_of(package).items():
            yield from ((module, name) for name in sorted(names))


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def rule_of(module: str) -> str | None:
    """The longest entry of the table that covers a module."""
    return max((package for package in MAY_IMPORT if within(module, package)), key=len, default=None)


def is_allowed(module: str, imported: str) -> bool:
    package = rule_of(module)
    if package is None:
        return not any(within(imported, other) for other in PACKAGES)
    if not any(within(imported, other) for other in PACKAGES):
        return True
    # what the package itself holds, but not a subpackage's own parent: that must be in the table
    return rule_of(imported) == package or any(within(imported, allowed) for allowed in (package, *MAY_IMPORT[package]))


def test_imports_point_down_only() -> None:
    assert [f"{module} imports {name}" for module, name in all_imports() if not is_allowed(module, name)] == []


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("milk_model.features", "milk_assets.settings.TIMEZONE"),
        ("lambda_service.api.routes", "milk_assets.settings"),
        ("milk_assets.stores.lake", "milk_assets.defs.common.partitions"),
        ("milk_assets.promotion.gate", "milk_assets.stores.lake.Lake"),
        ("milk_assets.defs.assets.data.prices", "milk_assets.defs.automation.jobs"),
        ("milk_assets.monitoring.detection.feed", "milk_assets.monitoring.alerts.rules"),
        ("milk_assets.reporting.model.report", "milk_assets.reporting.sections.movers"),
        ("milk_assets.reporting.text.formatting", "milk_assets.reporting.model.report"),
        ("milk_assets.presentation.svg_axes", "milk_assets.reporting.text.formatting"),
    ],
)
def test_an_import_that_points_up_is_found(module: str, imported: str) -> None:
    assert not is_allowed(module, imported)


def test_every_module_of_the_platform_has_a_rule() -> None:
    modules = [module for package in PACKAGES for module in imports_of(package)]
    packages = {
        "milk_assets",
        "milk_assets.defs",
        "milk_assets.monitoring",
        "milk_assets.reporting",
    }  # their __init__ holds a docstring
    assert [module for module in modules if rule_of(module) is None and module not in packages] == []


def test_no_folder_is_too_full_to_read_at_a_glance() -> None:
    for package in (*PACKAGES, "cdk", "deploy"):
        for folder in [ROOT / package, *(path for path in (ROOT / package).rglob("*") if path.is_dir())]:
            entries = [
                path.name
                for path in folder.iterdir()
                if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").exists()
            ]
            assert len(entries) <= LARGEST_FOLDER, f"{folder.relative_to(ROOT)}: {sorted(entries)}"


@pytest.mark.parametrize("package", DOMAIN)
def test_domain_code_imports_neither_dagster_nor_a_client(package: str) -> None:
    found = [(module, name) for module, name in all_imports() if within(module, package)]
    assert found, f"{package} is empty"
    assert [pair for pair in found if any(within(pair[1], client) for client in THIRD_PARTY_IN_DOMAIN)] == []


def test_domain_code_has_no_mlflow_except_the_model_that_mlflow_loads() -> None:
    found = [
        module for module, name in all_imports() if within(name, "mlflow") and any(within(module, domain) for domain in DOMAIN)
    ]
    assert set(found) <= {"milk_assets.promotion.mlflow_pyfunc"}


@pytest.mark.parametrize("package", ["milk_model", "lambda_service"])
def test_what_serves_has_small_dependencies(package: str) -> None:
    heavy = ("dagster", "mlflow", "pandas", "scipy", "sklearn")
    assert [
        (module, name) for module, name in all_imports() if within(module, package) and any(within(name, x) for x in heavy)
    ] == []


def test_all_that_a_model_is_made_of_counts_as_training_code() -> None:
    """Every module of milk_model that training and scoring reach, except those that only read and name files."""
    reached: set[str] = set()
    waiting = {name for module, name in all_imports() if within(module, "milk_assets.forecasting")}
    model_modules = imports_of("milk_model")
    while waiting:
        name = waiting.pop()
        module = name if name in model_modules else name.rpartition(".")[0]
        if module in model_modules and module != "milk_model" and module not in reached:
            reached.add(module)
            waiting |= model_modules[module]
    files_only = {f"milk_model.{name}" for name in ("bundle", "artefact_paths", "earlier_formats", "xgboost_native")}
    assert reached - files_only == {f"milk_model.{name}" for name in SCORING_MODULES}
    assert set(TRAINING_CODE) == {"milk_assets/forecasting", QUARANTINE, *(f"milk_model/{name}.py" for name in SCORING_MODULES)}


def test_no_asset_module_imports_another() -> None:
    """Assets name their dependencies by key; paths and readers belong to `stores.layers`."""
    assets = "milk_assets.defs.assets"
    crossing = [(module, name) for module, name in all_imports() if within(module, assets) and within(name, assets)]
    assert crossing == []


def test_paths_of_the_lake_are_spelled_in_its_layers_only() -> None:
    """Renaming a stored file in `stores.layers` must not leave a copy of its name elsewhere, which would silence an alert."""
    names = {
        value.marker
        for layer in (ROOT / "milk_assets" / "stores" / "layers").glob("*.py")
        for value in vars(importlib.import_module(f"milk_assets.stores.layers.{layer.stem}")).values()
        if isinstance(value, Layer)
    }
    assert {"vintage.json", "feed.json", "drift.json", "forecasts.json"} <= names
    homes = {*(ROOT / "milk_assets" / "stores" / "layers").glob("*.py"), ROOT / "milk_assets" / "reporting" / "file_names.py"}
    copies = []
    for file in sorted({*(ROOT / "milk_assets").rglob("*.py")} - homes):
        source = file.read_text("utf-8")
        copies += [
            f"{file.relative_to(ROOT)}: {name}" for name in sorted(names) if f'"{name}"' in source or f'/{name}"' in source
        ]
    assert copies == []


def test_nothing_pickles() -> None:
    picklers = ("pickle", "cloudpickle", "joblib", "dill")
    assert [(module, name) for module, name in all_imports() if any(within(name, pickler) for pickler in picklers)] == []
