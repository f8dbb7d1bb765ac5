"""Results of parts become one file, its ratios are compared, its tables show what is in it."""
from __future__ import annotations

import copy
from pathlib import Path
from xml.etree import ElementTree

import pytest

from latent_rag_ros.bench.comparison import compared, comparison_text
from latent_rag_ros.bench.documents import MARKERS, TABLES, write_documents
from latent_rag_ros.bench.plot import work_plot
from latent_rag_ros.bench.summary import results_of
from latent_rag_ros.bench.tables import bench_report, end_to_end_table, readme_table
from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.readme import markers, table_in
from latent_rag_ros.evaluation.results_file import read_results

ROOT = Path(__file__).parents[2]
ABOUT = {'command': 'latent-rag bench', 'date': '2026-01-02T03:04:05+00:00', 'device': 'cpu',
         'machine': {'processor': 'Abacus', 'cores': 2, 'torch_threads': 2},
         'disturbed_parts': [], 'failed_parts': {}, 'parts': {}}


def spread(value: float) -> dict[str, float]:
    """Return a distribution around a value."""
    return {'p50': value, 'p95': 2 * value, 'p99': 3 * value, 'mean': value, 'count': 9}


def of_people(first_seen_ms: float, followed_ms: float | None = None) -> dict:
    """Return the figures of a part that measures people."""
    rows = {'first_seen': first_seen_ms, 'warm': followed_ms}
    return {'batches': {'5': {name: {'ms_per_person': spread(ms), 'people_per_s': 1000 / ms}
                              for name, ms in rows.items() if ms is not None}}}


def of_nodes(fps: float, age_ms: float) -> dict:
    """Return the figures of a part that runs the nodes."""
    frames = {'received': 300, 'protected': 290, 'dropped': 9, 'blanked': 1}
    return {'fps': fps, 'age_ms': spread(age_ms), 'frames': frames, 'transport_share': 0.05,
            'peak_rss_mb': 700.0}


PARTS = {
    'people.robot': of_people(8.0, 4.0), 'people.paper': of_people(400.0),
    'reference': {'ms_per_person': 16000.0, 'iterations_timed': 2, 'iterations': 10},
    'frames.fast.640x480': {'frame_ms': spread(40.0), 'stages_ms': {'detect': spread(20.0)}},
    'deface.640x480': {'ms': 60.0, 'version': '1.5.0', 'backend': 'onnxrt',
                       'backends': {'onnxrt': {'frame_ms': spread(60.0)}}},
    'end_to_end.fast.640x480.5': of_nodes(24.0, 45.0),
    'end_to_end.safe.640x480.5': of_nodes(12.0, 80.0),
    'work': {'people': [{'people': 0, 'first_seen_ms': 20, 'followed_ms': 20},
                        {'people': 20, 'first_seen_ms': 120, 'followed_ms': 60}],
             'pixels': [{'pixels': 307200, 'first_seen_ms': 30, 'followed_ms': 20},
                        {'pixels': 1228800, 'first_seen_ms': 90, 'followed_ms': 60}],
             'people_exponent': 0.9, 'pixels_exponent': 0.8},
}
RESULTS = results_of(ABOUT, PARTS)


def test_figures_stand_at_the_published_places():
    assert RESULTS['ms_per_person'] == {'robot': 8.0, 'robot_followed': 4.0, 'paper': 400.0}
    assert RESULTS['ratio_to_reference'] == 2000.0
    assert RESULTS['end_to_end']['640x480']['5']['fps'] == 12.0  # of the default coverage
    assert RESULTS['end_to_end_by_coverage']['fast']['640x480']['5']['age_ms']['p95'] == 90.0
    assert RESULTS['deface']['640x480'] == PARTS['deface.640x480'] | {
        'ratio_to_frame': {'fast': 1.5}}


def test_ratios_are_more_when_the_filter_is_faster():
    assert RESULTS['ratios'] == {
        'robot_to_reference': 2000.0, 'robot_followed_to_reference': 4000.0,
        'paper_to_reference': 40.0, 'deface_to_frame.fast.640x480': 1.5}


def test_targets_say_what_is_reached_and_what_is_not():
    reached = {row['target']: row['reached'] for row in RESULTS['targets']}
    assert reached['per person, first seen, five at a time'] is True
    assert reached['published at 640x480 with 5 people'] is False
    assert not any('sustained' in target for target in reached)  # of CUDA only, not measured


