"""`latent-rag calibrate`: what cosines mean for features, measured on people who are known."""
from __future__ import annotations

import argparse
import logging
from pathlib import Path

LOGGER = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the subcommand."""
    parser.add_argument('--crops', type=Path, required=True, metavar='DIR',
                        help='folder with people that latent-rag synthesize rendered, a thousand '
                        'or so, who are in no training and no test')
    parser.add_argument('--weights', type=Path,
                        help='folder with the weights (default: the shipped ones)')
    parser.add_argument('--out', type=Path, metavar='FILE', help='calibration to write (default: '
                        'beside the weights)')
    parser.add_argument('--device', default='cpu', help='cpu or cuda:N (default: cpu)')


def run(arguments: argparse.Namespace) -> int:
    """Measure, write the calibration and return the exit status.

    Raises `EvaluationError` or `WeightsError` with a message for the user.
    """
    from latent_rag_ros.evaluation.gallery_calibration import (
        calibration_card, measured_calibrations)
    from latent_rag_ros.gallery.calibration import SHIPPED_FILE, save_calibrations
    from latent_rag_ros.weights.registry import (
        MANIFEST_NAME, register, sha256_of, write_atomically)

    calibrations = measured_calibrations(arguments.crops, arguments.weights, arguments.device)
    out = arguments.out or (arguments.weights or SHIPPED_FILE.parent) / SHIPPED_FILE.name
    save_calibrations(out, calibrations)
    if (out.parent / MANIFEST_NAME).is_file():
        card = calibration_card(calibrations, sha256_of(out))
        write_atomically(out.with_suffix('.md'), card.encode())
        register(out)
    for calibration in calibrations:
        LOGGER.info('%s is for %s: %d comparisons of one person, %d of strangers; 1 %% of '
                    'strangers are taken for one of 10 people at a cosine of %.3f, for one of '
                    '1000 at %.3f', out, calibration.model_id, calibration.genuine_pairs,
                    calibration.strangers, calibration.similarity_min(0.01, 10),
                    calibration.similarity_min(0.01, 1000))
    return 0
