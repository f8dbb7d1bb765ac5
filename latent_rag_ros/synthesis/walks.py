"""Who walks through the view of which camera, and when: people who come, go, and come back."""
from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .camera import Camera, sample_camera
from .gait import Pose
from .person import Person
from .scene import Actor
from .seeds import stream
from .settings import SynthesisError

SPEED_M_S = (0.9, 1.5)
STRIDE_M = 1.4
"""Length of a whole gait cycle of an average person."""

BEYOND_M = 0.6
"""How far outside of the picture a walk begins and ends."""

PAUSE_S = (6.0, 30.0)
"""Time between two visits of a person."""

DURATION_S_MAX = 9.0


@dataclass(frozen=True)
class VideoSettings:
    """What decides the content of the videos.

    Parameters
    ----------
    people, visits : int
        People, and how often each of them passes a camera.
    cameras : int
        Cameras, whose views do not overlap.
    seed : int
        Other seeds share no person and no camera with this one.
    frame_hz : float
        Frames per second of every camera.
    begin_s : float
        Span in which the people come for the first time.
    """

    people: int
    visits: int
    cameras: int
    seed: int
    frame_hz: float = 5.0
    begin_s: float = 60.0

    def __post_init__(self) -> None:
        """Raise SynthesisError for numbers that make no videos."""
        for name, least in (('people', 1), ('visits', 1), ('cameras', 1), ('seed', 0),
                            ('frame_hz', 0.1), ('begin_s', 0.0)):
            if getattr(self, name) < least:
                raise SynthesisError(f'{name} is {getattr(self, name)}; give {least} or more')


@dataclass(frozen=True)
class Walk:
    """One visit: a straight way past one camera.

    Parameters
    ----------
    number, person, camera : int
        Number of the visit, from 1, of the person and of the camera.
    begin_s, end_s : float
        When.
    from_m, to_m : NDArray
        Places (2,) at begin and end.
    """

    number: int
    person: int
    camera: int
    begin_s: float
    end_s: float
    from_m: NDArray[np.float64]
    to_m: NDArray[np.float64]

    def actor(self, person: Person, pose: Pose, time_s: float) -> Actor:
        """Return the person at a time, `pose` moved on by the steps taken since the begin."""
        share = (time_s - self.begin_s) / (self.end_s - self.begin_s)
        way = self.to_m - self.from_m
        steps = share * float(np.linalg.norm(way)) / (STRIDE_M * person.stride)
        heading_deg = math.degrees(math.atan2(way[0], -way[1]))  # who heads for 0 faces -y
        moment = replace(pose, walks=True, phase=(pose.phase + steps) % 1)
        return Actor(person, person.posed(moment, heading_deg, self.from_m + share * way))


def sample_walks(settings: VideoSettings) -> list[Walk]:
    """Return all visits in the order of their begin; nobody is before two cameras at a time."""
    cameras = [sample_camera(settings.seed, number) for number in range(settings.cameras)]
    drawn = []
    for person in range(settings.people):
        rng = stream(settings.seed, 'visits of', person)
        time_s, camera = rng.uniform(0, settings.begin_s), int(rng.integers(settings.cameras))
        for _ in range(settings.visits):
            places = _way(cameras[camera], rng)
            length_m = float(np.linalg.norm(places[1] - places[0]))
            end_s = time_s + length_m / rng.uniform(*SPEED_M_S)
            drawn.append((time_s, end_s, person, camera, places))
            time_s = end_s + rng.uniform(*PAUSE_S)
            camera = (camera + int(rng.integers(1, max(2, settings.cameras)))) % settings.cameras
    drawn.sort(key=lambda visit: visit[:3])
    return [Walk(number, person, camera, begin_s, end_s, *places)
            for number, (begin_s, end_s, person, camera, places) in enumerate(drawn, 1)]


def _way(camera: Camera, rng: np.random.Generator) -> list[NDArray[np.float64]]:
    """Return where a way through the picture begins and ends: at its sides, at two distances.

    Ways that would take too long end, or begin, inside the picture.
    """
    places = []
    for side in rng.permutation([-1, 1]):
        distance_m = rng.uniform(*camera.distance_m)
        half_m = distance_m * 0.5 * camera.width_px / camera.view.focal_px
        places.append(np.array([side * (half_m + BEYOND_M), distance_m]))
    length_m = float(np.linalg.norm(places[1] - places[0]))
    longest_m = DURATION_S_MAX * SPEED_M_S[0]
    if length_m > longest_m:
        kept = int(rng.integers(2))
        share = longest_m / length_m
        places[1 - kept] = places[kept] + share * (places[1 - kept] - places[kept])
    return places
