"""The curve of colours against identity, for real, on two people and untrained weights."""
from __future__ import annotations

import json
from pathlib import Path

import pytest

from latent_rag_ros.evaluation.colour_tradeoff import (
    EPSILONS, NOT_MEASURED, STRANGERS, settings, tradeoff_table)
from latent_rag_ros.evaluation.readme import table_in
from latent_rag_ros.evaluation.results_file import read_results
from latent_rag_ros.latent_rag.presets import PRESETS
from latent_rag_ros.tools.command_line import main

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def written(make_weights, tmp_path_factory):
    """The results of one run of the command, and the document that it renewed."""
    folder = tmp_path_factory.mktemp('colours')
    document = folder / 'document.md'
    document.write_text('<!-- colours results begin -->\n<!-- colours results end -->\n')
    assert main(['evaluate', 'colours', '--people', '2', '--weights', str(make_weights([9001])),
                 '--document', str(document), '--output', str(folder / 'colours.json')]) == 0
    return json.loads((folder / 'colours.json').read_text()), document.read_text()


def test_curve_goes_from_the_open_preset_to_a_stranger():
    curve = settings()
    assert curve['robot'] == PRESETS['robot']
    assert [preset.stranger for preset in list(curve.values())[1:6]] == [*STRANGERS, 1.0]
    assert curve['epsilon_0'].iterations == 0 == curve['epsilon_0'].perturbation
    assert len(curve) == 2 + len(STRANGERS) + len(EPSILONS)


def test_every_setting_is_measured_and_named_in_the_document(written):
    results, document = written
    assert set(results['settings']) == set(settings())
    for figures in results['settings'].values():
        assert 0 <= figures['colour_accuracy'] <= 1 and figures['psnr_db'] > 0
        assert {'rank1', 'map'} <= set(figures['prot_raw']) & set(figures['unseen']['prot_raw'])
    assert table_in(document, 'colours') == tradeoff_table(results)
    lines = [line for line in document.splitlines() if line.startswith('|')]
    assert len(lines) == 3 + len(results['settings'])
    assert len({line.count('|') for line in lines}) == 1


def test_documentation_shows_the_committed_curve():
    shown = table_in((ROOT / 'docs' / 'linkability.md').read_text(encoding='utf-8'), 'colours')
    results = ROOT / 'results' / 'colours.json'
    # without results the document must say so: there is nothing to skip
    wanted = tradeoff_table(read_results(results)) if results.exists() else NOT_MEASURED
    assert shown == wanted, (
        'run: latent-rag evaluate colours --document docs/linkability.md')


def test_looks_of_a_stranger_do_not_depend_on_the_person(written):
    # the same random people stand in for everybody, so that only the perturbation differs
    figures = written[0]['settings']
    assert figures['epsilon_0']['psnr_db'] == pytest.approx(figures['epsilon_8']['psnr_db'],
                                                            abs=0.5)
    assert written[0]['about']['command'] == 'latent-rag evaluate colours --people 2 --weights DIR'
