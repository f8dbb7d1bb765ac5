"""The whole filter with detector, embedder, generator and store that a user brought."""
from __future__ import annotations

import math
import re
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from latent_rag_ros.protection.pipeline import ProtectionPipeline
from latent_rag_ros.protection.types import Box, Fill, Frame, Outcome
from latent_rag_ros.tools.command_line import main
from latent_rag_ros.weights.registry import WeightsError

pytestmark = pytest.mark.filterwarnings('ignore:.torch.jit:DeprecationWarning')

PERSON = Box(100, 40, 180, 230)
CODE_SHAPE = (6, 5)
IMAGE_PX, CROP_PX = (96, 40), (80, 32)
LIMITS = {'protection.psnr_db_max': 60.0, 'protection.ssim_max': 1.0, 'identity.cosine_min': -1.0}


class TinyEmbedder(nn.Module):
    """Means of the cells of a grid, mixed."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(3 * 5 * 2, 24)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.mix(x.view(x.shape[0], 3, 5, 16, 2, 16).mean((3, 5)).flatten(1))


class TinyGenerator(nn.Module):
    """A linear picture of the code, squashed to 0..1."""

    def __init__(self) -> None:
        super().__init__()
        self.draw = nn.Linear(math.prod(CODE_SHAPE), 3 * 6 * 5)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        cells = self.draw(codes.flatten(1)).view(-1, 3, 6, 5).sigmoid()
        return nn.functional.interpolate(cells, size=[96, 40])


class TinyEncoder(nn.Module):
    """A linear code of the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.read = nn.Linear(3 * 4 * 2, math.prod(CODE_SHAPE))

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        cells = nn.functional.adaptive_avg_pool2d(crops, [4, 2])
        return self.read(cells.flatten(1)).view(-1, 6, 5)


def scripted(path: Path, module: nn.Module) -> Path:
    torch.jit.save(torch.jit.script(module), str(path))
    return path


@pytest.fixture
def networks(tmp_path: Path) -> dict[str, Path]:
    torch.manual_seed(5)
    return {'embedder': scripted(tmp_path / 'embedder.pt', TinyEmbedder()),
            'generator': scripted(tmp_path / 'generator.pt', TinyGenerator()),
            'encoder': scripted(tmp_path / 'encoder.pt', TinyEncoder())}


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    """A folder of twelve pictures of four people, named as in Market-1501."""
    folder = tmp_path / 'crops'
    folder.mkdir()
    random = np.random.default_rng(3)
    for number in range(12):
        picture = cv2.resize(random.integers(0, 256, (8, 4, 3), np.uint8), (64, 128))
        cv2.imwrite(str(folder / f'{number // 3 + 1:04d}_c{number % 3 + 1}s1_{number:06d}_00.png'),
                    picture)
    return folder


def build(crops: Path, networks: dict[str, Path], out: Path, *words: str) -> int:
    return main(['store', 'build', '--images', str(crops), '--out', str(out),
                 '--embedder', str(networks['embedder']), '--embedder-size', '80x32',
                 '--generator', str(networks['generator']), *words])


@pytest.fixture
def store(crops, networks, tmp_path) -> Path:
    path = tmp_path / 'store.safetensors'
    assert build(crops, networks, path, '--encoder', str(networks['encoder'])) == 0
    return path


@pytest.fixture
def values(networks, store) -> dict[str, object]:
    """Parameters of a filter whose every network but the detector is the user's own."""
    return {'identity.model': str(networks['embedder']), 'identity.extractor': 'plain',
            'identity.input_height_px': 80, 'identity.input_width_px': 32,
            'latent_rag.generator': str(networks['generator']),
            'latent_rag.store': str(store), 'mask.enabled': False, **LIMITS}


@pytest.fixture
def detector(write_onnx, tmp_path) -> Path:
    """An end-to-end detector that always sees `PERSON` in a picture of 320 x 240."""
    row = np.array([[[PERSON.left, PERSON.top + 40, PERSON.right, PERSON.bottom + 40, 0.9, 0]]])
    return write_onnx(tmp_path / 'detector.onnx', {'output0': row.astype(np.float32)},
                      (1, 3, 320, 320))


@pytest.fixture
def frame() -> Frame:
    image = np.random.default_rng(6).integers(1, 256, (240, 320, 3), np.uint8)
    return Frame(image, time.monotonic())


def test_a_person_is_replaced_by_the_users_own_networks(values, detector, frame):
    pipeline = ProtectionPipeline.from_values(
        values | {'detector.model': str(detector), 'protection.margin': 0.0,
                  'guard.deadline_s': 60.0})
    result = pipeline.protect(frame)
    assert result.outcome == Outcome.PROTECTED
    (person,) = result.persons
    assert person.fill == Fill.SYNTHETIC and person.feature.shape == (24,)
    assert pipeline.feature_dimension == 24
    np.testing.assert_allclose(np.linalg.norm(person.feature), 1, rtol=1e-5)
    assert result.covered[PERSON.slices].all()
    assert not (result.image == frame.image).all(2)[PERSON.slices].any()
    assert (result.image[~result.covered] == frame.image[~result.covered]).all()


