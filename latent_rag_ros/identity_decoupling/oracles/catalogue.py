"""Which recognition networks there are, what they want to see, and which ones may be optimised."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from latent_rag_ros.identity_decoupling.oracles.alignment import arcface_template, dlib_template
from latent_rag_ros.identity_decoupling.oracles.dlib_resnet import DlibResNet
from latent_rag_ros.identity_decoupling.oracles.mobile_face import MobileFace
from latent_rag_ros.identity_decoupling.oracles.mobilenet import FaceMobileNet


@dataclass(frozen=True)
class OracleFormat:
    """One recognition network and its input.

    Parameters
    ----------
    build : callable
        Makes the network without its weights.
    template : callable
        Landmarks (5, 2) for a side in pixels.
    side_px : int
        Side of the aligned face.
    mean : tuple of float
        Subtracted from levels 0..255, in the network's colour order.
    divisor : float
        What the difference is divided by.
    bgr : bool
        Whether the network sees blue first.
    held_out : bool
        Never optimised against: it only measures.
    """

    build: Callable[[], nn.Module]
    template: Callable[[int], Tensor]
    side_px: int
    mean: tuple[float, float, float]
    divisor: float = 1.0
    bgr: bool = False
    held_out: bool = False

    def prepared(self, faces: Tensor) -> Tensor:
        """Return aligned RGB faces (n, 3, s, s) in 0..1 as the network wants them."""
        levels = (faces.flip(1) if self.bgr else faces) * 255
        mean = torch.tensor(self.mean, device=faces.device, dtype=faces.dtype)
        return (levels - mean.view(1, 3, 1, 1)) / self.divisor


IMAGENET_BGR = (103.939, 116.779, 123.68)

FORMATS = {
    'dlib': OracleFormat(DlibResNet, dlib_template, 150, (122.782, 117.001, 104.298), 255.0),
    'faceres': OracleFormat(FaceMobileNet, arcface_template, 224, IMAGENET_BGR, bgr=True),
    'mobileface': OracleFormat(MobileFace, arcface_template, 112, (127.5, 127.5, 127.5), 128.0,
                               held_out=True),
    'faceres_deep': OracleFormat(FaceMobileNet, arcface_template, 224, IMAGENET_BGR, bgr=True,
                                 held_out=True)}
"""Networks by name. dlib and faceres differ in architecture and training faces; mobileface, which
differs from both, and faceres_deep are held out."""
