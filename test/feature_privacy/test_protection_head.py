"""The head behind the embedder: where it starts, what it gives, and whose features it takes."""
from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from latent_rag_ros.feature_privacy.protection_head import (
    EMBEDDER_KEY, ProtectedExtractor, ProtectionHead, load_protection_head)
from latent_rag_ros.weights.registry import WeightsError
from latent_rag_ros.weights.tensors import save_tensors


def trained() -> ProtectionHead:
    """Return a head that is no identity."""
    torch.manual_seed(2)
    head = ProtectionHead()
    torch.nn.init.normal_(head.output.weight, std=0.1)
    return head.eval()


def test_head_starts_as_the_identity():
    features = functional.normalize(torch.randn(5, 256))
    assert torch.allclose(ProtectionHead().eval().protect(features), features, atol=1e-4)


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


def test_file_of_something_else_is_refused(plain_file):
    with pytest.raises(WeightsError, match='ProtectionHead'):
        load_protection_head(plain_file, 'a' * 64)
