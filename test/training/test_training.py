"""The training scripts make weights that load, continue where they stopped, and learn."""
from __future__ import annotations

import numpy as np
import pytest
import torch

from latent_rag_ros.identity.embedder import load_embedder
from latent_rag_ros.latent_rag.encoder import load_encoder
from latent_rag_ros.latent_rag.generator import load_generator
from latent_rag_ros.latent_rag.store import load_store
from latent_rag_ros.training import build_store, train_embedder, train_generator
from latent_rag_ros.training.checkpoint import load_checkpoint
from latent_rag_ros.training.crops import load_crops


@pytest.fixture
def crops_folder(tmp_path):
    """Twenty people of two plain colours each, six crops a person."""
    random = np.random.default_rng(1)
    identities = np.repeat(np.arange(20), 6)
    images = np.zeros((120, 128, 64, 3), np.uint8)
    for identity in range(20):
        top, legs = random.integers(0, 256, (2, 3))
        rows = identities == identity
        images[rows, :64], images[rows, 64:] = top, legs
    noise = random.integers(0, 20, images.shape)
    folder = tmp_path / 'crops'
    folder.mkdir()
    np.savez(folder / '0.npz', X=np.clip(images + noise, 0, 255).astype(np.uint8), Y=identities,
             C=np.tile(np.arange(6), 20))
    return folder


def run(monkeypatch, module, *words) -> None:
    monkeypatch.setattr('sys.argv', ['script', *map(str, words)])
    assert module.main() == 0


def test_crops_come_back_as_rgb_with_their_labels(crops_folder):
    crops = load_crops(crops_folder, identities_below=5)
    stored = np.load(crops_folder / '0.npz')['X'][:30]
    assert (crops.images == stored[..., ::-1]).all()
    assert crops.identities.max() == 4
    assert crops.tensor(np.array([3])).shape == (1, 3, 128, 64)


def test_missing_crops_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='no .*npz in'):
        load_crops(tmp_path)


@pytest.mark.parametrize('network', ['embedder', 'unseen'])
def test_embedder_training_writes_weights_and_continues_from_its_checkpoint(
        network, crops_folder, tmp_path, monkeypatch):
    out = tmp_path / f'{network}.safetensors'
    words = ('--crops', crops_folder, '--out', out, '--network', network, '--iterations')
    run(monkeypatch, train_embedder, *words, 2)
    assert load_checkpoint(out.with_suffix('.checkpoint'))['iteration'] == 2
    first = out.read_bytes()
    run(monkeypatch, train_embedder, *words, 2)
    assert out.read_bytes() == first
    run(monkeypatch, train_embedder, *words, 3)
    assert load_checkpoint(out.with_suffix('.checkpoint'))['iteration'] == 3
    assert out.read_bytes() != first


def test_the_way_from_crops_to_a_store_when_every_network_is_tiny_trained(
        crops_folder, tmp_path, monkeypatch):
    weights = tmp_path / 'weights'
    embedder = weights / 'embedder.safetensors'
    run(monkeypatch, train_embedder, '--crops', crops_folder, '--out', embedder,
        '--iterations', 2)
    run(monkeypatch, train_generator, '--crops', crops_folder, '--embedder', embedder,
        '--out', weights, '--iterations', 2)
    run(monkeypatch, build_store, '--crops', crops_folder, '--weights', weights)
    store = load_store(weights / 'store.safetensors')
    crops = load_crops(crops_folder)
    rows = np.arange(4)
    with torch.no_grad():
        features = load_embedder(embedder).embed(crops.tensor(rows))
        codes = load_encoder(weights / 'encoder.safetensors')(crops.tensor(rows))
        assert load_generator(weights / 'generator.safetensors')(codes).shape == (4, 3, 128, 64)
    torch.testing.assert_close(store.features[:4], features, atol=2e-3, rtol=0)
    torch.testing.assert_close(store.codes[:4], codes, atol=5e-3, rtol=1e-2)


def test_generator_training_lowers_the_reconstruction_loss(crops_folder, tmp_path):
    crops = load_crops(crops_folder)
    embedder = train_embedder.Embedder().eval().requires_grad_(False)
    batch = crops.tensor(np.arange(0, 120, 10))
    losses = []
    for iterations in (1, 25):
        settings = train_generator.Settings(iterations=iterations, batch=8, average_decay=0.0)
        parts = train_generator.train(crops, embedder, settings,
                                      tmp_path / f'{iterations}.checkpoint')
        losses.append(train_generator.reconstruction_loss(parts, embedder, batch, settings)[1])
    assert losses[1] < 0.9 * losses[0]
