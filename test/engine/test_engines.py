"""Every engine gives the same results, and what cannot run is refused by name."""
from __future__ import annotations

import lzma

import numpy as np
import pytest
import torch

from latent_rag_ros.engine.choice import ENGINES, LIBRARIES, resolve_engine
from latent_rag_ros.engine.parallel import in_parallel
from latent_rag_ros.engine.runner import (
    OnnxRuntimeRunner, OpenCvRunner, Runner, RunnerError, open_runner)
from latent_rag_ros.identity.embedder import Embedder, load_embedder
from latent_rag_ros.identity.fast_embedder import FastEmbedder
from latent_rag_ros.latent_rag.fast_generator import FastGenerator
from latent_rag_ros.latent_rag.generator import Generator, load_generator
from latent_rag_ros.latent_rag.store import load_store
from latent_rag_ros.weights.registry import WeightsError, weights_file

TOLERANCE = 1e-4
"""Largest difference between two engines, in units of the outputs: scores, logits, features."""


@pytest.fixture(autouse=True)
def _needs_both_libraries() -> None:
    for library in LIBRARIES:
        pytest.importorskip(library)


def runners(name: str, any_size: bool = False) -> list[Runner]:
    content = lzma.decompress(weights_file(name).read_bytes())
    return [open_runner(content, engine, any_size) for engine in ('plain', 'onnxruntime')]


@pytest.fixture(scope='module')
def embedder() -> Embedder:
    return load_embedder(weights_file('embedder.safetensors'))


@pytest.mark.parametrize(('name', 'any_size', 'sizes'), [
    ('nanodet_g.onnx.xz', True, [(416, 416), (320, 416), (416, 256), (320, 416)]),
    ('selfie_segmentation.onnx.xz', False, [(256, 256)])])
def test_networks_give_the_same_in_all_engines(
        name: str, any_size: bool, sizes: list[tuple[int, int]]) -> None:
    plain, fast = runners(name, any_size)
    assert isinstance(plain, OpenCvRunner) and not isinstance(fast, OpenCvRunner)
    assert sorted(plain.output_names) == sorted(fast.output_names)
    random = np.random.default_rng(1)
    for size in sizes:
        blob = random.standard_normal((1, 3, *size)).astype(np.float32)
        for first, second in zip(plain.run(blob, plain.output_names),
                                 fast.run(blob, plain.output_names)):
            np.testing.assert_allclose(second, first, atol=TOLERANCE)


def test_embedder_gives_the_same_features_and_gradients(embedder: Embedder) -> None:
    torch.manual_seed(1)
    fast, crops = FastEmbedder(embedder), torch.rand(3, 3, 128, 64)
    with torch.no_grad():
        torch.testing.assert_close(fast.embed(crops), embedder.embed(crops), atol=TOLERANCE,
                                   rtol=0)
    asking = crops.clone().requires_grad_(True)
    gradient, = torch.autograd.grad(fast.embed(asking)[:, 0].sum(), asking)
    assert gradient.abs().sum() > 0


def test_feature_does_not_depend_on_who_else_is_in_the_picture(embedder: Embedder) -> None:
    torch.manual_seed(2)
    fast, crops = FastEmbedder(embedder), torch.rand(4, 3, 128, 64)
    assert torch.equal(fast.embed(crops)[2:3], fast.embed(crops[2:3]))
    assert fast.embed(crops[:0]).shape == (0, 256)


@pytest.fixture(scope='module')
def generator() -> Generator:
    return load_generator(weights_file('generator.safetensors'))


def test_generator_draws_the_same_pictures_and_gives_the_same_gradients(
        generator: Generator) -> None:
    fast, codes = FastGenerator(generator), shipped_codes(4)
    with torch.no_grad():
        torch.testing.assert_close(fast(codes), generator(codes), atol=TOLERANCE, rtol=0)
    asking = codes.clone().requires_grad_(True)
    gradients = [torch.autograd.grad(draw(asking).square().sum(), asking)[0]
                 for draw in (fast, generator)]
    assert torch.equal(*gradients)


@pytest.mark.parametrize('threads', [1, 2, 3])
def test_picture_does_not_depend_on_who_else_is_drawn(generator: Generator, threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        fast, codes = FastGenerator(generator), shipped_codes(5)
        for count in range(6):
            together, alone = fast(codes[:count]), [fast(code[None]) for code in codes[:count]]
            assert together.shape == (count, 3, 128, 64)
            assert torch.equal(together, torch.cat([together[:0], *alone]))
    finally:
        torch.set_num_threads(before)


def shipped_codes(count: int) -> torch.Tensor:
    return load_store(weights_file('store.safetensors')).codes[:count]


@pytest.mark.parametrize('threads', [1, 2])
def test_results_are_the_same_on_any_number_of_threads(threads: int) -> None:
    content = lzma.decompress(weights_file('selfie_segmentation.onnx.xz').read_bytes())
    blob = np.random.default_rng(2).random((1, 3, 256, 256), np.float32)
    found = [OnnxRuntimeRunner(content, count).run(blob, ['probability'])[0]
             for count in (1, threads)]
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize('engine', ['plain', 'onnxruntime'])
def test_networks_may_be_called_from_several_threads(engine: str) -> None:
    content = lzma.decompress(weights_file('selfie_segmentation.onnx.xz').read_bytes())
    runner, random = open_runner(content, engine, threads=1), np.random.default_rng(3)
    blobs = [random.random((1, 3, 256, 256), np.float32) for _ in range(6)]
    wanted = [runner.run(blob, ['probability'])[0] for blob in blobs]
    for found, alone in zip(in_parallel(lambda blob: runner.run(blob, ['probability'])[0], blobs),
                            wanted):
        np.testing.assert_array_equal(found, alone)


@pytest.mark.parametrize('engine', ['plain', 'onnxruntime'])
def test_failure_is_a_runner_error_in_every_engine(engine: str) -> None:
    content = lzma.decompress(weights_file('selfie_segmentation.onnx.xz').read_bytes())
    with pytest.raises(RunnerError):
        open_runner(b'no network', engine)
    runner = open_runner(content, engine)
    with pytest.raises(RunnerError):
        runner.run(np.zeros((1, 5, 256, 256), np.float32), runner.output_names)


def test_engine_is_plain_when_the_libraries_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve_engine('auto') == 'onnxruntime'
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    assert resolve_engine('auto') == 'plain'
    with pytest.raises(WeightsError, match='pip install onnxruntime'):
        resolve_engine('onnxruntime')


def test_unknown_engine_is_refused() -> None:
    with pytest.raises(ValueError, match='choose one of auto, onnxruntime, plain'):
        resolve_engine('abacus')
    assert ENGINES == ('auto', 'onnxruntime', 'plain')
