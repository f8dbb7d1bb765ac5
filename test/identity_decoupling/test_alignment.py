"""Alignment: landmarks meet their template, as OpenCV's warp would do it, with gradients."""
from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from latent_rag_ros.identity_decoupling.oracles.alignment import (
    aligned, arcface_template, dlib_template, similarity)


def placed(template: torch.Tensor, turn_deg: float, scale: float, shift: float) -> torch.Tensor:
    """Return the template turned, scaled and shifted."""
    angle = np.radians(turn_deg)
    turn = torch.tensor([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (template.double() @ turn.T * scale + shift).float()


def test_similarity_is_recovered_exactly() -> None:
    template = arcface_template(112)
    landmarks = placed(template, 25, 1.4, 30)
    a, b = similarity(landmarks, template)
    assert float(a.abs()) == pytest.approx(1 / 1.4, rel=1e-5)
    mapped = torch.view_as_real(a * torch.view_as_complex(landmarks.double()) + b)
    torch.testing.assert_close(mapped, template.double(), atol=1e-4, rtol=0)


def test_face_is_cut_as_opencv_cuts_it() -> None:
    random = np.random.default_rng(0)
    image = cv2.GaussianBlur(random.integers(0, 255, (160, 180, 3)).astype(np.float32), (0, 0), 2)
    template = arcface_template(64)
    landmarks = placed(template, -17, 1.5, 25)
    a, b = similarity(landmarks, template)
    matrix = np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])
    expected = cv2.warpAffine(image, matrix, (64, 64), flags=cv2.INTER_LINEAR)
    found = aligned(torch.from_numpy(image).permute(2, 0, 1)[None], landmarks[None], template, 64)
    difference = np.abs(found[0].permute(1, 2, 0).numpy() - expected)
    assert np.median(difference) < 0.2 and difference[2:-2, 2:-2].max() < 4


def test_large_faces_are_averaged_down_at_the_same_place() -> None:
    axis = torch.arange(900.0)
    image = torch.stack([axis.expand(900, -1), axis[:, None].expand(-1, 900), 0 * axis.expand(
        900, -1)])
    template = dlib_template(150)
    landmarks = placed(template, 0, 5.3, 40)
    face = aligned(image[None], landmarks[None], template, 150)[0]
    row, column = (int(value) for value in template[2].round().flip(0))
    expected = 5.3 * torch.tensor([column, row]) + 40
    torch.testing.assert_close(face[:2, row, column], expected, atol=0.5, rtol=0)


def test_gradients_reach_the_pixels() -> None:
    image = torch.rand(1, 3, 80, 80, requires_grad=True)
    aligned(image, arcface_template(80)[None], arcface_template(56), 56).sum().backward()
    assert bool((image.grad[0, :, 40, 40] > 0).all())


def test_landmarks_that_show_no_face_are_refused() -> None:
    with pytest.raises(ValueError, match='show no face'):
        aligned(torch.rand(1, 3, 8, 8), torch.ones(1, 5, 2), arcface_template(8), 8)
    with pytest.raises(ValueError, match=r'give \(n, 3, h, w\) and \(n, 5, 2\)'):
        aligned(torch.rand(2, 3, 8, 8), torch.ones(1, 5, 2), arcface_template(8), 8)
