"""A bundle is proven by its manifest, and a manifest that is not the expected one is rejected."""

import json

import pytest

from milk_model.bundle import MANIFEST, BundleError, pack, prefix, read_manifest, unpack

FILES = {"model.json": b"{}", "month.ubj": b"booster"}


def test_a_packed_bundle_is_unpacked_with_its_facts() -> None:
    bundle = pack(FILES, {"trained_through": "2025-01-31"})
    unpacked = unpack({**bundle.files, "README.md": b"not part of the bundle"}, bundle.sha256)
    assert unpacked == bundle
    assert unpacked.facts == {"trained_through": "2025-01-31"}
    assert bundle.prefix == prefix(bundle.sha256) == f"models/{bundle.sha256[:12]}"


def test_equal_files_and_facts_give_the_same_bundle() -> None:
    assert pack(FILES, {"kind": "model"}).sha256 == pack(dict(reversed(FILES.items())), {"kind": "model"}).sha256
    assert pack(FILES, {"kind": "model"}).sha256 != pack(FILES, {"kind": "baseline"}).sha256


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"month.ubj": b"other"}, "month.ubj has sha256 .* its manifest says"),
        ({"month.ubj": None}, "month.ubj is missing from the bundle"),
        ({MANIFEST: None}, "the bundle has no manifest.json; it holds"),
        ({MANIFEST: b"{"}, "manifest.json is not JSON"),
        ({MANIFEST: b"[]"}, "manifest.json is not of schema 1"),
        ({MANIFEST: json.dumps({"schema": 2}).encode()}, "manifest.json is not of schema 1"),
    ],
)
def test_a_damaged_bundle_is_rejected(change: dict[str, bytes | None], message: str) -> None:
    files = {name: content for name, content in {**pack(FILES, {}).files, **change}.items() if content is not None}
    with pytest.raises(BundleError, match=message):
        unpack(files)


def test_another_manifest_than_the_expected_one_is_rejected() -> None:
    bundle = pack(FILES, {})
    with pytest.raises(BundleError, match="expected abababababab"):
        read_manifest(bundle.files[MANIFEST], "ab" * 32)
