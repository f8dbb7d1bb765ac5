"""The attacker that sees one person many times and averages what it sees.

Whatever a protection draws anew for every frame, such as noise or another replacement, averages
out over a track; what it keeps does not.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.attacks.interface import Images
from latent_rag_ros.evaluation.attacks.recovery import Evidence, Recoverer, psnr_loss
from latent_rag_ros.evaluation.attacks.unet import UNet


def averaged(protected: Images, identities: NDArray[np.int64]) -> Images:
    """Return for every picture the mean of all pictures of the same person, rounded to 8 bit."""
    _, labels, counts = np.unique(identities, return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), *protected.shape[1:]), np.float64)
    np.add.at(sums, labels, protected)
    return np.round(sums / counts[:, None, None, None]).astype(np.uint8)[labels]


class AveragingRecoverer(Recoverer):
    """A U-Net that sees a protected picture and the mean of all protected ones of its person.

    Parameters
    ----------
    device : str
        `cpu` or `cuda:N`.
    """

    def __init__(self, device: str = 'cpu') -> None:
        super().__init__('averaging', lambda _: UNet(6), psnr_loss, device)

    def evidence(self, protected: Images,
                 identities: NDArray[np.int64] | None = None) -> Evidence:
        """Return every picture and the mean of its person's pictures.

        Without `identities` every picture is all there is of its person.
        """
        mean = protected if identities is None else averaged(protected, identities)
        return Evidence(np.concatenate([protected, mean], axis=-1))

    def recover_people(self, protected: Images, identities: NDArray[np.int64]) -> Images:
        """Return a guess of every original, knowing which pictures (n,) show the same person.

        A tracker or the published identities tell an attacker as much. Raises `RuntimeError`
        before `fit`.
        """
        return self.recovered(self.evidence(protected, identities))
