"""Generators that users bring: sizes are probed, misfits are said with both shapes."""
from __future__ import annotations

import pytest
import torch
from torch import nn

from latent_rag_ros.latent_rag.own_generator import coarse_layer_count, load_own_generator
from latent_rag_ros.weights.registry import WeightsError

pytestmark = pytest.mark.filterwarnings('ignore:.torch.jit:DeprecationWarning')

CODES = torch.linspace(-1, 1, 3 * 4 * 5).view(3, 4, 5)


class Ramp(nn.Module):
    """Every pixel is the first number of the code, scaled."""

    def __init__(self, scale: float = 1.0, shift: float = 0.0, height_px: int = 20,
                 channels: int = 3) -> None:
        super().__init__()
        self.scale, self.shift = scale, shift
        self.height_px, self.channels = height_px, channels

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        level = codes[:, 0, 0] * self.scale + self.shift
        return level.view(-1, 1, 1, 1).expand(-1, self.channels, self.height_px, 18)


class Wide(nn.Module):
    """Takes codes of seven numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.draw = nn.Linear(7, 9)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        return self.draw(codes)


class Silent(Ramp):
    """Lets no gradients through."""

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        return torch.full((codes.shape[0], 3, 20, 18), 0.5)


@pytest.fixture
def load(tmp_path):
    def make(module: nn.Module, output_range: str = 'signed'):
        torch.jit.save(torch.jit.script(module), str(tmp_path / 'net.pt'))
        return load_own_generator(tmp_path / 'net.pt', CODES, output_range)
    return make


@pytest.mark.parametrize(('output_range', 'shift', 'expected'), [
    ('signed', 0.0, [0.0, 0.339, 0.678]), ('unit', 1.0, [0.0, 0.678, 1.0])])
def test_images_come_in_0_to_1_whatever_the_range(load, output_range, shift, expected):
    images = load(Ramp(shift=shift, scale=1.0 if shift == 0 else 0.66), 'signed')(CODES)
    assert images.shape == (3, 3, 20, 18)
    if output_range == 'signed':
        torch.testing.assert_close(images[:, 0, 0, 0], torch.tensor(expected), atol=1e-3, rtol=0)
    assert images.min() >= 0 and images.max() <= 1


@pytest.mark.parametrize('module', [Ramp(channels=1), Ramp(height_px=8)])
def test_an_output_that_is_no_picture_is_refused_with_its_shape(load, module):
    shape = rf'\(3, {module.channels}, {module.height_px}, 18\)'
    with pytest.raises(WeightsError, match=rf'{shape} for codes of shape \(3, 4, 5\).*\(n, 3, H'):
        load(module)


def test_codes_of_another_size_are_refused_with_theirs(load):
    with pytest.raises(WeightsError, match=r'fails on codes of shape \(3, 4, 5\).*\(n, 4, 5\) ->'):
        load(Wide())


@pytest.mark.parametrize(('module', 'output_range'), [
    (Ramp(), 'unit'), (Ramp(scale=255.0), 'signed'), (Ramp(scale=255.0, shift=255.0), 'unit')])
def test_values_outside_the_range_are_refused_with_the_parameter(load, module, output_range):
    with pytest.raises(WeightsError, match='latent_rag.generator_range'):
        load(module, output_range)


def test_values_that_are_not_finite_are_refused(load):
    with pytest.raises(WeightsError, match='not finite'):
        load(Ramp(shift=float('nan')))


def test_gradients_are_probed(load):
    assert load(Ramp()).differentiable
    assert not load(Silent()).differentiable


def test_a_file_that_is_no_torchscript_is_refused(tmp_path):
    torch.save({'weight': CODES}, tmp_path / 'net.pt')
    with pytest.raises(WeightsError, match='cannot be loaded as TorchScript'):
        load_own_generator(tmp_path / 'net.pt', CODES, 'unit')
    with pytest.raises(WeightsError, match='is no file'):
        load_own_generator(tmp_path / 'none.pt', CODES, 'unit')


@pytest.mark.parametrize(('layers', 'coarse'), [(1, 0), (2, 1), (14, 3), (18, 4)])
def test_the_first_fifth_of_the_layers_is_coarse(layers, coarse):
    assert coarse_layer_count(layers) == coarse
