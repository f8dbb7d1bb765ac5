"""Lattice noise: bounded, smooth, and never periodic over the size of a person."""
from __future__ import annotations

import numpy as np

from latent_rag_ros.synthesis.noise import fractal_noise, fraction, lattice, noise


def test_noise_stays_within_0_and_1_and_uses_the_range() -> None:
    values = [noise(x, 0.3, 0.7) for x in np.linspace(-50, 50, 2000)]
    assert 0 <= min(values) < 0.2 < 0.8 < max(values) <= 1


def test_noise_equals_the_lattice_when_all_coordinates_are_whole() -> None:
    assert noise(3.0, -2.0, 5.0) == lattice(3, -2, 5)


def test_noise_changes_little_when_the_point_moves_little() -> None:
    steps = [abs(noise(x, 1.5, 2.5) - noise(x + 1e-3, 1.5, 2.5)) for x in np.linspace(-3, 3, 200)]
    assert max(steps) < 0.005


def test_fractal_noise_is_rougher_when_it_has_more_octaves() -> None:
    def roughness(octaves: int) -> float:
        values = [fractal_noise(x, 0.5, 0.5, octaves) for x in np.arange(0, 20, 0.02)]
        return float(np.abs(np.diff(values)).mean())
    assert roughness(4) > roughness(1)


def test_fraction_is_positive_when_the_number_is_negative() -> None:
    assert fraction(-0.25) == 0.75
