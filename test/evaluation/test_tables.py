"""The README shows exactly the table of the committed results."""
from __future__ import annotations

from pathlib import Path

import pytest

from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.results_file import read_results
from latent_rag_ros.evaluation.tables import (
    BEGIN, END, readme_with_table, results_table, text_between_markers, write_readme_table)

ROOT = Path(__file__).parents[2]
README, RESULTS = ROOT / 'README.md', ROOT / 'results' / 'latent_rag.json'


@pytest.mark.skipif(not RESULTS.exists(), reason='no results are committed')
def test_readme_shows_the_table_of_the_results():
    shown = text_between_markers(README.read_text(encoding='utf-8'))
    assert shown == results_table(read_results(RESULTS)), (
        'README and results differ; run: latent-rag evaluate table --write-readme')


def test_table_replaces_only_what_stands_between_the_markers():
    readme = f'before\n{BEGIN}\nold\n{END}\nafter\n'
    changed = readme_with_table(readme, '| new |')
    assert changed == f'before\n{BEGIN}\n| new |\n{END}\nafter\n'
    assert text_between_markers(changed) == '| new |'
    assert readme_with_table(changed, '| new |') == changed


@pytest.mark.parametrize('readme', ['none', f'{BEGIN} only', f'{END} {BEGIN}',
                                    f'{BEGIN} {END} {BEGIN} {END}'])
def test_table_refuses_a_readme_without_a_pair_of_markers(readme):
    with pytest.raises(EvaluationError, match='README'):
        readme_with_table(readme, '| new |')


def test_write_readme_table_leaves_the_file_alone_when_it_has_no_markers(tmp_path):
    path = tmp_path / 'README.md'
    path.write_text('nothing here')
    with pytest.raises(EvaluationError):
        write_readme_table(path, '| new |')
    assert path.read_text() == 'nothing here'


def test_write_readme_table_names_a_file_that_is_missing(tmp_path):
    with pytest.raises(EvaluationError, match='absent.md'):
        write_readme_table(tmp_path / 'absent.md', '| new |')
