"""What a process holds: memory, threads and open files, and how fast that grows."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

KB_PER_MB = 1024


@dataclass(frozen=True)
class Use:
    """Resident memory [MB], threads and open file descriptors of a process at one moment."""

    rss_mb: float
    threads: int
    files: int


def use_of(pid: int) -> Use:
    """Read what a process of this machine holds now."""
    rows = dict(line.split(':', 1) for line in
                Path(f'/proc/{pid}/status').read_text().splitlines())
    return Use(int(rows['VmRSS'].split()[0]) / KB_PER_MB, int(rows['Threads']),
               len(list(Path(f'/proc/{pid}/fd').iterdir())))


def slope(places: list[float], values: list[float]) -> float:
    """Return the slope of the straight line of least squares through values at places."""
    return float(np.polyfit(places, values, 1)[0])
