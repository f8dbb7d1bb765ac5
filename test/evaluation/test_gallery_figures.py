"""The figures of the gallery: right answers score 1, each kind of error shows where it should."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from latent_rag_ros.evaluation.gallery_identification import (
    defaults, gallery_scores, naive_scores)
from latent_rag_ros.evaluation.gallery_scenes import one_after_another, only_labelled
from latent_rag_ros.evaluation.gallery_scores import scores
from latent_rag_ros.evaluation.gallery_search import clustered, throughput
from latent_rag_ros.evaluation.gallery_simulation import SimulatedPeople
from latent_rag_ros.evaluation.gallery_stream import ObservedFrame, Truth, matched
from latent_rag_ros.gallery.features import FeatureSpace
from latent_rag_ros.gallery.limits import MatchLimit
from latent_rag_ros.protection.types import Box

PEOPLE, CAMERAS, FRAMES, DIMENSION = 12, 4, 6, 64
BOX = Box(0, 0, 40, 90)
Stream = list[ObservedFrame]


@pytest.fixture
def stream() -> Stream:
    """Return 12 people who pass 4 cameras two at a time, 6 frames each, one camera after another.

    Features of a person agree to a cosine of about 0.9.
    """
    random = np.random.default_rng(0)
    means = random.normal(size=(PEOPLE, DIMENSION))
    frames = []
    for camera in range(CAMERAS):
        for first in range(0, PEOPLE, 2):
            for number in range(FRAMES):
                pair = np.array([first, first + 1])
                views = means[pair] + 0.3 * random.normal(size=(2, DIMENSION))
                views /= np.linalg.norm(views, axis=1, keepdims=True)
                visits = camera * PEOPLE + pair + 1
                frames.append(ObservedFrame(
                    f'camera {camera}', len(frames) * 200_000_000, tuple(visits.tolist()),
                    views.astype(np.float32), (True, True),
                    tuple(Truth(int(person) + 1, int(visit), BOX)
                          for person, visit in zip(pair, visits))))
    return frames


def answered(frames: Stream, answer: Callable[[Truth, int], int]) -> list[list[int]]:
    """Return the answers of a function of the truth and of the number of the frame."""
    return [[answer(truth, number) for truth in frame.truths]
            for number, frame in enumerate(frames)]


def test_scores_are_perfect_when_answers_are(stream: Stream) -> None:
    """Identities may have any numbers, as long as they are one to one."""
    found = scores(stream, answered(stream, lambda truth, _: 100 - truth.person))
    assert (found['idf1'], found['returning_recognised']) == (1, 1)
    assert (found['id_switches'], found['strangers_accepted'], found['false_merges']) == (0, 0, 0)
    assert (found['visits'], found['returning_visits']) == (48, 36)
    assert (found['people'], found['identities']) == (12, 12)


def test_every_kind_of_error_shows(stream: Stream) -> None:
    """One identity for all, a new one for every visit, a change within a visit, and nobody."""
    everybody = scores(stream, answered(stream, lambda truth, _: 1))
    assert everybody['idf1'] == pytest.approx(2 * 24 / 576) and everybody['false_merges'] == 1
    assert everybody['strangers_accepted'] == pytest.approx(11 / 12)
    apart = scores(stream, answered(stream, lambda truth, _: truth.visit))
    assert apart['idf1'] == pytest.approx(0.25) and apart['returning_recognised'] == 0
    assert apart['strangers_accepted'] == apart['false_merges'] == 0
    changing = scores(stream, answered(
        stream, lambda truth, number: truth.person + 50 * (number % FRAMES >= 2)))
    assert changing['id_switches'] == 48 and changing['idf1'] == pytest.approx(2 / 3)
    nobody = scores(stream, answered(stream, lambda truth, _: 0))
    assert nobody['idf1'] == nobody['returning_recognised'] == 0


def test_people_who_are_not_found_cost_and_those_who_need_not_be_do_not(stream: Stream) -> None:
    """Missed people lower the recall, unlabelled ones the precision, hidden ones nothing."""
    lost = [ObservedFrame(f.camera, f.stamp_ns, (), np.empty((0, 0), np.float32), (), (),
                          missed=f.truths) if number % 2 else f for number, f in enumerate(stream)]
    found = scores(lost, answered(lost, lambda truth, _: truth.person))
    assert (found['idp'], found['idr']) == (1, 0.5)
    pillars = [ObservedFrame(f.camera, f.stamp_ns, f.tracks, f.features, f.is_good,
                             (f.truths[0], None)) for f in stream]
    answers = [[frame.truths[0].person, 99] for frame in pillars]
    assert scores(pillars, answers)['idp'] == pytest.approx(0.5)
    assert scores(only_labelled(pillars), answers)['idp'] == 1


def test_people_without_a_feature_are_who_their_track_was(stream: Stream) -> None:
    """Every second frame of each pair of people carries no features."""
    silent = [f if number % 2 == 0 else replace(
        f, tracks=(), features=np.empty((0, 0), np.float32), is_good=(), truths=(),
        silent_tracks=f.tracks, silent_truths=f.truths) for number, f in enumerate(stream)]
    space, limit = FeatureSpace('model', '', DIMENSION), MatchLimit(0.6, 0.01)
    found = gallery_scores(silent, space, limit, defaults(gallery__observations_min=1))
    assert (found['idp'], found['idr']) == (1, 1)
    assert naive_scores(silent, DIMENSION)['idr'] > 0.9


def test_gallery_knows_who_returns_and_is_compared_as_it_was_before(stream: Stream) -> None:
    """Clear features: everybody is recognised; the naive gallery is scored alike."""
    space, limit = FeatureSpace('model', '', DIMENSION), MatchLimit(0.6, 0.01)
    found = gallery_scores(stream, space, limit, defaults())
    assert found['returning_rank1'] == found['true_accept_rate'] == 1
    assert (found['genuine_trials'], found['impostor_trials']) == (36, 46)
    assert found['false_accept_rate'] == 0 < found['far_ratio_high']
    assert found['returning_recognised'] == 1 and found['idf1'] > 0.9
    assert naive_scores(stream, DIMENSION)['idf1'] > 0.9
    nobody = gallery_scores(stream, space, MatchLimit(-0.9, 0.01), defaults())
    assert nobody['false_accept_rate'] == 1 and nobody['false_merges'] >= 1


def test_scenes_of_one_stream_share_nobody(stream: Stream) -> None:
    """Two scenes: twice the people, visits and cameras, and time goes on."""
    both = one_after_another([stream, stream])
    stamps = [frame.stamp_ns for frame in both]
    assert stamps == sorted(stamps) and len({frame.camera for frame in both}) == 2 * CAMERAS
    found = scores(both, answered(both, lambda truth, _: truth.person))
    assert (found['people'], found['visits']) == (2 * PEOPLE, 2 * PEOPLE * CAMERAS)


def test_boxes_are_matched_one_to_one_by_overlap() -> None:
    """The better box gets the person; what overlaps too little is nobody."""
    labelled = [Box(0, 0, 10, 20), Box(100, 0, 110, 20)]
    found = [Box(0, 0, 12, 20), Box(0, 0, 10, 20), Box(108, 0, 118, 20), Box(99, 0, 112, 22)]
    assert matched(found, labelled) == [None, 0, None, 1]
    assert matched([], labelled) == [] and matched(found, []) == [None] * 4


def test_search_figures_belong_together() -> None:
    """Simulated people are told apart; speed and quantiles fit, clusters miss few neighbours."""
    random = np.random.default_rng(0)
    means = random.normal(size=(60, 32))
    features = np.repeat(means, 4, axis=0) + 0.3 * random.normal(size=(240, 32))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    people = SimulatedPeople(features.astype(np.float32), np.repeat(np.arange(60), 4))
    simulated = people.people(50)
    cosines = people.views(simulated) @ people.views(simulated).T
    assert np.median(np.diag(cosines)) > 0.7 > 0.2 > abs(np.median(cosines))
    found = throughput(people, MatchLimit(0.6, 0.01), identities=20, frames=5)
    assert found['features'] == 200 and found['dimension'] == 32
    for name in ('p', 'frame_p', 'identify_p'):
        assert 0 < found[f'{name}50_ms'] <= found[f'{name}99_ms']
    assert found['queries_per_s'] > 0 and found['single_queries_per_s'] > 0
    many = clustered(people, identities=400)
    assert many['features_1m'] == 4000 and many['recall_1m'] > 0.95
    assert 0 < many['exact_frame_1m_p50_ms'] <= many['exact_frame_1m_p99_ms']
    assert 1 <= many['clusters_read_1m'] <= many['clusters_1m']
