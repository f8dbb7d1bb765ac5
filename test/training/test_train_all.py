"""The way from a seed to weights that the filter accepts."""
from __future__ import annotations

import json

import numpy as np
import pytest
import torch

pytest.importorskip('numba', reason='the synthesis extra is not installed')

from latent_rag_ros.gallery.calibration import load_calibrations
from latent_rag_ros.identity.model_id import model_id
from latent_rag_ros.latent_rag.presets import PRESETS
from latent_rag_ros.latent_rag.replacer import (
    EMBEDDER_FILE, GENERATOR_FILE, LatentRagReplacer)
from latent_rag_ros.latent_rag.store import check_made_with, load_store
from latent_rag_ros.tools.command_line import main
from latent_rag_ros.weights.registry import (
    MANIFEST_NAME, WEIGHTS_DIRECTORY, read_manifest, sha256_of, weights_file)
from latent_rag_ros.weights.tensors import load_tensors

WEIGHTS = ('embedder', 'unseen_embedder', 'encoder', 'generator', 'store', 'code_predictor',
           'protection_head')


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Train everything from the tiny recipe."""
    folder = tmp_path_factory.mktemp('trained')
    assert main(['train', 'all', '--recipe', 'tiny', '--out', str(folder), '--workers', '1']) == 0
    return folder


def test_every_weights_file_is_made_and_registered(trained):
    manifest = read_manifest(trained / MANIFEST_NAME)
    for name in WEIGHTS:
        path = trained / f'{name}.safetensors'
        assert manifest[path.name]['sha256'] == sha256_of(path)


def test_all_makes_every_shipped_file_but_networks_from_elsewhere_and_faces(trained):
    shipped = set(read_manifest(WEIGHTS_DIRECTORY / MANIFEST_NAME))
    not_of_all = {name for name in shipped
                  if name.endswith('.onnx.xz') or name.startswith('face_')}
    assert set(read_manifest(trained / MANIFEST_NAME)) == shipped - not_of_all


def test_calibration_is_of_plain_and_protected_features(trained):
    embedder, head = trained / EMBEDDER_FILE, trained / 'protection_head.safetensors'
    assert [one.model_id for one in load_calibrations(trained / 'gallery_calibration.json')] == [
        model_id(sha256_of(embedder), ''), model_id(sha256_of(embedder), sha256_of(head))]


def test_store_fits_the_networks_it_was_made_with(trained):
    store = load_store(trained / 'store.safetensors')
    assert len(store) == 200 and len(np.unique(store.identities)) == 25
    check_made_with(store, {name: sha256_of(trained / name)
                            for name in (EMBEDDER_FILE, GENERATOR_FILE)})


def test_every_training_leaves_a_log(trained):
    for name in ('embedder', 'unseen_embedder', 'generator', 'code_predictor',
                 'protection_head'):
        rows = (trained / f'{name}.log.jsonl').read_text().splitlines()
        assert json.loads(rows[-1])['iteration'] > 0


def test_second_run_makes_nothing_again(trained):
    before = {path: path.stat().st_mtime_ns for path in trained.rglob('*.safetensors')}
    assert main(['train', 'all', '--recipe', 'tiny', '--out', str(trained)]) == 0
    assert before == {path: path.stat().st_mtime_ns for path in trained.rglob('*.safetensors')}


def test_store_needs_the_networks_before_it(tmp_path, caplog):
    assert main(['train', 'store', '--recipe', 'tiny', '--out', str(tmp_path),
                 '--workers', '1']) == 1
    assert EMBEDDER_FILE in caplog.text


def test_embedder_goes_on_from_earlier_weights_when_they_are_given(tmp_path):
    shipped = weights_file(EMBEDDER_FILE, None)
    assert main(['train', 'embedder', '--recipe', 'tiny', '--out', str(tmp_path),
                 '--workers', '1', '--initial', str(shipped)]) == 0
    before, after = (load_tensors(path)[0] for path in (shipped, tmp_path / EMBEDDER_FILE))
    for name in ('reduce.0.weight', 'blocks.3.second.weight'):
        assert not torch.equal(before[name], after[name])
        torch.testing.assert_close(before[name], after[name], atol=1e-3, rtol=0)


def test_generator_takes_no_earlier_weights(tmp_path, caplog):
    assert main(['train', 'generator', '--recipe', 'tiny', '--out', str(tmp_path),
                 '--initial', str(tmp_path / EMBEDDER_FILE)]) == 1
    assert 'leave it out for generator' in caplog.text


def test_code_predictor_fits_the_weights_it_was_trained_with(trained):
    assert LatentRagReplacer.load(trained, PRESETS['robot']).predicts
