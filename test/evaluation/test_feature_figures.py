"""The feature evaluation on people of two colours: every figure, fresh attackers, kept stages."""
from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch

from latent_rag_ros.evaluation.attacks.interface import Budget
from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.feature_attack import Stage, Victims, run_stage
from latent_rag_ros.evaluation.feature_data import FeatureData, FeatureNetworks
from latent_rag_ros.evaluation.feature_figures import FeatureEvaluation, FeatureOptions
from latent_rag_ros.evaluation.feature_page import feature_page
from latent_rag_ros.evaluation.feature_people import Subjects, attributes
from latent_rag_ros.evaluation.feature_scores import ReversalMeasure, nearest_pictures
from latent_rag_ros.evaluation.feature_summary import averaged, with_ratios
from latent_rag_ros.evaluation.feature_table import features_table
from latent_rag_ros.evaluation.held_out import HeldOutPeople
from latent_rag_ros.evaluation.ranking import Labels
from latent_rag_ros.evaluation.results_file import write_results
from latent_rag_ros.feature_privacy.attacker import CollectedFeatures
from latent_rag_ros.feature_privacy.decoder_attacker import DecoderAttacker
from latent_rag_ros.feature_privacy.protection_head import EMBEDDER_KEY, ProtectionHead
from latent_rag_ros.feature_privacy.picture_space import PictureSpace
from latent_rag_ros.feature_privacy.reversal_module import (
    ReversalModule, ReversalSettings, conditions)
from latent_rag_ros.identity.embedder import load_embedder
from latent_rag_ros.training.checkpoint import save_checkpoint
from latent_rag_ros.weights.registry import register, sha256_of
from latent_rag_ros.weights.tensors import save_tensors

OPTIONS = FeatureOptions(('decoder_protected', 'keyed'), iterations=2, decoder_iterations=2,
                         probe_iterations=3, batch=2, every=4, real_every=1)


def subjects(name: str, seed: int, people: int) -> Subjects:
    """Return people of two plain colours in front of noise, two crops by each of two cameras."""
    random = np.random.default_rng(seed)
    identities = np.repeat(np.arange(people), 4)
    images = random.integers(0, 256, (len(identities), 128, 64, 3)).astype(np.uint8)
    masks = np.zeros(images.shape[:3], bool)
    masks[:, 8:120, 16:48] = True
    for identity in range(people):
        rows = np.flatnonzero(identities == identity)
        images[rows, 8:64, 16:48], images[rows, 64:120, 16:48] = random.integers(0, 256, (2, 3))
    values = random.random((3, people))[:, identities]
    traits = {'female': values[0] > 0.5, 'build': values[1], 'hair': values[2]}
    labels = Labels(identities + 1, np.tile([0, 0, 1, 1], people))
    return Subjects(name, HeldOutPeople(images, labels), masks, traits)


@pytest.fixture(scope='module')
def data() -> FeatureData:
    """Return attackers' people and two sets of strangers; the real ones have no traits."""
    real = subjects('vtest', 4, 2)
    return FeatureData(subjects('seed 7', 1, 8),
                       (subjects('seed 101', 2, 4), subjects('seed 102', 3, 4)),
                       Subjects('vtest', real.people, real.masks),
                       subjects('replaced', 5, 2).people)


@pytest.fixture(scope='module')
def weights(make_weights):
    """Return weights without protected extractors."""
    return make_weights([1])


@pytest.fixture(scope='module')
def work(tmp_path_factory):
    """Return the folder of the stages."""
    return tmp_path_factory.mktemp('work')


@pytest.fixture(scope='module')
def evaluation(data, weights, work) -> FeatureEvaluation:
    """Return a finished run."""
    run = FeatureEvaluation(data, FeatureNetworks(weights, 'cpu', work), OPTIONS)
    run.results = run.run()
    return run


def test_every_row_has_the_promised_figures(evaluation):
    for name in ('plain', 'keyed'):
        row = evaluation.results[name]
        assert 0 <= row['map'] <= 1 and row['urr_ratio'] > 0 and 'urr_norm' in row
        assert set(row['attacks']) == set(row['vtest']['attacks']) == {'decoder', 'gan',
                                                                       'diffusion'}
        for figures in row['attacks'].values():
            assert {'skill', 'rank1', 'psnr_db', 'ssim', 'colour_accuracy'} <= figures.keys()
            assert len(figures['by_seed']) == 2
        assert set(row['attributes']) == {'torso_colour', 'legs_colour', 'body', 'build', 'hair'}
    assert set(evaluation.results['keyed']['attacks_without_pairs']) == {'decoder', 'gan',
                                                                         'diffusion'}


