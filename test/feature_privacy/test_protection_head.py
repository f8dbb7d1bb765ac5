"""The head behind the embedder: where it starts, what it gives, and whose features it takes."""
from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from latent_rag_ros.feature_privacy.protection_head import (
    BOTTLENECK, EMBEDDER_KEY, ProtectedExtractor, ProtectionHead, load_protection_head, scaled)
from latent_rag_ros.weights.registry import WeightsError
from latent_rag_ros.weights.tensors import save_tensors


def trained() -> ProtectionHead:
    """Return a head that moves the groups of looks by different maps."""
    torch.manual_seed(2)
    head = ProtectionHead()
    torch.nn.init.normal_(head.turns, std=0.1)
    torch.nn.init.normal_(head.shifts, std=0.1)
    return head.eval()


def test_published_features_depend_on_the_numbers_of_the_bottleneck_only():
    protected = trained().protect(torch.randn(400, 256))
    assert protected.shape == (400, 256)
    assert not protected[:, BOTTLENECK:].any()
    assert torch.linalg.matrix_rank(protected) <= BOTTLENECK < 256


def test_feature_between_two_groups_gets_the_mixture_of_their_maps():
    head, features = trained(), torch.randn(3, 256)
    plain = scaled(features)
    maps = [head.direct(plain) @ turn + shift for turn, shift in zip(head.turns, head.shifts)]
    shares = head.shares(plain)
    wanted = sum(shares[:, group:group + 1] * moved for group, moved in enumerate(maps))
    assert shares.amax() < 0.999
    assert torch.allclose(head(features), wanted, atol=1e-5)


def test_protected_features_have_length_one_and_ignore_the_scale_of_plain_ones():
    head, features = trained(), torch.randn(5, 256)
    protected = head.protect(features)
    assert torch.allclose(protected.norm(dim=1), torch.ones(5), atol=1e-5)
    assert torch.allclose(protected, head.protect(40 * features), atol=1e-4)
    assert functional.cosine_similarity(protected, features).max() < 0.99


def test_protected_extractor_gives_the_heads_features_of_the_embedders(judge):
    head, crops = trained(), torch.rand(3, 3, 128, 64)
    with torch.no_grad():
        assert torch.equal(ProtectedExtractor(judge, head).embed(crops),
                           head.protect(judge.embed(crops)))


def test_head_of_another_embedder_is_refused(tmp_path):
    path = tmp_path / 'protection_head.safetensors'
    save_tensors(path, trained().state_dict(), {EMBEDDER_KEY: 'a' * 64})
    loaded = load_protection_head(path, 'a' * 64)
    features = torch.randn(4, 256)
    assert torch.allclose(loaded.protect(features), trained().protect(features), atol=1e-2)
    assert not any(value.requires_grad for value in loaded.parameters())
    with pytest.raises(WeightsError, match='latent-rag train protection_head'):
        load_protection_head(path, 'b' * 64)


def test_head_of_an_earlier_release_is_refused_with_a_remedy(tmp_path):
    path = tmp_path / 'protection_head.safetensors'
    save_tensors(path, {'hidden.weight': torch.zeros(256, 256)}, {EMBEDDER_KEY: 'a' * 64})
    with pytest.raises(WeightsError, match='(?s)does not hold a ProtectionHead.*one release'):
        load_protection_head(path, 'a' * 64)


def test_file_of_something_else_is_refused(plain_file):
    with pytest.raises(WeightsError, match='ProtectionHead'):
        load_protection_head(plain_file, 'a' * 64)
