"""Pictures of identities come out of the protected image only, or not at all."""
from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import rclpy
from builtin_interfaces.msg import Time
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import Image, RegionOfInterest
from std_msgs.msg import Header

from latent_rag_ros.gallery.faiss_backend import FaissBackend
from latent_rag_ros.gallery.features import Features, FeatureSpace
from latent_rag_ros.gallery.folder import GalleryFolder
from latent_rag_ros.gallery.gallery import Gallery
from latent_rag_ros.gallery.report import gallery_page
from latent_rag_ros.gallery.thumbnails import stored_thumbnails
from latent_rag_ros.msg import IdentityFeature, IdentityFeatureArray, IdentityMatch
from latent_rag_ros.msg import IdentityMatchArray
from latent_rag_ros.parameters import ParameterError
from latent_rag_ros.ros.images import from_rgb
from latent_rag_ros.ros.known_identities import KnownIdentities
from latent_rag_ros.ros.qos import IDENTITIES, PROTECTED_IMAGE
from latent_rag_ros.ros.thumbnails import Thumbnails

TIMEOUT_S = 60.0
PERSONS = 3
NUMBERS = itertools.count()
"""Every scene has topics of its own: the graph knows those of the last one for a while."""


class Scene:
    """A protector that publishes what a test wants, and a gallery that wants pictures."""

    def __init__(self, protector: Node, reidentifier: Node, folder: Path) -> None:
        """Connect the two."""
        gallery_folder, namespace = GalleryFolder(folder), f'/thumbs{next(NUMBERS)}/'
        self.folder, self.node = folder, reidentifier
        self.gallery = Gallery(3, 10, FaissBackend(gallery_folder), thumbnails=folder)
        eye = np.eye(8, dtype=np.float32)
        for person in range(PERSONS):
            self.gallery.enrol(Features(FeatureSpace('model', '', 8), eye[[person]]), 1, 1)
        self.thumbnails = Thumbnails(reidentifier, namespace, self.gallery)
        self.topic = f'{namespace}protected/image'
        self.images = protector.create_publisher(Image, self.topic, PROTECTED_IMAGE)
        self.features = protector.create_publisher(
            IdentityFeatureArray, f'{namespace}identities', IDENTITIES)
        self.executor = SingleThreadedExecutor(context=reidentifier.context)
        self.executor.add_node(reidentifier)
        self.wait_for(self.images.get_subscription_count)
        self.wait_for(lambda: reidentifier.count_publishers(self.features.topic))

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Let the reidentifier work until a condition holds."""
        end_s = time.monotonic() + TIMEOUT_S
        while not condition():
            assert time.monotonic() < end_s
            self.executor.spin_once(timeout_sec=0.05)

    def show(self, sec: int, person: int, image_sec: int | None = None,
             **roi: int) -> None:
        """Publish an image of one blue person, and note features of the same or another stamp."""
        pixels = np.full((60, 80, 3), 128, np.uint8)
        pixels[10:50, 20:40] = 0, 0, 255
        header = Header(frame_id='front', stamp=Time(sec=image_sec or sec))
        self.images.publish(from_rgb(pixels, Image(header=header, height=60, width=80,
                                                   encoding='rgb8')))
        fill = roi.pop('fill', IdentityFeature.FILL_SYNTHETIC)
        where = {'x_offset': 20, 'y_offset': 10, 'width': 20, 'height': 40, **roi}
        message = IdentityFeatureArray(
            header=Header(frame_id='front', stamp=Time(sec=sec)), identities=[
                IdentityFeature(track_id=1, roi=RegionOfInterest(**where), fill=fill)])
        self.thumbnails.note(message, [IdentityMatch(track_id=1, known=True,
                                                     identity_id=person)])

    def show_until_kept(self, person: int) -> None:
        """Publish frames that fit until there is a picture: the graph is known bit by bit."""
        seconds = itertools.count(10)

        def kept() -> bool:
            self.show(next(seconds), person)
            return self.gallery.has_thumbnail(person)

        self.wait_for(kept)

    def close(self) -> None:
        """End the executor and the gallery."""
        self.thumbnails.close()
        self.executor.shutdown()
        self.gallery.close()


@pytest.fixture
def scene(ros: None, second_context: Context, destroyed: Callable,
          tmp_path: Path) -> Iterator[Scene]:
    """Return a scene whose protector is in another context, as in another process."""
    scene = Scene(destroyed(Node('protector', context=second_context)),
                  destroyed(Node('reidentifier')), tmp_path / 'gallery')
    yield scene
    scene.close()


def test_picture_is_the_region_of_the_protected_image(scene: Scene) -> None:
    """The blue person of the frame, in folder and report, until the identity is erased."""
    scene.show_until_kept(1)
    path = stored_thumbnails(scene.folder)[1]
    picture = cv2.imread(str(path))
    assert picture.shape == (96, 48, 3)
    assert picture[..., 0].min() > 230 and picture[..., 1:].max() < 30
    scene.gallery.commit()
    page = gallery_page(scene.folder, 0.5)
    assert page.count('src="data:image/jpeg') == 1 and 'http' not in page
    scene.gallery.erase(1)
    assert stored_thumbnails(scene.folder) == {} and not scene.gallery.has_thumbnail(1)


@pytest.mark.parametrize('wrong', [
    {'image_sec': 99}, {'x_offset': 70}, {'y_offset': 50}, {'height': 0},
    {'fill': IdentityFeature.FILL_SOLID}])
def test_there_is_no_picture_when_header_box_or_fill_do_not_fit(scene: Scene,
                                                                wrong: dict[str, int]) -> None:
    """A frame that does not fit exactly gives none; the next one that does gives one."""
    scene.show_until_kept(3)
    for second in range(5):
        scene.show(1 + second, person=1, **wrong)
        scene.executor.spin_once(timeout_sec=0.1)
    scene.show_until_kept(2)
    assert not scene.gallery.has_thumbnail(1)


def test_there_is_no_picture_when_somebody_else_publishes_images(
        scene: Scene, second_context: Context, destroyed: Callable) -> None:
    """A second publisher of the topic may be anything, a camera too."""
    other = destroyed(Node('camera', context=second_context))
    publisher = other.create_publisher(Image, scene.topic, PROTECTED_IMAGE)
    scene.wait_for(lambda: scene.node.count_publishers(scene.topic) == 2)
    for second in range(5):
        scene.show(1 + second, person=1)
        scene.executor.spin_once(timeout_sec=0.1)
    assert stored_thumbnails(scene.folder) == {}
    other.destroy_publisher(publisher)
    scene.wait_for(lambda: scene.node.count_publishers(scene.topic) == 1)
    scene.show_until_kept(1)


def test_remapped_images_are_refused(ros: None, destroyed: Callable, scene: Scene) -> None:
    """Under another name nobody promises that pixels are protected."""
    node = destroyed(Node('remapped', cli_args=[
        '--ros-args', '-r', 'protected/image:=image_raw']))
    with pytest.raises(ParameterError, match='image_raw'):
        Thumbnails(node, '', scene.gallery)


def test_overlay_learns_identities_and_forgets_them(
        ros: None, second_context: Context, destroyed: Callable) -> None:
    """Numbers of the same camera and of about the same time, from the topic."""
    node = destroyed(Node('overlay'))
    sender = destroyed(Node('sender', context=second_context))
    known = KnownIdentities(node)
    publisher = sender.create_publisher(IdentityMatchArray, 'identity_matches', IDENTITIES)
    header = Header(frame_id='front', stamp=Time(sec=100))
    executor = SingleThreadedExecutor(context=rclpy.get_default_context())
    executor.add_node(node)
    end_s = time.monotonic() + TIMEOUT_S
    while not known.of(header):
        assert time.monotonic() < end_s
        publisher.publish(IdentityMatchArray(header=header, matches=[
            IdentityMatch(track_id=3, known=True, identity_id=12), IdentityMatch(track_id=4)]))
        executor.spin_once(timeout_sec=0.05)
    executor.shutdown()
    assert known.of(header) == {3: 12}
    assert known.of(Header(frame_id='rear', stamp=header.stamp)) == {}
    assert known.of(Header(frame_id='front', stamp=Time(sec=104))) == {3: 12}
    assert known.of(Header(frame_id='front', stamp=Time(sec=106))) == {}
    known.close()
