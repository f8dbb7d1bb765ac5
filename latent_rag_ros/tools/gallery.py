"""`latent-rag gallery`: look into the folder of a gallery, also while a node writes it."""
from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

LOGGER = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what can be looked at."""
    parts = parser.add_subparsers(dest='action', metavar='WHAT', required=True)
    show = parts.add_parser('show', help='the identities as a table')
    report = parts.add_parser('report', help='the identities over time and how far apart they '
                              'are, as one HTML page without pictures')
    for part in (show, report):
        part.add_argument('directory', type=Path, help='the folder, gallery.directory of the node')
    report.add_argument('--out', type=Path, default=Path('gallery.html'), metavar='FILE',
                        help='page to write (default: %(default)s)')
    report.add_argument('--false-accept-rate', type=float, default=0.05, metavar='RATE',
                        help='rate of the limit that is drawn (default: %(default)g)')


def run(arguments: argparse.Namespace) -> int:
    """Show or write what was asked for and return the exit status.

    Raises `GalleryStorageError` when there is no gallery, or it is damaged.
    """
    from latent_rag_ros.gallery.calibration import SHIPPED_FILE, load_calibrations
    from latent_rag_ros.gallery.limits import CALIBRATED, MatchLimit
    from latent_rag_ros.gallery.report import gallery_page, gallery_table, read_gallery
    from latent_rag_ros.weights.registry import write_atomically

    stored, _, _ = read_gallery(arguments.directory)
    if arguments.action == 'show':
        sys.stdout.write(f'{gallery_table(stored)}\n')
        return 0
    limit = MatchLimit(CALIBRATED, arguments.false_accept_rate,
                       load_calibrations() if SHIPPED_FILE.is_file() else ())
    limit.model_id = stored.space.model_id if stored.space else ''
    page = gallery_page(arguments.directory, limit(len(stored.identities)))
    write_atomically(arguments.out, page.encode())
    LOGGER.info('%s: limit %s', arguments.out, limit.origin)
    return 0
