"""Attackers that read clothes, silhouettes and identities off blurred people, and off nothing."""
from __future__ import annotations

import numpy as np
import pytest
import torch

from latent_rag_ros.evaluation.attacks.attribute_net import AttributeNetAttacker
from latent_rag_ros.evaluation.attacks.interface import AttackPairs, Budget
from latent_rag_ros.evaluation.attacks.linkage import LinkageAttacker
from latent_rag_ros.evaluation.attacks.silhouette_net import SilhouetteAttacker
from latent_rag_ros.evaluation.embedding import embed_images
from latent_rag_ros.evaluation.ranking import Labels, rank
from latent_rag_ros.evaluation.unseen import load_unseen_embedder

TORSO = (slice(None), slice(30, 55), slice(24, 40))


def shades(pairs):
    """Return which third of all shirts each original's shirt is in: dark, middle, light."""
    light = pairs.originals[TORSO].mean(axis=(1, 2, 3))
    return np.digitize(light, (45, 95)).astype(np.int64)


def accuracy(attack, labels, directory):
    """Return how often the shirts of the target are read correctly."""
    attacker = AttributeNetAttacker('shade')
    attacker.fit(attack.pairs, labels, Budget(40, 0), directory)
    return float((attacker.predict(attack.target.protected) == shades(attack.target)).mean())


def test_attribute_is_read_off_blurred_people(attack, tmp_path):
    wanted = shades(attack.target)
    chance = np.bincount(wanted).max() / len(wanted)
    assert accuracy(attack, shades(attack.pairs), tmp_path) > chance + 0.15


def test_attribute_of_other_people_is_chance(attack, permuted_attack, tmp_path):
    wanted = shades(permuted_attack.target)
    chance = np.bincount(wanted).max() / len(wanted)
    assert accuracy(permuted_attack, shades(permuted_attack.pairs), tmp_path) < chance + 0.12


def boxes(pairs):
    """Return masks (n, 128, 64): where the original is lighter than its own mean."""
    grey = pairs.originals.mean(axis=-1)
    return grey > grey.mean(axis=(1, 2), keepdims=True)


def overlap(masks, wanted):
    """Return the mean IoU of masks (n, h, w)."""
    return float(((masks & wanted).sum((1, 2)) / (masks | wanted).sum((1, 2))).mean())


def test_silhouette_is_read_off_blurred_people_only(attack, permuted_attack, tmp_path):
    wanted = boxes(attack.target)
    constant = np.broadcast_to(boxes(attack.pairs).mean(0) > 0.5, wanted.shape)
    read = []
    for given, iterations in ((attack, 40), (permuted_attack, 20)):
        attacker = SilhouetteAttacker()
        attacker.fit(given.pairs, boxes(given.pairs), Budget(iterations, 0), tmp_path)
        read.append(overlap(attacker.predict(given.target.protected), wanted))
    assert read[0] > overlap(constant, wanted) + 0.15
    assert read[1] < overlap(constant, wanted) + 0.05


def swapped(pairs):
    """Return pairs whose protected pictures are the originals in false colours."""
    return AttackPairs(255 - pairs.originals[..., ::-1], pairs.originals,
                       pairs.identities, pairs.cameras)


def found(network, pairs):
    """Return the mAP of protected pictures among raw ones of other cameras."""
    labels = Labels(pairs.identities, pairs.cameras)
    return rank(embed_images(network, pairs.protected), labels,
                embed_images(network, pairs.originals), labels).mean_average_precision


@pytest.mark.slow
def test_linkage_learns_to_recognise_protected_people(attack, tmp_path):
    pairs, validation, target = (swapped(each) for each in attack)
    start = load_unseen_embedder()
    before = {name: value.clone() for name, value in start.state_dict().items()}
    attacker = LinkageAttacker(start)
    attacker.fit(pairs, validation, Budget(60, 0), tmp_path)
    assert found(attacker, target) > found(start, target) + 0.06
    assert all(torch.equal(value, before[name]) for name, value in start.state_dict().items())


def test_attacker_before_training_is_refused(attack):
    for call in (AttributeNetAttacker('shade').predict, SilhouetteAttacker().predict,
                 LinkageAttacker().embed):
        with pytest.raises(RuntimeError, match='call fit'):
            call(attack.target.protected)


def test_linkage_from_nothing_gives_unit_features(attack, tmp_path):
    attacker = LinkageAttacker()
    attacker.fit(attack.pairs, attack.validation, Budget(2, 0), tmp_path)
    features = embed_images(attacker, attack.target.protected[:3])
    assert np.allclose(np.linalg.norm(features, axis=1), 1, atol=1e-3)
