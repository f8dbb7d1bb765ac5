"""`latent-rag calibrate`, and the calibration that is shipped."""
from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from latent_rag_ros.evaluation.gallery_calibration import EMBEDDER_FILE, model_id_of
from latent_rag_ros.evaluation.held_out import load_held_out_people
from latent_rag_ros.gallery.calibration import SHIPPED_FILE, load_calibration
from latent_rag_ros.tools.command_line import main
from latent_rag_ros.weights.registry import MANIFEST_NAME, sha256_of, weights_file


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
    calibration = load_calibration(path)
    assert calibration.model_id == model_id_of(embedder)
    assert calibration.strangers == 200 and calibration.sizes[-1] == 99
    limits = [calibration.similarity_min(rate, 50) for rate in (0.2, 0.1, 0.05)]
    assert 0 < limits[0] < limits[1] < limits[2] < 1
    card = path.with_suffix('.md').read_text()
    assert sha256_of(path) in card and calibration.model_id in card
    assert json.loads((tmp_path / MANIFEST_NAME).read_text())[path.name]['card'] == (
        'gallery_calibration.md')


def test_shipped_calibration_is_of_the_shipped_embedder() -> None:
    """Else the node falls back to a guess: run latent-rag calibrate after training anew."""
    path = weights_file(SHIPPED_FILE.name)
    calibration = load_calibration(path)
    assert calibration.model_id == model_id_of(weights_file(EMBEDDER_FILE))
    assert calibration.sizes[-1] >= 500 and calibration.rates[-1] <= 0.005
