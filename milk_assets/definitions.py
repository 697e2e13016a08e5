"""The code location: what `dagster dev`, `dagster asset materialize` and `dg` load."""

from milk_assets.defs.build import build_definitions
from milk_assets.settings import Environment

defs = build_definitions(Environment.from_env())
