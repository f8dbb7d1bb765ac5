"""Readers of public data sets, on small folders of rendered people in the layout of each."""
from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from latent_rag_ros.evaluation.datasets.cuhk03 import read_cuhk03
from latent_rag_ros.evaluation.datasets.market1501 import read_market1501
from latent_rag_ros.evaluation.datasets.msmt17 import read_msmt17
from latent_rag_ros.evaluation.datasets.people import dataset_people, read_dataset
from latent_rag_ros.evaluation.datasets.pictures import Picture
from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.figures import ranking_figures
from latent_rag_ros.evaluation.held_out import load_held_out_people
from latent_rag_ros.tools.command_line import main

MARKET = {
    'bounding_box_train': ['0007_c1s1_000001_01.jpg', '0007_c2s1_000002_01.jpg',
                           '-1_c1s1_000003_01.jpg'],
    'query': ['0001_c1s1_000011_00.jpg', '0002_c3s2_000012_00.jpg'],
    'bounding_box_test': ['0001_c1s1_000021_01.jpg', '0001_c4s1_000022_01.jpg',
                          '0002_c6s1_000023_01.jpg', '0000_c2s1_000024_01.jpg',
                          '-1_c5s1_000025_01.jpg']}


@pytest.fixture(scope='session')
def rendered() -> np.ndarray:
    """Crops of rendered people, shape (n, 128, 64, 3), BGR."""
    return load_held_out_people('validation').first_identities(4).images[..., ::-1]


@pytest.fixture
def draw(rendered):
    """Return a function that writes the next rendered crop to a path."""
    crops = iter(rendered)

    def write(path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), next(crops))
        return path
    return write


@pytest.fixture
def market(draw, tmp_path) -> Path:
    for folder, names in MARKET.items():
        for name in names:
            draw(tmp_path / folder / name)
    (tmp_path / 'query' / 'Thumbs.db').write_bytes(b'no picture')
    return tmp_path


def who(pictures: tuple[Picture, ...]) -> list[tuple[int, int]]:
    return [(picture.identity, picture.camera) for picture in pictures]


def test_market1501_names_tell_identity_and_camera(market):
    dataset = read_market1501(market)
    assert who(dataset.query) == [(1, 1), (2, 3)]
    assert sorted(who(dataset.gallery)) == [(-1, 5), (0, 2), (1, 1), (1, 4), (2, 6)]
    assert who(dataset.train) == [(7, 1), (7, 2)]  # junk is in the gallery only


def test_market1501_is_found_in_its_own_folder(market, tmp_path_factory):
    around = tmp_path_factory.mktemp('around')
    market.rename(around / 'Market-1501-v15.09.15')
    assert len(read_market1501(around).gallery) == 5


def test_a_missing_folder_is_named(market, tmp_path_factory):
    with pytest.raises(EvaluationError, match='bounding_box_test.*are missing.*--root'):
        read_market1501(tmp_path_factory.mktemp('empty'))
    for path in (market / 'query').iterdir():
        path.unlink()
    (market / 'query').rmdir()
    with pytest.raises(EvaluationError, match='query is missing'):
        read_market1501(market)


def test_a_name_that_tells_nobody_is_refused(market, draw):
    draw(market / 'query' / 'holiday.jpg')
    with pytest.raises(EvaluationError, match='holiday.jpg has a name'):
        read_market1501(market)


@pytest.mark.parametrize(('name', 'message'), [
    ('0000_c1s1_000031_00.jpg', 'queries of identity 0'),
    ('0007_c1s1_000031_00.jpg', 'trains and tests on 1 people, such as 7')])
def test_queries_that_cannot_be_asked_are_refused(market, draw, name, message):
    draw(market / 'query' / name)
    with pytest.raises(EvaluationError, match=message):
        read_market1501(market)


@pytest.fixture
def msmt(draw, tmp_path) -> Path:
    """Version 2, as its folders are named."""
    root = tmp_path / 'MSMT17_V2'
    lists = {'list_train.txt': ('mask_train_v2', [(0, 1), (0, 4)]),
             'list_val.txt': ('mask_train_v2', [(1, 2)]),
             'list_query.txt': ('mask_test_v2', [(0, 3)]),
             'list_gallery.txt': ('mask_test_v2', [(0, 15), (1, 3)])}
    for name, (folder, pictures) in lists.items():
        lines = []
        for number, (identity, camera) in enumerate(pictures):
            path = (f'{identity:04d}/{identity:04d}_{number:03d}_{camera:02d}_'
                    f'0303morning_0015_{len(name)}.jpg')
            draw(root / folder / path)
            lines.append(f'{path} {identity}')
        (root / name).write_text('\n'.join(lines) + '\n')
    return tmp_path


def test_msmt17_people_of_training_and_test_are_kept_apart(msmt):
    dataset = read_msmt17(msmt)
    assert who(dataset.train) == [(100_001, 1), (100_001, 4), (100_002, 2)]
    assert who(dataset.query) == [(1, 3)] and who(dataset.gallery) == [(1, 15), (2, 3)]


@pytest.mark.parametrize(('line', 'message'), [
    ('0000/none.jpg', 'line 2 is'), ('0000/0000_000_01_x_0_0.jpg 0', 'line 2, is missing')])
