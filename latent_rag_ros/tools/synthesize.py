"""`latent-rag synthesize`: render synthetic people, the data that everything is trained on."""
from __future__ import annotations

import argparse
import logging
import os
from pathlib import Path

from latent_rag_ros.synthesis.settings import Settings

THREAD_VARIABLES = ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS',
                    'NUMBA_NUM_THREADS')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the subcommand."""
    parser.add_argument('--people', type=int, default=1000, help='labelled people')
    parser.add_argument('--crops', type=int, default=40, help='crops of each person')
    parser.add_argument('--frames', type=int, default=0, help='full pictures of several people')
    parser.add_argument('--faces', type=int, default=0,
                        help='pictures of each of --people heads, who are others than those of '
                        'the crops; with --crops 0 nothing else is rendered')
    parser.add_argument('--counterparts', type=int, default=1, metavar='N',
                        help='show N heads after one another in the same scenes, so that their '
                        'faces differ in nothing but the head; what training faces needs')
    parser.add_argument('--seed', type=int, default=0,
                        help='other seeds share no person and no camera')
    parser.add_argument('--cameras', type=int, default=120, help='cameras of this world')
    parser.add_argument('--out', type=Path, required=True,
                        help='folder; what is there already is not rendered again')
    parser.add_argument('--workers', type=int, default=len(os.sched_getaffinity(0)),
                        help='processes, one core each')


def run(arguments: argparse.Namespace) -> int:
    """Render what is missing and return the exit status."""
    for name in THREAD_VARIABLES:  # inherited by the workers, who import NumPy anew
        os.environ.setdefault(name, '1')
    try:
        from latent_rag_ros.synthesis.dataset import content_hash, render_dataset
    except ModuleNotFoundError as error:
        if error.name != 'numba':
            raise
        logging.error('numba is not installed; rendering needs: '
                      'pip install "latent-rag-ros[synthesis]"')
        return 1
    settings = Settings(arguments.people, arguments.crops, arguments.frames, arguments.seed,
                        arguments.cameras, arguments.faces, arguments.counterparts)
    rendered = render_dataset(settings, arguments.out, arguments.workers)
    logging.info('%d shards rendered into %s, sha256 of the content %s', rendered, arguments.out,
                 content_hash(arguments.out))
    return 0
