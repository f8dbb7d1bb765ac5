"""Only protected pixels can be published: the source is read to show there is no other way."""
from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import rclpy
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import Image

import latent_rag_ros.parameters
from latent_rag_ros.parameters import PROTECTOR, checked_values
from latent_rag_ros.ros.publishers import ProtectedPublishers

PACKAGE = Path(latent_rag_ros.parameters.__file__).resolve().parent
IMAGE_PUBLISHERS = {'ros/publishers.py',
                    'nodes/video_camera_node.py'}  # stands in for a camera: it is the raw source
IMAGE_TYPES = {'Image', 'CompressedImage'}
FRAME_MAKERS = {'protection/pipeline.py', 'protection/blank.py'}


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Yield every module of the package: path and syntax tree."""
    for path in sorted(PACKAGE.rglob('*.py')):
        yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text(encoding='utf-8'))


def called(node: ast.Call) -> str:
    """Return the last part of the name that a call calls."""
    return getattr(node.func, 'attr', getattr(node.func, 'id', ''))


def calls(tree: ast.Module) -> Iterator[ast.Call]:
    """Yield all calls of a module."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def subscribes_pictures(call: ast.Call) -> bool:
    """Return whether a subscription's type is, or may be, an image."""
    name = getattr(call.args[0], 'attr', getattr(call.args[0], 'id', ''))
    return name in IMAGE_TYPES or not name[:1].isupper()


def is_dataclass_replace(call: ast.Call) -> bool:
    """Return whether a call changes a frozen dataclass, not a string."""
    return ast.unparse(call.func) in ('replace', 'dataclasses.replace')


def creates_image_publisher(call: ast.Call) -> bool:
    """Return whether a call creates a publisher whose type is, or may be, an image."""
    if called(call) not in ('create_publisher', 'create_lifecycle_publisher', 'Publisher'):
        return False
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    kind = given[0] if given else None
    name = getattr(kind, 'attr', getattr(kind, 'id', None))
    return name is None or name in IMAGE_TYPES or not name[:1].isupper()


def test_one_module_creates_the_image_publishers() -> None:
    found = {path for path, tree in sources() if any(map(creates_image_publisher, calls(tree)))}
    assert found == IMAGE_PUBLISHERS


def test_two_modules_make_protected_frames_and_one_of_them_keeps_pixels() -> None:
    makers = {path for path, tree in sources()
              if any(called(call) == 'ProtectedFrame' for call in calls(tree))}
    assert makers == FRAME_MAKERS
    outcomes = {path: set(re.findall(r'Outcome\.(\w+)', ast.unparse(call)))
                for path, tree in sources() for call in calls(tree)
                if called(call) == 'ProtectedFrame'}
    assert outcomes == {'protection/pipeline.py': {'PROTECTED'},
                        'protection/blank.py': {'BLANKED'}}


def test_one_module_makes_evidence_frames() -> None:
    makers = {path for path, tree in sources()
              if any(called(call) == 'EvidenceFrame' for call in calls(tree))}
    assert makers == {'protection/pipeline.py'}


def test_pixels_and_cover_of_a_protected_frame_are_never_replaced() -> None:
    changed = {(path, keyword.arg) for path, tree in sources()
               if re.search('ProtectedFrame|EvidenceFrame', ast.dump(tree))
               for call in calls(tree) if is_dataclass_replace(call) for keyword in call.keywords}
    assert {row for row in changed
            if row[1] in ('image', 'covered', 'outcome', 'evidence', 'changed', None)} == set()


def test_input_pixels_are_copied_in_one_place_and_erased_there() -> None:
    users = {path for path, tree in sources() if path.startswith('protection/')
             for call in calls(tree) if called(call) in ('erase', 'paste', 'compose_evidence')}
    assert users == {'protection/pipeline.py'}
    copies = {path for path, tree in sources() if path.startswith('protection/')
              for call in calls(tree)
              if re.search(r'image\.copy\(\)$|^np\.(array|copy)\((frame\.)?image\b',
                           ast.unparse(call))}
    assert copies == {'protection/compositing.py'}
    copiers = {path for path, tree in sources() if path.startswith('protection/')
               for call in calls(tree) if called(call) in ('copyTo', 'copyto', 'blended')}
    assert copiers == {'protection/compositing.py', 'protection/evidence_compositing.py'}


def test_only_these_modules_subscribe_pictures_or_turn_pixels_into_files() -> None:
    subscribers = {path for path, tree in sources() for call in calls(tree)
                   if called(call) == 'create_subscription' and subscribes_pictures(call)}
    assert subscribers == {'ros/qos.py', 'ros/recorder.py', 'ros/thumbnails.py'}
    encoders = {path for path, tree in sources() for call in calls(tree)
                if called(call) in ('imencode', 'imwrite', 'VideoWriter')
                and path.split('/')[0] not in ('synthesis', 'training', 'evaluation', 'tools')}
    assert encoders <= {'ros/images.py', 'ros/recorder.py'}
    assert not [path for path, tree in sources()
                if re.search(r'rosbag2_py|image_transport_py', ast.unparse(tree))]


def test_the_protector_writes_no_file_and_shows_no_window() -> None:
    writers = {'imwrite', 'VideoWriter', 'imshow', 'tofile', 'save', 'savez', 'write_bytes',
               'open', 'write_text'}
    found = {(path, called(call)) for path, tree in sources()
             if path.split('/')[0] in ('protection', 'perception', 'identity', 'ros')
             and path not in ('ros/recorder.py', 'ros/gallery_services.py')  # of other nodes
             or path == 'nodes/protector_node.py'
             for call in calls(tree) if called(call) in writers}
    assert {row for row in found if row[1] != 'open'} == set()
    # networks are read from files, the secret key of the features is kept in one
    assert {path for path, _ in found} <= {'perception/network.py', 'identity/feature_key.py'}


def test_raw_pixels_are_refused(ros: None, destroyed: Callable) -> None:
    node = destroyed(LifecycleNode('test'))
    publishers = ProtectedPublishers(node, checked_values(PROTECTOR, {}))
    source = Image(height=4, width=4, encoding='rgb8')
    with pytest.raises(TypeError, match='not a ProtectedFrame'):
        publishers.publish(np.zeros((4, 4, 3), np.uint8), source, None)
    assert rclpy.ok()
