"""Operating system processes that are started with a log and never left behind."""
from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

STOP_SIGNALS = ((signal.SIGINT, 6.0), (signal.SIGTERM, 3.0), (signal.SIGKILL, 5.0))
"""Signals that end a process, and the seconds it gets to follow each."""

POLL_S = 0.02


class ChildProcess:
    """One process in a process group of its own, whose output goes to a log file.

    Parameters
    ----------
    name : str
        How messages call it.
    command : sequence of str
        Program and arguments; no shell is involved.
    environment : mapping
        The complete environment.
    log : Path
        File for standard output and standard error; an older one is replaced.

    Raises
    ------
    OSError
        The program cannot be started or the log cannot be written.
    """

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str],
                 log: Path) -> None:
        self.name, self.log = name, log
        with log.open('wb') as output:
            self._process = subprocess.Popen(
                list(command), env=dict(environment), stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True)

    @property
    def pid(self) -> int:
        """Number of the process, which is that of its group too."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """Exit status, negative for a signal; None while the process runs."""
        return self._process.poll()

    def log_tail(self, lines: int = 15) -> str:
        """Return the last lines of the log, empty when there is none."""
        try:
            text = self.log.read_text(encoding='utf-8', errors='replace')
        except OSError:
            return ''
        return '\n'.join(text.splitlines()[-lines:])

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the process and everything it has started."""
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            pass  # the whole group is gone already

    def wait(self, timeout_s: float) -> bool:
        """Return whether the process has ended within `timeout_s` seconds."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True


def stop_all(children: Iterable[ChildProcess]) -> None:
    """End all processes: ask, then demand, then kill. Returns when none is left.

    When this is interrupted itself, the rest is killed at once.
    """
    remaining = [child for child in children if child.exit_status is None]
    try:
        for number, patience_s in STOP_SIGNALS:
            for child in remaining:
                child.signal_group(number)
            end_s = time.monotonic() + patience_s
            remaining = [child for child in remaining
                         if not child.wait(max(POLL_S, end_s - time.monotonic()))]
    finally:
        for child in remaining:
            child.signal_group(signal.SIGKILL)


@contextmanager
def termination_as_exit() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the stack like Ctrl-C does, so that no process is left."""
    def leave(number: int, _: object) -> None:
        raise SystemExit(128 + number)
    previous = {number: signal.signal(number, leave)
                for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
