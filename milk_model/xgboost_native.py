"""XGBoost native: boosters scored through libxgboost alone, with ctypes calls to its stable C API.

Belongs here: loading a booster, scoring rows, and finding the library. Not here: what the scores mean, see `forecaster`. `import xgboost`
also imports scipy, which takes most of a cold start, only to call the same few functions. It is the fallback where they are missing.
"""

from __future__ import annotations

import ctypes
import json
import math
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

from milk_model.bundle import BundleError

Rows = NDArray[np.float32]

LIBRARIES = ("libxgboost.so", "libxgboost.dylib", "xgboost.dll")
ONE_THREAD = (b"nthread", b"1")  # fastest for a few hundred rows; a saved booster does not keep the setting
# the options of xgboost's own Booster.inplace_predict: probabilities and not margins, of all trees, NaN means missing
PREDICT_OPTIONS = json.dumps(
    {
        "type": 0,
        "training": False,
        "iteration_begin": 0,
        "iteration_end": 0,
        "missing": math.nan,
        "strict_shape": False,
        "cache_id": 0,
    }
).encode()
_pointer, _length, _text = ctypes.c_void_p, ctypes.c_uint64, ctypes.c_char_p
_PROTOTYPES: dict[str, tuple[Any, ...]] = {
    "XGBoosterCreate": (_pointer, _length, ctypes.POINTER(_pointer)),
    "XGBoosterSetParam": (_pointer, _text, _text),
    "XGBoosterLoadModelFromBuffer": (_pointer, _text, _length),
    "XGBoosterSaveModelToBuffer": (_pointer, _text, ctypes.POINTER(_length), ctypes.POINTER(_pointer)),
    "XGBoosterGetNumFeature": (_pointer, ctypes.POINTER(_length)),
    "XGBoosterPredictFromDense": (
        *(_pointer, _text, _text, _pointer),
        *(ctypes.POINTER(ctypes.POINTER(_length)), ctypes.POINTER(_length), ctypes.POINTER(_pointer)),
    ),
    "XGBoosterFree": (_pointer,),
}


def load_booster(content: bytes, name: str = "booster") -> Any:
    """Load a booster from the bytes of its UBJ or JSON file, ready to score in one thread.

    Check the file's sha256 first: the library reads past the end of a truncated file, which the checks here cannot fully rule out.

    Args:
        content: Of the file.
        name: Of the file, for the error message.

    Returns:
        A `Booster`, or an xgboost.Booster where libxgboost does not load or lacks a function.

    Raises:
        BundleError: The bytes are not a booster.
    """
    if not content.endswith(b"}"):
        raise BundleError(
            f"{name} is not a booster that this release can read: its {len(content)} bytes do not end as a UBJ or JSON file does"
        )
    library = _library()
    return Booster(library, content, name) if library is not None else _load_with_xgboost(content, name)


class Booster:
    """A booster of class probabilities (multi:softprob).

    `inplace_predict` and `save_raw` give the same bytes as those of xgboost.Booster. Several threads may score at once: the library keeps
    results per thread, and its one-time setup at the first score is done in `__init__`.
    """

    def __init__(self, library: ctypes.CDLL, content: bytes, name: str) -> None:
        self._library = library
        self._handle = _pointer()
        self._call("XGBoosterCreate", None, 0, ctypes.byref(self._handle))
        finalize(self, library.XGBoosterFree, self._handle)
        try:
            self._call("XGBoosterLoadModelFromBuffer", self._handle, content, len(content))
            self._call("XGBoosterSetParam", self._handle, *ONE_THREAD)
            features = _length()
            self._call("XGBoosterGetNumFeature", self._handle, ctypes.byref(features))
            self._features = features.value
            first_scores = self._scores(np.full((1, self._features), np.nan, dtype=np.float32))
        except XGBoostError as error:
            raise BundleError(f"{name} is not a booster that this release can read: {error}") from None
        if first_scores.ndim != 2:
            raise BundleError(
                f"{name} is not a booster of probabilities: it scores a row as shape {first_scores.shape}, expected (1, classes)"
            )
        self._classes = first_scores.shape[1]

    def inplace_predict(self, rows: Rows) -> Rows:
        """Probabilities of the classes.

        Args:
            rows: (R, features), NaN where missing.

        Returns:
            (R, classes) float32.

        Raises:
            ValueError: `rows` has another shape.
        """
        rows = np.ascontiguousarray(rows, dtype=np.float32)
        if rows.ndim != 2 or rows.shape[1] != self._features:
            raise ValueError(f"the booster scores rows of {self._features} features, got shape {rows.shape}")
        return self._scores(rows) if len(rows) else np.empty((0, self._classes), dtype=np.float32)

    def save_raw(self, raw_format: str = "ubj") -> bytearray:
        """The booster's file, as `ubj` or `json`."""
        length, content = _length(), _pointer()
        config = json.dumps({"format": raw_format}).encode()
        self._call("XGBoosterSaveModelToBuffer", self._handle, config, ctypes.byref(length), ctypes.byref(content))
        return bytearray(ctypes.string_at(content, length.value))

    def _scores(self, rows: Rows) -> Rows:
        address = rows.__array_interface__["data"][0]
        interface = b'{"data":[%d,true],"shape":[%d,%d],"typestr":"<f4","version":3}' % (address, *rows.shape)
        shape, dimensions, scores = ctypes.POINTER(_length)(), _length(), _pointer()
        outputs = (ctypes.byref(shape), ctypes.byref(dimensions), ctypes.byref(scores))
        self._call("XGBoosterPredictFromDense", self._handle, interface, PREDICT_OPTIONS, None, *outputs)
        result = np.empty(shape[: dimensions.value], dtype=np.float32)
        # copied, because the library writes this thread's next scores into the same memory
        ctypes.memmove(result.__array_interface__["data"][0], scores, result.nbytes)
        return result

    def _call(self, function: str, *arguments: Any) -> None:
        if getattr(self._library, function)(*arguments):
            raise XGBoostError(_first_line(self._library.XGBGetLastError().decode(errors="replace")))


class XGBoostError(RuntimeError):
    """An error of libxgboost: the first line of its message."""


def _first_line(message: str) -> str:
    line = message.strip().partition("\n")[0]
    return re.sub(r"^\[[\d:]+\] \S+:\d+: ", "", line)  # without the time and the position in the library's source


@cache
def _library() -> ctypes.CDLL | None:
    for file in _library_files():
        try:
            library = ctypes.CDLL(str(file))
            library.XGBGetLastError.restype = _text
            for name, arguments in _PROTOTYPES.items():
                getattr(library, name).argtypes = arguments
        except (OSError, AttributeError):  # it does not load here, or belongs to a release with other functions
            continue
        return library
    return None


def _library_files() -> list[Path]:
    """Existing library files of the installed xgboost. Finding a package does not import it."""
    spec = find_spec("xgboost")
    folders = list(spec.submodule_search_locations or []) if spec else []
    files = [Path(folder) / "lib" / name for folder in folders for name in LIBRARIES]
    return [file for file in files if file.is_file()]


def _load_with_xgboost(content: bytes, name: str) -> Any:
    import xgboost

    if not hasattr(xgboost, "Booster"):  # a package with the library alone, as `deploy.lambda_package` builds
        raise BundleError(f"{name} cannot be scored here: libxgboost does not load, and the xgboost package is not installed")
    try:
        booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(content))
    except xgboost.core.XGBoostError as error:
        raise BundleError(f"{name} is not a booster that this release can read: {_first_line(str(error))}") from None
    booster.set_param({"nthread": 1})
    return booster
