"""What `cdk`, `deploy` and `grafana` import of the project: names and constants, so that they run without the platform's dependencies."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT_PACKAGES = ("milk_assets", "milk_model", "lambda_service")
ALLOWED = {
    "cdk": {"milk_assets.resource_names", "milk_model.artefact_paths", "lambda_service.health_check"},
    "deploy": {"milk_assets.resource_names", "milk_model.artefact_paths", "lambda_service.health_check"},
    "grafana": {"milk_assets.resource_names", "milk_assets.monitoring.detection.live_accuracy", "milk_model.artefact_paths"},
}


def imported_modules(source: str) -> set[str]:
    """Return the modules of the project that a source text imports."""
    modules: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                submodule = ROOT.joinpath(*node.module.split("."), f"{alias.name}.py")
                modules.add(f"{node.module}.{alias.name}" if submodule.exists() else node.module)
    return {module for module in modules if module.split(".")[0] in PROJECT_PACKAGES}


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_infrastructure_code_imports_only_names_and_constants(package: str) -> None:
    files = [file for file in (ROOT / package).rglob("*.py") if "node_modules" not in file.parts]
    assert files
    imports = {file.name: imported_modules(file.read_text("utf-8")) for file in files}
    assert {name: modules - ALLOWED[package] for name, modules in imports.items() if modules - ALLOWED[package]} == {}


def test_an_import_of_the_settings_module_is_found() -> None:
    assert imported_modules("from milk_assets import settings") == {"milk_assets.settings"}
    assert imported_modules("from milk_assets.settings import Environment") == {"milk_assets.settings"}


def test_resource_names_needs_only_the_standard_library() -> None:
    assert imported_modules((ROOT / "milk_assets" / "resource_names.py").read_text("utf-8")) == set()
