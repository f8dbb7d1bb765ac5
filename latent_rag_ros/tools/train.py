"""The command `latent-rag train`: makes the weights again, one file or all of them."""
from __future__ import annotations

import argparse
import os
from pathlib import Path

import torch

RECIPE_NAMES = ('shipped', 'tiny')
STEPS = ('all', 'embedder', 'unseen_embedder', 'generator', 'store')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is trained, where to, and how to `parser`."""
    parser.add_argument('what', choices=STEPS, help='which weights; what these stand on has to '
                        'be in the folder already, unless it is all of them')
    parser.add_argument('--out', type=Path, required=True,
                        help='folder of weights, checkpoints and logs; an interrupted run '
                        'continues when it gets the same folder')
    parser.add_argument('--recipe', choices=RECIPE_NAMES, default='shipped',
                        help='tiny proves the path in a minute (default: %(default)s)')
    parser.add_argument('--device', default='cpu', help='cpu or cuda:N (default: cpu)')
    parser.add_argument('--workers', type=int, default=os.cpu_count() or 1,
                        help='processes that render people (default: every core)')
    parser.add_argument('--threads', type=int, default=1,
                        help='threads of the training; more than one rarely helps on a CPU '
                        '(default: %(default)s)')


def run(arguments: argparse.Namespace) -> int:
    """Make the weights and return the exit status."""
    from latent_rag_ros.training.recipe import RECIPES
    from latent_rag_ros.training.train_all import Training

    torch.set_num_threads(arguments.threads)
    Training(RECIPES[arguments.recipe], arguments.out, arguments.device,
             arguments.workers).make(arguments.what)
    return 0
