"""The command `latent-rag evaluate`: privacy, filter, networks, coverage, README tables."""
from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

from latent_rag_ros.coverage_presets import COVERAGE_PRESETS
from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.results_file import write_results
from latent_rag_ros.tools import evaluate_faces, evaluate_features

RESULTS = Path('results')
TRIALS = Path('out/evaluation')
LOGGER = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the evaluations and their options to `parser`."""
    parts = parser.add_subparsers(dest='evaluation', metavar='WHAT', required=True)
    _add_privacy(parts.add_parser(
        'privacy', help='what an attacker gets: every method and every attacker in one table, '
        'as JSON and as a page'))
    _add_latent_rag(parts.add_parser(
        'latent-rag', help='privacy and re-identification figures on held-out people, floors '
        'beside them'))
    _add_coverage(parts.add_parser(
        'coverage', help='share of person pixels that stay uncovered, input pixels that survive'))
    _add_models(parts.add_parser(
        'models', help='how well the shipped networks recognise and draw people, and how fast; '
        'baselines beside them'))
    _add_gallery(parts.add_parser(
        'gallery', help='how well the reidentifier knows people who come and go, and how fast'))
    evaluate_features.add_arguments(parts.add_parser(
        'features', help='whether published identity features can be turned back into pictures: '
        'fresh attackers, baselines beside them'))
    evaluate_faces.add_arguments(parts.add_parser(
        'faces', help='whether a replaced face is unknown to recognition, and what is still true '
        'of it; baselines beside it'))
    colours = parts.add_parser(
        'colours', help='what it costs to give people other colours: the curve between the '
        'presets robot and authorised_only, five minutes of one core')
    colours.add_argument('--people', type=_count, metavar='N',
                         help='measure only the first N people (default: all)')
    colours.add_argument('--document', type=Path, help='put the table between its markers in this '
                         'file, such as docs/linkability.md')
    _add_common(colours, 'colours.json')
    engines = parts.add_parser(
        'engines', help='which library runs which network fastest on this machine')
    engines.add_argument('--document', type=Path, help='put the table between its markers in this '
                         'file, such as docs/real_time.md')
    engines.add_argument('--output', type=Path, default=RESULTS / 'engines.json',
                         help='results file (default: %(default)s)')
    tables = parts.add_parser('tables', help="print the README's tables of the results")
    tables.add_argument('--results', type=Path, default=RESULTS,
                        help='folder with the results '
                        '(default: %(default)s)')
    tables.add_argument('--write-readme', type=Path, nargs='?', const=Path('README.md'),
                        metavar='README', help='put the tables between their markers in this '
                        'file (README.md when none is named)')
    tables.add_argument('--write-cards', type=Path, metavar='DIR', help='put the tables of the '
                        'networks into the cards of the weights in this folder')


def _add_common(parser: argparse.ArgumentParser, results: str) -> None:
    parser.add_argument('--weights', type=Path,
                        help='folder with the weights (default: the shipped ones)')
    parser.add_argument('--device', default='cpu', help='cpu or cuda:N (default: cpu)')
    parser.add_argument('--output', type=Path, help=f'results file (default: '
                        f'{RESULTS / results} for a complete run, below {TRIALS}/ otherwise)')


def _add_latent_rag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--split', choices=('test', 'validation'), default='test',
                        help='test for figures, validation for choosing settings (default: test)')
    parser.add_argument('--preset', choices=('paper', 'robot_t10', 'robot'), action='append',
                        help='preset to measure, may be given several times (default: all)')
    parser.add_argument('--quick', action='store_true', help='the first 20 people only')
    parser.add_argument('--dataset', choices=('market1501', 'msmt17', 'cuhk03', 'cuhk03-labeled'),
                        help='measure on a public data set of real people that you have')
    parser.add_argument('--root', type=Path, metavar='DIR', help='folder of that data set')
    _add_common(parser, 'latent_rag.json')


def _add_privacy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--quick', action='store_true',
                        help='six people, few attackers, hardly trained: shows that all works, '
                        'in five minutes')
    parser.add_argument('--split', choices=('test', 'validation'), default='test',
                        help='test for figures, validation for choosing settings (default: test)')
    parser.add_argument('--dataset', choices=('market1501', 'msmt17', 'cuhk03', 'cuhk03-labeled',
                                              'vtest'),
                        help='measure on real people: a public data set that you have, or the '
                        'pedestrians of vtest.avi; nothing of their pictures is written anywhere')
    parser.add_argument('--root', type=Path, metavar='DIR', help='folder of that data set, or '
                        "the video (default: where Debian's opencv-doc puts vtest.avi)")
    parser.add_argument('--method', action='append', metavar='NAME',
                        help='method to measure, may be given several times (default: all)')
    parser.add_argument('--attacker', action='append', metavar='NAME',
                        help='attacker to train, may be given several times (default: all)')
    parser.add_argument('--people', type=_count, metavar='N',
                        help='measure only the first N people (default: all)')
    parser.add_argument('--attack-people', type=_count, metavar='N',
                        help='people whose pictures the attackers have (default: 120)')
    parser.add_argument('--budget', type=_count, metavar='ITERATIONS',
                        help='training iterations of every attacker (default: about two minutes '
                        'of one core for each)')
    parser.add_argument('--cache', type=Path, default=TRIALS / 'privacy', metavar='DIR',
                        help='finished stages are kept here, and a run goes on from them '
                        '(default: %(default)s)')
    parser.add_argument('--page', type=Path, metavar='FILE',
                        help='HTML page (default: beside the results file)')
    _add_common(parser, 'evaluation.json')


def _add_coverage(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--video', type=Path, help='any video, without person masks '
                        '(default: the shipped clip and frames with exact masks)')
    parser.add_argument('--frames-max', type=_count, help='stop after this many frames of '
                        'each source (default: all)')
    parser.add_argument('--repetitions', type=int, choices=range(0, 5), default=2,
                        help='runs with noise in the low bits, for the check of every pixel '
                        '(default: 2)')
    parser.add_argument('--method', choices=('latent_rag', 'solid'), default='latent_rag',
                        help='what replaces a person (default: latent_rag)')
    parser.add_argument('--coverage', choices=tuple(COVERAGE_PRESETS), action='append',
                        help='preset of protection.coverage to measure, may be given several '
                        'times (default: all)')
    parser.add_argument('--vtest', type=Path, help="vtest.avi (default: where Debian's "
                        'opencv-doc puts it; the part is skipped where it is not)')
    _add_common(parser, 'coverage.json')


def _add_gallery(parser: argparse.ArgumentParser) -> None:
    from latent_rag_ros.tools.evaluate_gallery import add_arguments as add_gallery_arguments

    add_gallery_arguments(parser, RESULTS, TRIALS)

def _add_models(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--crops', type=Path, action='append', metavar='DIR',
                        help='folder with held-out people that latent-rag synthesize rendered, '
                        'may be given several times (default: rendered from the seeds of the '
                        'figures)')
    parser.add_argument('--vtest', type=Path, help="vtest.avi (default: where Debian's "
                        'opencv-doc puts it; the part is skipped where it is not)')
    parser.add_argument('--quick', action='store_true', help='the first 20 people only')
    parser.add_argument('--weights', type=Path,
                        help='folder with the weights (default: the shipped ones)')
    parser.add_argument('--output', type=Path, help=f'results file (default: '
                        f'{RESULTS / "models.json"} for a complete run, below {TRIALS}/ '
                        'otherwise)')


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f'{value} is no number of frames; give 1 or more')
    return value


def run(arguments: argparse.Namespace) -> int:
    """Run the chosen evaluation and return the exit status.

    Raises `EvaluationError`, `WeightsError` or `ParameterError` with a message for the user.
    """
    if arguments.evaluation == 'tables':
        return _tables(arguments)
    if arguments.evaluation == 'privacy':
        return _privacy(arguments)
    if arguments.evaluation == 'features':
        return evaluate_features.run(arguments)
    if arguments.evaluation == 'faces':
        return evaluate_faces.run(arguments)
    if arguments.evaluation == 'coverage':
        return _coverage(arguments)
    if arguments.evaluation == 'gallery':
        return _gallery(arguments)
    if arguments.evaluation == 'models':
        return _models(arguments)
    if arguments.evaluation == 'engines':
        return _engines(arguments)
    if arguments.evaluation == 'colours':
        return _colours(arguments)
    return _latent_rag(arguments)


def _latent_rag(arguments: argparse.Namespace) -> int:
    from latent_rag_ros.evaluation.latent_rag_figures import (
        ALL_PRESETS, Options, latent_rag_figures)
    from latent_rag_ros.evaluation.tables import results_table

    presets = tuple(dict.fromkeys(arguments.preset or ALL_PRESETS))
    if (arguments.dataset is None) != (arguments.root is None):
        raise EvaluationError('--dataset and --root belong together; give both or neither')
    options = Options(arguments.split, presets, arguments.quick, arguments.weights,
                      arguments.device, arguments.dataset, arguments.root)
    complete = (arguments.split == 'test' and presets == ALL_PRESETS and arguments.dataset is None
                and not arguments.quick and arguments.weights is None)
    name = ('latent_rag.json' if complete
            else f'latent_rag_{arguments.dataset or arguments.split}.json')
    results = latent_rag_figures(options)
    _write(arguments.output or (RESULTS if complete else TRIALS) / name, results)
    sys.stdout.write(f'{results_table(results)}\n')
    return 0


def _privacy(arguments: argparse.Namespace) -> int:
    from dataclasses import replace

    from latent_rag_ros.evaluation.privacy.options import FULL, QUICK, PrivacyOptions
    from latent_rag_ros.evaluation.privacy.page import write_page
    from latent_rag_ros.evaluation.privacy.run import evaluate
    from latent_rag_ros.evaluation.privacy.tables import evaluation_table

    asked = {'identities': arguments.people, 'attack_people': arguments.attack_people,
             'iterations': arguments.budget, 'methods': arguments.method,
             'attackers': arguments.attacker}
    size = replace(QUICK if arguments.quick else FULL, **{
        name: tuple(value) if isinstance(value, list) else value
        for name, value in asked.items() if value is not None})
    options = PrivacyOptions(size, arguments.split, arguments.dataset, arguments.root,
                             arguments.weights, arguments.device, arguments.cache)
    evaluated = evaluate(options)
    name = ('evaluation.json' if options.is_complete else 'evaluation_quick.json'
            if options.size.is_quick else f'evaluation_{options.dataset or options.split}.json')
    path = arguments.output or (RESULTS if options.is_complete else TRIALS) / name
    _write(path, evaluated.figures)
    page = arguments.page or path.with_suffix('.html')
    write_page(page, evaluated)
    LOGGER.info('page written to %s', page)
    sys.stdout.write(f'{evaluation_table(evaluated.figures)}\n')
    return 0


def _coverage(arguments: argparse.Namespace) -> int:
    from latent_rag_ros.evaluation.coverage_run import CoverageOptions, coverage_results
    from latent_rag_ros.evaluation.tables import coverage_table

    results = coverage_results(CoverageOptions(
        arguments.video, arguments.frames_max, arguments.repetitions, arguments.method,
        arguments.weights, arguments.device, tuple(arguments.coverage or COVERAGE_PRESETS),
        arguments.vtest))
    complete = (arguments.video is None and arguments.coverage is None
                and arguments.frames_max is None
                and arguments.weights is None and arguments.method == 'latent_rag')
    _write(arguments.output or (RESULTS if complete else TRIALS) / 'coverage.json', results)
    sys.stdout.write(f'{coverage_table(results)}\n')
    return 0


def _gallery(arguments: argparse.Namespace) -> int:
    from latent_rag_ros.tools.evaluate_gallery import run as run_gallery

    return run_gallery(arguments)


def _models(arguments: argparse.Namespace) -> int:
    from latent_rag_ros.evaluation.held_out import QUICK_IDENTITIES
    from latent_rag_ros.evaluation.model_figures import ModelData, Models, model_figures
    from latent_rag_ros.evaluation.model_tables import models_table
    from latent_rag_ros.evaluation.rendered_people import (
        are_of_the_figures, read_rendering, rendered_folders)
    from latent_rag_ros.evaluation.vtest import find_vtest

    vtest = find_vtest(arguments.vtest)
    models = Models.load(arguments.weights)
    limit = QUICK_IDENTITIES if arguments.quick else None
    renderings = tuple(read_rendering(folder, limit)
                       for folder in arguments.crops or rendered_folders())
    complete = (are_of_the_figures(renderings) and vtest is not None
                and not arguments.quick and arguments.weights is None)
    command = 'latent-rag evaluate models' + ('' if complete else ' (a trial, other options)')
    results = model_figures(models, ModelData(renderings, vtest, command))
    _write(arguments.output or (RESULTS if complete else TRIALS) / 'models.json', results)
    sys.stdout.write(f'{models_table(results)}\n')
    return 0


def _colours(arguments: argparse.Namespace) -> int:
    from latent_rag_ros.evaluation.colour_tradeoff import colour_tradeoff, tradeoff_table
    from latent_rag_ros.evaluation.readme import write_readme_tables

    figures = colour_tradeoff(arguments.people, arguments.weights, arguments.device)
    complete = arguments.people is None and arguments.weights is None
    _write(arguments.output or (RESULTS if complete else TRIALS) / 'colours.json', figures)
    table = tradeoff_table(figures)
    if arguments.document is not None:
        write_readme_tables(arguments.document, {'colours': table})
    sys.stdout.write(f'{table}\n')
    return 0


def _engines(arguments: argparse.Namespace) -> int:
    from latent_rag_ros.evaluation.engine_speed import engine_figures, engine_table
    from latent_rag_ros.evaluation.readme import write_readme_tables

    figures = engine_figures()
    _write(arguments.output, figures)
    table = engine_table(figures)
    if arguments.document is not None:
        write_readme_tables(arguments.document, {'engines': table})
    sys.stdout.write(f'{table}\n')
    return 0


def _tables(arguments: argparse.Namespace) -> int:
    from latent_rag_ros.evaluation.readme import (
        rendered_tables, write_card_tables, write_readme_tables)

    tables = rendered_tables(arguments.results)
    if arguments.write_cards is not None:
        write_card_tables(arguments.write_cards, arguments.results)
        LOGGER.info('tables written to the cards in %s', arguments.write_cards)
    if arguments.write_readme is not None:
        write_readme_tables(arguments.write_readme, tables)
        LOGGER.info('tables written to %s', arguments.write_readme)
    if arguments.write_cards is None and arguments.write_readme is None:
        sys.stdout.write('\n\n'.join(tables.values()) + '\n')
    return 0


def _write(path: Path, results: dict[str, Any]) -> None:
    write_results(path, results)
    LOGGER.info('results written to %s', path)
