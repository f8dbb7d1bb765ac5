"""The preset `paper` holds the published settings; nobody changes them by accident."""
from __future__ import annotations

from latent_rag_ros.latent_rag.presets import PRESETS


def test_paper_preset_equals_the_published_settings():
    paper = PRESETS['paper']
    assert (paper.neighbours, paper.attention, paper.temperature) == (10, 'reciprocal', 1.0)
    assert (paper.iterations, paper.momentum) == (10, 0.9)
    assert (paper.coarse_step, paper.fine_step, paper.relative_steps) == (0.001, 0.01, False)
    assert not paper.warm_start and paper.stop_cosine > 1