def test_replaced_people_are_searched_among_real_pictures(evaluation):
    found = evaluation.results['plain']['protected_pictures']
    assert 0 <= found['prot_raw']['map'] <= found['raw_raw']['map'] <= 1
    assert 'protected_pictures' not in evaluation.results['keyed']


def test_row_without_weights_says_how_to_make_them(evaluation):
    assert evaluation.results['decoder_protected'] == {
        'skipped': 'decoder_protection_head.safetensors was not there; make it with: '
                   'latent-rag train decoder_protection_head'}


def test_key_leaves_utility_and_leak_as_they_are(evaluation):
    results = evaluation.results
    assert results['keyed']['attacked_as'] == 'plain'
    assert results['keyed']['attacks'] == results['plain']['attacks']
    assert results['keyed']['map'] == pytest.approx(results['plain']['map'], abs=1e-3)


def test_mean_picture_has_no_skill_and_the_original_has_all(evaluation):
    floors = evaluation.results['floors']
    assert abs(floors['mean_image']['skill']) < 1e-3 and floors['original']['skill'] == 1
    assert floors['original']['ssim'] == pytest.approx(1)


def test_finished_stages_are_read_back_and_others_are_not(evaluation, data, weights, work):
    before = {path: path.stat().st_mtime_ns for path in work.rglob('figures.json')}
    again = FeatureEvaluation(data, FeatureNetworks(weights, 'cpu', work), OPTIONS).run()
    assert again['plain'] == evaluation.results['plain']
    assert before == {path: path.stat().st_mtime_ns for path in work.rglob('figures.json')}
    assert len(before) == 3 * 2  # attackers, seeds; the key is attacked as plain features are
    assert not list(work.rglob('*.checkpoint')) and not list(work.rglob('*.best'))


@torch.no_grad()
def reversed_by(module: ReversalModule, space: PictureSpace, features: np.ndarray) -> np.ndarray:
    """Return what a reversal module draws of features, 8-bit pictures (n, 128, 64, 3)."""
    pictures = space.pictures(module.drawn(conditions(torch.from_numpy(features))))
    return (pictures * 255).byte().permute(0, 2, 3, 1).numpy()


def test_stale_generator_beside_the_weights_is_never_used(data, weights, tmp_path, evaluation):
    """A training folder full of the reversal module's remains changes no figure."""
    folder = tmp_path / 'weights'
    shutil.copytree(weights, folder)
    path = folder / 'protection_head.safetensors'
    embedder = folder / 'embedder.safetensors'
    save_tensors(path, ProtectionHead().state_dict(), {EMBEDDER_KEY: sha256_of(embedder)})
    register(path)
    networks = FeatureNetworks(folder, 'cpu', tmp_path / 'work')
    protected = networks.extractor('protected', data.attackers)
    own = networks.published(protected, data.attackers)
    collected = CollectedFeatures(own, evaluation.pictures,
                                  data.attackers.people.labels.identities)
    measure = evaluation.measures['seed 101']
    leaked = networks.published(protected, data.held_out[0])[::OPTIONS.every]
    stage = Stage('protected', protected.weights_sha256, collected,
                  {'synthetic': Victims(measure, leaked)}, Budget(OPTIONS.iterations, 0),
                  OPTIONS.batch)

    def attacked(work: str) -> float:
        """Return the skill of a fresh attacker that keeps what it learns in a folder."""
        attacker = DecoderAttacker(batch=OPTIONS.batch)
        return run_stage(stage, attacker, tmp_path / work)['synthetic']['skill']

    without = attacked('before')
    stale = ReversalModule(256, evaluation.pictures.coordinates.std(0) + 1e-6, ReversalSettings(),
                           torch.device('cpu'))
    save_checkpoint(folder / 'protection_head.checkpoint', {
        'iteration': 9, 'networks': {'generator': stale.generator.state_dict()}})
    fresh = attacked('after')
    assert fresh == without
    assert not np.array_equal(measure.figures([
        reversed_by(stale, evaluation.pictures.space, leaked)])['skill'], fresh)


