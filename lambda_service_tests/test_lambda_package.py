"""The Lambda package and image: locked dependencies, no unneeded files, and every file that the Dockerfile names."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from deploy import lambda_package
from milk_model.artefact_paths import SERVED

DOCKERFILE = (lambda_package.ROOT / "lambda_service" / "Dockerfile").read_text()
IGNORED = (lambda_package.ROOT / "lambda_service" / "Dockerfile.dockerignore").read_text()
LOCKED = lambda_package.REQUIREMENTS.read_text()


@pytest.fixture
def wheels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replaces pip, which needs the network, and creates some of the files that it would install."""

    def install(target: Path, arch: str) -> None:
        for name in (
            *("xgboost/core.py", "xgboost/lib/libxgboost.so", "xgboost_cpu.libs/libgomp.so", "bin/f2py"),
            *("numpy/__init__.py", "numpy/__init__.pyi", "numpy/tests/test_x.py", "numpy/linalg/tests/test_y.py"),
            *("numpy/_core/include/numpy/n.h", "numpy/lib/a.py"),
        ):
            file = target / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("")

    monkeypatch.setattr(lambda_package, "_install", install)


def test_only_files_needed_for_serving_are_packaged_and_they_are_compiled(wheels: None, tmp_path: Path) -> None:
    out = tmp_path / "package"
    size = lambda_package.build(out, "arm64")
    packed = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert {
        "xgboost/lib/libxgboost.so",
        "xgboost_cpu.libs/libgomp.so",
        "numpy/lib/a.py",
        "milk_model/xgboost_native.py",
    } <= packed
    unwanted = r"(^|/)tests/|\.pyi$|/include/|^bin/|^xgboost/.*\.pyc?$|Dockerfile|deploy|requirements"
    assert [name for name in packed if re.search(unwanted, name)] == []
    project_modules = [name for name in packed if re.fullmatch(r"(milk_model|lambda_service(/\w+)*)/[a-z_]+\.py", name)]
    compiled = [
        f"{folder}/{name.split('.')[0]}.py"
        for folder, _, name in (name.partition("/__pycache__/") for name in packed)
        if folder.startswith(("milk_model", "lambda_service")) and name
    ]
    assert sorted(compiled) == sorted(project_modules)
    assert size == sum(path.stat().st_size for path in out.rglob("*") if path.is_file())


def test_building_twice_gives_the_same_file_and_replaces_the_first(wheels: None, tmp_path: Path) -> None:
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    for out in (first, second, second):
        lambda_package.build_zip(out, "x86_64")
    assert first.read_bytes() == second.read_bytes()
    assert "milk_model/xgboost_native.py" in zipfile.ZipFile(first).namelist()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.zip", "second.zip"]


def test_a_fallback_model_is_packaged_with_the_layout_of_the_store(wheels: None, tmp_path: Path) -> None:
    (tmp_path / "model" / SERVED).parent.mkdir(parents=True)
    (tmp_path / "model" / SERVED).write_text("{}")
    lambda_package.build(tmp_path / "out", "x86_64", tmp_path / "model")
    assert (tmp_path / "out" / lambda_package.FALLBACK_MODEL_FOLDER / SERVED).read_text() == "{}"


def test_a_failed_build_keeps_the_previous_package(wheels: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    lambda_package.build(out, "x86_64")
    (out / "mark").touch()
    with pytest.raises(ValueError, match=r"has no model: expected serving/manifest\.json"):
        lambda_package.build(out, "x86_64", tmp_path)
    monkeypatch.setattr(lambda_package, "MAX_PACKAGE_BYTES", 1000)
    with pytest.raises(RuntimeError, match="AWS Lambda accepts 1,000: exclude more files"):
        lambda_package.build(out, "x86_64")
    assert (out / "mark").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_is_not_a_package_is_not_emptied(wheels: None, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "notes.txt").write_text("keep")
    with pytest.raises(ValueError, match="is not a package"):
        lambda_package.build(tmp_path / "home", "x86_64")
    assert (tmp_path / "home" / "notes.txt").read_text() == "keep"


def test_every_dependency_is_locked_by_hash_and_large_libraries_are_excluded() -> None:
    names = re.findall(r"^([a-z0-9-]+)==", LOCKED, re.MULTILINE)
    assert {"aws-lambda-powertools", "numpy", "obstore", "pydantic", "xgboost-cpu"} <= set(names)
    assert not {"scipy", "boto3", "pandas", "mlflow"} & set(names)
    for block in re.split(r"\n(?=[a-z0-9-]+==)", LOCKED):
        assert "--hash=sha256:" in block, block


def test_the_packaged_releases_are_the_tested_releases() -> None:
    tested = dict(
        re.findall(
            r"^(xgboost-cpu|obstore|pydantic)==(\S+)",
            (lambda_package.ROOT / "requirements/runtime.txt").read_text(),
            re.MULTILINE,
        )
    )
    shipped = dict(re.findall(r"^(xgboost-cpu|obstore|pydantic)==(\S+)", LOCKED, re.MULTILINE))
    assert shipped == tested


def test_the_image_copies_existing_files_that_the_ignore_file_allows() -> None:
    sources = re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE, re.MULTILINE)
    assert sources == ["requirements/serving.txt", "deploy", "milk_model", "lambda_service"]
    allowed = re.findall(r"^!(\S+?)(?:/\*\*)?$", IGNORED, re.MULTILINE)
    assert sorted(sources) == sorted(allowed)
    assert all((lambda_package.ROOT / source).exists() for source in sources)


def test_the_image_runs_as_an_unprivileged_user_on_a_configurable_base() -> None:
    assert re.search(r"^ARG BASE=", DOCKERFILE, re.MULTILINE)
    assert DOCKERFILE.count("FROM ${BASE}") == 2
    last = DOCKERFILE.rsplit("FROM ", 1)[1]
    user = re.search(r"^USER (\d+):(\d+)$", last, re.MULTILINE)
    assert user is not None
    assert int(user[1]) > 0
    assert 'CMD ["lambda_service.handler.handler"]' in last


def test_the_command_prints_expected_errors_without_a_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "deploy.lambda_package", "--out", str(tmp_path / "out"), "--model", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=lambda_package.ROOT, check=False)
    assert run.returncode == 1
    assert "has no model" in run.stderr
    assert "Traceback" not in run.stderr
    assert list(tmp_path.iterdir()) == []
