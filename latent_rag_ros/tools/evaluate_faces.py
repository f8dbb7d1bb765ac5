"""The command `latent-rag evaluate faces`: is a replaced face unknown, and still the same look?"""
from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.results_file import write_results
from latent_rag_ros.synthesis.settings import Settings
from latent_rag_ros.weights.registry import WEIGHTS_DIRECTORY, write_atomically

if TYPE_CHECKING:
    from latent_rag_ros.evaluation.face_sets import FaceSet
    from latent_rag_ros.evaluation.gaze_instrument import GazeInstrument
    from latent_rag_ros.perception.center_face import CenterFaceDetector

RESULTS, WORK = Path('results/faces.json'), Path('out/evaluation/faces')
QUICK_FACES, QUICK_TEACHER_FACES = 24, 4
PEOPLE = {'development': slice(0, 5), 'final': slice(5, 10)}
FACE_AROUND_PX_MAX = 320
HELD_OUT = Settings(people=60, crops=0, frames=0, seed=37, faces=6, counterparts=4)
GAZE = Settings(people=150, crops=0, frames=0, seed=43, faces=10)
"""Faces that are measured, and others that the gaze reader learns from."""

LOGGER = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is measured, on whom and with what to `parser`."""
    parser.add_argument('--weights', type=Path, default=WEIGHTS_DIRECTORY,
                        help='folder of latent-rag train faces (default: the shipped weights)')
    parser.add_argument('--networks', type=Path, required=True,
                        help='folder of scripts/convert_face_networks.py, with the '
                        'thresholds.json of scripts/calibrate_face_oracles.py')
    parser.add_argument('--rendered', type=Path, metavar='DIR',
                        help='faces/ of people whom nobody was trained on, rendered by latent-rag '
                        f'synthesize (default: rendered, seed {HELD_OUT.seed})')
    parser.add_argument('--gaze-faces', type=Path, metavar='DIR',
                        help='faces/ of other people, from which the reader of gazes learns once '
                        f'(default: rendered, seed {GAZE.seed})')
    parser.add_argument('--people', type=Path, metavar='DIR',
                        help='photographs, one folder per person; nothing of them is written')
    parser.add_argument('--people-split', choices=tuple(PEOPLE), default='development',
                        help='the first five folders of --people, or the second five, which are '
                        'for the final figures alone (default: %(default)s)')
    parser.add_argument('--method', action='append', metavar='NAME',
                        help='method to measure, may be given several times (default: all)')
    parser.add_argument('--teacher-faces', type=int, default=40, metavar='N',
                        help='faces of each set that the slow teacher draws '
                        '(default: %(default)s)')
    parser.add_argument('--faces', type=int, metavar='N',
                        help='measure only N faces of each set, evenly spread (default: all)')
    parser.add_argument('--quick', action='store_true', help=f'{QUICK_FACES} faces of each set')
    parser.add_argument('--cache', type=Path, default=WORK / 'cache', metavar='DIR',
                        help='finished stages are kept here, and a run goes on from them '
                        '(default: %(default)s)')
    parser.add_argument('--device', default='cpu', help='cpu or cuda:N (default: cpu)')
    parser.add_argument('--output', type=Path, help='results file, the page goes beside it '
                        f'(default: {RESULTS} for a complete run, below {WORK} otherwise)')
    parser.add_argument('--document', type=Path, help='put the tables between their markers in '
                        'this file, such as docs/identity_decoupling.md')


def run(arguments: argparse.Namespace) -> int:
    """Measure, write results and page, print the tables; returns the exit status.

    Raises `EvaluationError` or `WeightsError` with a message for the user.
    """
    from latent_rag_ros.evaluation.face_figures import FaceEvaluation, FaceOptions
    from latent_rag_ros.evaluation.face_meter import FaceMeter
    from latent_rag_ros.evaluation.face_methods import BASELINES, METHODS
    from latent_rag_ros.evaluation.face_page import face_page
    from latent_rag_ros.evaluation.face_sets import thinned
    from latent_rag_ros.evaluation.face_table import all_tables
    from latent_rag_ros.evaluation.readme import write_readme_tables

    methods = tuple(dict.fromkeys(arguments.method or (*METHODS, *BASELINES)))
    unknown = set(methods) - {*METHODS, *BASELINES}
    if unknown:
        raise EvaluationError(f'--method {", ".join(sorted(unknown))} is unknown; choose from '
                              f'{", ".join((*METHODS, *BASELINES))}')
    complete = not arguments.quick and not arguments.method and arguments.people is not None
    meter = FaceMeter(arguments.networks, _detector(arguments.networks, FACE_AROUND_PX_MAX),
                      arguments.device, _gaze(arguments))
    options = FaceOptions(
        arguments.weights, arguments.networks, methods,
        QUICK_TEACHER_FACES if arguments.quick else arguments.teacher_faces, arguments.device,
        arguments.cache, 'latent-rag evaluate faces'
        + (_said(arguments) if complete else
           ' (a trial, other options)'))
    sets = _sets(arguments)
    count = QUICK_FACES if arguments.quick else arguments.faces
    evaluation = FaceEvaluation(tuple(thinned(faces, count) for faces in sets), meter, options,
                                leak_faces=sets[0])
    results = evaluation.run()
    output = arguments.output or (RESULTS if complete else WORK / RESULTS.name)
    write_results(output, results)
    page = face_page(results, evaluation.pictures)
    write_atomically(output.with_suffix('.html'), page.encode())
    LOGGER.info('results and page written to %s and %s', output, output.with_suffix('.html'))
    tables = all_tables(results)
    if arguments.document is not None:
        write_readme_tables(arguments.document, {'faces': tables})
    sys.stdout.write(f'{tables}\n')
    return 0


def _said(arguments: argparse.Namespace) -> str:
    """Return the options of a complete run that change its figures."""
    faces = '' if arguments.faces is None else f' --faces {arguments.faces}'
    return (f'{faces} --teacher-faces {arguments.teacher_faces} '
            f'--people-split {arguments.people_split}')


def _detector(networks: Path, side_px_max: int) -> CenterFaceDetector:
    from latent_rag_ros.perception.center_face import WEIGHTS_NAME, CenterFaceDetector

    return CenterFaceDetector(networks / WEIGHTS_NAME, side_px_max=side_px_max)


def _sets(arguments: argparse.Namespace) -> tuple[FaceSet, ...]:
    from latent_rag_ros.evaluation.face_sets import (
        PHOTOGRAPH_PX_MAX, photographed_faces, rendered_faces)

    detector = _detector(arguments.networks, PHOTOGRAPH_PX_MAX)
    sets = [rendered_faces(arguments.rendered or _rendered(HELD_OUT), detector)]
    if arguments.people is not None:
        split = arguments.people_split
        sets.append(photographed_faces(f'photographs_{split}', arguments.people, detector,
                                       PEOPLE[split]))
    return tuple(sets)


def _gaze(arguments: argparse.Namespace) -> GazeInstrument:
    """Return the reader of gazes; it is trained once, in minutes, and then found in the cache."""
    from latent_rag_ros.evaluation.face_sets import rendered_faces
    from latent_rag_ros.evaluation.gaze_instrument import gaze_instrument
    from latent_rag_ros.evaluation.results_file import weights_hashes
    from latent_rag_ros.perception.center_face import WEIGHTS_NAME

    networks = arguments.networks
    return gaze_instrument(
        arguments.gaze_faces or _rendered(GAZE),
        lambda folder: rendered_faces(folder, _detector(networks, FACE_AROUND_PX_MAX)),
        weights_hashes(networks)[WEIGHTS_NAME], arguments.cache, device=arguments.device)


def _rendered(settings: Settings) -> Path:
    """Return the folder of rendered faces; renders what is missing."""
    from latent_rag_ros.synthesis.dataset import render_dataset

    folder = WORK / f'rendered_{settings.seed}'
    render_dataset(settings, folder, workers=1)
    return folder / 'faces'
