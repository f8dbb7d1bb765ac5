"""Scenes with people who come, go and come back: rendered over several cameras, and vtest.avi."""
from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from latent_rag_ros.evaluation.embedding import EmbeddingNetwork
from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.frames import video_frames as file_frames
from latent_rag_ros.evaluation.gallery_stream import (
    SECOND_NS, LabelledPicture, ObservedFrame, Truth, observed, told_by_labels)
from latent_rag_ros.evaluation.vtest import Track, read_tracks
from latent_rag_ros.gallery.quality import QualityGate
from latent_rag_ros.parameters import Value
from latent_rag_ros.protection.pipeline import ProtectionPipeline
from latent_rag_ros.protection.types import Box

SEEDS, DEVELOPMENT_SEED = (202, 203), 201
"""Data seeds of the figures, and of the choice of rules and parameters; no weight is of either."""

PEOPLE, VISITS, CAMERAS = 56, 3, 4
HEIGHT_PX_MIN, VISIBLE_SHARE_MIN = 48, 0.4
"""Smaller people, and those of whom less is seen, need not be found."""

VTEST_HZ = 10.0


def rendered_scene(seed: int) -> Path:
    """Return the folder with the videos of a seed; what is missing is rendered.

    They stay in the user's cache (`XDG_CACHE_HOME`, else `~/.cache`), about 90 MB a seed; one
    takes ten minutes on one core. Raises `EvaluationError` when the renderer is not installed.
    """
    try:
        from latent_rag_ros.synthesis.camera_videos import VideoSettings, render_videos
    except ModuleNotFoundError as error:
        raise EvaluationError(f'{error.name} is not installed; scenes are rendered with the extra '
                              'synthesis: pip install "latent-rag-ros[synthesis]"') from error
    cache = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache') / 'latent_rag_ros'
    folder = cache / f'gallery_videos_{PEOPLE}x{VISITS}_seed_{seed}'
    render_videos(VideoSettings(PEOPLE, VISITS, CAMERAS, seed), folder)
    return folder


def rendered_pictures(directory: Path) -> Iterator[LabelledPicture]:
    """Yield the frames of rendered videos, all cameras, in the order of time."""
    from latent_rag_ros.synthesis.camera_videos import video_frames

    for frame in video_frames(directory):
        truths = tuple(
            Truth(int(person), int(visit), Box(*map(int, box)),
                  bool(share >= VISIBLE_SHARE_MIN and box[3] - box[1] >= HEIGHT_PX_MIN))
            for person, visit, box, share in zip(frame.people, frame.visits, frame.boxes,
                                                 frame.visible_shares))
        yield LabelledPicture(f'camera {frame.camera}', frame.time_s, frame.image, truths)


def vtest_pictures(video: Path, tracks: Sequence[Track] | None = None,
                   ) -> Iterator[LabelledPicture]:
    """Yield the frames of `vtest.avi`; every labelled way through the picture is a visit.

    Raises `EvaluationError` when the video cannot be read.
    """
    labelled = read_tracks() if tracks is None else tracks
    names = sorted({track.identity for track in labelled})
    for number, frame in enumerate(file_frames(video)):
        truths = tuple(Truth(names.index(track.identity) + 1, track.number + 1,
                             track.boxes[number])
                       for track in labelled if number in track.boxes)
        yield LabelledPicture('vtest', number / VTEST_HZ, frame.image, truths)


def labelled_scene(pictures: Iterator[LabelledPicture], network: EmbeddingNetwork,
                   values: Mapping[str, Value], device: str = 'cpu') -> Iterator[ObservedFrame]:
    """Yield what a reidentifier would be told by a detector and a tracker without errors.

    Parameters
    ----------
    pictures : iterator of LabelledPicture
        In the order of time.
    network : EmbeddingNetwork
        The embedder.
    values : Mapping
        Parameters of the reidentifier, for its quality gate.
    device : str
        Where the embedder runs.
    """
    gate = _gate(values)
    for picture in pictures:
        yield told_by_labels(picture, network, gate, device)


def filtered_scene(pictures: Iterator[LabelledPicture], cameras: Sequence[str],
                   weights: Path | None, device: str,
                   values: Mapping[str, Value]) -> list[ObservedFrame]:
    """Show pictures to the whole filter and return what a reidentifier is told.

    The filter has its default parameters, one of its own per camera, but measures features in
    every frame: each frame is scored, also those in which a robot goes on with the last answer
    about a track. People become solid instead of synthetic, which changes no feature. Features
    are plain ones, so that those of labels and those of the filter are of one extractor.

    Parameters
    ----------
    pictures : iterator of LabelledPicture
        In the order of time.
    cameras : sequence of str
        Their cameras.
    weights : Path or None
        Folder of the networks; None takes the shipped ones.
    device : str
        Where they run.
    values : Mapping
        Parameters of the reidentifier, for its quality gate.
    """
    pipelines = {camera: ProtectionPipeline.from_values({
        'protection.method': 'solid', 'identity.every_frames': 1, 'device': device,
        'identity.extractor': 'plain',
        'weights.directory': '' if weights is None else str(weights)}) for camera in cameras}
    return list(observed(pictures, pipelines, _gate(values)))


def _gate(values: Mapping[str, Value]) -> QualityGate:
    return QualityGate(values['quality.height_px_min'], values['quality.score_min'])


def one_after_another(scenes: Sequence[Sequence[ObservedFrame]]) -> list[ObservedFrame]:
    """Return scenes of different people and cameras as one stream for one gallery."""
    frames, begin_ns = [], 0
    for number, scene in enumerate(scenes):
        frames += [_moved(frame, number, begin_ns) for frame in scene]
        begin_ns = frames[-1].stamp_ns + 60 * SECOND_NS
    return frames


def _moved(frame: ObservedFrame, scene: int, begin_ns: int) -> ObservedFrame:
    def renamed(truth: Truth | None) -> Truth | None:
        """Return who it is by numbers that no other scene has."""
        return None if truth is None else Truth(
            truth.person + 10_000 * scene, truth.visit + 10_000 * scene, truth.box, truth.counts)
    return ObservedFrame(
        f'scene {scene} {frame.camera}', frame.stamp_ns + begin_ns, frame.tracks, frame.features,
        frame.is_good, tuple(map(renamed, frame.truths)), frame.silent_tracks,
        tuple(map(renamed, frame.silent_truths)), tuple(map(renamed, frame.missed)))


def only_labelled(frames: Sequence[ObservedFrame]) -> list[ObservedFrame]:
    """Return frames in which who is not labelled does not count: most people of vtest are not."""
    nobody = Truth(0, 0, Box(0, 0, 0, 0), counts=False)

    def labelled(truths: Sequence[Truth | None]) -> tuple[Truth, ...]:
        """Return somebody who does not count for everybody who is not labelled."""
        return tuple(nobody if truth is None else truth for truth in truths)
    return [replace(frame, truths=labelled(frame.truths),
                    silent_truths=labelled(frame.silent_truths)) for frame in frames]
