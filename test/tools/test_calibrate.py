"""`latent-rag calibrate`, and the calibration that is shipped."""
from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from latent_rag_ros.evaluation.gallery_calibration import (
    EMBEDDER_FILE, HEAD_FILE, model_id_of)
from latent_rag_ros.evaluation.held_out import load_held_out_people
from latent_rag_ros.feature_privacy.protection_head import EMBEDDER_KEY, ProtectionHead
from latent_rag_ros.gallery.calibration import SHIPPED_FILE, load_calibrations
from latent_rag_ros.gallery.limits import CALIBRATED, MatchLimit
from latent_rag_ros.tools.command_line import main
from latent_rag_ros.weights.registry import (
    MANIFEST_NAME, WEIGHTS_DIRECTORY, register, sha256_of, weights_file)
from latent_rag_ros.weights.tensors import save_tensors


@pytest.fixture(scope='module')
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder as `latent-rag synthesize` writes it, of the shipped test people."""
    people = load_held_out_people('test')
    folder = tmp_path_factory.mktemp('people') / 'crops'
    folder.mkdir()
    np.savez(folder / 'crops_000000.npz', images=people.images, masks=np.zeros(
        (len(people), 1024), np.uint8), identities=people.labels.identities.astype(np.int32),
        cameras=people.labels.cameras.astype(np.int32))
    return folder.parent


def test_calibration_is_written_registered_and_of_the_embedder(crops: Path,
                                                               tmp_path: Path) -> None:
    """File, card and manifest name each other and the embedder."""
    embedder = weights_file(EMBEDDER_FILE)
    shutil.copy(embedder, tmp_path)
    shutil.copy(embedder.parent / MANIFEST_NAME, tmp_path)
    assert main(['calibrate', '--crops', str(crops), '--weights', str(tmp_path)]) == 0
    path = weights_file(SHIPPED_FILE.name, tmp_path)
    calibration, = load_calibrations(path)
    assert calibration.model_id == model_id_of(embedder)
    assert calibration.strangers == 200 and calibration.sizes[-1] == 99
    limits = [calibration.similarity_min(rate, 50) for rate in (0.2, 0.1, 0.05)]
    assert 0 < limits[0] < limits[1] < limits[2] < 1
    card = path.with_suffix('.md').read_text()
    assert sha256_of(path) in card and calibration.model_id in card
    assert json.loads((tmp_path / MANIFEST_NAME).read_text())[path.name]['card'] == (
        'gallery_calibration.md')


def test_calibration_is_of_the_protected_features_too_when_there_is_a_head(
        crops: Path, tmp_path: Path) -> None:
    """Both are measured in one run, and one file serves whichever extractor is chosen."""
    embedder = weights_file(EMBEDDER_FILE)
    shutil.copy(embedder, tmp_path)
    torch.manual_seed(4)
    head = ProtectionHead()
    torch.nn.init.normal_(head.turns)
    save_tensors(tmp_path / HEAD_FILE, head.state_dict(), {EMBEDDER_KEY: sha256_of(embedder)})
    for name in (EMBEDDER_FILE, HEAD_FILE):
        register(tmp_path / name)
    assert main(['calibrate', '--crops', str(crops), '--weights', str(tmp_path)]) == 0
    path = weights_file(SHIPPED_FILE.name, tmp_path)
    names = [model_id_of(embedder), model_id_of(embedder, tmp_path / HEAD_FILE)]
    plain, protected = load_calibrations(path)
    assert [plain.model_id, protected.model_id] == names and plain.cosines != protected.cosines
    limit = MatchLimit(CALIBRATED, 0.05, (plain, protected))
    for calibration in (plain, protected):
        limit.model_id = calibration.model_id
        assert limit(50) == calibration.similarity_min(0.05, 50)
    card = path.with_suffix('.md').read_text()
    assert all(card.count(f'`{name}`') == 2 for name in names)


def test_shipped_calibration_is_of_the_shipped_extractors() -> None:
    """Else the node falls back to a guess: run latent-rag calibrate after training anew."""
    path, embedder = weights_file(SHIPPED_FILE.name), weights_file(EMBEDDER_FILE)
    wanted = [model_id_of(embedder)]
    if (WEIGHTS_DIRECTORY / HEAD_FILE).is_file():
        wanted.append(model_id_of(embedder, weights_file(HEAD_FILE)))
    calibrations = load_calibrations(path)
    assert [calibration.model_id for calibration in calibrations] == wanted
    for calibration in calibrations:
        assert calibration.sizes[-1] >= 500 and calibration.rates[-1] <= 0.005
