"""The whole evaluation, run for real on a few people with untrained weights."""
from __future__ import annotations

import json

import pytest

from latent_rag_ros.evaluation import latent_rag_figures as evaluation
from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.latent_rag_figures import Options
from latent_rag_ros.evaluation.results_file import read_results, write_results
from latent_rag_ros.evaluation.tables import results_table

OTHER_PEOPLE = [2000, 2001, 2002]


@pytest.fixture(scope='module')
def results(make_weights):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, 'QUICK_IDENTITIES', 2)
        options = Options('validation', quick=True, weights=make_weights(OTHER_PEOPLE))
        return evaluation.latent_rag_figures(options, show_progress=False)


def test_results_hold_presets_floors_and_origin(results):
    assert results['about']['crops'] == 8
    assert results['about']['identities'] == 2
    assert 'store.safetensors' in results['about']['weights_sha256']
    assert {'another_person', 'mean_image', 'mid_grey', 'nearest_identity'} <= set(
        results['floors'])
    for preset in evaluation.ALL_PRESETS:
        for figures in (results[preset], results[preset]['jpeg']):
            assert 0 < figures['psnr_db'] < 60
            for entry in (figures, figures['unseen']):
                for setting in ('prot_raw', 'raw_prot', 'prot_prot'):
                    assert 0 <= entry[setting]['rank1'] <= 1
                    assert 0 < entry[setting]['map'] <= 1
        assert 0 <= results[preset]['share_solid'] <= 1
    assert results['paper']['iterations'] == results['robot_t10']['iterations'] == 10
    assert results['robot_t10']['looks'] == 0


def test_results_name_no_folder_of_this_machine(results, make_weights):
    assert '/' not in results['about']['command']
    assert str(make_weights(OTHER_PEOPLE).parent) not in json.dumps(results)


def test_results_come_back_from_their_file(results, tmp_path):
    path = tmp_path / 'new' / 'results.json'
    write_results(path, results)
    assert read_results(path) == results
    assert [entry.name for entry in path.parent.iterdir()] == ['results.json']


def test_table_has_a_row_for_every_floor_and_preset(results):
    table = results_table(results)
    rows = [line for line in table.splitlines() if line.startswith('|')]
    # head, rule, raw, floors, own code, three presets of two rows each
    assert len(rows) == 3 + len(results['floors']) + 1 + 6
    assert len({row.count('|') for row in rows}) == 1
    assert f'{results["robot"]["psnr_db"]:.2f}' in table


def test_evaluation_refuses_a_store_with_a_measured_person(make_weights):
    options = Options('validation', ('robot',), True, make_weights([2000, 2000001]))
    with pytest.raises(EvaluationError, match='2000001'):
        evaluation.latent_rag_figures(options, show_progress=False)
