"""A camera filter for ROS 2: raw images in, protected images and identity features out."""

__version__ = '0.1.0'
