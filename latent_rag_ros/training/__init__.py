"""One short script per network: makes the weights that ship in `latent_rag_ros/weights`."""
