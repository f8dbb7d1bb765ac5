"""How a head is held and where its eyes look, and what that does to its vertices."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .expressions import sample_expression
from .geometry import Floats, rotation
from .head import Head
from .head_model import head_model

PIVOT_M = np.array([0, .070, -.115])
"""Where the head turns on the neck."""

STILL_M, TURNED_M = -.205, -.105
"""Heights between which the neck turns along."""

YAW_DEG, PITCH_DEG, ROLL_DEG = 30.0, 12.0, 9.0
YAW_MAX_DEG = 75.0


@dataclass(frozen=True)
class FacePose:
    """How a head is held, relative to a camera that it faces at zero.

    Parameters
    ----------
    yaw_deg, pitch_deg, roll_deg : float
        To the person's left, upwards, and towards the right shoulder.
    eye_yaw_deg, eye_pitch_deg : float
        Of the eyes in the head, to the person's left and upwards.
    expression : int
        Number of a class of `expressions.EXPRESSIONS`.
    actions : dict
        Strengths of facial actions.
    """

    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    eye_yaw_deg: float
    eye_pitch_deg: float
    expression: int
    actions: dict[str, float]

    @property
    def turn(self) -> NDArray[np.float64]:
        """The rotation (3, 3) of the head."""
        return (rotation((0, 0, 1), self.yaw_deg) @ rotation((1, 0, 0), -self.pitch_deg)
                @ rotation((0, 1, 0), self.roll_deg))

    @property
    def eye_turn(self) -> NDArray[np.float64]:
        """The rotation (3, 3) of the eyes in the head."""
        return rotation((0, 0, 1), self.eye_yaw_deg) @ rotation((1, 0, 0), -self.eye_pitch_deg)

    @property
    def gaze_deg(self) -> tuple[float, float]:
        """Yaw and pitch of the gaze relative to the camera, in degrees."""
        x, y, z = self.turn @ self.eye_turn @ np.array([0, -1, 0])
        return float(np.degrees(np.arctan2(x, -y))), float(np.degrees(np.arcsin(z)))


def sample_face_pose(rng: np.random.Generator) -> FacePose:
    """Draw a pose; half of the gazes meet the camera as people who look at a robot do."""
    yaw = float(np.clip(rng.normal(0, YAW_DEG), -YAW_MAX_DEG, YAW_MAX_DEG))
    pitch, roll = rng.normal(0, PITCH_DEG), rng.normal(0, ROLL_DEG)
    if rng.random() < 0.5:
        eye_yaw, eye_pitch = -.9 * yaw + rng.normal(0, 3), -.9 * pitch + rng.normal(0, 3)
    else:
        eye_yaw, eye_pitch = rng.normal(0, 13), rng.normal(0, 8)
    eye_yaw, eye_pitch = float(np.clip(eye_yaw, -28, 28)), float(np.clip(eye_pitch, -18, 18))
    expression, actions = sample_expression(rng, frozenset(head_model().actions))
    for name, amount in (('eyeLookDown', -eye_pitch), ('eyeLookUp', eye_pitch)):
        for side in ('Left', 'Right'):
            actions[f'{name}{side}'] = max(0.0, amount) / 25
    return FacePose(yaw, float(pitch), float(roll), eye_yaw, eye_pitch, expression, actions)


def posed(head: Head, pose: FacePose) -> Floats:
    """Return the vertices (v, 3) of a head in a pose; eyes turn, neck bends, chest stays."""
    model = head_model()
    points = model.with_actions(head.rest, pose.actions)
    eyes = model.parts['eyes'].vertices
    centres = model.eye_centres(head.rest)
    for centre, chosen in zip(centres, (model.mean[eyes, 0] < 0, model.mean[eyes, 0] > 0)):
        rows = eyes[chosen]
        points[rows] = (head.rest[rows] - centre) @ pose.eye_turn.T + centre
    share = np.clip((model.mean[:, 2] - STILL_M) / (TURNED_M - STILL_M), 0, 1)
    share[model.parts['hair'].vertices] = np.clip(
        (model.mean[model.parts['hair'].vertices, 2] + .30) / .22, 0, 1)
    share = (share * share * (3 - 2 * share))[:, None]
    turned = (points - PIVOT_M) @ pose.turn.T + PIVOT_M
    return np.ascontiguousarray(points + share * (turned - points), np.float32)
