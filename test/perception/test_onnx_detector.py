"""Detectors that users bring: what each output layout means, and what is said when none fits.

The networks are constants; every expected box is computed by hand. The input is 64 x 64, so the
grids have 8 x 8, 4 x 4 and 2 x 2 cells, and one of 1 x 1 for NanoDet-Plus.
"""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from latent_rag_ros.perception.detector import DetectorError
from latent_rag_ros.perception.onnx_detector import DetectorSettings, OnnxDetector
from latent_rag_ros.protection.types import Box
from latent_rag_ros.weights.registry import WeightsError

SIDE = 64
CELLS = 64 + 16 + 4
SQUARE = np.full((SIDE, SIDE, 3), 90, np.uint8)
WIDE = np.full((SIDE, 2 * SIDE, 3), 90, np.uint8)


@pytest.fixture
def load(write_onnx, tmp_path):
    """Return a function that loads a detector with these constant outputs."""
    def make(image=(1, 3, SIDE, SIDE), others=None, score_min=0.35, output_format='auto',
             person_class=-1, input_px=0, **outputs) -> OnnxDetector:
        arrays = {name: np.asarray(value) for name, value in outputs.items()}
        arrays = {name: value if value.dtype == np.int64 else value.astype(np.float32)
                  for name, value in arrays.items()}
        path = write_onnx(tmp_path / 'detector.onnx', arrays, image, others)
        return OnnxDetector(path, DetectorSettings(score_min, 0.6, output_format, person_class,
                                                   input_px))
    return make


def found(detector: OnnxDetector, image: np.ndarray) -> list[tuple[Box, float]]:
    return [(detection.box, round(detection.score, 4)) for detection in detector.detect(image)]


def yolox_rows() -> np.ndarray:
    """One person in row 1, column 2 of the grid of stride 16, score 0.9 * 0.8; one car."""
    rows = np.zeros((1, CELLS, 85), np.float32)
    # centre (2 + 0.5, 1 + 0.25) * 16 = (40, 20), size (1.45, 1.9) * 16 = (23.2, 30.4)
    rows[0, 64 + 4 + 2, :6] = [0.5, 0.25, np.log(1.45), np.log(1.9), 0.9, 0.8]
    rows[0, 3, [4, 7]] = 1.0
    return rows


def test_yolox_adds_the_cell_and_multiplies_the_scores(load):
    detector = load(output=yolox_rows())
    assert detector.format == 'yolox'
    assert found(detector, SQUARE) == [(Box(28, 4, 52, 36), 0.72)]


def test_yolox_keeps_the_aspect_in_the_top_left_corner(load):
    # 128 x 64 shrinks by 2 into the upper half: the box doubles and is clipped to the picture
    assert found(load(output=yolox_rows()), WIDE) == [(Box(56, 9, 104, 64), 0.72)]


def nanodet_rows(cells: int, cell: int, classes: int, bins: int) -> np.ndarray:
    """One person whose sides are certainly 1, 2, 1 and 3 strides away."""
    rows = np.zeros((1, cells, classes + 4 * bins), np.float32)
    rows[0, cell, 0] = 0.8
    for side, distance in enumerate((1, 2, 1, 3)):
        rows[0, cell, classes + side * bins + distance] = 60.0
    return rows


def test_nanodet_measures_from_the_middle_of_a_cell(load):
    # row 3, column 4 of stride 8: (4.5, 3.5) * 8 = (36, 28); sides 8, 16, 8, 24
    detector = load(output=nanodet_rows(CELLS, 3 * 8 + 4, 80, 11))
    assert detector.format == 'nanodet'
    assert found(detector, SQUARE) == [(Box(28, 12, 44, 52), 0.8)]


def test_nanodet_plus_measures_from_the_corner_of_a_cell(load):
    detector = load(output=nanodet_rows(CELLS + 1, 3 * 8 + 4, 80, 8))
    assert detector.format == 'nanodet'
    assert found(detector, SQUARE) == [(Box(24, 8, 40, 48), 0.8)]


