"""The table of docs/gallery.md is that of the committed results, and of the networks shipped."""
from __future__ import annotations

from pathlib import Path

import pytest

from latent_rag_ros.evaluation.gallery_table import gallery_table
from latent_rag_ros.evaluation.readme import table_in
from latent_rag_ros.evaluation.results_file import read_results

ROOT = Path(__file__).parents[2]
PEOPLE = {'idf1': 0.9, 'id_switches': 3, 'returning_rank1': 0.96, 'returning_recognised': 0.9,
          'strangers_accepted': 0.0, 'false_merges': 1, 'false_accept_rate': 0.011,
          'far_ratio': 1.1, 'far_ratio_low': 0.4, 'far_ratio_high': 2.2, 'impostor_trials': 300,
          'identities': 60, 'people': 56, 'visits': 168}
SEARCH = {'features': 100_000, 'dimension': 256, 'cores': 2, 'queries_per_s': 900.0,
          'single_queries_per_s': 350.0, 'p50_ms': 5.0, 'p99_ms': 7.0, 'people_per_frame': 8,
          'frame_p50_ms': 8.0, 'frame_p99_ms': 9.0, 'identify_p50_ms': 9.5,
          'identify_p99_ms': 10.5, 'memory_mb': 130.0, 'features_1m': 1_000_000,
          'recall_1m': 0.991, 'clusters_1m': 1024, 'clusters_read_1m': 64,
          'frame_1m_p50_ms': 8.0, 'frame_1m_p99_ms': 12.0, 'memory_1m_mb': 1100.0,
          'build_1m_s': 60.0, 'exact_frame_1m_p50_ms': 50.0, 'exact_frame_1m_p99_ms': 61.0,
          'exact_memory_1m_mb': 1350.0}
ABOUT = {'people_per_seed': 56, 'visits': 3, 'cameras_per_seed': 4, 'seeds': [1, 2], 'model': 'm'}


def test_page_shows_the_table_of_the_results() -> None:
    results = ROOT / 'results' / 'gallery.json'
    if not results.exists():
        pytest.skip(f'no {results.name} is committed')
    shown = table_in((ROOT / 'docs' / 'gallery.md').read_text(encoding='utf-8'), 'gallery')
    assert shown == gallery_table(read_results(results)), (
        'page and results differ; run: latent-rag evaluate gallery --write-page')


def test_table_has_a_column_per_part_and_says_what_was_measured() -> None:
    naive = {key: value for key, value in PEOPLE.items() if not key.startswith(('far', 'imp'))}
    results = {'about': ABOUT, 'rendered': PEOPLE, 'rendered_naive': naive, 'faiss': SEARCH}
    lines = gallery_table(results).splitlines()
    assert lines[0] == '| | rendered, true boxes | naive |'
    assert '| IDF1 over all cameras | 0.900 | 0.900 |' in lines
    assert '| the same, relative to the calibrated rate | 1.10 |  |' in lines
    assert any('recall 0.991' in line and '1100 MB' in line for line in lines)
    assert '| exact, 1,000,000 features | a frame of 8 50.0 ms, p99 61.0 ms; 1350 MB |' in lines
    both = gallery_table({**results, 'vtest': PEOPLE, 'vtest_naive': naive})
    assert both.splitlines()[0].endswith('| vtest, whole filter | naive |')
    untried = gallery_table({**results, 'vtest': {**PEOPLE, 'genuine_trials': 0}})
    ranks = [line for line in untried.splitlines() if 'Rank-1' in line]
    assert len(ranks) == 1 and '| nobody tried |' in ranks[0]
    with pytest.raises(KeyError):
        gallery_table({'about': ABOUT})