def test_results_of_a_few_parts_hold_these_only():
    results = results_of(ABOUT, {'reference': PARTS['reference']})
    assert results['ratios'] == results['ms_per_person'] == {} and results['targets'] == []
    assert 'Abacus' in bench_report(results) and 'ratio_to_reference' not in results


def slower(factor: float) -> dict:
    """Return the results of a run in which people took `factor` times longer."""
    return results_of(ABOUT, PARTS | {'people.robot': of_people(8.0 * factor, 4.0 * factor)})


@pytest.mark.parametrize('factor, regressed', [(0.5, 0), (1.0, 0), (1.2, 0), (1.3, 2)])
def test_comparison_fails_when_more_than_a_fifth_is_lost(factor, regressed):
    rows = compared(slower(factor), RESULTS)
    assert len(rows) == len(RESULTS['ratios'])
    assert sum(row.regressed for row in rows) == regressed
    assert comparison_text(rows).count('REGRESSED') == regressed


def test_comparison_does_not_look_at_times():
    twice = copy.deepcopy(PARTS)
    twice['people.robot'], twice['people.paper'] = of_people(16.0, 8.0), of_people(800.0)
    twice['reference']['ms_per_person'] *= 2
    twice['frames.fast.640x480']['frame_ms'] = spread(80.0)
    twice['deface.640x480']['ms'] = 120.0
    twice['end_to_end.safe.640x480.5'] = of_nodes(1.0, 9000.0)
    assert not any(row.regressed for row in compared(results_of(ABOUT, twice), RESULTS))


def test_comparison_leaves_out_what_only_one_side_has():
    rows = compared({'about': ABOUT, 'ratios': {'paper_to_reference': 40.0, 'new': 1.0}}, RESULTS)
    assert [row.name for row in rows] == ['paper_to_reference']


@pytest.mark.parametrize('about, ratios, message', [
    (ABOUT, {}, 'no ratio in common'), (ABOUT | {'device': 'cuda:0'}, RESULTS['ratios'], 'cuda')])
def test_comparison_refuses_what_cannot_be_compared(about, ratios, message):
    with pytest.raises(EvaluationError, match=message):
        compared({'about': about, 'ratios': ratios}, RESULTS)


def test_tables_show_the_figures():
    report = bench_report(RESULTS)
    for figure in ('16,000', '2,000', '| `safe` | 640x480 | 5 | 12 | 80 / 160 |', 'Abacus', '5 %'):
        assert figure in report, figure
    assert '12 fps | **no** |' in readme_table(RESULTS)
    assert end_to_end_table(RESULTS, ('0',)) == ''


def test_tables_name_what_disturbed_or_is_missing():
    about = ABOUT | {'disturbed_parts': ['work'], 'parts': {'work': {}, 'reference': {}},
                     'failed_parts': {'long_run': 'why'}}
    text = bench_report(results_of(about, PARTS))
    assert '1 of 2 parts' in text and 'Not measured: long_run.' in text


def test_plot_is_a_picture_with_a_point_for_every_measurement():
    picture = ElementTree.fromstring(work_plot(RESULTS['work']))
    circles = picture.findall('{http://www.w3.org/2000/svg}circle')
    assert picture.tag.endswith('svg') and len(circles) == 8
    left, top, width, height = map(float, picture.attrib['viewBox'].split())
    assert all(left < float(circle.attrib['cx']) < width and top < float(circle.attrib['cy'])
               < height for circle in circles)


def test_documents_get_tables_between_their_markers_and_the_plot(tmp_path):
    paths = [tmp_path / name for name in TABLES]
    for path in paths:
        path.write_text('\n'.join(('before', *markers(MARKERS), 'after')))
    write_documents(RESULTS, paths, tmp_path / 'work.svg')
    for path in paths:
        assert table_in(path.read_text(), MARKERS) == TABLES[path.name](RESULTS)
    assert (tmp_path / 'work.svg').read_text() == work_plot(RESULTS['work'])


@pytest.mark.parametrize('document', [ROOT / 'README.md', ROOT / 'docs' / 'benchmark.md'])
def test_document_shows_the_tables_of_the_committed_results(document):
    results = ROOT / 'results' / 'bench_cpu.json'
    text = document.read_text(encoding='utf-8')
    shown = table_in(text, MARKERS)
    if not results.exists():
        assert shown == ''
        pytest.skip('no bench_cpu.json is committed')
    assert shown == TABLES[document.name](read_results(results)), (
        'document and results differ; run: latent-rag bench --documents')
