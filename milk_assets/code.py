"""The version of the training code: a fingerprint of the files that decide what a model learns.

Belongs here: the fingerprint. Retraining on a change of it is `automation`'s and the sensors' business.
"""

import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
# of the endpoint's package only what a model is made of and scored by: another route is no other model
SCORING = ("averages", "columns", "distribution", "features", "forecaster", "structure", "targets")
HELD = "milk_assets/monitoring/quarantine.py"  # which prices a model learns from
TRAINING = ("milk_assets/forecasting", HELD, *(f"lambda_service/{module}.py" for module in SCORING))


@cache
def training_code(root: Path = ROOT) -> str:
    """First twelve hex digits of the sha256 over the training code's paths and texts; comments count, which errs on retraining."""
    digest = hashlib.sha256()
    for place in TRAINING:
        path = root / place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
