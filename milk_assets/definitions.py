"""The code location: what `dagster dev`, `dagster asset materialize` and `dg` load."""

from milk_assets.build import build_definitions
from milk_assets.environment import Environment

defs = build_definitions(Environment.from_env())