def test_a_bad_line_of_msmt17_is_named(msmt, line, message):
    with open(msmt / 'MSMT17_V2' / 'list_query.txt', 'a', encoding='utf-8') as file:
        file.write(line + '\n')
    with pytest.raises(EvaluationError, match=message):
        read_msmt17(msmt)


def test_cuhk03_np_folders_are_read_like_market1501(draw, tmp_path):
    for boxes in ('detected', 'labeled'):
        for folder, name in (('bounding_box_train', '0003_c1_21.png'), ('query', '0001_c2_8.png'),
                             ('bounding_box_test', '0001_c1_2.png')):
            draw(tmp_path / 'cuhk03-np' / boxes / folder / name)
    dataset = read_cuhk03(tmp_path, 'labeled')
    assert who(dataset.train) == [(3, 1)] and who(dataset.query) == [(1, 2)]
    assert who(dataset.gallery) == [(1, 1)] and 'labeled' in dataset.name


@pytest.fixture
def cuhk(draw, tmp_path) -> Path:
    """Pictures taken out of cuhk-03.mat, and the protocol."""
    names = ['1_001_1_01.png', '1_001_2_06.png', '2_004_1_02.png', '2_004_2_07.png']
    for name in names:
        draw(tmp_path / 'images_detected' / name)
    filelist = np.empty((len(names), 1), object)
    filelist[:, 0] = names
    savemat(tmp_path / 'cuhk03_new_protocol_config_detected.mat', {
        'filelist': filelist, 'labels': np.array([[1], [1], [2], [2]]),
        'train_idx': np.array([[1], [2]]), 'query_idx': np.array([[3]]),
        'gallery_idx': np.array([[4]]), 'camId': np.array([[1], [2], [1], [2]])})
    return tmp_path


def test_cuhk03_follows_the_lists_of_the_new_protocol(cuhk):
    dataset = read_cuhk03(cuhk)
    assert who(dataset.train) == [(1, 1), (1, 2)]
    assert who(dataset.query) == [(2, 1)] and who(dataset.gallery) == [(2, 2)]


def test_a_cuhk03_that_is_not_complete_is_refused(cuhk, tmp_path_factory):
    (cuhk / 'images_detected' / '2_004_2_07.png').unlink()
    with pytest.raises(EvaluationError, match='2_004_2_07.png is missing'):
        read_cuhk03(cuhk)
    savemat(cuhk / 'cuhk03_new_protocol_config_detected.mat', {'labels': np.ones(3)})
    with pytest.raises(EvaluationError, match='lacks filelist'):
        read_cuhk03(cuhk)
    packed = tmp_path_factory.mktemp('packed')
    (packed / 'cuhk-03.mat').write_bytes(b'')
    with pytest.raises(EvaluationError, match='no images_detected; take the pictures'):
        read_cuhk03(packed)


def test_people_of_a_data_set_know_queries_and_gallery(market):
    people, others = dataset_people('market1501', market)
    assert people.images.shape == (7, 128, 64, 3) and len(others) == 2
    assert people.queries.tolist() == [True] * 2 + [False] * 5
    assert people.identity_count == 2
    quick, _ = dataset_people('market1501', market, quick=True)
    assert sorted(set(quick.labels.identities.tolist())) == [1, 2]


def test_queries_are_ranked_in_the_gallery_alone(market):
    people, _ = dataset_people('market1501', market)
    # every query resembles itself most, which is not in the gallery; the first then its own
    # picture of camera 4, the second the distractor before its own
    features = np.eye(7, dtype=np.float32)
    order = [(picture, camera) for picture, camera in zip(*people.labels)]
    features[order.index((1, 4)), 0] = 0.9
    features[order.index((0, 2)), 1] = 0.8
    features[order.index((2, 6)), 1] = 0.4
    figures = ranking_figures(features, features, people.labels, people.queries)
    assert figures['rank1'] == 0.5 and figures['map'] == 0.75


def test_an_unreadable_picture_is_named(market):
    (market / 'query' / MARKET['query'][0]).write_bytes(b'no picture')
    with pytest.raises(EvaluationError, match=f'{MARKET["query"][0]} is no picture'):
        dataset_people('market1501', market)


def test_an_unknown_data_set_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(EvaluationError, match='market1501, msmt17, cuhk03'):
        read_dataset('market', tmp_path)


def test_a_data_set_without_its_folder_ends_with_a_message(caplog):
    assert main(['evaluate', 'latent-rag', '--dataset', 'msmt17']) == 1
    assert '--dataset and --root belong together' in caplog.text


@pytest.mark.slow
def test_latent_rag_is_evaluated_on_a_data_set(market, tmp_path, capsys):
    output = tmp_path / 'results.json'
    assert main(['evaluate', 'latent-rag', '--dataset', 'market1501', '--root', str(market),
                 '--preset', 'robot', '--output', str(output)]) == 0
    text = capsys.readouterr().out
    assert 'market1501 split, 7 crops of 2 real people' in text
    assert '--dataset market1501 --root DIR' in text and str(market) not in output.read_text()