def test_nanodet_stretches_the_picture(load):
    detector = load(output=nanodet_rows(CELLS, 3 * 8 + 4, 80, 11))
    assert found(detector, WIDE) == [(Box(56, 12, 88, 52), 0.8)]


def test_columns_of_ultralytics_are_centre_size_and_classes(load):
    columns = np.zeros((1, 4 + 7, CELLS), np.float32)
    columns[0, :5, 10] = [30, 32, 20, 40, 0.7]
    columns[0, [0, 1, 2, 3, 6], 11] = [10, 10, 5, 5, 0.9]  # a car
    detector = load(output0=columns)
    assert detector.format == 'ultralytics'
    assert found(detector, SQUARE) == [(Box(20, 12, 40, 52), 0.7)]
    # 128 x 64 shrinks by 2 and stands in the middle, 16 rows from the top
    assert found(detector, WIDE) == [(Box(40, 0, 80, 64), 0.7)]


def test_anchors_of_ultralytics_have_an_object_score(load):
    rows = np.zeros((1, 3 * CELLS, 85), np.float32)
    rows[0, 200, :6] = [30, 32, 20, 40, 0.9, 0.5]
    assert found(load(output0=rows), SQUARE) == [(Box(20, 12, 40, 52), 0.45)]


def test_end_to_end_rows_of_ultralytics_are_corners_score_and_class(load):
    rows = np.zeros((1, 300, 6), np.float32)
    rows[0, :2] = [[20, 12, 40, 52, 0.6, 0], [1, 1, 9, 9, 0.9, 2]]
    assert found(load(output0=rows), SQUARE) == [(Box(20, 12, 40, 52), 0.6)]


def test_shares_of_ultralytics_are_scaled_to_the_input(load):
    rows = np.zeros((1, 300, 4 + 7), np.float32)
    rows[0, 5, :5] = [0.5, 0.5, 0.25, 0.5, 0.6]
    assert found(load(output0=rows), SQUARE) == [(Box(24, 16, 40, 48), 0.6)]


@pytest.mark.parametrize(('classes', 'person'), [(80, 0), (91, 1)])
def test_logits_of_a_transformer_are_squashed(load, classes, person):
    boxes = np.zeros((1, 10, 4), np.float32)
    logits = np.full((1, 10, classes), -9.0, np.float32)
    boxes[0, 3], logits[0, 3, person] = [0.5, 0.5, 0.25, 0.5], 1.0  # 1 / (1 + 1 / e) = 0.7311
    detector = load(dets=boxes, labels=logits)
    assert detector.format == 'detr'
    assert found(detector, SQUARE) == [(Box(24, 16, 40, 48), 0.7311)]
    assert found(detector, WIDE) == [(Box(48, 16, 80, 48), 0.7311)]


def test_corners_of_a_transformer_come_in_pixels_of_the_size_it_is_told(load):
    boxes, scores = np.zeros((1, 10, 4), np.float32), np.zeros((1, 10), np.float32)
    labels = np.ones((1, 10), np.int64)
    boxes[0, 3], scores[0, 3], labels[0, 3] = [20, 12, 40, 52], 0.6, 0
    scores[0, 4] = 0.9  # of another class
    detector = load(others={'orig_target_sizes': (1, 2)}, labels=labels, boxes=boxes,
                    scores=scores)
    assert found(detector, SQUARE) == [(Box(20, 12, 40, 52), 0.6)]


def test_of_two_boxes_on_one_person_the_better_stays(load):
    rows = np.zeros((1, 300, 6), np.float32)
    rows[0, :3] = [[20, 12, 40, 52, 0.6, 0], [21, 12, 40, 52, 0.7, 0], [2, 2, 9, 30, 0.5, 0]]
    assert found(load(output0=rows), SQUARE) == [(Box(21, 12, 40, 52), 0.7),
                                                 (Box(2, 2, 9, 30), 0.5)]


