"""The native loader gives the same bytes as xgboost, rejects files that are not boosters, and frees its memory."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
import xgboost

from milk_model import xgboost_native
from milk_model.bundle import BundleError
from milk_model.xgboost_native import Booster, load_booster

FEATURES, CLASSES = 13, 9


def random_rows(number: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    rows = random.normal(size=(number, FEATURES)).astype(np.float32)
    rows[random.random(rows.shape) < 0.1] = np.nan
    return rows


def trained(objective: str = "multi:softprob", rounds: int = 20) -> xgboost.Booster:
    rows = random_rows(1500, seed=1)
    labels = np.random.default_rng(2).integers(0, CLASSES, len(rows))
    classes = {"num_class": CLASSES} if objective.startswith("multi") else {}
    return xgboost.train({"objective": objective, "max_depth": 4, "nthread": 1, **classes}, xgboost.DMatrix(rows, labels), rounds)


@pytest.fixture(scope="module")
def reference() -> xgboost.Booster:
    return trained()


@pytest.fixture(scope="module")
def content(reference: xgboost.Booster) -> bytes:
    return bytes(reference.save_raw("ubj"))


@pytest.fixture(scope="module")
def native(content: bytes) -> Booster:
    loaded = load_booster(content)
    assert isinstance(loaded, Booster)
    return loaded


@pytest.mark.parametrize("number", [1, 2, 200, 20_000])
def test_both_loaders_agree_to_the_last_bit(number: int, native: Booster, reference: xgboost.Booster) -> None:
    rows = random_rows(number, seed=number)
    scores = native.inplace_predict(rows)
    assert scores.shape == (number, CLASSES)
    assert scores.dtype == np.float32
    np.testing.assert_array_equal(scores, reference.inplace_predict(rows))
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)


def test_views_and_float64_rows_score_as_their_copies(native: Booster, reference: xgboost.Booster) -> None:
    rows = random_rows(100, seed=3)
    expected = reference.inplace_predict(rows[::2])
    np.testing.assert_array_equal(native.inplace_predict(rows[::2]), expected)
    np.testing.assert_array_equal(native.inplace_predict(np.asfortranarray(rows)[::2]), expected)
    np.testing.assert_array_equal(native.inplace_predict(rows[::2].astype(float)), expected)  # type: ignore[arg-type]
    missing = np.full((3, FEATURES), np.nan, dtype=np.float32)
    np.testing.assert_array_equal(native.inplace_predict(missing), reference.inplace_predict(missing))


def test_no_rows_have_no_scores(native: Booster) -> None:
    assert native.inplace_predict(random_rows(0, seed=0)).shape == (0, CLASSES)


def test_scores_do_not_change_when_the_next_rows_are_scored(native: Booster) -> None:
    first = native.inplace_predict(random_rows(50, seed=4))
    scores_at_first = first.copy()
    native.inplace_predict(random_rows(50, seed=5))
    np.testing.assert_array_equal(first, scores_at_first)


@pytest.mark.parametrize("shape", [(5, FEATURES - 1), (5, FEATURES + 1), (FEATURES,)])
def test_rows_with_another_number_of_features_are_rejected(shape: tuple[int, ...], native: Booster) -> None:
    with pytest.raises(ValueError, match=f"rows of {FEATURES} features, got shape"):
        native.inplace_predict(np.zeros(shape, dtype=np.float32))


def test_a_loaded_booster_saves_the_same_bytes(native: Booster, content: bytes) -> None:
    assert native.save_raw("ubj") == content


@pytest.mark.parametrize("bad", [b"", b"not a booster", b"{}", b"\0" * 100, b"junk}", "half", '{"learner": 3}'])
def test_bytes_that_are_not_a_booster_are_rejected_with_the_file_name(bad: bytes | str, content: bytes) -> None:
    damaged = content[: len(content) // 2] if bad == "half" else bad.encode() if isinstance(bad, str) else bad
    with pytest.raises(BundleError, match=r"^month\.ubj is not a booster that this release can read: .") as raised:
        load_booster(damaged, "month.ubj")
    assert "\n" not in str(raised.value)
    assert "/src/" not in str(raised.value)


def test_a_booster_without_probabilities_is_rejected() -> None:
    with pytest.raises(BundleError, match=r"not a booster of probabilities: it scores a row as shape \(1,\)"):
        load_booster(bytes(trained("reg:squarederror", rounds=2).save_raw("ubj")))


def test_four_threads_at_once_agree_with_one(content: bytes, reference: xgboost.Booster) -> None:
    rows = [random_rows(number, seed=number) for number in (1, 7, 60, 400)]
    expected = [reference.inplace_predict(part) for part in rows]
    shared, start = load_booster(content), Barrier(4)

    def score(index: int) -> bool:
        start.wait(timeout=10)
        return all(np.array_equal(shared.inplace_predict(rows[index]), expected[index]) for _ in range(200))

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(score, range(4))) == [True] * 4


def test_a_thousand_loads_and_rejections_leak_no_memory() -> None:
    small = bytes(trained(rounds=1).save_raw("ubj"))
    unreadable, rows = small.replace(b"softprob", b"softfrob"), random_rows(10, seed=1)

    def swap(times: int) -> int:
        for time in range(times):
            load_booster(small).inplace_predict(rows)
            if time % 20 == 0:  # the library takes milliseconds to report an error
                with pytest.raises(BundleError):
                    load_booster(unreadable)
        return resident()

    bytes_after_warm_up = swap(200)
    grown = swap(1000) - bytes_after_warm_up
    assert grown < 1000 * len(small) / 3, f"{grown} bytes more after 1,000 loads of {len(small)} bytes"


def resident() -> int:
    """Bytes of this process in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_neither_xgboost_nor_scipy_is_imported(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "booster.ubj"
    file.write_bytes(content)
    code = (
        "import sys, pathlib; from milk_model.xgboost_native import load_booster; "
        "load_booster(pathlib.Path(sys.argv[1]).read_bytes()); print([m for m in ('xgboost', 'scipy', 'pandas') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code, file], check=True, capture_output=True, text=True, timeout=60, cwd=_ROOT)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("lacking", ["library", "function"])
def test_xgboost_itself_scores_where_the_library_or_a_function_is_missing(
    lacking: str, content: bytes, native: Booster, monkeypatch: pytest.MonkeyPatch
) -> None:
    if lacking == "library":
        monkeypatch.setattr(xgboost_native, "_library_files", lambda: [Path("/nowhere/libxgboost.so")])
    else:
        monkeypatch.setitem(xgboost_native._PROTOTYPES, "XGBoosterOfAnotherRelease", ())
    xgboost_native._library.cache_clear()
    try:
        full = load_booster(content)
        with pytest.raises(BundleError, match="month.ubj is not a booster that this release can read"):
            load_booster(b"not a booster", "month.ubj")
    finally:
        xgboost_native._library.cache_clear()
    assert isinstance(full, xgboost.Booster)
    rows = random_rows(50, seed=6)
    np.testing.assert_array_equal(full.inplace_predict(rows), native.inplace_predict(rows))


_ROOT = Path(__file__).parents[1]
