"""The command `latent-rag`: finds the subcommand, loads only what that one needs."""
from __future__ import annotations

import argparse
import importlib
import logging
import sys
from collections.abc import Sequence

from latent_rag_ros import __version__
from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.gallery.backend import GalleryStorageError
from latent_rag_ros.gallery.features import GalleryError
from latent_rag_ros.parameters import ParameterError
from latent_rag_ros.synthesis.settings import SynthesisError
from latent_rag_ros.weights.registry import WeightsError

COMMANDS = {
    'demo': ('latent_rag_ros.tools.demo',
             'run the filter as ROS 2 nodes on the shipped clip or on any video'),
    'evaluate': ('latent_rag_ros.tools.evaluate',
                 'measure what the filter hides and what it keeps'),
    'bench': ('latent_rag_ros.tools.bench',
              'measure how fast the filter is, end to end and stage by stage'),
    'synthesize': ('latent_rag_ros.tools.synthesize',
                   'render synthetic people: crops and frames with exact labels'),
    'store': ('latent_rag_ros.tools.store',
              'build a retrieval store for networks of your own'),
    'train': ('latent_rag_ros.tools.train',
              'make the weights again from rendered people, from seeds'),
    'gallery': ('latent_rag_ros.tools.gallery',
                'show who is in a gallery, as a table or a page'),
    'calibrate': ('latent_rag_ros.tools.calibrate',
                  'measure from which cosine on an embedder is right, for the reidentifier'),
    'audit': ('latent_rag_ros.tools.audit',
              'list the nodes that listen to the raw camera, beside the protector'),
}
"""Subcommands: module with `add_arguments(parser)` and `run(arguments) -> int`, and help text."""

USER_ERRORS = (EvaluationError, GalleryError, GalleryStorageError, ParameterError,
               SynthesisError, WeightsError, OSError)
"""Errors whose message tells the user what to do; they end the command without a traceback."""

FAILED, INTERRUPTED = 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand and return the exit status.

    0 done, 1 failed with the reason on standard error, 2 wrong usage, 130 interrupted.
    """
    logging.basicConfig(level=logging.INFO, format='%(levelname)s: %(message)s',
                        stream=sys.stderr)
    logging.getLogger('faiss').setLevel(logging.WARNING)  # it reports every build it tries
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        options = _parser(words).parse_args(words)
        return importlib.import_module(COMMANDS[options.command][0]).run(options)
    except USER_ERRORS as error:
        logging.error('%s', error)
        return FAILED
    except ModuleNotFoundError as error:
        if (error.name or '').startswith('latent_rag_ros.tools'):
            raise
        logging.error('%s is not installed; install what this command needs with: '
                      'pip install "latent-rag-ros[evaluation]" (ROS 2 packages: source your '
                      'ROS installation)', error.name)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser; only the subcommand that is named is imported and gets arguments."""
    parser = argparse.ArgumentParser(
        prog='latent-rag', description='A camera filter for ROS 2: raw pedestrians in, '
        'protected pedestrians out. The filter itself runs as ROS 2 nodes, see '
        'ros2 launch latent_rag_ros protect.launch.py.')
    parser.add_argument('--version', action='version', version=f'%(prog)s {__version__}')
    commands = parser.add_subparsers(dest='command', metavar='COMMAND', required=True)
    for name, (module, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=f'{text[0].upper()}{text[1:]}.')
        if words[:1] == [name]:
            importlib.import_module(module).add_arguments(command)
    return parser


if __name__ == '__main__':
    sys.exit(main())
