"""A re-ID network that the user brought: TorchScript, ONNX, or a checkpoint that is known.

`load_own_embedder` tells the kind from the file itself, loads it without executing anything of a
checkpoint, and runs it once on noise, so that what cannot work is refused before the first frame.
TorchScript and ONNX files are programs: they cannot reach Python, but take them only from somebody
you trust.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.identity import bagtricks, osnet
from latent_rag_ros.identity.checkpoint import read_checkpoint, tensors_of
from latent_rag_ros.identity.input_format import InputFormat
from latent_rag_ros.weights.onnx_network import OnnxNetwork
from latent_rag_ros.weights.registry import WeightsError
from latent_rag_ros.weights.torchscript import (
    fingerprint_of, is_torchscript, last_line, load_torchscript)

DEFAULT_SIZE_PX, SBS_SIZE_PX = (256, 128), (384, 128)
FEATURE_DIMENSION_MIN = 8

Network = Callable[[Tensor], Tensor]


class FittedEmbedder:
    """A re-ID network behind the preparation of its input.

    Parameters
    ----------
    network : callable
        Prepared crops (n, 3, h, w) to features (n, d).
    input_format : InputFormat
        Size, normalisation and colour order the network wants.
    feature_dimension : int
        d.
    fingerprint : str
        64 hexadecimal digits that change with the file and with the input format.
    differentiable : bool
        Whether gradients flow from the feature to the crop, which refinement needs.
    """

    def __init__(self, network: Network, input_format: InputFormat, feature_dimension: int,
                 fingerprint: str, differentiable: bool = True) -> None:
        self.network, self.input_format = network, input_format
        self.feature_dimension, self.fingerprint = feature_dimension, fingerprint
        self.differentiable = differentiable

    def embed(self, crops: Tensor) -> Tensor:
        """Return identity features, shape (n, d), L2 norm 1.

        Parameters
        ----------
        crops : Tensor
            Shape (n, 3, h, w) of any size, float, RGB in 0..1.
        """
        features = self.network(self.input_format.prepared(crops))
        return functional.normalize(features.flatten(1).float())


class OnnxFeatures:
    """An ONNX network as a function of tensors; no gradients flow through."""

    def __init__(self, network: OnnxNetwork) -> None:
        self._network = network

    def __call__(self, crops: Tensor) -> Tensor:
        """Return the first output for prepared crops (n, 3, h, w), one at a time if it has to."""
        batch = self._network.image_shape[0]
        parts = crops.detach().cpu().split(batch or len(crops))
        if batch and len(parts[-1]) != batch and batch > 1:
            raise RuntimeError(f'{self._network.path} takes {batch} crops at once; export it '
                               'with a batch of one or of any size')
        name = self._network.output_names[0]
        features = [torch.from_numpy(self._network.run(part.numpy())[name]) for part in parts]
        return torch.cat(features).to(crops.device)


def load_own_embedder(path: Path, wanted: InputFormat, device: str = 'cpu') -> FittedEmbedder:
    """Load a re-ID network.

    Parameters
    ----------
    path : Path
        `.onnx`, a TorchScript archive, or a checkpoint: torchreid's OSNet (also IBN and AIN), or
        fast-reid's ResNet with BNNeck.
    wanted : InputFormat
        Its input; a height or width of 0 takes the one of the file, else 256 x 128 (384 x 128 for
        SBS).
    device : str
        Device of the network; ONNX runs on the CPU.

    Raises
    ------
    WeightsError
        The file is missing, unsafe, of an unknown kind, or what it holds does not fit.
    """
    if not path.is_file():
        raise WeightsError(f'identity.model is {path}, which is no file; give the path of a '
                           're-ID network, or leave it empty for the shipped one')
    network, size_px, differentiable = _loaded(path, device)
    input_format = replace(wanted, height_px=wanted.height_px or size_px[0],
                           width_px=wanted.width_px or size_px[1])
    output = _probed(network, input_format, path, device, differentiable)
    return FittedEmbedder(network, input_format, int(output.shape[1]),
                          fingerprint_of(path, input_format), output.requires_grad)


def _loaded(path: Path, device: str) -> tuple[Network, tuple[int, int], bool]:
    """Return the network, the input size it was made for, and whether it is differentiable."""
    if path.suffix == '.onnx':
        onnx = OnnxNetwork(path)
        height_px, width_px = onnx.image_shape[2:]
        return (OnnxFeatures(onnx),
                (height_px or DEFAULT_SIZE_PX[0], width_px or DEFAULT_SIZE_PX[1]), False)
    if is_torchscript(path):
        return load_torchscript(path, device), DEFAULT_SIZE_PX, True
    network, size_px = _from_checkpoint(path)
    return network.to(device), size_px, True


def _from_checkpoint(path: Path) -> tuple[nn.Module, tuple[int, int]]:
    content = read_checkpoint(path)
    inner = next((content[key] for key in ('state_dict', 'model')
                  if isinstance(content.get(key), dict)), content)
    names = list(tensors_of(inner))
    if any(name.startswith('backbone.layer1.') for name in names):
        tensors = tensors_of(inner, bagtricks.IGNORED)
        is_sbs = 'heads.pool_layer.p' in tensors and 'backbone.NL_2.0.g.weight' in tensors
        return (bagtricks.bagtricks_from(tensors, path),
                SBS_SIZE_PX if is_sbs else DEFAULT_SIZE_PX)
    if any(name.startswith(('conv2.0.conv2', 'conv2.0.conv1.')) for name in names):
        return osnet.osnet_from(tensors_of(inner, osnet.IGNORED), path), DEFAULT_SIZE_PX
    raise WeightsError(
        f'{path} is a checkpoint of an unknown network: it holds {len(names)} tensors, such as '
        f'{", ".join(names[:3]) or "none"}; known are torchreid (OSNet) and fast-reid (ResNet '
        'with BNNeck). Export others as TorchScript or ONNX')


def _probed(network: Network, input_format: InputFormat, path: Path, device: str,
            differentiable: bool) -> Tensor:
    """Run the network once on noise and return its output after checking that it is a feature."""
    size_px = input_format.size_px
    noise = torch.rand(2, 3, *size_px, generator=torch.Generator().manual_seed(0)).to(device)
    try:
        output = network(input_format.prepared(noise.requires_grad_(differentiable)))
    except RuntimeError as error:
        raise WeightsError(
            f'{path} fails on crops of {size_px[0]} x {size_px[1]} pixels '
            f'({last_line(error)}); set identity.input_height_px and identity.input_width_px to '
            'what it was trained with') from error
    shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
    fits = isinstance(output, Tensor) and len(output) == 2 and (
        output.ndim == 2 or output.ndim == 4 and shape[2:] == (1, 1))
    if not fits or output.shape[1] < FEATURE_DIMENSION_MIN:
        raise WeightsError(f'{path} returns {shape} for two crops, expected (2, d) with d of at '
                           f'least {FEATURE_DIMENSION_MIN}; export the network without its '
                           'classifier, so that it returns the feature alone')
    if not bool(output.isfinite().all()) or not bool(output.flatten(1).norm(dim=1).all()):
        raise WeightsError(f'{path} returns features that are zero or not finite; check the '
                           'weights and identity.normalisation')
    return output
