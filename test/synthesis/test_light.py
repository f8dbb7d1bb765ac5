"""Light: shadows fall where they should, rooms and nights are darker than a clear day."""
from __future__ import annotations

import numpy as np

from latent_rag_ros.synthesis.light import Light, sample_light, shadow_map, sunlit
from latent_rag_ros.synthesis.seeds import stream

OVERHEAD = Light(np.array([0.001, 0, 1.0]) / np.linalg.norm([0.001, 0, 1]), np.ones(3),
                 np.ones(3), np.ones(3))
ROOF = np.float32([[-0.5, -0.5, 1], [0.5, -0.5, 1], [0.5, 0.5, 1], [-0.5, 0.5, 1]])
FACES = np.int32([[0, 1, 2], [0, 2, 3]])


def test_ground_below_a_roof_is_dark_and_beside_it_lit() -> None:
    shadows = shadow_map(OVERHEAD, ROOF, FACES, np.ones(4, np.float32), 128)
    assert sunlit(shadows, 0.0, 0.0, 0.0, 1.0) == 0
    assert sunlit(shadows, 0.9, 0.0, 0.0, 1.0) == 1
    assert sunlit(shadows, 0.0, 0.0, 1.5, 1.0) == 1  # above the roof


def test_nothing_is_in_shadow_when_the_sun_is_weak() -> None:
    overcast = OVERHEAD._replace(sun=np.full(3, 0.1))
    shadows = shadow_map(overcast, ROOF, FACES, np.ones(4, np.float32), 128)
    assert sunlit(shadows, 0.0, 0.0, 0.0, 1.0) == 1


def test_nights_have_less_light_from_the_sky_than_days() -> None:
    rng = stream(0, 'test light')
    night = np.mean([sample_light(rng, False, True).sky.mean() for _ in range(40)])
    day = np.mean([sample_light(rng, False, False).sky.mean() for _ in range(40)])
    assert night < 0.5 * day


def test_sun_is_always_above_the_horizon() -> None:
    rng = stream(0, 'test sun')
    for _ in range(50):
        direction = sample_light(rng, False, False).direction
        assert direction[2] > 0.3
        np.testing.assert_allclose(np.linalg.norm(direction), 1)
