"""A probe reads attributes off features that carry them, and nothing off noise."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.feature_privacy.attribute_probe import AttributeProbe


def test_probe_reads_what_features_carry_and_guesses_where_they_do_not(collected):
    labels = (collected.pictures.images[:, 40, 32, 0] > 127).astype(np.int64)
    probe = AttributeProbe(60, 1)
    probe.fit(collected.features, labels, collected.identities)
    assert (probe.predict(collected.features) == labels).mean() > 0.85
    noise = np.random.default_rng(0).standard_normal(collected.features.shape).astype(np.float32)
    probe.fit(noise, labels, collected.identities)
    others = np.random.default_rng(1).standard_normal(noise.shape).astype(np.float32)
    assert (probe.predict(others) == labels).mean() < 0.7


def test_probe_knows_nothing_before_it_is_trained(collected):
    with pytest.raises(RuntimeError, match='call fit first'):
        AttributeProbe(5, 1).predict(collected.features)
