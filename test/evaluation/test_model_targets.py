"""Every target of the networks stands beside its figure, a missed one as missed."""
from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest

from latent_rag_ros.evaluation.model_targets import (
    embedder_targets, embedder_targets_table, generator_targets, generator_targets_table)
from latent_rag_ros.evaluation.results_file import read_results

RESULTS = read_results(Path(__file__).parents[2] / 'results' / 'models.json')


def at_every_limit() -> dict:
    """Return results in which every figure is exactly what is wanted."""
    results = deepcopy(RESULTS)
    results['embedder']['synthetic'] |= {'rank1': 0.97, 'map': 0.90}
    results['embedder']['vtest'] |= {'rank1': 0.95, 'map': 0.82, 'tar_at_far_1pct': 0.55}
    results['generator']['synthetic'] |= {'psnr_db': 24.0, 'cosine_authorised': 0.93,
                                          'cosine_unseen': 0.90}
    results['generator']['vtest']['cosine_authorised'] = 0.90
    results['speed_ms']['embedder']['batch_1'] = 5.0
    results['speed_ms']['generator']['batch_1'] = 8.0
    return results


def test_committed_results_have_a_figure_for_every_target():
    assert len(embedder_targets(RESULTS)) == 6 and len(generator_targets(RESULTS)) == 5


def test_everything_is_met_at_the_limits():
    results = at_every_limit()
    assert all(one.is_met for one in [*embedder_targets(results), *generator_targets(results)])


@pytest.mark.parametrize(('path', 'worse'), [
    (('embedder', 'synthetic', 'rank1'), 0.9699), (('embedder', 'synthetic', 'map'), 0.8999),
    (('embedder', 'vtest', 'rank1'), 0.9499), (('embedder', 'vtest', 'map'), 0.8199),
    (('embedder', 'vtest', 'tar_at_far_1pct'), 0.5499),
    (('generator', 'synthetic', 'psnr_db'), 23.99),
    (('generator', 'synthetic', 'cosine_authorised'), 0.9299),
    (('generator', 'synthetic', 'cosine_unseen'), 0.8999),
    (('generator', 'vtest', 'cosine_authorised'), 0.8999),
    (('speed_ms', 'embedder', 'batch_1'), 5.01), (('speed_ms', 'generator', 'batch_1'), 8.01)])
def test_one_target_is_missed_when_its_figure_is_worse(path, worse):
    results = at_every_limit()
    part = results
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = worse
    tables = embedder_targets_table(results) + generator_targets_table(results)
    assert tables.count('**missed**') == 1


def test_targets_without_a_figure_are_left_out():
    results = at_every_limit()
    results['embedder']['vtest'] = results['generator']['vtest'] = {'skipped': 'no video'}
    assert len(embedder_targets(results)) == 3 and len(generator_targets(results)) == 4
