"""Poses: legs that walk, arms that carry."""
from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from latent_rag_ros.synthesis.body_model import body_model
from latent_rag_ros.synthesis.gait import Pose, bone_rotations, sample_pose
from latent_rag_ros.synthesis.seeds import stream
from latent_rag_ros.synthesis.skinning import bone_transforms, skinned

WALKING = Pose(True, 0.0, 1.0, 0, 2, 1, 30, 20, 0, 0, 0, 0, {})


def joints(pose: Pose) -> dict[str, np.ndarray]:
    """Return where the bone heads of the average body are in a pose, by bone name."""
    model = body_model()
    heads = np.ascontiguousarray(model.canonical_heads, np.float32)
    rotations, translations = bone_transforms(model.parents, heads,
                                              bone_rotations(model, heads, pose))
    moved = np.einsum('bij,bj->bi', rotations, heads) + translations
    return {name: moved[number] for name, number in model.bone.items()}


def test_feet_change_places_half_a_cycle_later() -> None:
    first, second = joints(WALKING), joints(dataclasses.replace(WALKING, phase=0.5))
    assert first['foot.L'][1] < first['foot.R'][1] - 0.3  # -y is ahead
    assert second['foot.R'][1] < second['foot.L'][1] - 0.3


def test_feet_are_together_when_the_person_stands() -> None:
    standing = joints(dataclasses.replace(WALKING, walks=False))
    assert abs(standing['foot.L'][1] - standing['foot.R'][1]) < 0.05


def test_hand_is_at_the_head_when_it_holds_a_phone() -> None:
    hanging = joints(WALKING)['wrist.L']
    phone = joints(dataclasses.replace(WALKING, arms={'L': 'phone'}))['wrist.L']
    assert phone[2] > hanging[2] + 0.25


def test_carrying_arm_is_kept_by_every_sampled_pose() -> None:
    rng = stream(0, 'test poses')
    assert all(sample_pose(rng, 1.0, {'R': 'carry'}).arms['R'] == 'carry' for _ in range(30))


def test_skin_follows_a_single_bone_rigidly() -> None:
    turned = np.float32([[[0, -1, 0], [1, 0, 0], [0, 0, 1]]])
    moved = skinned(np.float32([[1, 2, 3]]), np.zeros((1, 4), np.int32),
                    np.float32([[1, 0, 0, 0]]), turned, np.float32([[10, 0, 0]]))
    np.testing.assert_allclose(moved, [[8, 1, 3]])


def test_rest_pose_moves_nothing() -> None:
    model = body_model()
    heads = np.ascontiguousarray(model.canonical_heads, np.float32)
    rotations, translations = bone_transforms(model.parents, heads,
                                              np.tile(np.eye(3), (len(heads), 1, 1)))
    np.testing.assert_allclose(rotations, np.tile(np.eye(3), (len(heads), 1, 1)), atol=1e-6)
    assert np.abs(translations).max() == pytest.approx(0, abs=1e-6)
