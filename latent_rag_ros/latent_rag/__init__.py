"""Latent-RAG (ICRA 2026): retrieve, fuse, refine and synthesise a replacement person."""
