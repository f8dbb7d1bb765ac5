"""cv_bridge is used for what it does right, and only after it has shown that it does."""
from __future__ import annotations

import array
import sys
from collections.abc import Iterator
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray
from sensor_msgs.msg import Image

from latent_rag_ros.ros.cv_bridge_fallback import working_converter
from latent_rag_ros.ros.images import ImageError, from_rgb, to_rgb


class SixteenBitBridge:
    """The part of cv_bridge's interface that is used, for rgb16."""

    honours_step = True

    def imgmsg_to_cv2(self, message: Image, encoding: str) -> NDArray[np.uint8]:
        """Scale 16 bits to 8, as cv_bridge does."""
        assert encoding == 'rgb8'
        samples = np.frombuffer(message.data, np.uint16)
        rows = samples.reshape(message.height, message.step // 2) if self.honours_step else \
            samples[:message.height * message.width * 3].reshape(message.height, -1)
        pixels = rows[:, :message.width * 3].reshape(message.height, message.width, 3)
        return np.round(pixels / 257).astype(np.uint8)

    def cv2_to_imgmsg(self, pixels: NDArray[np.uint16], encoding: str,
                      header: object = None) -> Image:
        """Wrap 16-bit pixels."""
        height, width, _ = pixels.shape
        return Image(header=header, height=height, width=width, encoding=encoding,
                     step=width * 6, data=array.array('B', pixels.tobytes()))


class SteplessBridge(SixteenBitBridge):
    """Ignores padded rows, as the cv_bridge of the package index does."""

    honours_step = False


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Return what installs a cv_bridge with a given class."""
    def put(bridge_class: type) -> None:
        package, boost, compiled = map(ModuleType, (
            'cv_bridge', 'cv_bridge.boost', 'cv_bridge.boost.cv_bridge_boost'))
        package.CvBridge = bridge_class
        compiled.cvtColor2 = lambda pixels, source, target: pixels.astype(np.uint16) * 257
        for module in (package, boost, compiled):
            monkeypatch.setitem(sys.modules, module.__name__, module)
        working_converter.cache_clear()

    working_converter.cache_clear()
    yield put
    working_converter.cache_clear()


def sixteen_bits(encoding: str = 'rgb16', padding: int = 4) -> Image:
    """Return a 16-bit message of 4 x 6 pixels with padded rows."""
    samples = np.random.default_rng(1).integers(0, 256, (4, 18)).astype(np.uint16) * 257
    rows = np.pad(samples.view(np.uint8).reshape(4, 36), ((0, 0), (0, padding)))
    return Image(height=4, width=6, encoding=encoding, step=36 + padding,
                 data=array.array('B', rows.tobytes()))


def test_working_cv_bridge_serves_16_bit_colour_both_ways(install: object) -> None:
    install(SixteenBitBridge)
    message = sixteen_bits(padding=0)
    image = to_rgb(message)
    assert image.shape == (4, 6, 3) and image.dtype == np.uint8
    assert from_rgb(image, message).data == message.data


def test_cv_bridge_that_ignores_padding_is_not_used(install: object) -> None:
    install(SteplessBridge)
    with pytest.raises(ImageError, match='not supported'):
        to_rgb(sixteen_bits())


def test_missing_cv_bridge_refuses_the_encoding(
        install: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'cv_bridge', None)
    with pytest.raises(ImageError, match='not supported'):
        to_rgb(sixteen_bits())


@pytest.mark.parametrize('encoding', ['16UC1', 'mono16', '32FC1'])
def test_depth_images_stay_refused_beside_a_working_cv_bridge(
        install: object, encoding: str) -> None:
    install(SixteenBitBridge)
    with pytest.raises(ImageError, match='not supported'):
        to_rgb(sixteen_bits(encoding))


def test_wrong_data_never_reaches_cv_bridge(install: object) -> None:
    install(SixteenBitBridge)
    message = sixteen_bits()
    message.data = message.data[:-1]
    with pytest.raises(ImageError, match='not supported'):
        to_rgb(message)
