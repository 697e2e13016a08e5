"""Package: the endpoint and what it depends on, in one folder or zip file that AWS Lambda runs.

    python -m deploy.lambda_package --out DIR_OR_FILE.zip [--arch arm64|x86_64] [--model DIR]

Belongs here: what is shipped and what is left out. The container image holds the same folder. Made with pip, for the release of Python
that runs it, from the locked wheels of requirements/serving.txt. AWS runs it on Python 3.12 or later: 3.11 there has too old a glibc.
"""

from __future__ import annotations

import argparse
import compileall
import platform
import py_compile
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from milk_model.artefact_paths import SERVED

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements" / "serving.txt"
LARGEST = 250 * 1024**2  # bytes unzipped: AWS Lambda's limit on a zip package
BAKED = "lambda_service/baked"  # folder in the package of a model that serves when the artefact store does not answer
GLIBC = range(17, 35)  # 2.17 to 2.34, that of Amazon Linux 2023: wheels for any of them run there
MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
PATIENCE = 600.0  # seconds for pip
# Not needed to serve: tests, typing stubs, headers and static libraries, and all of xgboost but its library (see `booster`).
LEFT_OUT = ("**/tests", "**/*.pyi", "**/*.a", "**/*.lib", "numpy/**/include", "bin", "xgboost/**/*.py", "xgboost/**/*.pyc")
PACKAGES = ("milk_model", "lambda_service")
OURS_LEFT_OUT = ("__pycache__", "Dockerfile*")


def build(out: Path, arch: str, model: Path | None = None) -> int:
    """Make the package in the folder `out`, in place of one that stands there, and return its size in bytes.

    arch: of MACHINES. model: a folder laid out as the artefact store (serving/…, models/…), to be baked in. Raises RuntimeError where
    pip fails or the package is larger than Lambda takes, ValueError where `model` holds no model or `out` something else; `out` is
    then as before.
    """
    if model is not None and not (model / SERVED).is_file():
        raise ValueError(f"{model} holds no model: expected {SERVED} in it and what that names, as in the artefact store")
    if out.exists() and not (out / "lambda_service").is_dir() and any(out.iterdir()):
        raise ValueError(f"{out} holds something else than a package, and would be emptied: name another folder")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".package-") as folder:
        made = Path(folder) / "package"
        _install(made, arch)
        for name in PACKAGES:
            shutil.copytree(ROOT / name, made / name, ignore=shutil.ignore_patterns(*OURS_LEFT_OUT))
        for pattern in LEFT_OUT:
            for path in sorted(made.glob(pattern)):
                _remove(path)
        if model is not None:
            shutil.copytree(model, made / BAKED)
        # the package's folder is read-only in Lambda: what is not compiled here would be at every cold start
        compileall.compile_dir(
            made, quiet=2, stripdir=str(made), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH, force=True
        )
        size = sum(path.stat().st_size for path in _files(made))
        if size > LARGEST:
            raise RuntimeError(f"the package has {size:,} bytes, AWS Lambda takes {LARGEST:,}: leave something out")
        _remove(out)
        made.rename(out)
    return size


def build_zip(out: Path, arch: str, model: Path | None = None) -> int:
    """Make the package as the zip file `out`, and return its size in bytes unzipped. Otherwise as `build`."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "package"
        size = build(made, arch, model)
        out.parent.mkdir(parents=True, exist_ok=True)
        part = out.with_suffix(".part")
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in _files(made):
                # of one time and one mode, so that an equal package is an equal file
                entry = zipfile.ZipInfo(path.relative_to(made).as_posix(), (2020, 1, 1, 0, 0, 0))
                entry.external_attr, entry.compress_type = 0o755 << 16, zipfile.ZIP_DEFLATED
                archive.writestr(entry, path.read_bytes())
        part.replace(out)
    return size


def _install(target: Path, arch: str) -> None:
    machine = MACHINES[arch]
    tags = [word for glibc in reversed(GLIBC) for word in ("--platform", f"manylinux_2_{glibc}_{machine}")]
    tags += ["--platform", f"manylinux2014_{machine}"]
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-compile",
        "--only-binary",
        ":all:",
    ]
    command += ["--no-deps", "--require-hashes", "--requirement", str(REQUIREMENTS), "--target", str(target), *tags]
    run = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if run.returncode:
        raise RuntimeError(f"pip could not install {REQUIREMENTS.name} for {arch}: {run.stderr.strip()[-500:]}")


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m deploy.lambda_package", description="Package the endpoint for AWS Lambda.")
    parser.add_argument("--out", type=Path, required=True, help="the folder or .zip file to make")
    here = next((arch for arch, machine in MACHINES.items() if platform.machine() in {arch, machine}), "x86_64")
    parser.add_argument("--arch", choices=sorted(MACHINES), default=here, help="of the function; by default of this machine")
    parser.add_argument("--model", type=Path, help="a folder laid out as the artefact store, to be baked in")
    asked = parser.parse_args()
    make = build_zip if asked.out.suffix == ".zip" else build
    try:
        size = make(asked.out, asked.arch, asked.model)
    except (RuntimeError, ValueError, OSError, subprocess.TimeoutExpired) as error:
        parser.exit(1, f"{error}\n")
    sys.stdout.write(f"{asked.out}: {size / 1024**2:.0f} MB unzipped, for {asked.arch} and Python 3.{sys.version_info.minor}\n")


if __name__ == "__main__":
    main()
