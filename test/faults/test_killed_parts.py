"""Camera, reidentifier and protector killed by SIGKILL while they work: never a raw frame."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from nodes.conftest import Graph, Process, StartNode
from nodes.protector_bench import message_of
from sensor_msgs.msg import Image

from latent_rag_ros.evaluation.frames import LabelledFrame
from latent_rag_ros.msg import IdentityFeatureArray, IdentityMatchArray

from .clip_viewer import FRAMES, Viewer, clip_frames, write_pictures
from .marked import BLANKING, DEGRADED, PROTECTING

FAST = {'protection.method': 'solid', 'identity.publish': False, 'guard.deadline_s': 60.0}
RUN_PX = 12


@pytest.fixture(scope='module')
def clip() -> list[LabelledFrame]:
    """Frames with two or three synthetic people in each."""
    return clip_frames()


@pytest.fixture
def pictures(tmp_path: Path, clip: list[LabelledFrame]) -> Path:
    """Return a folder with the frames, for the camera node."""
    return write_pictures(clip, tmp_path / 'pictures')


@pytest.mark.slow
def test_killed_camera_blanks_and_a_new_one_is_protected(
        graph: Graph, start_node: StartNode, clip: list[LabelledFrame], pictures: Path) -> None:
    start_node('protector', {**FAST, 'guard.input_timeout_s': 2.0})
    viewer = Viewer(graph, clip)
    viewer.wait_for(BLANKING)
    for _ in range(2):
        camera = start_node('video_camera', {'source': pictures, 'rate_hz': 5.0,
                                             'subscribers_min': 1})
        viewer.wait_for_images(3)
        viewer.wait_for(PROTECTING)
        camera.popen.kill()
        viewer.wait_for(BLANKING)
        assert 'image_raw' in viewer.statuses[-1].message
    viewer.assert_nothing_leaked()


@pytest.mark.slow
def test_killed_reidentifier_leaves_the_protector_at_work(
        graph: Graph, start_node: StartNode, clip: list[LabelledFrame], pictures: Path) -> None:
    start_node('protector', {**FAST, 'identity.publish': True})
    viewer = Viewer(graph, clip)
    identities = graph.collect(IdentityFeatureArray, 'identities')
    matches = graph.collect(IdentityMatchArray, 'identity_matches')
    viewer.wait_for(BLANKING)
    start_node('video_camera', {'source': pictures, 'rate_hz': 5.0, 'subscribers_min': 1})
    for _ in range(2):
        reidentifier = start_node('reidentifier')
        before = len(matches)
        graph.wait_for(lambda: len(matches) >= before + 3, 'matches')
        reidentifier.popen.kill()
        reidentifier.exit_code()
        features = len(identities)
        viewer.wait_for_images(3)
        graph.wait_for(lambda: len(identities) > features, 'features')
        assert viewer.state in (PROTECTING, DEGRADED)
    viewer.assert_nothing_leaked()


@pytest.fixture
def run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that everything which a node writes on its own ends up in."""
    folder = tmp_path / 'run'
    folder.mkdir()
    for variable in ('TMPDIR', 'HOME', 'ROS_LOG_DIR', 'ROS_HOME', 'XDG_CACHE_HOME'):
        monkeypatch.setenv(variable, str(folder))
    return folder


def shared_memory(process: Process) -> set[Path]:
    """Return the shared memory segments that a process has mapped."""
    maps = Path(f'/proc/{process.popen.pid}/maps').read_text()
    return {Path(line.split(None, 5)[5]) for line in maps.splitlines() if '/dev/shm/' in line}


def person_runs(clip: list[LabelledFrame]) -> Iterator[bytes]:
    """Yield bgr8 bytes from the middle of the people, a run of pixels each."""
    for frame in clip:
        for label in set(frame.labels.flat) - {0}:
            rows, columns = np.nonzero(frame.labels == label)
            row, column = int(np.median(rows)), int(np.median(columns))
            run = frame.image[row, column:column + RUN_PX, ::-1]
            if (frame.labels[row, column:column + RUN_PX] == label).all() and run.std() > 3:
                yield run.tobytes()


def files_with(runs: list[bytes], paths: Iterable[Path]) -> list[Path]:
    """Return the files that hold one of these runs of pixels."""
    return [path for path in paths
            if path.exists() and any(run in path.read_bytes() for run in runs)]


@pytest.mark.parametrize('lives', [1, pytest.param(3, marks=pytest.mark.slow)])
def test_killed_protector_leaves_no_raw_frame_in_topics_files_or_shared_memory(
        graph: Graph, run_folder: Path, clip: list[LabelledFrame], lives: int) -> None:
    viewer, foreign = Viewer(graph, clip), set(Path('/dev/shm').iterdir())
    arguments = [part for name, value in FAST.items() for part in ('-p', f'{name}:={value}')]
    runs = list(person_runs(clip))
    assert len(runs) >= FRAMES and all(any(run in frame.image[..., ::-1].tobytes()
                                           for frame in clip) for run in runs)
    for life in range(lives):
        process = Process('protector', run_folder, arguments)
        try:
            graph.wait_for(lambda: 'waiting for the first frame' in process.log, 'activation')
            camera = graph.publisher(Image, 'image_raw')
            number, seen = 0, len(viewer.images)
            while len(viewer.images) < seen + 3:
                camera.publish(message_of(number, image=clip[number % FRAMES].image))
                number += 1
                viewer.wait_for_images(number > 3)
            assert 'Max core file size        1 ' in Path(
                f'/proc/{process.popen.pid}/limits').read_text()
            segments, cameras = shared_memory(process) - foreign, shared_memory(process) & foreign
            for extra in range(life + 1):  # the kill meets it in work
                camera.publish(message_of(number + extra, image=clip[extra].image))
        finally:
            process.popen.kill()
            process.exit_code()
        graph.node.destroy_publisher(camera)
        assert segments
        written = [path for path in run_folder.rglob('*') if path.is_file()]
        found = files_with(runs, (*written, *segments))
        assert not cameras or files_with(runs, cameras), 'the search finds what is there'
        for segment in segments:
            segment.unlink(missing_ok=True)
        assert found == []
        # the log, and the secret key of the features
        assert {path.suffix for path in written} <= {'.log', '.key'}
    viewer.assert_nothing_leaked()
