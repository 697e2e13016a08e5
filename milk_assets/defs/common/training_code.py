"""The version of the training code: a fingerprint of the code that decides what a model learns.

Belongs here: the fingerprint. Whether a change of it starts a training is decided in `defs.automation.decisions`.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
PROJECT_PACKAGES = ("milk_assets", "milk_model", "lambda_service")
# What a model is made of and scored by. Reading and naming its files (bundle, snapshot, artefact_paths) does not change a model.
SCORING_MODULES = ("averages", "distribution", "drift", "features", "forecast_columns", "forecaster", "targets", "task_model")
QUARANTINE = "milk_assets/monitoring/detection/quarantine.py"  # which prices a model learns from
TRAINING_CODE = ("milk_assets/forecasting", QUARANTINE, *(f"milk_model/{module}.py" for module in SCORING_MODULES))


@cache
def training_code(root: Path = ROOT) -> str:
    """First twelve hex digits of a sha256 over the training code.

    Neither a file's path and name nor comments, docstrings and imports from this project count, so moving a file or editing its
    documentation starts no training.
    """
    files = [
        file
        for path in TRAINING_CODE
        for file in (sorted((root / path).rglob("*.py")) if (root / path).is_dir() else [root / path])
    ]
    digests = sorted(hashlib.sha256(normalised(file.read_text("utf-8")).encode()).hexdigest() for file in files)
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()[:12]


def normalised(source: str) -> str:
    """Python source without comments, docstrings and imports from this project, in one layout."""
    return ast.unparse(ast.fix_missing_locations(_WithoutDocumentation().visit(ast.parse(source))))


class _WithoutDocumentation(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return ast.Pass() if is_text else node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        return ast.Pass() if (node.module or "").split(".")[0] in PROJECT_PACKAGES else node
