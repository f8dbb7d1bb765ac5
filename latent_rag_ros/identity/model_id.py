"""What messages and galleries call the networks that made a feature."""
from __future__ import annotations

DIGITS = 12


def model_id(embedder_sha256: str, head_sha256: str = '') -> str:
    """Return the name of features: only those of one name may ever be compared.

    Parameters
    ----------
    embedder_sha256 : str
        Of the embedder's file, hexadecimal.
    head_sha256 : str
        Of the file of the protection head behind it; empty where plain features are published.
    """
    head = f'+head-{head_sha256[:DIGITS]}' if head_sha256 else ''
    return f'embedder-{embedder_sha256[:DIGITS]}{head}'
