"""Whose face is whose, and where a head must be that shows none."""
from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from latent_rag_ros.protection.head_location import assigned, is_turned, overlaps, top_of
from latent_rag_ros.protection.types import Box, Region, TrackedPerson

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from face_parts import face_of, landmarks_at  # noqa: E402

STANDING = Box(100, 40, 160, 220)


def located(box: Box, track: int = 1, missed: int = 0) -> tuple[TrackedPerson, Region]:
    """Return a person and a region that is the box."""
    mask = np.ones((box.height_px, box.width_px), bool)
    return TrackedPerson(track, box, 0.9, missed), Region(track, box, mask, box)


def test_face_at_the_top_belongs_to_the_person() -> None:
    face = face_of(landmarks_at(115, 42, 30))
    assert assigned([face], [located(STANDING)]) == ({0: 0}, set())


def test_face_at_the_hip_or_of_a_giant_or_outside_belongs_to_nobody() -> None:
    for landmarks in (landmarks_at(115, 150, 30), landmarks_at(60, 0, 140),
                      landmarks_at(10, 42, 30), landmarks_at(128, 44, 4)):
        assert assigned([face_of(landmarks)], [located(STANDING)]) == ({}, set())


def test_two_people_with_two_faces_get_the_nearest() -> None:
    people = [located(STANDING), located(STANDING.moved(45, 0), 2)]
    faces = [face_of(landmarks_at(160, 42, 30)), face_of(landmarks_at(115, 42, 30))]
    assert assigned(faces, people) == ({0: 1, 1: 0}, set())


def test_one_face_of_two_people_belongs_to_none_of_them_for_certain() -> None:
    people = [located(STANDING), located(STANDING.moved(10, 0), 2),
              located(STANDING.moved(200, 0), 3)]
    faces = [face_of(landmarks_at(120, 42, 30)), face_of(landmarks_at(315, 42, 30))]
    assert assigned(faces, people) == ({2: 1}, {0, 1})


def test_top_holds_the_head_of_who_stands_and_is_seen_whole() -> None:
    top = top_of(*located(STANDING), 300)
    assert (top.left, top.top, top.right) == (100, 40, 160)
    assert 80 <= top.bottom <= 110
    assert top_of(*located(STANDING, missed=1), 300) is None
    assert top_of(*located(STANDING), 220) is None
    assert top_of(*located(Box(100, 40, 220, 160)), 300) is None


def test_turned_heads_are_told_from_tilted_ones() -> None:
    front = landmarks_at(0, 0, 100)
    angle = np.radians(40)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert not is_turned(front) and not is_turned(front @ turn)
    profile = front.copy()
    profile[:, 0] = [50, 54, 30, 48, 52]
    assert is_turned(profile) and is_turned(np.full((5, 2), np.nan))


def test_square_on_another_face_is_noticed() -> None:
    landmarks = landmarks_at(100, 100, 50)
    square = Box(90, 90, 160, 160)
    assert overlaps(Box(0, 0, 130, 130), square, landmarks)
    assert not overlaps(Box(0, 0, 110, 110), square, landmarks)
    assert not overlaps(square, square, landmarks)
