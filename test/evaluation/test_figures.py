"""Figures of pictures whose scores are known beforehand."""
from __future__ import annotations

import numpy as np
import pytest
import torch

from latent_rag_ros.evaluation.figures import AUTHORISED, Measure
from latent_rag_ros.evaluation.floors import solid
from latent_rag_ros.evaluation.held_out import load_held_out_people
from latent_rag_ros.evaluation.metrics import PSNR_DB_MAX
from latent_rag_ros.identity.embedder import Embedder
from latent_rag_ros.training.unseen_embedder import UnseenEmbedder

SETTINGS = ('prot_raw', 'raw_prot', 'prot_prot')


@pytest.fixture(scope='module')
def measure():
    torch.manual_seed(3)
    networks = {AUTHORISED: Embedder().eval(), 'unseen': UnseenEmbedder().eval()}
    return Measure.of(load_held_out_people('validation').first_identities(8), networks)


def test_unprotected_pictures_score_like_raw_ones(measure):
    figures, raw = measure.protected(measure.people.images), measure.raw()
    assert figures['psnr_db'] == PSNR_DB_MAX
    assert figures['ssim'] == 1.0
    for setting in SETTINGS:  # intervals are rounded: the last digit may differ
        for got, wanted in ((figures, raw), (figures['unseen'], raw['unseen'])):
            assert got[setting].keys() == wanted['raw_raw'].keys()
            for name, value in wanted['raw_raw'].items():
                assert got[setting][name] == pytest.approx(value, abs=2e-4)
    np.testing.assert_allclose(measure.cosine(measure.people.images), 1, atol=1e-5)


def test_pictures_of_other_people_match_nobody(measure):
    # everybody gets the picture of the next person, so the most similar raw picture is wrong
    shifted = np.roll(measure.people.images, 4, axis=0)
    figures = measure.protected(shifted)
    assert figures['prot_raw']['rank1'] == 0
    assert figures['raw_prot']['rank1'] == 0
    # among themselves they are as good as raw ones: a consistent new name for everybody
    assert figures['prot_prot']['map'] == measure.raw()['raw_raw']['map']


def test_solid_pictures_score_at_most_like_chance(measure):
    figures = measure.protected(solid(measure.people.images, 0))
    assert figures['prot_prot']['rank1'] < 0.5
    assert figures['psnr_db'] < 15


def test_every_mean_lies_in_its_interval(measure):
    figures = measure.protected(solid(measure.people.images, 128))
    for entry, names in ((figures, ('psnr_db', 'ssim')), (figures['prot_raw'], ('rank1', 'map'))):
        for name in names:
            low, high = entry[f'{name}_ci95']
            assert low <= entry[name] <= high
