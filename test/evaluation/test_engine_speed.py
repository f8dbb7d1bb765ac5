"""Every way to run a network is measured and compared; no test looks at how fast anything is."""
from __future__ import annotations

import pytest

from latent_rag_ros.evaluation.engine_speed import engine_figures, engine_table

pytest.importorskip('onnxruntime')
pytest.importorskip('onnx')


def test_every_way_is_timed_and_gives_the_same():
    figures = engine_figures(calls=1)
    networks = {name: ways for name, ways in figures.items() if name != 'about'}
    assert set(networks) == {'detector 416 x 320', 'detector 416 x 416', 'mask', 'embedder',
                             'embedder, 4 people', 'generator', 'generator, 4 people'}
    for ways in networks.values():
        assert 'ONNX Runtime' in ways
        for timed in ways.values():
            assert timed['difference_max'] < 1e-4
            for count in (1, 2):
                times = timed[f'threads_{count}']
                assert 0 < times['min'] <= times['median'] <= times['p95']
    rows = engine_table(figures).splitlines()
    assert sum(row.startswith('| ') for row in rows) == 1 + sum(map(len, networks.values()))
