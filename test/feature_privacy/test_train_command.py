"""The way from a seed and a plain embedder to a protection head, by the command."""
from __future__ import annotations

import json

import pytest

pytest.importorskip('numba', reason='the synthesis extra is not installed')

from latent_rag_ros.feature_privacy.protection_head import EMBEDDER_KEY
from latent_rag_ros.tools.command_line import main
from latent_rag_ros.training.recipe import TINY, with_protection
from latent_rag_ros.weights.registry import read_manifest, sha256_of
from latent_rag_ros.weights.tensors import load_tensors


def test_tiny_recipe_makes_and_registers_a_protection_head(plain_file, tmp_path):
    assert main(['train', 'protection_head', '--recipe', 'tiny', '--out', str(tmp_path),
                 '--workers', '1', '--initial', str(plain_file),
                 '--lazy-update', 'every_k', '--privacy-weight', '2.5']) == 0
    path = tmp_path / 'protection_head.safetensors'
    assert read_manifest(tmp_path / 'manifest.json')[path.name]['sha256'] == sha256_of(path)
    training = json.loads(load_tensors(path)[1]['training'])
    assert training['lazy_reading'] == 'every_k' and training['privacy_weight'] == 2.5
    assert load_tensors(path)[1][EMBEDDER_KEY] == sha256_of(plain_file)


def test_protection_head_needs_a_plain_embedder_before_anybody_is_rendered(tmp_path, caplog):
    assert main(['train', 'protection_head', '--recipe', 'tiny', '--out', str(tmp_path)]) == 1
    assert 'embedder.safetensors' in caplog.text and not (tmp_path / 'people').exists()


def test_both_protection_heads_take_the_same_changes():
    changed = with_protection(TINY, lazy_reading='every_k')
    assert changed.protection_head.lazy_reading == 'every_k'
    assert changed.decoder_protection_head.lazy_reading == 'every_k'
    assert changed.decoder_protection_head.reversal.kind == 'decoder'
    assert with_protection(TINY) == TINY