def test_the_person_class_and_the_input_size_can_be_given(load):
    rows = np.zeros((1, 300, 6), np.float32)
    rows[0, 0] = [20, 12, 40, 52, 0.6, 7]
    detector = load(image=(1, 3, 'height', 'width'), input_px=32, person_class=7, output0=rows)
    assert found(detector, SQUARE) == [(Box(40, 24, 64, 64), 0.6)]


@pytest.mark.parametrize(('output_format', 'expected'), [
    ('yolox', r'\(1, 84, 5 \+ classes\)'), ('nanodet', r'\(1, 84 or 85, classes \+ 32 or 44\)'),
    ('detr', r'boxes \(1, n, 4\)'), ('ultralytics', r'\(1, 252, 5 \+ classes\)'),
    ('auto', 'no known format')])
def test_outputs_of_another_layout_are_refused_with_both_shapes(load, output_format, expected):
    with pytest.raises(WeightsError, match=rf'odd \(1, 5000, 85\).*{expected}'):
        load(odd=np.zeros((1, 5000, 85)), output_format=output_format)


def test_a_person_class_beyond_the_classes_is_refused(load):
    with pytest.raises(WeightsError, match='detector.person_class is 90, the output has 80'):
        load(output=yolox_rows(), person_class=90)


def test_a_network_that_wants_something_else_is_refused(load):
    with pytest.raises(WeightsError, match='wants the inputs images, im_shape'):
        load(others={'im_shape': (1, 2)}, output=yolox_rows())


def test_a_box_that_cannot_be_true_stops_the_frame(load):
    rows = yolox_rows()
    rows[0, 64 + 4 + 2, 2] = 1000.0  # decoded already, as if in pixels: the exponential overflows
    detector = load(output=rows)
    with pytest.raises(DetectorError, match='not finite'):
        detector.detect(SQUARE)


def test_an_output_that_is_not_finite_is_refused(load):
    with pytest.raises(WeightsError, match='not finite'):
        load(output=np.full((1, CELLS, 85), np.nan))


@pytest.mark.parametrize(('output_format', 'channel', 'scale'), [
    ('ultralytics', 0, 1.0), ('yolox', 2, 1 / 255)])
def test_a_network_sees_red_where_its_family_expects_it(tmp_path, output_format, channel, scale):
    detector = OnnxDetector(red_network(tmp_path / 'red.onnx', output_format, channel, scale),
                            DetectorSettings(0.05, 0.6, output_format))
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    image[:, :, 0] = 204
    scores = [detection.score for detection in detector.detect(image)]
    np.testing.assert_allclose(scores, [0.8], atol=1e-3)  # 204 / 255


def red_network(path: Path, output_format: str, channel: int, scale: float) -> Path:
    """Write a network whose one person has the mean of one channel of the input as its score."""
    pytest.importorskip('onnxruntime')
    onnx = pytest.importorskip('onnx')
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    rows, place = ((yolox_rows(), (0, 64 + 4 + 2, 5)) if output_format == 'yolox'
                   else (np.zeros((1, 300, 6), np.float32), (0, 0, 4)))
    if output_format == 'yolox':
        rows[0, 64 + 4 + 2, 4] = 1.0
    else:
        rows[0, 0, :4] = [20, 12, 40, 52]
    rows[place] = 0.0
    mark = np.zeros_like(rows)
    mark[place] = scale
    constants = {'rows': rows, 'mark': mark, 'channel': np.array([channel])}
    nodes = [helper.make_node('Gather', ['images', 'channel'], ['picked'], axis=1),
             helper.make_node('ReduceMean', ['picked'], ['mean'], keepdims=0),
             helper.make_node('Mul', ['mark', 'mean'], ['marked']),
             helper.make_node('Add', ['rows', 'marked'], ['output'])]
    graph = helper.make_graph(
        nodes, 'red', [helper.make_tensor_value_info('images', number, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info('output', number, None)],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)],
                                ir_version=9), path)
    return path
