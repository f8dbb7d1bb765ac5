"""Renewable features: a secret rotation that belongs to one deployment.

Features are multiplied by a random orthogonal matrix before they leave the filter. Cosines within
one key stay what they were, features of two keys do not compare, and a gallery that leaked is
worth nothing once the key is renewed: renewability and unlinkability as ISO/IEC 24745:2022 asks
for. It is no encryption: whoever has the key, or enough pairs of the same features with and
without it, can undo the rotation.
"""
from __future__ import annotations

import hashlib
import os
import secrets
import stat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

KEY_BYTES, KEY_ID_DIGITS = 32, 12
HEADER = 'latent-rag-feature-key-1'


class FeatureKeyError(ValueError):
    """A key file cannot be used. Names the file and the remedy."""


class FeatureKey:
    """A secret and the rotations made from it.

    Parameters
    ----------
    secret : bytes
        32 random bytes.

    Attributes
    ----------
    key_id : str
        First 12 hexadecimal digits of a hash of the secret: safe to publish.
    """

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise FeatureKeyError(f'a feature key has {KEY_BYTES} bytes, not {len(secret)}')
        self._secret = secret
        self.key_id = hashlib.sha256(b'id of ' + secret).hexdigest()[:KEY_ID_DIGITS]
        self._rotations: dict[int, NDArray[np.float32]] = {}

    def rotation(self, dimension: int) -> NDArray[np.float32]:
        """Return the orthogonal matrix for features of a dimension, shape (dimension, dimension).

        Drawn from the Haar distribution: QR of a Gaussian matrix, with the signs of R's diagonal
        taken out (Mezzadri, Notices of the AMS 54, 2007). The Gaussian numbers come from the
        secret through SHAKE-256, so that no weaker generator stands between.
        """
        if dimension not in self._rotations:
            gaussian = _gaussian(self._secret, dimension)
            orthogonal, triangle = np.linalg.qr(gaussian)
            orthogonal *= np.sign(np.diag(triangle))
            self._rotations[dimension] = np.ascontiguousarray(orthogonal, np.float32)
        return self._rotations[dimension]

    def transform(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return features, shape (..., dimension), rotated; lengths and angles stay."""
        return features @ self.rotation(features.shape[-1])


def load_or_create_key(path: Path) -> FeatureKey:
    """Return the key of a file; a new one is made when there is none, readable by its owner only.

    Raises `FeatureKeyError` when the file is damaged, readable by others, or cannot be made.
    """
    try:
        if not path.exists():
            _create(path)
        mode = stat.S_IMODE(path.stat().st_mode)
        words = path.read_text(encoding='ascii').split()
    except (OSError, UnicodeDecodeError) as error:
        raise FeatureKeyError(f'key file {path} cannot be used ({error}); check folder and '
                              'permissions') from error
    if mode & 0o077:
        raise FeatureKeyError(f'key file {path} has mode {mode:04o}, so others can read it; '
                              f'chmod 600 {path}')
    if len(words) != 2 or words[0] != HEADER:
        raise FeatureKeyError(f'{path} is no feature key; delete it to get a new one, with which '
                              'older galleries do not compare')
    try:
        return FeatureKey(bytes.fromhex(words[1]))
    except ValueError as error:
        raise FeatureKeyError(f'key file {path} is damaged ({error}); restore it, or delete it '
                              'to get a new one') from error


def _create(path: Path) -> None:
    """Write a new secret whole or not at all; of two processes the first wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f'{path.name}.{os.getpid()}.temporary')
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(file, f'{HEADER} {secrets.token_hex(KEY_BYTES)}\n'.encode())
        os.fsync(file)
    finally:
        os.close(file)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return
    finally:
        temporary.unlink()


def _gaussian(secret: bytes, dimension: int) -> NDArray[np.float64]:
    """Return normal numbers, shape (dimension, dimension), by the method of Box and Muller."""
    count = dimension * dimension
    digest = hashlib.shake_256(b'rotation' + dimension.to_bytes(4, 'big') + secret)
    words = np.frombuffer(digest.digest(16 * count), '<u8').reshape(2, count)
    first, second = (words >> 11) * 2.0 ** -53
    normal = np.sqrt(-2 * np.log1p(-first)) * np.cos(2 * np.pi * second)
    return normal.reshape(dimension, dimension)
