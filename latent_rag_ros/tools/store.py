"""The command `latent-rag store build`: a retrieval store for the user's own networks."""
from __future__ import annotations

import argparse
import logging
import re
from pathlib import Path

from latent_rag_ros.weights.normalisation import COLOUR_ORDERS, NORMALISATIONS

LOGGER = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add `build` and its options to `parser`."""
    parts = parser.add_subparsers(dest='action', metavar='WHAT', required=True)
    build = parts.add_parser(
        'build', help='features and codes of a folder of person crops. Whoever is in it is '
        'blended into protected people: use rendered people, or people who agreed')
    build.add_argument('--images', type=Path, required=True, metavar='DIR',
                       help='person crops; one person per picture, per subfolder, or per number '
                       'in the names of Market-1501')
    build.add_argument('--out', type=Path, required=True, metavar='FILE',
                       help='the store, such as store.safetensors')
    _add_networks(build)
    build.add_argument('--weights', type=Path,
                       help='folder of the weights that are not given (default: the shipped ones)')
    build.add_argument('--device', default='cpu', help='cpu or cuda:N (default: cpu)')


def _add_networks(build: argparse.ArgumentParser) -> None:
    build.add_argument('--embedder', type=Path, metavar='FILE', help='re-ID network: checkpoint '
                       'of torchreid or fast-reid, TorchScript or ONNX (identity.model)')
    build.add_argument('--embedder-size', type=_pair, default=(0, 0), metavar='HxW',
                       help='size of its crops (default: what the file is made for)')
    build.add_argument('--normalisation', choices=tuple(NORMALISATIONS), default='imagenet',
                       help='scale of its crops (default: imagenet)')
    build.add_argument('--colour-order', choices=COLOUR_ORDERS, default='rgb',
                       help='order of its channels (default: rgb)')
    build.add_argument('--generator', type=Path, metavar='FILE', help='TorchScript from codes '
                       '(n, L, D) to images (n, 3, H, W) (latent_rag.generator)')
    build.add_argument('--generator-range', choices=('unit', 'signed'), default='unit',
                       help='its images, and the pictures for --encoder, are in 0..1 or -1..1 '
                       '(default: unit)')
    build.add_argument('--encoder', type=Path, metavar='FILE',
                       help='TorchScript from pictures (n, 3, H, W) to codes (n, L, D)')
    build.add_argument('--encoder-size', type=_pair, metavar='HxW',
                       help='size of its pictures (default: that of the shipped encoder, 128x64)')
    build.add_argument('--invert', type=int, default=0, metavar='STEPS',
                       help='without an encoder: find every code by this many steps of '
                       'optimisation; slow, 300 is a start')
    build.add_argument('--code-shape', type=_pair, metavar='LxD',
                       help='size of a code of --generator, for --invert')


def _pair(text: str) -> tuple[int, int]:
    match = re.fullmatch(r'(\d+)x(\d+)', text)
    if not match or not int(match[1]) or not int(match[2]):
        raise argparse.ArgumentTypeError(f'{text} is no size; write two numbers such as 256x128')
    return int(match[1]), int(match[2])


def run(arguments: argparse.Namespace) -> int:
    """Build the store and return the exit status.

    Raises `WeightsError` or `PersonFolderError` with a message for the user.
    """
    from latent_rag_ros.tools.own_store import StoreOptions, build_own_store

    names = ('embedder', 'embedder_size', 'normalisation', 'colour_order', 'generator',
             'generator_range', 'encoder', 'encoder_size', 'invert', 'code_shape', 'weights',
             'device')
    options = StoreOptions(**{name: getattr(arguments, name) for name in names})
    store, result = build_own_store(arguments.images, options)
    store.save(arguments.out)
    LOGGER.info('%s: %d codes of %d x %d of %d people; drawn again: identity cosine %.3f, mean '
                'error %.3f', arguments.out, len(store), *store.codes.shape[1:],
                len(store.identities.unique()), result.cosine, result.error)
    return 0
