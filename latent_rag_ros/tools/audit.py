"""The command `latent-rag audit`: does anybody but the protector listen to the raw camera?"""
from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from latent_rag_ros.ros.raw_camera_audit import Audit

CLOSED, OPEN, NOTHING_SEEN = 0, 1, 3

REMEDIES = (
    'How to close it:',
    '  * start the node again with its image remapped to the protected one, such as',
    '      ros2 run PACKAGE NODE --ros-args -r image_raw:=protected/image',
    '  * or end it, if nobody needs it;',
    '  * then keep everybody else out with the SROS 2 policy in config/sros2 (docs/security.md),',
    '    or run camera and protector on a DDS domain of their own.')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the audit to `parser`."""
    parser.add_argument('--topic', action='append', default=[], metavar='NAME',
                        help='further raw image topic by its full name, may be given repeatedly; '
                        'topics named image_raw and what a protector subscribes are found anyway')
    parser.add_argument('--discovery', type=float, default=5.0, metavar='SECONDS',
                        help='how long to look for nodes (default: %(default)g)')
    parser.add_argument('--json', action='store_true', help='print the audit as JSON')


def run(arguments: argparse.Namespace) -> int:
    """Audit the graph; return 0 when closed, 1 with foreign subscribers, 3 when nothing is seen.

    Nothing seen is no good news: it says that no raw camera topic was on this graph, not that
    nobody listens to one.
    """
    from latent_rag_ros.ros.raw_camera_audit import audit

    found = audit(arguments.discovery, arguments.topic)
    text = json.dumps(found.as_json(), indent=2) if arguments.json else report(found)
    sys.stdout.write(f'{text}\n')
    if found.foreign_subscribers:
        return OPEN
    return CLOSED if found.raw_topics else NOTHING_SEEN


def report(found: Audit) -> str:
    """Return an audit as lines for a human."""
    if not found.raw_topics:
        return ('No raw camera topic is on this graph, so nothing can be said. Start the camera, '
                'or check ROS_DOMAIN_ID and the network; name topics with --topic.')
    lines = [f'raw topics:  {", ".join(found.raw_topics)}',
             f'published by {", ".join(found.raw_publishers) or "nobody at the moment"}',
             f'protectors:  {", ".join(found.protectors) or "none"}']
    if not found.foreign_subscribers:
        return '\n'.join([*lines, 'Nobody else listens to the raw camera.'])
    lines.append(f'{len(found.foreign_subscribers)} foreign subscription(s) of raw pictures:')
    lines += [f'  {row.node} subscribes {row.topic} ({row.type}, {row.reliability}, '
              f'{row.durability}, depth {row.depth})' for row in found.foreign_subscribers]
    return '\n'.join([*lines, *REMEDIES])