def test_nothing_of_real_people_is_kept(evaluation, data, work):
    shown = [np.load(path) for path in work.rglob('shown.npy')]
    assert {len(pictures) for pictures in shown} == {4}  # of the 4 attacked rendered ones
    kept = {path.suffix for path in work.rglob('*') if path.is_file()}
    assert kept == {'.npy', '.json', '.jsonl'}


def test_page_needs_nothing_else_and_table_has_every_row(evaluation, data):
    page = feature_page(evaluation.results, data.held_out[0].people.images[:3], evaluation.shown)
    assert page.count('data:image/png;base64,') == 1 + 3
    assert 'http' not in page and '<svg' in page
    table = features_table(evaluation.results)
    rows = [line for line in table.splitlines() if line.startswith('|')]
    assert len(rows) == 2 + 2 + 2 and 'plain, secret rotation' in table


def test_results_are_json(evaluation, tmp_path):
    write_results(tmp_path / 'features.json', evaluation.results)
    assert 'NaN' not in (tmp_path / 'features.json').read_text()
    assert json.loads((tmp_path / 'features.json').read_text())['about']['attacker_seeds'] == 2


def test_perfect_reversal_is_recognised_and_constant_one_is_not(evaluation, data):
    measure: ReversalMeasure = evaluation.measures['seed 101']
    mean = measure.figures([measure.floor()])
    same = measure.figures([measure.attacked.people.images] * 2)
    assert same['skill'] == 1 and same['colour_accuracy'] == 1
    assert same['rank1'] > mean['rank1']


def test_nearest_picture_is_the_one_with_the_nearest_feature(data):
    images = data.attackers.people.images[:3]
    features = np.eye(3, dtype=np.float32)
    assert (nearest_pictures(features[[2, 0]], features, images) == images[[2, 0]]).all()


def test_real_people_have_clothes_only(data):
    assert set(attributes(data.real, data.attackers)) == {'torso_colour', 'legs_colour'}
    classes = attributes(data.held_out[0], data.attackers)
    assert set(np.unique(classes['build'])) <= {0, 1, 2} and set(classes['body']) <= {0, 1}


def test_more_than_a_rotation_is_not_attacked_as_plain_features_are(evaluation):
    noisy = evaluation.networks.extractor('noise_06', evaluation.data.attackers)
    with pytest.raises(EvaluationError, match='coordinates of plain and noise_06'):
        evaluation._same_as_plain(noisy, evaluation.results['plain'])


def test_ratios_compare_the_strongest_attackers():
    row = {'map': 0.8, 'attacks': {'decoder': {'skill': 0.4, 'rank1': 0.2, 'ssim': 0.5},
                                   'gan': {'skill': 0.3, 'rank1': 0.4, 'ssim': 0.4}}}
    half = {'map': 0.8, 'attacks': {'decoder': {'skill': 0.1, 'rank1': 0.1, 'ssim': 0.5},
                                    'gan': {'skill': 0.2, 'rank1': 0.2, 'ssim': 0.4}}}
    floors = {'mean_image': {'skill': 0.0, 'rank1': 0.0},
              'mean_person': {'skill': 0.0, 'rank1': 0.0}}
    results = {'about': {}, 'floors': floors, 'plain': row,
               'protected': half, 'missing': {'skipped': 'not there'}}
    with_ratios(results)
    assert row['urr_norm'] == 1 and row['urr_ratio'] == 2 and row['skill_cut'] == 0
    assert half['urr_norm'] == half['urr_norm_rank1'] == 2 and half['urr_ratio'] == 4
    assert half['skill_cut'] == half['rank1_cut'] == 0.5 and half['map_loss_points'] == 0
    floors['mean_person']['skill'] = 0.1  # what needs no feature is no leak
    with_ratios(results)
    assert half['skill_cut'] == pytest.approx(2 / 3, abs=1e-4) and half['urr_norm'] == 3
    assert half['strongest'] == {'skill': 'gan', 'rank1': 'gan', 'ssim': 'decoder'}


def test_averages_keep_every_seed():
    parts = [{'skill': 0.2, 'skill_ci95': [0, 1]}, {'skill': 0.4, 'skill_ci95': [0, 1]}]
    assert averaged(parts) == {'skill': 0.3, 'by_seed': parts}
    assert averaged(parts[:1]) == parts[0]
