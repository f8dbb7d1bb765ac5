"""The grey-box attacker: it has the deployment's embedder and uses what that reads.

A protected picture keeps the identity feature of its original on purpose. The attacker reads that
feature off the protected picture and gives it to its network beside the picture.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.attacks.interface import Images
from latent_rag_ros.evaluation.attacks.recovery import Evidence, Recoverer, psnr_loss
from latent_rag_ros.evaluation.attacks.unet import UNet
from latent_rag_ros.evaluation.embedding import EmbeddingNetwork, embed_images


class GreyBoxRecoverer(Recoverer):
    """A U-Net that also sees the identity feature of the protected picture.

    Parameters
    ----------
    embedder : EmbeddingNetwork
        The network that the protection keeps identities for.
    device : str
        `cpu` or `cuda:N`, also of the embedder.
    """

    def __init__(self, embedder: EmbeddingNetwork, device: str = 'cpu') -> None:
        super().__init__('grey_box', lambda numbers: UNet(3, 3, numbers), psnr_loss, device)
        self._embedder = embedder

    def evidence(self, protected: Images,
                 identities: NDArray[np.int64] | None = None) -> Evidence:
        """Return the pictures and their features, scaled to about unit variance."""
        features = embed_images(self._embedder, protected, self.device)
        return Evidence(protected, features * np.float32(np.sqrt(features.shape[1])))