def test_the_store_holds_one_row_per_picture_with_its_person(store):
    from latent_rag_ros.latent_rag.store import load_store
    loaded = load_store(store)
    assert loaded.codes.shape == (12, *CODE_SHAPE) and loaded.features.shape == (12, 24)
    assert loaded.identities.tolist() == [1 + number // 3 for number in range(12)]


@pytest.mark.parametrize(('changed', 'name'), [
    ({'identity.normalisation': 'unit'}, 'embedder'), ({'identity.model': ''}, 'embedder'),
    ({'latent_rag.generator_range': 'signed'}, 'generator')])
def test_a_store_of_another_network_or_input_is_refused(values, changed, name):
    with pytest.raises(WeightsError, match=f'made with another {name}.*latent-rag store build'):
        ProtectionPipeline.from_values(values | changed)


def test_an_own_embedder_with_the_shipped_store_is_refused(values):
    with pytest.raises(WeightsError, match='made with another embedder.*latent-rag store build'):
        ProtectionPipeline.from_values(values | {'latent_rag.store': '',
                                                 'latent_rag.generator': ''})


@pytest.fixture
def without_gradients(networks, crops, tmp_path, write_onnx) -> dict[str, object]:
    """Parameters with an ONNX embedder, and the store for it."""
    feature = np.linspace(-1, 1, 24, dtype=np.float32)[np.newaxis]
    model = write_onnx(tmp_path / 'embedder.onnx', {'feature': feature}, (1, 3, *CROP_PX))
    path = tmp_path / 'onnx_store.safetensors'
    assert build(crops, networks | {'embedder': model}, path,
                 '--encoder', str(networks['encoder'])) == 0
    return {'identity.model': str(model), 'identity.extractor': 'plain',
            'identity.input_height_px': 80, 'identity.input_width_px': 32,
            'latent_rag.generator': str(networks['generator']),
            'latent_rag.store': str(path), 'mask.enabled': False, **LIMITS}


def test_refinement_through_onnx_is_refused_with_the_ways_out(without_gradients):
    with pytest.raises(WeightsError, match='identity.model lets no gradients.*iterations to 0'):
        ProtectionPipeline.from_values(without_gradients)


def test_an_onnx_embedder_retrieves_and_fuses_without_iterations(without_gradients, detector,
                                                                 frame):
    pipeline = ProtectionPipeline.from_values(without_gradients | {
        'latent_rag.iterations': 0, 'detector.model': str(detector), 'guard.deadline_s': 60.0})
    for _ in range(2):  # for the second frame the person's code is known
        (person,) = pipeline.protect(Frame(frame.image, time.monotonic())).persons
        assert person.fill == Fill.SYNTHETIC


def test_an_onnx_embedder_serves_identities_where_persons_are_solid(without_gradients, detector,
                                                                    frame):
    pipeline = ProtectionPipeline.from_values(without_gradients | {
        'protection.method': 'solid', 'latent_rag.store': '', 'detector.model': str(detector)})
    (person,) = pipeline.protect(frame).persons
    assert person.fill == Fill.SOLID and person.feature.shape == (24,)


def test_a_generator_without_an_encoder_is_refused_with_the_ways_out(crops, networks, tmp_path,
                                                                     caplog):
    assert build(crops, networks, tmp_path / 'store.safetensors') == 1
    assert 'Give --encoder' in caplog.text and '--invert' in caplog.text
    assert not (tmp_path / 'store.safetensors').exists()


def test_inversion_finds_codes_that_draw_the_pictures(crops, networks, tmp_path, caplog):
    caplog.set_level('INFO')
    figures = []
    for steps in ('1', '120'):
        assert build(crops, networks, tmp_path / 'store.safetensors', '--invert', steps,
                     '--code-shape', '6x5') == 0
        message = caplog.records[-1].getMessage()
        figures.append([float(number) for number in re.findall(r'\d\.\d+', message)])
    (cosine_before, error_before), (cosine, error) = figures
    assert cosine > cosine_before + 0.2 and error < error_before
    assert 'identity cosine to the pictures is' in caplog.text  # the warning after one step


def test_an_encoder_that_makes_no_codes_is_refused_with_its_shape(crops, networks, tmp_path,
                                                                  caplog):
    build(crops, networks, tmp_path / 'store.safetensors', '--encoder', str(networks['embedder']),
          '--encoder-size', '80x32')
    assert 'returns (4, 24) for 4 pictures, expected (4, L, D)' in caplog.text


def test_a_folder_without_pictures_is_refused(networks, tmp_path, caplog):
    assert build(tmp_path / 'nothing', networks, tmp_path / 'store.safetensors') == 1
    assert 'holds no pictures' in caplog.text
