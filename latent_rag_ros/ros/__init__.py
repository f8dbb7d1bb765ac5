"""Everything that speaks ROS and is not a node: images, parameters, QoS, lifecycle, diagnostics."""
