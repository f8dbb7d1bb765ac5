"""`latent-rag evaluate gallery`: part by part, so that an interrupted run goes on."""
from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

LOGGER = logging.getLogger(__name__)
PAGE = Path('docs/gallery.md')


def add_arguments(parser: argparse.ArgumentParser, results: Path, trials: Path) -> None:
    """Add the options; figures go below `results`, those of a trial below `trials`."""
    parser.add_argument('--part', choices=('rendered', 'filter', 'vtest', 'faiss'),
                        action='append', help='measure only this, may be given several times; '
                        'other figures of the same networks stay in the file (default: what the '
                        'file lacks)')
    parser.add_argument('--seed', type=int, action='append', help='data seed of the rendered '
                        'scenes, may be given several times (default: those of the figures)')
    parser.add_argument('--calibration', type=Path, metavar='FILE',
                        help='calibration of the embedder (default: the shipped one)')
    parser.add_argument('--vtest', type=Path, help="vtest.avi (default: where Debian's "
                        'opencv-doc puts it; the part is skipped where it is not)')
    parser.add_argument('--weights', type=Path,
                        help='folder with the weights (default: the shipped ones)')
    parser.add_argument('--device', default='cpu', help='cpu or cuda:N (default: cpu)')
    parser.add_argument('--output', type=Path, help=f'results file (default: '
                        f'{results / "gallery.json"} for the seeds of the figures and shipped '
                        f'networks, below {trials}/ otherwise)')
    parser.add_argument('--write-page', type=Path, nargs='?', const=PAGE, metavar='PAGE',
                        help=f'put the table between its markers in this file ({PAGE} when none '
                        'is named)')
    parser.set_defaults(results=results, trials=trials)


def run(arguments: argparse.Namespace) -> int:
    """Measure what is wanted, write the results after each part and return the exit status.

    Raises `EvaluationError`, `GalleryError` or `WeightsError` with a message for the user.
    """
    from latent_rag_ros.evaluation.gallery_figures import (
        PARTS, GalleryOptions, about, measured_part)
    from latent_rag_ros.evaluation.gallery_scenes import SEEDS
    from latent_rag_ros.evaluation.gallery_table import gallery_table
    from latent_rag_ros.evaluation.readme import write_readme_tables
    from latent_rag_ros.evaluation.results_file import write_results
    from latent_rag_ros.evaluation.vtest import find_vtest
    from latent_rag_ros.gallery.calibration import SHIPPED_FILE, load_calibrations

    seeds = tuple(arguments.seed or SEEDS)
    options = GalleryOptions(
        load_calibrations(arguments.calibration or SHIPPED_FILE), find_vtest(arguments.vtest),
        arguments.weights, arguments.device, seeds)
    complete = seeds == SEEDS and arguments.weights is None and arguments.calibration is None
    path = arguments.output or (arguments.results if complete
                                else arguments.trials) / 'gallery.json'
    results = _kept(path, about(options))
    for part in arguments.part or [part for part in PARTS if part not in results]:
        results.update(measured_part(part, options))
        write_results(path, results)
        LOGGER.info('%s is in %s', part, path)
    if all(part in results for part in ('rendered', 'faiss')):
        table = gallery_table(results)
        sys.stdout.write(f'{table}\n')
        if arguments.write_page is not None:
            write_readme_tables(arguments.write_page, {'gallery': table})
    return 0


def _kept(path: Path, described: dict[str, Any]) -> dict[str, Any]:
    """Return the results that are there, if they were made alike; else none."""
    from latent_rag_ros.evaluation.errors import EvaluationError
    from latent_rag_ros.evaluation.results_file import read_results

    try:
        there = read_results(path)
    except EvaluationError:
        return {'about': described}
    return there if there['about'] == described else {'about': described}
