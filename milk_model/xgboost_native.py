"""Boosters through libxgboost alone: its C functions by ctypes, as stable as its C API.

Belongs here: loading a booster, scoring rows, and finding the library. What the scores mean is not known here. `import xgboost` brings
scipy along and costs the better part of a cold start, to reach the same few functions; it is what remains where they are missing.
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
ONE_THREAD = (b"nthread", b"1")  # scores some hundred rows fastest, and a saved booster forgets it
# what Booster.inplace_predict asks for: chances rather than margins, of all trees, where NaN is missing
PREDICT = json.dumps(
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
    """A booster from the bytes of its UBJ or JSON file, ready to score in one thread: a Booster, or where libxgboost lacks a
    function, xgboost's own.

    name: of the file, for the error. Raises BundleError on bytes that are no booster. Check their sha256 first: the library reads on
    past the end of a file that is cut off, which no check here can wholly rule out.
    """
    if not content.endswith(b"}"):
        raise BundleError(
            f"{name} is no booster this release can read: its {len(content)} bytes do not end as a UBJ or JSON file does"
        )
    library = _library()
    return Booster(library, content, name) if library is not None else _full(content, name)


class Booster:
    """A booster of chances (multi:softprob). `inplace_predict` and `save_raw` are those of xgboost.Booster, to the last bit.

    Threads may score at once: the library keeps results apart by thread, and what it sets up at the first score is set up here.
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
            first = self._scores(np.full((1, self._features), np.nan, dtype=np.float32))
        except XGBoostError as error:
            raise BundleError(f"{name} is no booster this release can read: {error}") from None
        if first.ndim != 2:
            raise BundleError(
                f"{name} is no booster of chances: it answers a row with shape {first.shape}, expected (1, classes)"
            )
        self._classes = first.shape[1]

    def inplace_predict(self, rows: Rows) -> Rows:
        """Chances of the classes, (R, classes). rows: (R, features), NaN where missing. Raises ValueError on another shape."""
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
        place = rows.__array_interface__["data"][0]
        interface = b'{"data":[%d,true],"shape":[%d,%d],"typestr":"<f4","version":3}' % (place, *rows.shape)
        shape, dimensions, scores = ctypes.POINTER(_length)(), _length(), _pointer()
        found = (ctypes.byref(shape), ctypes.byref(dimensions), ctypes.byref(scores))
        self._call("XGBoosterPredictFromDense", self._handle, interface, PREDICT, None, *found)
        result = np.empty(shape[: dimensions.value], dtype=np.float32)
        # the library scores this thread's next rows into the same memory
        ctypes.memmove(result.__array_interface__["data"][0], scores, result.nbytes)
        return result

    def _call(self, function: str, *arguments: Any) -> None:
        if getattr(self._library, function)(*arguments):
            raise XGBoostError(_first_line(self._library.XGBGetLastError().decode(errors="replace")))


class XGBoostError(RuntimeError):
    """What libxgboost said went wrong, its first line."""


def _first_line(message: str) -> str:
    line = message.strip().partition("\n")[0]
    return re.sub(r"^\[[\d:]+\] \S+:\d+: ", "", line)  # without the time and the place in the library's source


@cache
def _library() -> ctypes.CDLL | None:
    for place in _candidates():
        try:
            library = ctypes.CDLL(str(place))
            library.XGBGetLastError.restype = _text
            for name, arguments in _PROTOTYPES.items():
                getattr(library, name).argtypes = arguments
        except (OSError, AttributeError):  # it does not load here, or is of a release with other functions
            continue
        return library
    return None


def _candidates() -> list[Path]:
    """Where the installed xgboost keeps its library; finding a package does not import it."""
    spec = find_spec("xgboost")
    folders = list(spec.submodule_search_locations or []) if spec else []
    return [place for folder in folders for name in LIBRARIES if (place := Path(folder) / "lib" / name).is_file()]


def _full(content: bytes, name: str) -> Any:
    import xgboost

    if not hasattr(xgboost, "Booster"):  # a package of the library alone, as `package` makes
        raise BundleError(f"{name} cannot be scored here: libxgboost does not load, and xgboost itself was not shipped")
    try:
        booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(content))
    except xgboost.core.XGBoostError as error:
        raise BundleError(f"{name} is no booster this release can read: {_first_line(str(error))}") from None
    booster.set_param({"nthread": 1})
    return booster
