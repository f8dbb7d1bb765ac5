"""The camera_info of an ideal camera."""
from __future__ import annotations

import math

from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header


def pinhole_camera_info(header: Header, height_px: int, width_px: int,
                        horizontal_fov_deg: float) -> CameraInfo:
    """Return the calibration of a pinhole camera without distortion.

    The pixels are square and the principal point is the centre of the image. As in OpenCV, the
    centre of the first pixel is (0, 0), so the centre of the image is at ((width - 1) / 2, ...).

    Parameters
    ----------
    header : Header
        Header of the image this calibration belongs to.
    height_px, width_px : int
        Size of the image.
    horizontal_fov_deg : float
        Angle between the left and the right edge of the image, between 0 and 180 degrees.
    """
    focal_px = width_px / 2 / math.tan(math.radians(horizontal_fov_deg) / 2)
    centre_x, centre_y = (width_px - 1) / 2, (height_px - 1) / 2
    return CameraInfo(
        header=header, height=height_px, width=width_px,
        distortion_model='plumb_bob', d=[0.0] * 5,
        k=[focal_px, 0.0, centre_x, 0.0, focal_px, centre_y, 0.0, 0.0, 1.0],
        r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p=[focal_px, 0.0, centre_x, 0.0, 0.0, focal_px, centre_y, 0.0, 0.0, 0.0, 1.0, 0.0])
