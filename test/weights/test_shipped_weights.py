"""What the package ships: intact, documented, small, and of the sizes that it is said to have."""
from __future__ import annotations

import pytest
import torch

from latent_rag_ros.identity.embedder import FEATURE_DIMENSION, load_embedder
from latent_rag_ros.weights.registry import (
    MANIFEST_NAME, WEIGHTS_DIRECTORY, read_manifest, weights_file)
from latent_rag_ros.weights.tensors import load_tensors

MANIFEST = read_manifest(WEIGHTS_DIRECTORY / MANIFEST_NAME)
TRAINED = sorted(name for name in MANIFEST if name.endswith('.safetensors'))


def card_of(name: str) -> str:
    """Return the text of the card of a shipped file."""
    return (WEIGHTS_DIRECTORY / MANIFEST[name]['card']).read_text(encoding='utf-8')


def test_every_shipped_file_is_intact_and_has_a_card_with_its_hash() -> None:
    for name, entry in MANIFEST.items():
        assert weights_file(name).is_file()
        assert entry['sha256'] in card_of(name), name


@pytest.mark.parametrize('name', MANIFEST)
def test_every_card_says_how_what_for_how_well_and_what_not(name: str) -> None:
    card = card_of(name)
    for wanted in ('\n| command ', '\n## Intended use\n', '\n## Figures\n', '\n## Limits\n'):
        assert wanted in card, f'{MANIFEST[name]["card"]} lacks {wanted.strip()}'
    assert '\n| licence ' in card or '\n## Licence\n' in card


@pytest.mark.parametrize('name', TRAINED)
def test_cards_of_trained_files_name_seed_time_and_size(name: str) -> None:
    card = card_of(name)
    assert '\n| seed ' in card and '\n| time ' in card, MANIFEST[name]['card']
    assert f'{MANIFEST[name]["bytes"]:,} bytes' in card


def test_shipped_weights_stay_below_40_megabytes_and_50_with_those_of_faces() -> None:
    faces = sum(entry['bytes'] for name, entry in MANIFEST.items() if name.startswith('face_'))
    everything = sum(entry['bytes'] for entry in MANIFEST.values())
    assert 0 < everything - faces < 40e6
    assert everything < 50e6


def test_embedder_has_256_numbers_and_at_most_two_and_a_half_million_parameters() -> None:
    embedder = load_embedder(weights_file('embedder.safetensors'))
    assert sum(values.numel() for values in embedder.parameters()) <= 2.5e6
    assert embedder.embed(torch.rand(1, 3, 128, 64)).shape == (1, FEATURE_DIMENSION) == (1, 256)


def test_store_holds_ten_thousand_codes_of_a_thousand_people_in_half_precision() -> None:
    store, _ = load_tensors(weights_file('store.safetensors'))
    assert store['codes'].dtype == store['features'].dtype == torch.float16
    assert len(store['codes']) == len(store['features']) >= 10_000
    assert len(store['identities'].unique()) >= 1_000
