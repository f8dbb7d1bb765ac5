"""The pinhole calibration projects as a camera with that field of view does."""
from __future__ import annotations

import math

import numpy as np
import pytest
from std_msgs.msg import Header

from latent_rag_ros.ros.camera_info import pinhole_camera_info


@pytest.mark.parametrize('width, height, fov_deg', [(640, 480, 60.0), (321, 17, 110.0)])
def test_edges_are_at_half_the_field_of_view_when_projected(
        width: int, height: int, fov_deg: float) -> None:
    """Rays at half the angle meet the outer edges of the outer pixels; the axis the centre."""
    info = pinhole_camera_info(Header(frame_id='camera'), height, width, fov_deg)
    assert (info.width, info.height, info.header.frame_id) == (width, height, 'camera')
    matrix = np.reshape(info.p, (3, 4))
    slope = math.tan(math.radians(fov_deg) / 2)
    for ray, column in ((-slope, -0.5), (0.0, (width - 1) / 2), (slope, width - 0.5)):
        x, y, z = matrix @ [ray, 0.0, 1.0, 1.0]
        assert x / z == pytest.approx(column)
        assert y / z == pytest.approx((height - 1) / 2)


def test_image_is_rectified_already_when_there_is_no_distortion() -> None:
    """No distortion and no rotation: K and P agree, and OpenCV can use them."""
    info = pinhole_camera_info(Header(), 480, 640, 60.0)
    assert info.distortion_model == 'plumb_bob' and list(info.d) == [0.0] * 5
    np.testing.assert_array_equal(np.reshape(info.p, (3, 4))[:, :3], np.reshape(info.k, (3, 3)))
    np.testing.assert_array_equal(np.reshape(info.r, (3, 3)), np.eye(3))
    assert info.k[0] == info.k[4]
