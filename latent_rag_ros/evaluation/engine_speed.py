"""Which engine runs which network fastest on this machine, and how far its results are off.

Every network in every way that was considered for it, on two threads and on one: the choice of
`engine.choice`. For one person, and for several at once where `engine.torch_forward` runs rows
side by side.
"""
from __future__ import annotations

import lzma
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from latent_rag_ros.engine.runner import Runner, open_runner
from latent_rag_ros.engine.torch_forward import TorchForward
from latent_rag_ros.evaluation.figures import Figures
from latent_rag_ros.evaluation.results_file import versions
from latent_rag_ros.evaluation.speed import THREADS, latencies_ms, summary_ms, threads
from latent_rag_ros.identity.embedder import load_embedder
from latent_rag_ros.identity.fast_embedder import EmbedModule
from latent_rag_ros.latent_rag.generator import load_generator
from latent_rag_ros.perception import nanodet, person_mask
from latent_rag_ros.weights.registry import weights_file

DETECTOR_SIZES_PX = ((320, 416), (416, 416))
"""Inputs of the detector for 640 x 480 pixels: with the aspect kept, and stretched."""

TOGETHER = 4
"""Crops or codes of the rows that measure several people at once."""

Way = Callable[[Tensor], Tensor]
Candidate = tuple[str, Tensor, Mapping[str, Callable[[], Way]]]
"""Name, input, and ways to run it, each made when it is measured: the first is the reference."""


def engine_figures(calls: int = 100) -> Figures:
    """Return latencies in ms of every network, way and number of threads.

    Per network and way `threads_2` and `threads_1`, each with `median`, `p95` and `min`, and
    `difference_max`, the largest difference of an output from the first way.
    """
    figures: Figures = {'about': {'command': 'latent-rag evaluate engines', 'calls': calls,
                                  'versions': versions()}}
    for name, rows, ways in _candidates():
        figures[name] = {way: _of_way(make, next(iter(ways.values())), rows, calls)
                         for way, make in ways.items()}
    return figures


def engine_table(figures: Mapping[str, Any]) -> str:
    """Return the figures as a Markdown table: median, and the 95th percentile in brackets."""
    lines = ['| network | run by | 2 threads [ms] | 1 thread [ms] | largest difference |',
             '|---|---|---:|---:|---:|']
    for name, ways in figures.items():
        for way, timed in ways.items() if name != 'about' else ():
            times = [f'{timed[key]["median"]:.1f} ({timed[key]["p95"]:.1f})'
                     for key in ('threads_2', 'threads_1')]
            lines.append(f'| {name} | {way} | {" | ".join(times)} | '
                         f'{timed["difference_max"]:.0e} |')
    about = figures['about']
    return '\n'.join([*lines, '', f'One call, median (95th percentile) of {about["calls"]} calls. '
                      f'Made by `{about["command"]}`.'])


def _of_way(make: Callable[[], Way], reference: Callable[[], Way], rows: Tensor,
            calls: int) -> Figures:
    figures: Figures = {}
    for count in THREADS:
        cv2.setNumThreads(count)
        with threads(count):
            way = make()
            figures[f'threads_{count}'] = summary_ms(latencies_ms(way, rows, calls))
    with torch.no_grad():
        figures['difference_max'] = float((way(rows) - reference()(rows)).abs().max())
    cv2.setNumThreads(-1)
    return figures


def _candidates() -> Iterator[Candidate]:
    random = np.random.default_rng(1)
    torch.manual_seed(1)
    for height_px, width_px in DETECTOR_SIZES_PX:
        rows = random.standard_normal((1, 3, height_px, width_px)).astype(np.float32)
        yield (f'detector {width_px} x {height_px}', torch.from_numpy(rows),
               _onnx_ways(nanodet.WEIGHTS_NAME, any_size=True))
    rows = random.random((1, 3, person_mask.SIDE_PX, person_mask.SIDE_PX), np.float32)
    yield ('mask', torch.from_numpy(rows), _onnx_ways(person_mask.WEIGHTS_NAME, any_size=False))
    crop, code = torch.rand(1, 3, 128, 64), torch.randn(1, 10, 64)
    for name, row, load in (('embedder', crop, _embedder), ('generator', code, _generator)):
        ways = _torch_ways(load, row)
        yield name, row, ways
        yield (f'{name}, {TOGETHER} people', torch.cat([row] * TOGETHER),
               {way: ways[way] for way in ('PyTorch', 'ONNX Runtime')})


def _embedder() -> nn.Module:
    return EmbedModule(load_embedder(weights_file('embedder.safetensors')))


def _generator() -> nn.Module:
    return load_generator(weights_file('generator.safetensors'))


def _onnx_ways(name: str, any_size: bool) -> dict[str, Callable[[], Way]]:
    content = lzma.decompress(weights_file(name).read_bytes())

    def way(engine: str) -> Way:
        """Return the network in an engine."""
        return _of_runner(open_runner(content, engine, any_size))

    return {'OpenCV': lambda: way('plain'), 'ONNX Runtime': lambda: way('onnxruntime')}


def _of_runner(runner: Runner) -> Way:
    outputs = sorted(runner.output_names)
    return lambda rows: torch.cat([torch.from_numpy(found).flatten()
                                   for found in runner.run(rows.numpy(), outputs)])


def _torch_ways(load: Callable[[], nn.Module], row: Tensor) -> dict[str, Callable[[], Way]]:
    def frozen() -> Way:
        """Return the network traced and frozen."""
        return torch.jit.freeze(torch.jit.trace(load().eval(), row))

    return {'PyTorch': lambda: load().eval(),
            'PyTorch, channels last': lambda: load().eval().to(memory_format=torch.channels_last),
            'PyTorch, traced and frozen': frozen,
            'ONNX Runtime': lambda: TorchForward(load(), tuple(row.shape[1:]))}
