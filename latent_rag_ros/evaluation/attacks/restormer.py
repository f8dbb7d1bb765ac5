"""Restormer-tiny: the published restoration transformer (Zamir et al., CVPR 2022), made small.

Multi-Dconv-head transposed attention attends over channels, not pixels; a gated feed-forward
network follows; three levels, shortcuts between them, and the picture itself is added at the end.
Published: 48 channels at full size, blocks 4, 6, 6, 8, 26 million parameters. Here: 24 channels at
half the size, blocks 1, 2, 2, so that one core can train it. Written from the paper.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

BLOCK_PX = 4
CHANNELS = 32
BLOCKS, HEADS = (1, 2, 2), (1, 2, 4)
REFINEMENT_BLOCKS = 1
EXPANSION = 2.66


class BiasFreeNorm(nn.Module):
    """Layer normalisation over channels without centring: x / sqrt(var(x) + eps) * weight."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise x (n, channels, h, w)."""
        return x * torch.rsqrt(x.var(1, keepdim=True, unbiased=False) + 1e-5) * self.weight


class TransposedAttention(nn.Module):
    """Attention between channels: softmax(K Q^T * alpha) V, q and k of unit length (eq. 1)."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.alpha = nn.Parameter(torch.ones(heads, 1, 1))
        self.project_in = nn.Conv2d(channels, 3 * channels, 1, bias=False)
        self.local = nn.Conv2d(3 * channels, 3 * channels, 3, 1, 1, groups=3 * channels,
                               bias=False)
        self.project_out = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map x (n, channels, h, w) to the same shape."""
        count, channels, height, width = x.shape
        parts = self.local(self.project_in(x)).reshape(
            count, 3, self.heads, channels // self.heads, height * width)
        query, key, value = parts.unbind(1)                         # each (n, heads, c, h w)
        query, key = functional.normalize(query, dim=-1), functional.normalize(key, dim=-1)
        weights = (query @ key.transpose(-2, -1) * self.alpha).softmax(-1)
        return self.project_out((weights @ value).reshape(count, channels, height, width))


class GatedFeedForward(nn.Module):
    """Two depth-wise paths, one gates the other through GELU (eq. 2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = int(channels * EXPANSION)
        self.project_in = nn.Conv2d(channels, 2 * hidden, 1, bias=False)
        self.local = nn.Conv2d(2 * hidden, 2 * hidden, 3, 1, 1, groups=2 * hidden, bias=False)
        self.project_out = nn.Conv2d(hidden, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map x (n, channels, h, w) to the same shape."""
        gate, value = self.local(self.project_in(x)).chunk(2, 1)
        return self.project_out(functional.gelu(gate) * value)


class TransformerBlock(nn.Module):
    """Transposed attention and gated feed-forward, each normalised first and added."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.attention_norm, self.feed_forward_norm = (BiasFreeNorm(channels),
                                                       BiasFreeNorm(channels))
        self.attention = TransposedAttention(channels, heads)
        self.feed_forward = GatedFeedForward(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map x (n, channels, h, w) to the same shape."""
        x = x + self.attention(self.attention_norm(x))
        return x + self.feed_forward(self.feed_forward_norm(x))


def _blocks(level: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(TransformerBlock(CHANNELS << level, HEADS[level])
                           for _ in range(count)))


class RestormerTiny(nn.Module):
    """Restormer on 2 x 2 pixel blocks; its output is 0 before training.

    Parameters
    ----------
    inputs, outputs : int
        Channels of the pictures that go in and come out.
    """

    def __init__(self, inputs: int = 3, outputs: int = 3) -> None:
        super().__init__()
        self.embed = nn.Conv2d(BLOCK_PX * BLOCK_PX * inputs, CHANNELS, 3, 1, 1, bias=False)
        self.encoders = nn.ModuleList([_blocks(level, count)
                                       for level, count in enumerate(BLOCKS)])
        self.down = nn.ModuleList([nn.Conv2d(CHANNELS << level, CHANNELS << level >> 1, 3, 1, 1,
                                             bias=False) for level in range(len(BLOCKS) - 1)])
        self.up = nn.ModuleList([nn.Conv2d(CHANNELS << level, CHANNELS << level + 1, 3, 1, 1,
                                           bias=False) for level in range(1, len(BLOCKS))])
        self.reduce = nn.ModuleList([nn.Conv2d(2 * CHANNELS << level, CHANNELS << level, 1,
                                               bias=False) for level in range(len(BLOCKS) - 1)])
        self.decoders = nn.ModuleList([_blocks(level, count)
                                       for level, count in enumerate(BLOCKS[:-1])])
        self.refinement = _blocks(0, REFINEMENT_BLOCKS)
        self.head = nn.Conv2d(CHANNELS, BLOCK_PX * BLOCK_PX * outputs, 3, 1, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map pictures (n, inputs, h, w), sides multiples of 8, to (n, outputs, h, w)."""
        x = self.embed(functional.pixel_unshuffle(x, BLOCK_PX))
        shortcuts = []
        for level, encoder in enumerate(self.encoders):
            x = encoder(x)
            if level < len(self.down):
                shortcuts.append(x)
                x = functional.pixel_unshuffle(self.down[level](x), 2)
        for level in reversed(range(len(self.decoders))):
            x = functional.pixel_shuffle(self.up[level](x), 2)
            x = self.decoders[level](self.reduce[level](torch.cat([x, shortcuts.pop()], 1)))
        return functional.pixel_shuffle(self.head(self.refinement(x)), BLOCK_PX)
