"""The README shows exactly the tables of the committed results."""
from __future__ import annotations

from pathlib import Path

import pytest

from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.readme import (
    ABSENT, CARD_TABLES, TABLES, card_source, markers, readme_with_table, rendered_tables,
    results_file, table_in, write_card_tables, write_readme_tables)
from latent_rag_ros.evaluation.results_file import read_results

ROOT = Path(__file__).parents[2]
BEGIN, END = markers('coverage')


@pytest.mark.parametrize('name', TABLES)
def test_readme_shows_the_table_of_the_results(name):
    results = results_file(ROOT / 'results', name)
    # without results the README must say so: there is nothing to skip
    wanted = TABLES[name](read_results(results)) if results.exists() else ABSENT[name]
    shown = table_in((ROOT / 'README.md').read_text(encoding='utf-8'), name)
    assert shown == wanted, (
        'README and results differ; run: latent-rag evaluate tables --write-readme')


@pytest.mark.parametrize('card', CARD_TABLES)
def test_cards_show_the_tables_of_the_results(card):
    results = ROOT / 'results' / f'{card_source(card)}.json'
    if not results.exists():
        pytest.skip(f'no {results.name} is committed')
    text = (ROOT / 'latent_rag_ros' / 'weights' / card).read_text(encoding='utf-8')
    for name, render in CARD_TABLES[card].items():
        assert table_in(text, name) == render(read_results(results)), (
            f'{card} and results differ; run: latent-rag evaluate tables --write-cards '
            'latent_rag_ros/weights')


def test_rendered_tables_leave_out_what_has_no_results(tmp_path):
    with pytest.raises(EvaluationError, match='holds no results'):
        rendered_tables(tmp_path)
    (tmp_path / 'coverage.json').write_bytes((ROOT / 'results' / 'coverage.json').read_bytes())
    assert rendered_tables(tmp_path).keys() == {'coverage', *ABSENT}
    assert 'Nobody has attacked' in rendered_tables(tmp_path)['attack_claim']


def test_write_card_tables_refuses_results_without_the_figures(tmp_path):
    (tmp_path / 'models.json').write_text('{"about": {}}')
    with pytest.raises(EvaluationError, match='latent-rag evaluate models'):
        write_card_tables(tmp_path, tmp_path)


def test_table_replaces_only_what_stands_between_its_markers():
    readme = f'before\n{BEGIN}\nold\n{END}\nafter\n'
    changed = readme_with_table(readme, 'coverage', '| new |')
    assert changed == f'before\n{BEGIN}\n| new |\n{END}\nafter\n'
    assert table_in(changed, 'coverage') == '| new |'
    assert readme_with_table(changed, 'coverage', '| new |') == changed


def test_table_stays_on_the_line_of_its_markers():
    readme = f'| {BEGIN}old{END} | |\n'
    assert readme_with_table(readme, 'coverage', 'new') == f'| {BEGIN}new{END} | |\n'
    assert table_in(readme, 'coverage') == 'old'


@pytest.mark.parametrize('readme', ['none', f'{BEGIN} only', f'{END} {BEGIN}',
                                    f'{BEGIN} {END} {BEGIN} {END}'])
def test_table_refuses_a_readme_without_a_pair_of_markers(readme):
    with pytest.raises(EvaluationError, match='README'):
        readme_with_table(readme, 'coverage', '| new |')


def test_write_readme_tables_leaves_the_file_alone_when_markers_are_missing(tmp_path):
    path = tmp_path / 'README.md'
    path.write_text(f'{BEGIN}\n{END}\n')
    with pytest.raises(EvaluationError, match='latent_rag results begin'):
        write_readme_tables(path, {'coverage': '| new |', 'latent_rag': '| new |'})
    assert path.read_text() == f'{BEGIN}\n{END}\n'


def test_write_readme_tables_names_a_file_that_is_missing(tmp_path):
    with pytest.raises(EvaluationError, match='absent.md'):
        write_readme_tables(tmp_path / 'absent.md', {'coverage': '| new |'})
