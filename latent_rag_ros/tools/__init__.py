"""The command line `latent-rag` and the demo."""
