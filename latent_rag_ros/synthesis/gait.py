"""Poses: walking, standing, and arms that hold a phone, a strap or a bag.

Joint angles follow the textbook curves of level walking (hip close to a cosine, knee with a
stance and a swing peak); a pose is a rotation per bone in the axes of the rest pose.
"""
from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .body_model import BodyModel
from .geometry import Floats, rotation

LEFT, BACK, UP = (1, 0, 0), (0, 1, 0), (0, 0, 1)
REST_ELBOW_DEG = 43
"""How far the elbow is bent in the rest pose."""

ARMS = {'phone': (34, 25, 95), 'pocket': (22, -8, 38), 'strap': (30, 12, 120),
        'carry': (33, 0, 4), 'behind': (26, -22, 60), 'front': (24, 22, 78)}
"""Arms that do not swing: lowered, forward and elbow angles in degrees."""

ARM_SHARES = (0.06, 0.09, 0.03, 0.0, 0.02, 0.05)


@dataclass(frozen=True)
class Pose:
    """One moment of one person; angles in degrees, `phase` in 0..1 of the gait cycle."""

    walks: bool
    phase: float
    stride: float
    lean: float
    leg_spread: float
    arm_swing: float
    arm_lowered: float
    elbow: float
    stance: float
    slouch: float
    head_turn: float
    nod: float
    arms: dict[str, str]


def sample_pose(rng: np.random.Generator, stride: float, carried: dict[str, str]) -> Pose:
    """Draw a pose of a person whose steps are `stride` long and who carries bags in `carried`."""
    arms = dict(carried)
    for side in ('L', 'R'):
        kind = rng.choice([*ARMS, 'free'], p=[*ARM_SHARES, 1 - sum(ARM_SHARES)])
        if side not in arms and kind != 'free':
            arms[side] = str(kind)
    return Pose(
        rng.random() < 0.8, rng.random(), stride * rng.uniform(0.7, 1.15), rng.uniform(-1, 6),
        rng.uniform(0, 4), rng.uniform(0.4, 1.4), rng.uniform(24, 35), rng.uniform(12, 42),
        rng.uniform(-4, 8), rng.uniform(-2, 8), rng.normal(0, 18), rng.normal(4, 8), arms)


def bone_rotations(model: BodyModel, heads: Floats, pose: Pose) -> NDArray[np.float64]:
    """Return the local rotation of every bone, shape (b, 3, 3), for a body with these heads."""
    local = np.tile(np.eye(3), (len(heads), 1, 1))

    def turn(name: str, matrix: NDArray[np.float64]) -> None:
        local[model.bone[name]] = local[model.bone[name]] @ matrix
    swing = pose.stride if pose.walks else 0.0
    turn('root', rotation(LEFT, pose.lean))
    for side, phase, sign in (('L', pose.phase, 1), ('R', pose.phase + 0.5, -1)):
        hip, knee, ankle = _leg_angles(pose, phase, sign, swing)
        turn(f'upperleg01.{side}', rotation(BACK, -sign * pose.leg_spread) @ rotation(LEFT, -hip))
        turn(f'lowerleg01.{side}', rotation(LEFT, knee))
        turn(f'foot.{side}', rotation(LEFT, -ankle))
        lowered, forward, elbow = _arm_angles(pose, side, phase, swing)
        turn(f'clavicle.{side}', rotation(BACK, sign * 4))
        turn(f'shoulder01.{side}', rotation(BACK, sign * 8))
        turn(f'upperarm01.{side}', rotation(LEFT, -forward) @ rotation(BACK, sign * lowered))
        upper, lower, wrist = (heads[model.bone[f'{name}.{side}']]
                               for name in ('upperarm01', 'lowerarm01', 'wrist'))
        turn(f'lowerarm01.{side}',
             rotation(np.cross(lower - upper, wrist - lower), elbow - REST_ELBOW_DEG))
    turn('spine03', rotation(UP, -6 * math.cos(2 * math.pi * pose.phase) * swing))
    turn('spine01', rotation(LEFT, pose.slouch))
    turn('neck01', rotation(UP, pose.head_turn * 0.4) @ rotation(LEFT, pose.nod * 0.5))
    turn('head', rotation(UP, pose.head_turn * 0.6) @ rotation(LEFT, pose.nod * 0.5))
    return local


def _bump(phase: float, centre: float, width: float) -> float:
    """Return a bell of height 1 on the circle of phases."""
    distance = (phase - centre + 0.5) % 1 - 0.5
    return math.exp(-0.5 * (distance / width) ** 2)


def _leg_angles(pose: Pose, phase: float, sign: int, swing: float) -> tuple[float, float, float]:
    """Return flexion of hip, knee and ankle in degrees."""
    if not pose.walks:
        return pose.stance * sign, 3 + abs(pose.stance) * 1.2, 0
    circle = 2 * math.pi * phase
    knee = 5 + 16 * _bump(phase, 0.14, 0.07) + 62 * _bump(phase, 0.72, 0.10)
    return ((7 + 21 * math.cos(circle)) * swing, knee * swing,
            (-6 * math.sin(circle) - 16 * _bump(phase, 0.62, 0.07)) * swing)


def _arm_angles(pose: Pose, side: str, phase: float, swing: float) -> tuple[float, float, float]:
    """Return how far the arm is lowered and forward and the elbow bent, in degrees."""
    opposite = math.cos(2 * math.pi * phase)
    forward = -24 * opposite * swing * pose.arm_swing
    kind = pose.arms.get(side)
    if kind is None:
        return pose.arm_lowered, forward, pose.elbow + 12 * max(0, -opposite) * swing
    lowered, ahead, elbow = ARMS[kind]
    return lowered, ahead + 0.25 * forward, elbow
