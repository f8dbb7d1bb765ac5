"""The command `latent-rag evaluate features`: can published features be turned into pictures?"""
from __future__ import annotations

import argparse
import logging
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.results_file import write_results
from latent_rag_ros.feature_privacy.row_names import extractor_names
from latent_rag_ros.weights.registry import write_atomically

if TYPE_CHECKING:
    from latent_rag_ros.evaluation.feature_data import FeatureData

QUICK_PEOPLE, QUICK_ATTACKERS_PEOPLE, QUICK_ITERATIONS, QUICK_BATCH = 20, 60, 40, 8
QUICK_EXTRACTORS = ('plain', 'protected', 'keyed')
RESULTS_NAME = 'features.json'
LOGGER = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is measured, on whom and how long to `parser`."""
    parser.add_argument('--extractor', choices=extractor_names(), action='append',
                        help='row to measure beside the plain one, may be given several times '
                        '(default: all)')
    parser.add_argument('--crops', type=Path, action='append', metavar='DIR',
                        help='held-out people that latent-rag synthesize rendered, one folder per '
                        'seed of the attackers (default: rendered from the seeds of the figures)')
    parser.add_argument('--attacker-crops', type=Path, metavar='DIR',
                        help='rendered people of the attackers (default: rendered)')
    parser.add_argument('--vtest', type=Path, help="vtest.avi (default: where Debian's "
                        'opencv-doc puts it; the part is skipped where it is not)')
    parser.add_argument('--iterations', type=int, help='steps of every attacker '
                        '(default: 250, the decoder 4000)')
    parser.add_argument('--work', type=Path, default=Path('out/evaluation/features'),
                        help='folder of finished stages; an interrupted run continues with the '
                        'same folder (default: %(default)s)')
    parser.add_argument('--quick', action='store_true', help='few people, few rows, short '
                        'attacks: shows that it works, says nothing')
    parser.add_argument('--weights', type=Path,
                        help='folder with the weights (default: the shipped ones)')
    parser.add_argument('--device', default='cpu', help='cpu or cuda:N (default: cpu)')
    parser.add_argument('--output', type=Path, help='results file, the page goes beside it '
                        f'(default: results/{RESULTS_NAME} for a complete run, below --work '
                        'otherwise)')


def run(arguments: argparse.Namespace) -> int:
    """Measure, write results and page, print the table; returns the exit status.

    Raises `EvaluationError` or `WeightsError` with a message for the user.
    """
    from latent_rag_ros.evaluation.feature_claim import targets_table
    from latent_rag_ros.evaluation.feature_data import FeatureNetworks
    from latent_rag_ros.evaluation.feature_figures import FeatureEvaluation, FeatureOptions
    from latent_rag_ros.evaluation.feature_page import feature_page
    from latent_rag_ros.evaluation.feature_table import features_table

    complete = not (arguments.quick or arguments.extractor or arguments.crops
                    or arguments.attacker_crops or arguments.iterations)
    rows = arguments.extractor or (QUICK_EXTRACTORS if arguments.quick else extractor_names())
    command = 'latent-rag evaluate features' + ' --weights DIR' * bool(arguments.weights)
    options = FeatureOptions(tuple(rows), command=command
                             + ('' if complete else ' (a trial, other options)'))
    if arguments.quick:
        options = replace(options, iterations=QUICK_ITERATIONS, batch=QUICK_BATCH,
                          decoder_iterations=QUICK_ITERATIONS,
                          probe_iterations=QUICK_ITERATIONS)
    if arguments.iterations:
        options = replace(options, iterations=arguments.iterations,
                          decoder_iterations=arguments.iterations)
    evaluation = FeatureEvaluation(_data(arguments), FeatureNetworks(
        arguments.weights, arguments.device, arguments.work), options)
    results = evaluation.run()
    output = arguments.output or (Path('results') if complete else arguments.work) / RESULTS_NAME
    write_results(output, results)
    attacked = evaluation.measures[evaluation.data.held_out[0].name].attacked
    shown = len(next(iter(evaluation.shown.values())))
    page = feature_page(results, attacked.people.images[:shown], evaluation.shown)
    write_atomically(output.with_suffix('.html'), page.encode())
    LOGGER.info('results and page written to %s and %s', output, output.with_suffix('.html'))
    sys.stdout.write(f'{features_table(results)}\n\n{targets_table(results)}\n')
    return 0


def _data(arguments: argparse.Namespace) -> FeatureData:
    from latent_rag_ros.evaluation.feature_data import FeatureData
    from latent_rag_ros.evaluation.feature_people import (
        attackers_folder, few_held_out_folder, real_subjects, rendered_subjects)
    from latent_rag_ros.evaluation.held_out import QUICK_IDENTITIES, load_held_out_people
    from latent_rag_ros.evaluation.rendered_people import rendered_folders
    from latent_rag_ros.evaluation.vtest import find_vtest

    vtest = find_vtest(arguments.vtest)
    if arguments.quick:
        folders = arguments.crops or [few_held_out_folder(QUICK_PEOPLE)]
        own_folder = arguments.attacker_crops or attackers_folder(QUICK_ATTACKERS_PEOPLE)
        limits = QUICK_ATTACKERS_PEOPLE, QUICK_PEOPLE
    else:
        folders = arguments.crops or rendered_folders()
        own_folder, limits = arguments.attacker_crops or attackers_folder(), (None, None)
    attackers = rendered_subjects(own_folder, limits[0])
    held_out = tuple(rendered_subjects(folder, limits[1]) for folder in folders)
    if attackers.name in [subjects.name for subjects in held_out]:
        raise EvaluationError(f'{attackers.name} is both attacker and attacked; give people of '
                              'another seed with --attacker-crops')
    replaced = load_held_out_people('test')
    return FeatureData(attackers, held_out, None if vtest is None else real_subjects(vtest),
                       replaced.first_identities(QUICK_IDENTITIES) if arguments.quick
                       else replaced)
