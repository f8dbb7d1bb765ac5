"""Makes one measurement of the benchmark; runs in a process of its own."""
from __future__ import annotations

import json
import logging
import resource
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from latent_rag_ros.bench.measuring import KINDS, Settings
from latent_rag_ros.bench.process_use import KB_PER_MB
from latent_rag_ros.tools.bench_end_to_end import end_to_end
from latent_rag_ros.tools.child_process import termination_as_exit
from latent_rag_ros.weights.registry import write_atomically

COMMAND = ('import sys; sys.path[:] = [path for path in sys.path if path]; '
           'from latent_rag_ros.tools.bench_part import main; sys.exit(main(sys.argv[1:]))')
"""Python code of the process. The working folder must not hide the installed package: a checkout
lacks the generated messages."""


def main(arguments: Sequence[str]) -> int:
    """Measure the part in the file `arguments[0]`, write the record to `arguments[1]`.

    Returns 0; every failure ends the process with a traceback in its log. The logs of nodes go
    into the folder of the record.
    """
    logging.basicConfig(level=logging.INFO, format='%(levelname)s: %(message)s')
    part_file, record_file = map(Path, arguments)
    part = json.loads(part_file.read_text(encoding='utf-8'))
    with termination_as_exit():
        record = measured(part['kind'], part['settings'], record_file.parent)
    write_atomically(record_file, json.dumps(record, allow_nan=False).encode())
    return 0


def measured(kind: str, settings: Settings, logs: Path) -> dict[str, Any]:
    """Return the record of one measurement: figures, when, how long, and the peak of memory.

    Raises whatever the measurement raises.
    """
    began_s, began = time.monotonic(), datetime.now(timezone.utc)
    figures = (end_to_end(settings, logs) if kind == 'end_to_end' else KINDS[kind](settings))
    if kind != 'end_to_end':
        peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        figures['peak_rss_mb'] = round(peak_kb / KB_PER_MB, 1)
    return {'figures': figures, 'measured_at': began.isoformat(timespec='seconds'),
            'seconds': round(time.monotonic() - began_s, 1)}
