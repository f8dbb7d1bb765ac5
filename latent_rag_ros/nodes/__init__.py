"""Thin ROS shells: every `X_node.py` here becomes the executable `X_node`."""
