"""The measurement of the networks, run for real on a few people with untrained weights."""
from __future__ import annotations

import json

import numpy as np
import pytest

from latent_rag_ros.evaluation.baselines import random_embedder
from latent_rag_ros.evaluation.held_out import load_held_out_people
from latent_rag_ros.evaluation.metrics import PSNR_DB_MAX
from latent_rag_ros.evaluation.model_figures import ModelData, Models, model_figures
from latent_rag_ros.evaluation.model_scores import (
    embedded, fidelity, pooled_identities, recognition, track_level)
from latent_rag_ros.evaluation.model_tables import models_table
from latent_rag_ros.evaluation.ranking import Labels
from latent_rag_ros.evaluation.rendered_people import Rendering
from latent_rag_ros.evaluation.results_file import read_results, write_results


@pytest.fixture(scope='module')
def people():
    return load_held_out_people('validation').first_identities(4)


@pytest.fixture(scope='module')
def results(make_weights, people):
    upper_half = np.zeros(people.images.shape[:3], np.float32)
    upper_half[:, :64] = 1
    renderings = tuple(Rendering(name, people, name * 64, upper_half)
                       for name in ('seed 1', 'seed 2'))
    return model_figures(Models.load(make_weights([2000])), ModelData(renderings), calls=2)


def test_results_hold_the_figures_the_weights_are_accepted_by(results):
    for name in ('embedder', 'unseen_embedder'):
        assert 0 <= results[name]['synthetic']['rank1'] <= 1
        assert 0 < results[name]['synthetic']['map'] <= 1
        assert results[name]['synthetic']['queries'] == 32
    synthetic = results['generator']['synthetic']
    assert 0 < synthetic['psnr_db'] < 60
    assert -1 <= synthetic['cosine_authorised'] <= 1
    assert -1 <= synthetic['cosine_unseen'] <= 1
    assert {'embedder', 'unseen_embedder', 'encoder', 'generator'} < set(results['speed_ms'])
    assert {'random_embedder', 'hsv_histogram', 'hsv_histogram_masked',
            'imagenet_mobilenet_v2'} == set(results['baselines'])
    masked, whole = (results['baselines'][name]['synthetic']
                     for name in ('hsv_histogram_masked', 'hsv_histogram'))
    assert masked['queries'] == whole['queries'] == 32
    assert masked['map'] != whole['map']


def test_results_say_what_was_measured_and_what_was_skipped(results):
    assert [entry['name'] for entry in results['about']['synthetic']] == ['seed 1', 'seed 2']
    assert results['about']['synthetic'][0]['identities'] == 4
    assert 'embedder.safetensors' in results['about']['weights_sha256']
    assert 'opencv-doc' in results['embedder']['vtest']['skipped']
    assert 'opencv-doc' in results['generator']['vtest']['skipped']


def test_results_come_back_from_their_file_and_make_tables_of_equal_rows(results, tmp_path):
    write_results(tmp_path / 'models.json', results)
    table = models_table(read_results(tmp_path / 'models.json'))
    blocks = [block.splitlines() for block in table.split('\n\n') if block.startswith('|')]
    assert [len(block) for block in blocks] == [8, 5, 6, 5, 6]
    for block in blocks:
        assert len({row.count('|') for row in block}) == 1
    assert 'seed 1, seed 2' in table
    assert '/' not in results['about']['command']
    json.dumps(results, allow_nan=False)


def test_recognition_pools_the_queries_and_keeps_the_galleries_apart(people):
    perfect = np.eye(5, dtype=np.float32)[people.labels.identities
                                          - people.labels.identities.min()]
    wrong = np.roll(perfect, 1, axis=0)
    figures = recognition([perfect, wrong], [people, people])
    alone = recognition([wrong], [people])
    assert figures['by_set'][0] == {'rank1': 1.0, 'map': 1.0}
    assert figures['by_set'][1]['rank1'] == alone['rank1'] < 1
    assert figures['rank1'] == pytest.approx((1 + alone['rank1']) / 2, abs=1e-4)
    assert len(np.unique(pooled_identities([people, people]))) == 8


def test_fidelity_of_the_crops_themselves_is_perfect(people):
    networks = {'random': random_embedder()}
    figures = fidelity(people.images, people, networks, embedded(people.images, networks))
    assert figures['psnr_db'] == PSNR_DB_MAX
    assert figures['cosine_random'] == pytest.approx(1, abs=1e-4)
    assert figures['cosine_random_ci95'] == pytest.approx([1, 1], abs=1e-4)


def test_track_level_compares_the_means_of_tracks():
    near, far = np.array([1, 0.1]), np.array([0.1, 1])
    features = np.stack([near, far, near, far, near, far]).astype(np.float32)
    features[:2] = [[0.6, 0.8], [1, -0.2]]  # one by one not alike, their mean is near person 1
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    labels = Labels(np.array([1, 1, 1, 2, 1, 2]), np.array([0, 0, 1, 2, 3, 4]))
    assert track_level(features, labels) == {'rank1': 1.0, 'map': 1.0, 'queries': 5}
