"""What the package ships: intact, documented and small."""
from __future__ import annotations

from latent_rag_ros.weights.registry import (
    MANIFEST_NAME, WEIGHTS_DIRECTORY, read_manifest, weights_file)


def test_every_shipped_file_is_intact_and_has_a_card_with_its_hash() -> None:
    manifest = read_manifest(WEIGHTS_DIRECTORY / MANIFEST_NAME)
    for name, entry in manifest.items():
        assert weights_file(name).is_file()
        assert entry['sha256'] in (WEIGHTS_DIRECTORY / entry['card']).read_text(), name


def test_shipped_weights_stay_below_40_megabytes() -> None:
    manifest = read_manifest(WEIGHTS_DIRECTORY / MANIFEST_NAME)
    assert 0 < sum(entry['bytes'] for entry in manifest.values()) < 40e6
