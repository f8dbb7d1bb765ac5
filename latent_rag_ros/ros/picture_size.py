"""The size of a raw message without decoding it, for the blank frame that answers it."""
from __future__ import annotations

from sensor_msgs.msg import CompressedImage, Image

from latent_rag_ros.ros.compressed_images import compressed_size
from latent_rag_ros.ros.images import ImageError, check_size


def picture_size(message: Image | CompressedImage, image_px_max: int) -> tuple[int, int]:
    """Return height and width in pixels; (0, 0) where no picture of that size can be."""
    try:
        size = ((message.height, message.width) if isinstance(message, Image)
                else compressed_size(bytes(message.data)))
        check_size(*size, image_px_max)
    except ImageError:
        return 0, 0
    return size
