"""What a process of this machine holds and uses: memory and processor time."""
from __future__ import annotations

import os
from pathlib import Path

KB_PER_MB = 1024
TICKS_PER_S = os.sysconf('SC_CLK_TCK')


def memory_mb(pid: int) -> tuple[float, float]:
    """Return the resident memory now and at its peak, in MB.

    Raises `OSError` when there is no such process, or when it has ended.
    """
    rows = dict(line.split(':', 1) for line in
                Path(f'/proc/{pid}/status').read_text().splitlines())
    if 'VmRSS' not in rows:
        raise ProcessLookupError(f'process {pid} has ended and holds no memory any more')
    now, peak = (int(rows[name].split()[0]) / KB_PER_MB for name in ('VmRSS', 'VmHWM'))
    return round(now, 1), round(peak, 1)


def processor_s(pid: int) -> float:
    """Return the processor time of all threads so far, in s. Raises `OSError` for no process."""
    # The name of the process, in brackets, may hold blanks; the figures stand behind it.
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S
