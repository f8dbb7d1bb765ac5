"""Names of what stands in the table of features, and of the weights that belong to them."""
from __future__ import annotations

from collections.abc import Mapping

RUN_NAMES: Mapping[str, str] = {'gan': 'protection_head', 'decoder': 'decoder_protection_head'}
"""Names of run and weights file by the kind of the reversal module trained against."""

PLAIN, PROTECTED, DECODER_PROTECTED, KEYED = 'plain', 'protected', 'decoder_protected', 'keyed'
TRAINED: Mapping[str, str] = {PLAIN: 'embedder.safetensors',
                              PROTECTED: f'{RUN_NAMES["gan"]}.safetensors',
                              DECODER_PROTECTED: f'{RUN_NAMES["decoder"]}.safetensors'}
"""Weights files of the extractors that were trained: an embedder, and heads behind it."""

NOISE_DEVIATIONS = (0.03, 0.06)
"""Standard deviation per number of the Gaussian noise; features have length 1."""
DIMENSIONS = (64, 16)
"""Principal components that a cut leaves of 256."""


def extractor_names() -> tuple[str, ...]:
    """Return the names of all rows, in their order in the table."""
    return (*TRAINED, *(f'noise_{round(100 * deviation):02d}' for deviation in NOISE_DEVIATIONS),
            *(f'dimensions_{count}' for count in DIMENSIONS), KEYED)
