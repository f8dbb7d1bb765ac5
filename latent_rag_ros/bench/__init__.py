"""How fast the filter is: what `latent-rag bench` measures, compares and shows."""
