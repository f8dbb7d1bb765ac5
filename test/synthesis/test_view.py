"""Views: known points at known pixels."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.synthesis.view import bounds, looking, projected


def test_point_ahead_is_projected_to_the_principal_point() -> None:
    view = looking(1.0, 0.0, 500.0, 640, 480)
    x, y, inverse_depth = projected(np.float32([[0, 4, 1]]), view)[0]
    assert (x, y, inverse_depth) == pytest.approx((320, 240, 0.25))


def test_point_to_the_right_and_below_has_larger_coordinates() -> None:
    view = looking(1.0, 0.0, 500.0, 640, 480)
    assert projected(np.float32([[1, 4, 0.5]]), view)[0, :2] == pytest.approx((445, 302.5))


def test_window_enlarges_what_it_cuts_out() -> None:
    view = looking(1.0, 0.2, 500.0, 640, 480)
    point = np.float32([[0.3, 4, 1.2]])
    x, y = projected(point, view)[0, :2]
    assert projected(point, view.window(100, 50, 2.0))[0, :2] == pytest.approx(
        ((x - 100) * 2, (y - 50) * 2), rel=1e-5)


def test_points_behind_the_camera_have_no_depth() -> None:
    view = looking(1.0, 0.0, 500.0, 640, 480)
    assert projected(np.float32([[0, -1, 1]]), view)[0, 2] == -1


def test_bounds_leave_out_what_is_not_chosen() -> None:
    points = np.float32([[1, 5], [9, 9], [3, 2]])
    np.testing.assert_array_equal(bounds(points, np.array([True, False, True])), [[1, 2], [3, 5]])
