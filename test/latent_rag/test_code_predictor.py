"""The code predictor: what it may do to a code, and which weights it belongs to."""
from __future__ import annotations

import logging

import pytest
import torch
from torch.nn.functional import normalize

from latent_rag_ros.latent_rag.code_predictor import (
    OFFSET_MAX, PREDICTOR_FILE, CodePredictor, load_code_predictor, save_code_predictor)
from latent_rag_ros.latent_rag.presets import PRESETS
from latent_rag_ros.latent_rag.replacer import (
    EMBEDDER_FILE, GENERATOR_FILE, STORE_FILE, LatentRagReplacer)
from latent_rag_ros.weights.registry import WeightsError, register, sha256_of
from latent_rag_ros.weights.tensors import save_tensors

HASHES = {EMBEDDER_FILE: 'a' * 64, GENERATOR_FILE: 'b' * 64, STORE_FILE: 'c' * 64}
BYTES_MAX = 1_500_000


@pytest.fixture
def predictor(store) -> CodePredictor:
    """A predictor that moves codes: random, as if it had been trained."""
    torch.manual_seed(7)
    predictor = CodePredictor.for_store(store).eval().requires_grad_(False)
    predictor.leave.weight.normal_(0, 0.2)
    return predictor


@pytest.fixture
def people(store):
    """Features, features reached, and codes of five persons."""
    features = normalize(torch.randn(5, 256, generator=torch.Generator().manual_seed(8)))
    return features, store.features[:5], store.codes[:5]


@pytest.fixture
def folder(tmp_path, embedder, generator, store):
    """A folder of weights that belong together, without a predictor."""
    for name, network in ((EMBEDDER_FILE, embedder), (GENERATOR_FILE, generator)):
        save_tensors(tmp_path / name, network.state_dict(), {})
    store.made_with = {name: sha256_of(tmp_path / name)
                       for name in (EMBEDDER_FILE, GENERATOR_FILE)}
    store.save(tmp_path / STORE_FILE)
    for name in HASHES:
        register(tmp_path / name)
    return tmp_path


def add_predictor(folder, predictor, **others: str) -> None:
    hashes = {name: sha256_of(folder / name) for name in HASHES} | others
    save_code_predictor(predictor, folder / PREDICTOR_FILE, hashes)
    register(folder / PREDICTOR_FILE)


def test_untrained_predictor_leaves_codes_as_they_are(store, people):
    assert torch.equal(CodePredictor.for_store(store)(*people), people[2])


def test_no_coordinate_moves_further_than_the_limit(predictor, people):
    features, reached, codes = people
    predictor.leave.weight *= 100
    moved = (predictor(features, reached, codes) - codes).abs() / predictor.deviation
    assert 0.9 * OFFSET_MAX < moved.max() <= OFFSET_MAX + 1e-4


def test_persons_of_a_batch_do_not_influence_each_other(predictor, people):
    together = predictor(*people)
    alone = torch.cat([predictor(*(values[row:row + 1] for values in people))
                       for row in range(5)])
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-5)


def test_predictor_comes_back_from_its_small_file(predictor, people, tmp_path):
    path = tmp_path / PREDICTOR_FILE
    save_code_predictor(predictor, path, HASHES)
    loaded = load_code_predictor(path, HASHES)
    assert path.stat().st_size < BYTES_MAX
    assert not any(value.requires_grad for value in loaded.parameters())
    torch.testing.assert_close(loaded(*people), predictor(*people), rtol=0, atol=0.02)


@pytest.mark.parametrize('name', sorted(HASHES))
def test_predictor_of_other_weights_is_refused(predictor, tmp_path, name):
    save_code_predictor(predictor, tmp_path / PREDICTOR_FILE, HASHES | {name: 'd' * 64})
    with pytest.raises(WeightsError, match=f'another {name}.*train it again'):
        load_code_predictor(tmp_path / PREDICTOR_FILE, HASHES)


def test_file_of_another_network_is_refused(generator, tmp_path):
    save_tensors(tmp_path / PREDICTOR_FILE, generator.state_dict(), {})
    with pytest.raises(WeightsError, match='does not hold a CodePredictor'):
        load_code_predictor(tmp_path / PREDICTOR_FILE, HASHES)


def test_robot_predicts_with_a_predictor_and_paper_never_does(folder, predictor):
    add_predictor(folder, predictor)
    assert LatentRagReplacer.load(folder, PRESETS['robot']).predicts
    for preset in ('paper', 'robot_t10'):
        assert not LatentRagReplacer.load(folder, PRESETS[preset]).predicts


def test_robot_takes_gradient_steps_and_says_so_when_there_is_no_predictor(folder, caplog):
    with caplog.at_level(logging.INFO):
        replacer = LatentRagReplacer.load(folder, PRESETS['robot'])
    assert not replacer.predicts
    assert 'no code predictor' in caplog.text


def test_predictor_that_belongs_to_another_store_stops_loading(folder, predictor):
    add_predictor(folder, predictor, **{STORE_FILE: 'd' * 64})
    with pytest.raises(WeightsError, match='another store.safetensors'):
        LatentRagReplacer.load(folder, PRESETS['robot'])


def test_predictor_that_is_listed_and_missing_stops_loading(folder, predictor):
    add_predictor(folder, predictor)
    (folder / PREDICTOR_FILE).unlink()
    with pytest.raises(WeightsError, match='is missing'):
        LatentRagReplacer.load(folder, PRESETS['robot'])
