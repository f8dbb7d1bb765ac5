"""Runs the parts of the benchmark one after the other, each in a process of its own."""
from __future__ import annotations

import json
import logging
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from latent_rag_ros.bench.machine import busy_s, cores
from latent_rag_ros.bench.part_files import PartFiles
from latent_rag_ros.bench.parts import Part
from latent_rag_ros.tools.bench_part import COMMAND
from latent_rag_ros.tools.child_process import ChildProcess, stop_all
from latent_rag_ros.tools.demo_environment import demo_environment

ATTEMPTS = 2
"""DDS now and then loses a first message on a loaded machine; a real fault fails every time."""

PATIENCE, PATIENCE_S = 6.0, 300.0
"""A part is given up after so many times what is expected, and this long on top."""

POLL_S = 0.25
BAR_FORMAT = '{desc}: {percentage:3.0f}% |{bar}| {elapsed} of about {total:.0f} s{postfix}'
LOGGER = logging.getLogger(__name__)


@dataclass
class Outcome:
    """What came of a run: the records of parts by name, and why others have none."""

    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


class PartError(RuntimeError):
    """A part gave no figures; the message says why."""


class Runner:
    """Measures parts, less those whose figures are on disk already.

    Parameters
    ----------
    files : PartFiles
        Where the figures of parts are kept.
    logs : Path
        Folder for the logs of everything that is started.
    again : bool
        Measure parts again that are on disk.
    """

    def __init__(self, files: PartFiles, logs: Path, again: bool = False) -> None:
        self._files, self._logs, self._again = files, logs, again

    def run(self, parts: Sequence[Part]) -> Outcome:
        """Measure everything and return it; a part that fails twice is left out and named."""
        outcome = Outcome()
        total_s = round(sum(part.expected_s for part in parts))
        # disable=None: no bar where nobody looks at a terminal; the log says where it is
        with tqdm(total=total_s, desc='bench', disable=None, bar_format=BAR_FORMAT) as bar:
            done_s = 0.0
            for number, part in enumerate(parts, 1):
                bar.set_postfix_str(part.name, refresh=False)
                if bar.disable:
                    LOGGER.info('part %d of %d: %s', number, len(parts), part.name)
                record = None if self._again else self._files.read(part)
                if record is None:
                    record = self._attempted(part, outcome, bar, done_s)
                if record is not None:
                    outcome.records[part.name] = record
                done_s += part.expected_s
                _move(bar, done_s)
        return outcome

    def _attempted(self, part: Part, outcome: Outcome, bar: tqdm,
                   done_s: float) -> dict[str, Any] | None:
        """Measure a part, a second time when the first fails; keep and return its record."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                record = self._measured(part, bar, done_s)
            except PartError as error:
                LOGGER.warning('%s, attempt %d of %d: %s', part.name, attempt, ATTEMPTS, error)
                outcome.failures[part.name] = str(error)
                continue
            outcome.failures.pop(part.name, None)
            self._files.write(part, record)
            return record
        return None

    def _measured(self, part: Part, bar: tqdm, done_s: float) -> dict[str, Any]:
        """Measure a part in a process; raises `PartError` when it fails or takes far too long."""
        folder = self._logs / part.name
        folder.mkdir(parents=True, exist_ok=True)
        part_file, record_file = folder / 'part.json', folder / 'record.json'
        part_file.write_text(json.dumps(part.as_json()), encoding='utf-8')
        record_file.unlink(missing_ok=True)
        use = _ProcessorUse()
        child = ChildProcess(part.name, [sys.executable, '-c', COMMAND, str(part_file.absolute()),
                                         str(record_file.absolute())],
                             self._environment(folder), folder / 'part.log')
        try:
            _wait(child, part, bar, done_s)
        finally:
            stop_all([child])
        if child.exit_status != 0 or not record_file.is_file():
            raise PartError(f'ended with exit status {child.exit_status}; the end of '
                            f'{child.log}:\n{child.log_tail()}')
        record = json.loads(record_file.read_text(encoding='utf-8'))
        return record | {'busy_with_others': use.of_others()}

    @staticmethod
    def _environment(folder: Path) -> Mapping[str, str]:
        """Return the environment of the demo: the one that the launch files give to nodes."""
        return {**demo_environment(folder), 'ROS_HOME': str(folder.absolute() / 'ros_home')}


class _ProcessorUse:
    """Processor time from its creation on."""

    def __init__(self) -> None:
        self._began_s, self._busy_s, self._own_s = time.monotonic(), busy_s(), _own_s()

    def of_others(self) -> float:
        """Return the share of this process's cores that others used, 0..1."""
        elapsed_s = (time.monotonic() - self._began_s) * len(cores())
        others_s = busy_s() - self._busy_s - (_own_s() - self._own_s)
        return round(min(1.0, max(0.0, others_s / max(elapsed_s, 1e-9))), 3)


def _own_s() -> float:
    """Return the processor time of this process and of all that it has waited for, in s."""
    uses = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(use.ru_utime + use.ru_stime for use in uses)


def _wait(child: ChildProcess, part: Part, bar: tqdm, done_s: float) -> None:
    """Wait for the end of a part and move the bar on meanwhile."""
    began_s = time.monotonic()
    limit_s = PATIENCE * part.expected_s + PATIENCE_S
    while not child.wait(POLL_S):
        elapsed_s = time.monotonic() - began_s
        if elapsed_s > limit_s:
            raise PartError(f'took longer than {limit_s:.0f} s; the end of {child.log}:\n'
                            f'{child.log_tail()}')
        _move(bar, done_s + min(elapsed_s, part.expected_s))


def _move(bar: tqdm, to_s: float) -> None:
    """Move the bar, less often than it is asked to."""
    bar.update(min(round(to_s), bar.total) - bar.n if not bar.disable else 0)
