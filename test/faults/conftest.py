"""The fixtures of test/nodes, for tests that hurt the nodes on purpose."""
from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

NODES = Path(__file__).resolve().parents[1] / 'nodes'


def _import_nodes() -> None:
    """Make test/nodes importable as `nodes`, the name that pytest gives it too."""
    if 'nodes' not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            'nodes', NODES / '__init__.py', submodule_search_locations=[str(NODES)])
        sys.modules['nodes'] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules['nodes'])


_import_nodes()

from nodes.conftest import bench as bench_of_nodes  # noqa: E402
from nodes.conftest import contexts, graph, start_node  # noqa: E402
from nodes.protector_bench import Bench, KnownPersons, ProtectorBench  # noqa: E402

__all__ = ['bench', 'bench_of_nodes', 'contexts', 'graph', 'start_node']


SLOW_TIMEOUT_S = 3 * 3600
PATIENT = {'guard__deadline_s': 60.0, 'guard__hang_timeout_s': 120.0,
           'guard__input_timeout_s': 120.0}


@pytest.fixture
def bench(bench_of_nodes: Bench) -> Bench:
    """Return what starts a protector whose times no slow machine misses, unless they are given."""
    def start(detector: KnownPersons | None = None, **parameters: object) -> ProtectorBench:
        return bench_of_nodes(detector, **{**PATIENT, **parameters})

    return start


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run a test of real nodes again when it fails, as test/nodes does, for the same reason.

    The slow ones get as long as they need.
    """
    own = [item for item in items if item.path.parent == Path(__file__).parent]
    if config.pluginmanager.hasplugin('rerunfailures'):
        for item in own:
            if 'graph' in item.fixturenames and 'slow' not in item.keywords:
                item.add_marker(pytest.mark.flaky(reruns=2))
    if config.pluginmanager.hasplugin('timeout'):
        for item in own:
            if 'slow' in item.keywords:
                item.add_marker(pytest.mark.timeout(SLOW_TIMEOUT_S))
