"""Writers of a store file that meet their end, run as a program of their own: see main()."""
from __future__ import annotations

import errno
import os
import random
import resource
import signal
import sys
import time
from pathlib import Path

import torch

from latent_rag_ros.latent_rag.store import RetrievalStore, load_store

ROWS, LIMIT_BYTES = 200, 100_000


def store_of(level: int) -> RetrievalStore:
    """Return a store that holds one number everywhere, so that a mixture of two shows."""
    features = torch.nn.functional.normalize(torch.ones(ROWS, 256))
    return RetrievalStore(features, torch.full((ROWS, 10, 128), float(level)),
                          torch.full((ROWS,), level), {'level': str(level)})


def level_of(path: Path) -> int:
    """Load a store and return the level that all of it has; fail for a mixture."""
    store = load_store(path)
    level = int(store.made_with['level'])
    assert (store.codes == level).all() and (store.identities == level).all()
    return level


def kill_writers(path: Path, repetitions: int) -> None:
    """Kill writers at random moments of their writes; the file has to be whole every time."""
    chance, stores, seen = random.Random(4), {level: store_of(level) for level in (1, 2)}, set()
    started_s = time.monotonic()
    stores[1].save(path)
    write_s = time.monotonic() - started_s
    for repetition in range(repetitions):
        writer = os.fork()
        if writer == 0:
            while True:
                stores[1 + repetition % 2].save(path)
        time.sleep(chance.uniform(0, 3 * write_s))
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
        seen.add(level_of(path))
    assert seen == {1, 2}


def meet_writers(path: Path, repetitions: int) -> None:
    """Let two processes write at the same time; no reader may ever find a mixture."""
    store_of(1).save(path)
    writers = []
    for level in (1, 2):
        writers.append(os.fork())
        if writers[-1] == 0:
            store = store_of(level)
            for _ in range(repetitions):
                store.save(path)
            os._exit(0)
    reads = 0
    while reads < repetitions:
        level_of(path)
        reads += 1
    assert [os.waitstatus_to_exitcode(os.waitpid(writer, 0)[1]) for writer in writers] == [0, 0]
    level_of(path)


def fill_disk(path: Path, repetitions: int) -> None:
    """Write with too little space; the error has to come out and the old file has to stay."""
    store_of(1).save(path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_BYTES, LIMIT_BYTES))
    for _ in range(repetitions):
        try:
            store_of(2).save(path)
        except OSError as error:
            assert error.errno == errno.EFBIG
        else:
            raise AssertionError('a full disk was not noticed')
        assert level_of(path) == 1


def main() -> None:
    """Run `python store_writers.py ACTION STORE REPETITIONS`; a traceback says what broke."""
    torch.set_num_threads(1)
    actions = {action.__name__: action for action in (kill_writers, meet_writers, fill_disk)}
    actions[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))


if __name__ == '__main__':
    main()
