"""`latent-rag evaluate features` on a handful of rendered people: results, page, refusals."""
from __future__ import annotations

import json

import pytest

pytest.importorskip('numba', reason='the synthesis extra is not installed')

from latent_rag_ros.tools.command_line import main


def rendered(folder, people: int, seed: int) -> str:
    """Render people into a folder and return it."""
    assert main(['synthesize', '--people', str(people), '--crops', '4', '--frames', '0',
                 '--cameras', '4', '--seed', str(seed), '--out', str(folder),
                 '--workers', '1']) == 0
    return str(folder)


@pytest.mark.slow
def test_quick_run_writes_results_and_page(make_weights, tmp_path, capsys):
    command = ['evaluate', 'features', '--quick', '--iterations', '2',
               '--weights', str(make_weights([1])), '--work', str(tmp_path / 'work'),
               '--crops', rendered(tmp_path / 'held_out', 4, 101),
               '--attacker-crops', rendered(tmp_path / 'attackers', 5, 7)]
    assert main(command) == 0
    results = json.loads((tmp_path / 'work' / 'features.json').read_text())
    assert 'skipped' in results['protected'] and 'a trial' in results['about']['command']
    assert set(results['plain']['attacks']) == {'decoder', 'gan', 'diffusion'}
    assert '<svg' in (tmp_path / 'work' / 'features.html').read_text()
    assert 'plain extractor' in capsys.readouterr().out


@pytest.mark.slow
def test_people_who_attack_themselves_are_refused(make_weights, tmp_path, caplog):
    folder = rendered(tmp_path / 'people', 3, 7)
    assert main(['evaluate', 'features', '--quick', '--weights', str(make_weights([1])),
                 '--crops', folder, '--attacker-crops', folder]) == 1
    assert 'both attacker and attacked' in caplog.text
