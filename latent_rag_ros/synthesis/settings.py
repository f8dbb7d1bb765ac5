"""What is asked for: how many people, crops and frames, of which seed."""
from __future__ import annotations

from dataclasses import dataclass


class SynthesisError(ValueError):
    """The request cannot be rendered; the message says what to change."""


@dataclass(frozen=True)
class Settings:
    """What decides the content of a data set.

    Parameters
    ----------
    people, crops : int
        Labelled people, and crops of each.
    frames : int
        Full pictures with several people.
    seed : int
        Other seeds share no person and no camera with this one.
    cameras : int
        Cameras of the world; each person is seen by up to 8 of them.
    faces : int
        Face pictures of each of `people` heads, who are other people than those of the crops.
    counterparts : int
        So many heads after one another are shown in the same scenes: pose, gaze, expression,
        clothes, light, camera and surroundings are equal in picture k of each of them.
    """

    people: int
    crops: int
    frames: int
    seed: int
    cameras: int = 120
    faces: int = 0
    counterparts: int = 1

    def __post_init__(self) -> None:
        """Raise SynthesisError for numbers that make no data set."""
        for name, least in (('people', 1), ('crops', 0), ('frames', 0), ('seed', 0),
                            ('cameras', 1), ('faces', 0), ('counterparts', 1)):
            if getattr(self, name) < least:
                raise SynthesisError(f'{name} is {getattr(self, name)}; give {least} or more')
