"""Everything that speaks ROS and is no node: images, parameters, QoS, lifecycle, diagnostics."""
