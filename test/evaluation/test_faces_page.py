"""The tables of docs/identity_decoupling.md are those of the committed results."""
from __future__ import annotations

from pathlib import Path

from latent_rag_ros.evaluation.face_table import all_tables
from latent_rag_ros.evaluation.readme import table_in
from latent_rag_ros.evaluation.results_file import read_results
from latent_rag_ros.weights.registry import WEIGHTS_DIRECTORY, sha256_of

ROOT = Path(__file__).parents[2]
RESULTS = read_results(ROOT / 'results' / 'faces.json')


def test_page_shows_the_tables_of_the_results() -> None:
    page = (ROOT / 'docs' / 'identity_decoupling.md').read_text(encoding='utf-8')
    assert table_in(page, 'faces') == all_tables(RESULTS), (
        'page and results differ; run: latent-rag evaluate faces --document '
        'docs/identity_decoupling.md')


def test_figures_are_of_the_weights_that_are_shipped() -> None:
    for name, digest in RESULTS['about']['weights'].items():
        shipped = WEIGHTS_DIRECTORY / name
        assert not shipped.exists() or sha256_of(shipped) == digest, (
            f'{name} is not what was measured; run: latent-rag evaluate faces')
