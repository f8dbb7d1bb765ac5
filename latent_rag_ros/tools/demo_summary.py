"""The figures of one demo run, and whether they add up."""
from __future__ import annotations

import importlib
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

import numpy as np

import latent_rag_ros
from latent_rag_ros.tools.demo_recording import Recording

LIBRARIES = {
    'rclpy': ('rclpy',), 'torch': ('torch',), 'faiss': ('faiss-cpu', 'faiss-gpu', 'faiss'),
    'opencv': ('opencv-python-headless', 'opencv-python', 'opencv-contrib-python'),
    'numpy': ('numpy',)}
"""Libraries of the summary and the names they are distributed by."""

MODULES = {'opencv': 'cv2'}


def summary(recording: Recording) -> dict[str, Any]:
    """Return the figures of a run as plain values for JSON.

    `latency_ms` holds per stage the median `p50` and the 95th percentile `p95`; `fps` are frames
    published per second. Without any status message all counters are 0.
    """
    status = recording.status
    counters = ('frames_received', 'frames_protected', 'frames_blanked', 'frames_dropped',
                'frames_pending', 'persons_protected', 'persons_solid', 'identities_published')
    return {
        **{name: getattr(status, name, 0) for name in counters},
        'identities_matched': recording.identities_matched,
        'gallery_identities': recording.gallery_identities,
        'frames_recorded': len(recording.output_stamps_ns),
        'stamps_unknown': recording.stamps_unknown,
        'stamps_repeated': recording.stamps_repeated,
        'fps': round(recording.output_hz, 2),
        'latency_ms': {stage: percentiles(values)
                       for stage, values in recording.latencies_ms.items()},
        'device': status.device if status else '',
        'method': status.method if status else '',
        'versions': versions(),
    }


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Return `p50` and `p95` of at least one value, rounded to a hundredth."""
    p50, p95 = np.percentile(np.asarray(values, np.float64), [50, 95])
    return {'p50': round(float(p50), 2), 'p95': round(float(p95), 2)}


def complaint(figures: Mapping[str, Any]) -> str:
    """Return why a run with these figures of `summary` failed, or an empty text for a good one."""
    pending = figures['frames_pending']
    ended = sum(figures[f'frames_{end}'] for end in ('protected', 'blanked', 'dropped'))
    if pending or ended != figures['frames_received']:
        return (f'{figures["frames_received"]} frames were received, but {ended} were protected, '
                f'blanked or dropped and {pending} are pending')
    if figures['stamps_unknown'] or figures['stamps_repeated']:
        return (f'{figures["stamps_unknown"]} published frames carry a stamp that the camera '
                f'never sent, {figures["stamps_repeated"]} carry one twice')
    if not figures['frames_protected']:
        return f'none of {figures["frames_received"]} received frames was protected'
    return ''


def versions() -> dict[str, str]:
    """Return the versions of the package, of Python and of the libraries that do the work."""
    return {'latent_rag_ros': latent_rag_ros.__version__, 'python': platform.python_version(),
            **{name: _version(name) for name in LIBRARIES}}


def _version(name: str) -> str:
    """Return the version of a library, asking the module itself where pip does not know it."""
    for distribution in LIBRARIES[name]:
        try:
            return metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    try:
        module = importlib.import_module(MODULES.get(name, name))
    except ImportError:
        return 'not installed'
    return str(getattr(module, '__version__', 'unknown'))
