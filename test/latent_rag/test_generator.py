"""The generator's convolutions against the definition of StyleGAN2."""
from __future__ import annotations

import math

import torch
from torch.nn import functional

from latent_rag_ros.latent_rag.generator import (
    CODE_DIMENSION, LAYERS, Generator, ModulatedConvolution, load_generator)
from latent_rag_ros.weights.tensors import save_tensors


def scaled_kernel_convolution(layer, x, w):
    """Return the layer's output by eq. 1-3 of StyleGAN2: one scaled kernel per sample."""
    kernel = layer.weight[None] * layer.style(w)[:, None, :, None, None]
    kernel = kernel * torch.rsqrt(kernel.square().sum((2, 3, 4), keepdim=True) + 1e-6)
    maps = torch.cat([functional.conv2d(one[None], own, padding=1)
                      for one, own in zip(x, kernel)])
    return functional.leaky_relu(maps + layer.shift(w)[:, :, None, None], 0.2) * math.sqrt(2)


def test_modulated_convolution_scales_the_kernel_of_every_sample():
    torch.manual_seed(0)
    layer = ModulatedConvolution(12, 7).double()
    x = torch.randn(3, 12, 8, 4, dtype=torch.float64)
    w = torch.randn(3, CODE_DIMENSION, dtype=torch.float64)
    torch.testing.assert_close(layer(x, w), scaled_kernel_convolution(layer, x, w))


def test_loaded_generator_draws_and_differentiates_as_the_one_that_was_saved(tmp_path):
    torch.manual_seed(0)
    generator = Generator().half().float().eval()
    save_tensors(tmp_path / 'generator.safetensors', generator.state_dict(), {})
    loaded = load_generator(tmp_path / 'generator.safetensors')
    codes = torch.randn(2, LAYERS, CODE_DIMENSION, requires_grad=True)
    torch.testing.assert_close(loaded(codes), generator(codes), rtol=0, atol=1e-5)
    gradients = [torch.autograd.grad(network(codes).square().sum(), codes)[0]
                 for network in (loaded, generator)]
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-3, atol=1e-4)


def test_kept_energy_draws_the_same_pictures():
    torch.manual_seed(0)
    generator, codes = Generator().eval(), torch.randn(2, LAYERS, CODE_DIMENSION)
    with torch.no_grad():
        wanted = generator(codes)
        for convolution in generator.convolutions:
            convolution.keep_energy()
        torch.testing.assert_close(generator(codes), wanted, atol=1e-6, rtol=0)
    assert not any('kept_energy' in name for name in generator.state_dict())
