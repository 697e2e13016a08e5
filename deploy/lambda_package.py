"""Lambda package: the endpoint and its dependencies, in one folder or zip file that AWS Lambda runs.

    python -m deploy.lambda_package --out DIR_OR_FILE.zip [--arch arm64|x86_64] [--model DIR]

Belongs here: what is packaged and what is left out; the container image has the same folder. Not here: the dependencies, which
`requirements/serving.txt` locks. pip installs wheels for the Python release that runs this command. AWS Lambda needs Python 3.12 or later:
its image of Python 3.11 has too old a glibc.
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
MAX_PACKAGE_BYTES = 250 * 1024**2  # unzipped: AWS Lambda's limit for a zip package
FALLBACK_MODEL_FOLDER = "lambda_service/baked"  # the model that serves while the artefact store does not answer
GLIBC_MINOR_VERSIONS = range(17, 35)  # wheels for glibc 2.17 to 2.34 run on Amazon Linux 2023, which has 2.34
MACHINE_BY_ARCH = {"x86_64": "x86_64", "arm64": "aarch64"}
PIP_TIMEOUT_SECONDS = 600.0
# Not needed to serve: tests, typing stubs, headers, static libraries, and xgboost's Python code (`milk_model.xgboost_native` replaces it)
EXCLUDED = ("**/tests", "**/*.pyi", "**/*.a", "**/*.lib", "numpy/**/include", "bin", "xgboost/**/*.py", "xgboost/**/*.pyc")
PROJECT_PACKAGES = ("milk_model", "lambda_service")
EXCLUDED_FROM_PROJECT = ("__pycache__", "Dockerfile*")


def build(out: Path, arch: str, model: Path | None = None) -> int:
    """Build the package in a folder, replacing an earlier package there.

    Args:
        out: the folder. After an error it is unchanged.
        arch: a key of MACHINE_BY_ARCH.
        model: a folder with the layout of the artefact store (serving/…, models/…), to package as fallback.

    Returns:
        The size in bytes.

    Raises:
        RuntimeError: pip failed, or the package is larger than Lambda accepts.
        ValueError: `model` has no model, or `out` is a folder with other files.
    """
    _check_folders(out, model)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".package-") as folder:
        package = Path(folder) / "package"
        _install(package, arch)
        for name in PROJECT_PACKAGES:
            shutil.copytree(ROOT / name, package / name, ignore=shutil.ignore_patterns(*EXCLUDED_FROM_PROJECT))
        for pattern in EXCLUDED:
            for path in sorted(package.glob(pattern)):
                _remove(path)
        if model is not None:
            shutil.copytree(model, package / FALLBACK_MODEL_FOLDER)
        _compile(package)
        size = sum(path.stat().st_size for path in _files(package))
        if size > MAX_PACKAGE_BYTES:
            raise RuntimeError(f"the package has {size:,} bytes, AWS Lambda accepts {MAX_PACKAGE_BYTES:,}: exclude more files")
        _remove(out)
        package.rename(out)
    return size


def build_zip(out: Path, arch: str, model: Path | None = None) -> int:
    """Build the package as a zip file.

    Equal packages give equal files: every entry has the same time and mode.

    Args:
        out: the zip file.
        arch: as for `build`.
        model: as for `build`.

    Returns:
        The size in bytes, unzipped.

    Raises:
        RuntimeError: as `build`.
        ValueError: as `build`.
    """
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "package"
        size = build(package, arch, model)
        out.parent.mkdir(parents=True, exist_ok=True)
        partial_file = out.with_suffix(".part")
        with zipfile.ZipFile(partial_file, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in _files(package):
                entry = zipfile.ZipInfo(path.relative_to(package).as_posix(), (2020, 1, 1, 0, 0, 0))
                entry.external_attr, entry.compress_type = 0o755 << 16, zipfile.ZIP_DEFLATED
                archive.writestr(entry, path.read_bytes())
        partial_file.replace(out)
    return size


def _check_folders(out: Path, model: Path | None) -> None:
    if model is not None and not (model / SERVED).is_file():
        raise ValueError(f"{model} has no model: expected {SERVED} and the files that it names, as in the artefact store")
    if out.exists() and not (out / "lambda_service").is_dir() and any(out.iterdir()):
        raise ValueError(f"{out} is not a package, and its files would be deleted: choose another folder")


def _install(target: Path, arch: str) -> None:
    """Install the locked dependencies with pip."""
    machine = MACHINE_BY_ARCH[arch]
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in reversed(GLIBC_MINOR_VERSIONS)]
    platforms.append(f"manylinux2014_{machine}")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    command += ["--only-binary", ":all:", "--no-deps", "--require-hashes"]
    command += ["--requirement", str(REQUIREMENTS), "--target", str(target)]
    for tag in platforms:
        command += ["--platform", tag]
    run = subprocess.run(command, capture_output=True, text=True, timeout=PIP_TIMEOUT_SECONDS, check=False)
    if run.returncode:
        raise RuntimeError(f"pip could not install {REQUIREMENTS.name} for {arch}: {run.stderr.strip()[-500:]}")


def _compile(package: Path) -> None:
    """Compile all modules: Lambda's package folder is read-only, so others would be compiled again at every cold start."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(package, quiet=2, stripdir=str(package), invalidation_mode=mode, force=True)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def main() -> None:
    """The command line: build a folder or a zip file, and print its size."""
    parser = argparse.ArgumentParser(prog="python -m deploy.lambda_package", description="Package the endpoint for AWS Lambda.")
    parser.add_argument("--out", type=Path, required=True, help="the folder or .zip file to build")
    this_machine = platform.machine()
    default = next((arch for arch, machine in MACHINE_BY_ARCH.items() if this_machine in {arch, machine}), "x86_64")
    parser.add_argument(
        "--arch", choices=sorted(MACHINE_BY_ARCH), default=default, help="of the function; default: of this machine"
    )
    parser.add_argument("--model", type=Path, help="a folder with the layout of the artefact store, to package as fallback")
    options = parser.parse_args()
    build_package = build_zip if options.out.suffix == ".zip" else build
    try:
        size = build_package(options.out, options.arch, options.model)
    except (RuntimeError, ValueError, OSError, subprocess.TimeoutExpired) as error:
        parser.exit(1, f"error: {error}\n")
    python = f"3.{sys.version_info.minor}"
    sys.stdout.write(f"{options.out}: {size / 1024**2:.0f} MB unzipped, for {options.arch} and Python {python}\n")


if __name__ == "__main__":
    main()
