"""Re-ID networks that users bring: what they compute, and what is said when they do not fit."""
from __future__ import annotations

import functools
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from latent_rag_ros.identity.input_format import InputFormat
from latent_rag_ros.identity.own_embedder import load_own_embedder
from latent_rag_ros.weights.registry import WeightsError

from .reid_checkpoints import HEIGHT_PX, WIDTH_PX, crops, filled, recorded

NETWORKS = recorded()
WANTED = InputFormat(HEIGHT_PX, WIDTH_PX)
TORCHREID = [name for name in NETWORKS if name.startswith('osnet')]

pytestmark = pytest.mark.filterwarnings('ignore:.torch.jit:DeprecationWarning')


class Colours(nn.Module):
    """The smallest re-ID network there is: the mean of every colour in every fourth of the rows.

    `strip` makes it fail on crops of another height than it was made for.
    """

    def __init__(self, height_px: int = HEIGHT_PX) -> None:
        super().__init__()
        self.height_px = height_px

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.view(x.shape[0], 3, 4, self.height_px // 4, x.shape[3]).mean((3, 4)).flatten(1)


@functools.cache
def tensors_of(name: str) -> dict[str, torch.Tensor]:
    """Return the tensors of a recorded network."""
    return filled(NETWORKS[name]['shapes'])


def saved(path: Path, name: str, **changes: torch.Tensor | None) -> Path:
    """Write the checkpoint of a recorded network as its trainer does; None drops a tensor."""
    tensors = dict(tensors_of(name))
    for key, value in changes.items():
        if value is None:
            del tensors[key]
        else:
            tensors[key] = value
    if name in TORCHREID:  # with what torchreid keeps beside the tensors
        torch.save({'state_dict': {f'module.{key}': value for key, value in tensors.items()},
                    'epoch': 60, 'rank1': np.float64(0.94)}, path)
    else:
        torch.save({'model': tensors, 'iteration': 7}, path)
    return path


def scripted(path: Path, module: nn.Module) -> Path:
    torch.jit.save(torch.jit.script(module), str(path))
    return path


@pytest.mark.parametrize('name', NETWORKS)
def test_a_checkpoint_computes_what_the_original_code_computes(name, tmp_path):
    embedder = load_own_embedder(saved(tmp_path / 'model.pth', name), InputFormat(0, 0))
    with torch.no_grad():
        features = embedder.network(crops())
    np.testing.assert_allclose(features[:, :8], NETWORKS[name]['features'], rtol=2e-3, atol=2e-4)
    assert embedder.feature_dimension == features.shape[1]
    published_px = (384, 128) if name.startswith('sbs') else (256, 128)
    assert embedder.input_format.size_px == published_px


def test_features_have_length_1_and_gradients_reach_the_crop(tmp_path):
    embedder = load_own_embedder(saved(tmp_path / 'model.pth', 'osnet_x0_25'), WANTED)
    pictures = torch.rand(2, 3, 128, 64, requires_grad=True)
    features = embedder.embed(pictures)
    torch.testing.assert_close(features.norm(dim=1), torch.ones(2))
    features[0].sum().backward()
    assert embedder.differentiable and pictures.grad.abs().sum() > 0


@pytest.mark.parametrize(('name', 'key', 'shape'), [
    ('osnet_x0_25', 'conv3.1.gate.fc1.weight', (1, 24, 1, 1)),
    ('bagtricks_r50', 'backbone.layer2.0.conv2.weight', (128, 128, 3, 3))])
def test_a_wrong_shape_is_named_with_both_shapes(name, key, shape, tmp_path):
    path = saved(tmp_path / 'model.pth', name, **{key: torch.zeros(7, 5)})
    with pytest.raises(WeightsError) as refusal:
        load_own_embedder(path, WANTED)
    for part in ('model.pth', key, '(7, 5)', str(shape)):
        assert part in str(refusal.value)


@pytest.mark.parametrize(('name', 'key'), [
    ('osnet_ain_x0_25', 'conv4.0.conv2.3.layers.1.bn.running_var'),
    ('osnet_x0_25', 'fc.0.weight'), ('bagtricks_r50', 'backbone.layer3.2.bn2.weight')])
def test_a_missing_tensor_is_named(name, key, tmp_path):
    path = saved(tmp_path / 'model.pth', name, **{key: None})
    with pytest.raises(WeightsError, match=f'{key} is missing'):
        load_own_embedder(path, WANTED)


def test_a_tensor_without_a_place_is_named(tmp_path):
    key = 'backbone.layer1.0.se.fc.0.weight'
    path = saved(tmp_path / 'model.pth', 'bagtricks_r50', **{key: torch.zeros(4, 64)})
    with pytest.raises(WeightsError, match=f'{key} has shape .4, 64. and no place'):
        load_own_embedder(path, WANTED)


def test_an_unknown_network_is_refused_with_the_known_ones(tmp_path):
    torch.save({'features.0.weight': torch.zeros(3)}, tmp_path / 'model.pth')
    with pytest.raises(WeightsError, match='features.0.weight.*known are torchreid.*fast-reid'):
        load_own_embedder(tmp_path / 'model.pth', WANTED)


def test_a_pickle_that_would_run_code_is_refused_and_runs_nothing(tmp_path):
    mark = tmp_path / 'ran'

    class Runs:
        def __reduce__(self):
            return Path.touch, (mark,)

    torch.save({'state_dict': Runs()}, tmp_path / 'model.pth')
    (tmp_path / 'plain.pth').write_bytes(pickle.dumps(Runs(), protocol=2))
    for name in ('model.pth', 'plain.pth'):
        with pytest.raises(WeightsError, match=f'{name} .*state_dict'):
            load_own_embedder(tmp_path / name, WANTED)
    assert not mark.exists()


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    (tmp_path / 'model.pth').write_bytes(b'no weights at all')
    with pytest.raises(WeightsError, match='model.pth'):
        load_own_embedder(tmp_path / 'model.pth', WANTED)
    with pytest.raises(WeightsError, match='missing.pth, which is no file'):
        load_own_embedder(tmp_path / 'missing.pth', WANTED)


@pytest.mark.parametrize(('normalisation', 'order', 'expected'), [
    ('unit', 'rgb', (1.0, 0.5, 0.0)), ('byte', 'rgb', (255.0, 127.5, 0.0)),
    ('signed', 'bgr', (-1.0, 0.0, 1.0)),
    ('imagenet', 'rgb', (2.2489, 0.1964, -1.8044))])
def test_crops_arrive_in_the_stated_scale_and_order(normalisation, order, expected, tmp_path):
    embedder = load_own_embedder(scripted(tmp_path / 'net.pt', Colours()),
                                 InputFormat(HEIGHT_PX, WIDTH_PX, normalisation, order))
    orange = torch.tensor([1.0, 0.5, 0.0]).view(1, 3, 1, 1).expand(1, 3, 200, 90)
    seen = embedder.network(embedder.input_format.prepared(orange))
    torch.testing.assert_close(seen, torch.tensor(expected).repeat_interleave(4)[None],
                               atol=1e-3, rtol=1e-3)


def test_torchscript_for_another_size_is_refused_with_the_parameters(tmp_path):
    path = scripted(tmp_path / 'net.pt', Colours(height_px=96))
    with pytest.raises(WeightsError, match='256 x 128.*identity.input_height_px'):
        load_own_embedder(path, InputFormat(0, 0))


def test_torchscript_that_returns_a_picture_is_refused_with_its_shape(tmp_path):
    path = scripted(tmp_path / 'net.pt', nn.ReLU())
    with pytest.raises(WeightsError, match=r'returns \(2, 3, 64, 32\).*expected \(2, d\)'):
        load_own_embedder(path, WANTED)


def test_the_fingerprint_changes_with_the_file_and_with_the_input_format(tmp_path):
    path = scripted(tmp_path / 'net.pt', Colours())
    same, other_order = (load_own_embedder(path, InputFormat(HEIGHT_PX, WIDTH_PX, 'unit', order))
                         for order in ('rgb', 'bgr'))
    again = load_own_embedder(path, InputFormat(HEIGHT_PX, WIDTH_PX, 'unit', 'rgb'))
    other_file = load_own_embedder(scripted(tmp_path / 'net2.pt', nn.Sequential(Colours())),
                                   InputFormat(HEIGHT_PX, WIDTH_PX, 'unit', 'rgb'))
    assert same.fingerprint == again.fingerprint
    assert len({same.fingerprint, other_order.fingerprint, other_file.fingerprint}) == 3


class TestOnnx:
    """The same network as ONNX."""

    @pytest.fixture
    def write(self, tmp_path):
        pytest.importorskip('onnxruntime')
        onnx = pytest.importorskip('onnx')
        helper = onnx.helper

        def write_network(batch: int | str, width: int | str = WIDTH_PX,
                          channels: int = 3) -> Path:
            """Mean of every row of every colour, as features."""
            nodes = [helper.make_node('ReduceMean', ['crops', 'axes'], ['rows'], keepdims=0),
                     helper.make_node('Flatten', ['rows'], ['feature'])]
            axes = helper.make_tensor('axes', onnx.TensorProto.INT64, [1], [3])
            graph = helper.make_graph(
                nodes, 'rows',
                [helper.make_tensor_value_info('crops', onnx.TensorProto.FLOAT,
                                               [batch, channels, HEIGHT_PX, width])],
                [helper.make_tensor_value_info('feature', onnx.TensorProto.FLOAT, None)], [axes])
            model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)],
                                      ir_version=9)
            onnx.save(model, tmp_path / 'net.onnx')
            return tmp_path / 'net.onnx'
        return write_network

    @pytest.mark.parametrize('batch', [1, 'n'])
    def test_features_are_those_of_the_network_for_any_batch(self, write, batch):
        embedder = load_own_embedder(write(batch), InputFormat(0, 0, 'unit'))
        pictures = torch.rand(3, 3, HEIGHT_PX, WIDTH_PX)
        expected = nn.functional.normalize(pictures.mean(3).flatten(1))
        torch.testing.assert_close(embedder.embed(pictures), expected)
        assert embedder.input_format.size_px == (HEIGHT_PX, WIDTH_PX)
        assert embedder.feature_dimension == 3 * HEIGHT_PX and not embedder.differentiable

    def test_another_size_than_that_of_the_file_is_refused(self, write):
        with pytest.raises(WeightsError, match='identity.input_height_px'):
            load_own_embedder(write(1), InputFormat(HEIGHT_PX, 48))

    def test_a_network_of_grey_pictures_is_refused_with_its_shape(self, write):
        with pytest.raises(WeightsError, match=r'crops \[1, 1, 64, 32\].*3, height, width'):
            load_own_embedder(write(1, channels=1), InputFormat(0, 0))

    def test_a_damaged_file_is_refused(self, write):
        path = write(1)
        path.write_bytes(path.read_bytes()[:40])
        with pytest.raises(WeightsError, match='no ONNX network'):
            load_own_embedder(path, InputFormat(0, 0))
