"""The reidentifier as a real process: matches, erasure, refusals, lifecycle."""
from __future__ import annotations

import array
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from sensor_msgs.msg import RegionOfInterest
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from latent_rag_ros.msg import IdentityFeature, IdentityFeatureArray, IdentityMatchArray
from latent_rag_ros.srv import EraseIdentity, ExportIdentity, ListIdentities

from .conftest import RESEND_PERIOD_S, Graph, Process, StartNode

DIMENSION = 64
FRAMES_TO_CONNECT = 100


class Protector:
    """Stands in for the protector: publishes identities of simulated people, frame by frame."""

    def __init__(self, graph: Graph, namespace: str = '') -> None:
        """Connect to the reidentifier, both ways."""
        self._graph = graph
        self._random = np.random.default_rng(1)
        self._persons = np.eye(DIMENSION)
        self.matches = graph.collect(IdentityMatchArray, f'{namespace}identity_matches')
        self.publisher = graph.publisher(IdentityFeatureArray, f'{namespace}identities')
        self.connect()

    def connect(self) -> None:
        """Repeat an empty frame until it is answered: each direction connects on its own."""
        sent_s = [-RESEND_PERIOD_S]
        self._frames = -FRAMES_TO_CONNECT  # stamps of their own, before those of the test

        def answered() -> bool:
            if time.monotonic() - sent_s[0] >= RESEND_PERIOD_S:
                sent_s[0] = time.monotonic()
                self.publisher.publish(self.message({}))
            return bool(self.matches)

        self._graph.wait_for(answered, 'answer to an empty frame')
        self._frames = 0

    def feature(self, person: int) -> np.ndarray:
        """Return a new view of a person: cosine of about 0.9 to its other views."""
        feature = self._persons[person] + self._random.normal(size=DIMENSION) * 0.3 / DIMENSION**.5
        return (feature / np.linalg.norm(feature)).astype(np.float32)

    def message(self, persons: dict[int, int | None]) -> IdentityFeatureArray:
        """Return a frame of {track: person}; None is a person without a feature."""
        self._frames += 1
        return IdentityFeatureArray(
            header=Header(frame_id='front', stamp=Time(sec=100 + self._frames, nanosec=7)),
            schema_version=IdentityFeatureArray.SCHEMA_VERSION, model_id='test-embedder',
            feature_dimension=DIMENSION,
            identities=[self._identity(*item) for item in persons.items()])

    def send(self, message: IdentityFeatureArray) -> IdentityMatchArray:
        """Publish a frame and return the answer with its header."""
        self.publisher.publish(message)
        self._graph.wait_for(
            lambda: self.matches and self.matches[-1].header == message.header, 'match')
        return self.matches[-1]

    def show(self, persons: dict[int, int | None], frames: int = 1) -> dict[int, int]:
        """Publish frames; return the identity ids of the last one by track."""
        for _ in range(frames):
            answer = self.send(self.message(persons))
        return {match.track_id: match.identity_id for match in answer.matches}

    def _identity(self, track: int, person: int | None) -> IdentityFeature:
        feature = b'' if person is None else self.feature(person).tobytes()
        return IdentityFeature(track_id=track, score=0.9, feature=array.array('f', feature),
                               roi=RegionOfInterest(x_offset=50 * track, height=90, width=40))


@pytest.fixture
def reidentifier(start_node: StartNode) -> Process:
    """Start the node with its default parameters."""
    return start_node('reidentifier')


@pytest.fixture
def protector(graph: Graph, reidentifier: Process) -> Protector:
    """Return a stand-in of the protector, connected to the running node."""
    return Protector(graph)


ChangeLifecycle = Callable[[int], bool]


@pytest.fixture
def change_lifecycle(graph: Graph) -> ChangeLifecycle:
    """Return what requests a transition of the node and tells whether it took place."""
    return lambda transition: graph.call(
        ChangeState, 'reidentifier/change_state',
        ChangeState.Request(transition=Transition(id=transition))).success


def test_match_has_header_and_person_of_its_frame(protector: Protector) -> None:
    """Header, model, track and region are copied; unknown without a feature, no match."""
    message = protector.message({4: 0, 5: None, 6: 1})
    answer = protector.send(message)
    assert answer.header == message.header and answer.model_id == message.model_id
    assert answer.schema_version == IdentityMatchArray.SCHEMA_VERSION
    assert [match.track_id for match in answer.matches] == [4, 6]
    assert [match.roi for match in answer.matches] == [
        message.identities[0].roi, message.identities[2].roi]
    assert not any(match.known or match.enrolled for match in answer.matches)
    assert all(math.isnan(match.similarity) for match in answer.matches)
    assert answer.gallery_identities == 0
    assert protector.send(protector.message({})).matches == []


def test_person_keeps_identity_in_frames_without_a_feature(protector: Protector) -> None:
    """The filter measures a feature now and then; the match says that it is remembered."""
    assert protector.show({4: 0, 5: 1}, 4) == {4: 1, 5: 2}
    message = protector.message({4: None, 5: 1, 6: None})
    message.header.stamp = Time(sec=message.header.stamp.sec - 1, nanosec=300_000_000)
    measured, kept = protector.send(message).matches
    assert (measured.track_id, measured.identity_id, measured.remembered) == (5, 2, False)
    assert (kept.track_id, kept.identity_id, kept.known, kept.remembered) == (4, 1, True, True)
    assert kept.roi == message.identities[0].roi and not kept.enrolled
    assert math.isnan(kept.similarity) and math.isnan(kept.confidence)
    assert kept.first_seen.sec and kept.last_camera == 'front'


def test_log_says_that_the_limit_is_a_guess_when_nobody_calibrated_the_model(
        protector: Protector, reidentifier: Process) -> None:
    """Model and remedy are named; the shipped calibration is of another embedder."""
    protector.show({1: 0})
    assert 'a guess' in reidentifier.log and 'test-embedder' in reidentifier.log
    assert 'latent-rag calibrate' in reidentifier.log


def test_returning_person_has_the_same_identity(protector: Protector) -> None:
    """Enrolled after three observations, known again in another track, beside others."""
    assert protector.show({1: 0, 2: 1}, frames=2) == {1: 0, 2: 0}
    enrolling = protector.send(protector.message({1: 0, 2: 1}))
    assert all(match.enrolled and match.known for match in enrolling.matches)
    assert enrolling.gallery_identities == 2
    assert protector.show({7: 1, 8: 2, 9: 0}) == {7: 2, 8: 0, 9: 1}
    similarities = [match.similarity for match in protector.matches[-1].matches]
    assert min(similarities[0], similarities[2]) > 0.7 > similarities[1]


def test_erased_identity_matches_nobody(graph: Graph, protector: Protector) -> None:
    """Erase removes one identity from list and matching; a second time it says so."""
    protector.show({1: 0, 2: 1}, frames=4)
    listed = graph.call(ListIdentities, 'reidentifier/list_identities')
    assert list(listed.identity_ids) == [1, 2] and min(listed.feature_counts) >= 3
    assert [(time.sec, time.nanosec) for time in listed.first_seen] == [(101, 7)] * 2
    assert [time.sec for time in listed.last_seen] == [104, 104]
    request = EraseIdentity.Request(identity_id=1)
    erased = graph.call(EraseIdentity, 'reidentifier/erase_identity', request)
    assert erased.success and erased.features_erased == listed.feature_counts[0]
    assert list(graph.call(ListIdentities, 'reidentifier/list_identities').identity_ids) == [2]
    assert protector.show({1: 0, 2: 1}) == {1: 0, 2: 2}
    again = graph.call(EraseIdentity, 'reidentifier/erase_identity', request)
    assert not again.success and 'identity 1 is not in the gallery' in again.message


def test_nobody_is_known_when_all_are_erased(graph: Graph, protector: Protector) -> None:
    """erase_all empties the gallery and makes it free for another model."""
    protector.show({1: 0, 2: 1}, frames=3)
    erased = graph.call(Trigger, 'reidentifier/erase_all')
    assert erased.success and '2 identities' in erased.message
    assert len(graph.call(ListIdentities, 'reidentifier/list_identities').identity_ids) == 0
    message = protector.message({1: 0})
    message.model_id = 'another embedder'
    assert not protector.send(message).matches[0].known


@pytest.mark.parametrize('change, words', [
    (lambda message: setattr(message, 'model_id', 'another embedder'), 'do not compare'),
    (lambda message: setattr(message, 'key_id', 'another key'), 'do not compare'),
    (lambda message: setattr(message, 'feature_dimension', 63), 'feature_dimension says 63'),
    (lambda message: message.identities[0].feature.append(0.0), 'has length 65'),
    (lambda message: message.identities[0].feature.__setitem__(0, math.nan), 'NaN'),
    (lambda message: message.identities[0].feature.__setitem__(0, 9.0), 'normalise'),
    (lambda message: setattr(message.identities[1], 'track_id', 1), 'each track once'),
])
def test_frame_is_refused_when_features_are_unusable(
        protector: Protector, reidentifier: Process,
        change: Callable[[IdentityFeatureArray], None], words: str) -> None:
    """A refused frame is logged by name and not answered; the node goes on as before."""
    protector.show({1: 0, 2: 1}, frames=3)
    bad = protector.message({1: 0, 2: 1})
    change(bad)
    protector.publisher.publish(bad)
    assert protector.show({1: 0, 2: 1}) == {1: 1, 2: 2}
    assert bad.header not in [answer.header for answer in protector.matches]
    assert 'refused' in reidentifier.log and words in reidentifier.log


def test_diagnostics_warn_when_a_frame_was_refused(graph: Graph, protector: Protector) -> None:
    """Health is OK while frames are matched; a refusal is a warning with its reason."""
    reports = graph.collect(DiagnosticArray, '/diagnostics')
    protector.show({1: 0}, frames=3)
    graph.wait_for(lambda: reports and reports[-1].status[0].message == '1 identities', 'report')
    assert reports[-1].status[0].level == DiagnosticStatus.OK
    bad = protector.message({1: 0})
    bad.key_id = 'another key'
    protector.publisher.publish(bad)
    graph.wait_for(lambda: reports[-1].status[0].level == DiagnosticStatus.WARN, 'warning')
    values = {pair.key: pair.value for pair in reports[-1].status[0].values}
    assert 'do not compare' in reports[-1].status[0].message
    assert (values['identities'], values['frames_refused']) == ('1', '1')
    assert int(values['frames_matched']) >= 3
    assert 'test-embedder' in values['features_of']


def test_gallery_stays_when_deactivated_and_goes_when_cleaned_up(
        graph: Graph, protector: Protector, reidentifier: Process,
        change_lifecycle: ChangeLifecycle) -> None:
    """An inactive node answers services but no frames; cleanup forgets everybody."""
    protector.show({1: 0}, frames=3)
    assert change_lifecycle(Transition.TRANSITION_DEACTIVATE)
    graph.wait_for(lambda: not protector.publisher.get_subscription_count(), 'unsubscription')
    assert len(graph.call(ListIdentities, 'reidentifier/list_identities').identity_ids) == 1
    assert change_lifecycle(Transition.TRANSITION_ACTIVATE)
    graph.wait_for(protector.publisher.get_subscription_count, 'subscription')
    assert protector.show({5: 0}) == {5: 1}
    for transition in (Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP,
                       Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE):
        assert change_lifecycle(transition)
    graph.wait_for(lambda: graph.node.count_publishers('identity_matches') == 1, 'publisher')
    graph.wait_for(protector.publisher.get_subscription_count, 'subscription')
    assert protector.show({5: 0}) == {5: 0}
    assert reidentifier.interrupt() == 0, reidentifier.log


def test_node_stays_unconfigured_when_a_parameter_is_wrong(
        graph: Graph, start_node: StartNode, change_lifecycle: ChangeLifecycle) -> None:
    """A misspelt parameter is named in the log and stops configuration, not the node."""
    node = start_node('reidentifier', {'gallery.similarity_mni': 0.5})
    assert not change_lifecycle(Transition.TRANSITION_CONFIGURE)
    assert 'gallery.similarity_mni' in node.log and 'Traceback' not in node.log
    assert graph.node.count_publishers('identity_matches') == 0


def test_people_are_known_again_when_the_folder_is_the_same(graph: Graph, start_node: StartNode,
                                                            tmp_path: Path) -> None:
    """With a folder a restart remembers; export returns what is kept, save says where it is."""
    parameters = {'gallery.directory': str(tmp_path / 'gallery')}
    first = start_node('reidentifier', parameters)
    protector = Protector(graph)
    protector.show({1: 0, 2: 1}, frames=4)
    assert 'gallery.sqlite' in graph.call(Trigger, 'reidentifier/save').message
    exported = graph.call(ExportIdentity, 'reidentifier/export_identity',
                          ExportIdentity.Request(identity_id=1))
    assert exported.success and len(exported.features) >= 3 * DIMENSION
    assert exported.feature_dimension == DIMENSION and exported.last_camera == 'front'
    assert first.interrupt() == 0, first.log
    graph.wait_for(lambda: not graph.node.count_publishers('identity_matches'), 'end of the first')
    start_node('reidentifier', parameters)
    graph.wait_for(protector.publisher.get_subscription_count, 'second reidentifier')
    protector.matches.clear()
    protector.connect()
    assert protector.show({8: 1, 9: 0}) == {8: 2, 9: 1}
    [match, _] = protector.matches[-1].matches
    assert match.last_camera == 'front' and match.last_seen.sec == 104
    assert math.isnan(match.confidence), 'nobody calibrated this model'


def test_namespaces_share_one_gallery_when_named(graph: Graph, start_node: StartNode) -> None:
    """A person seen by one robot is known to the other, whose answers come in its namespace."""
    start_node('reidentifier', {'input.namespaces': 'robot1,robot2'})
    one, two = Protector(graph, '/robot1/'), Protector(graph, '/robot2/')
    assert one.show({1: 0}, frames=3) == {1: 1}
    assert two.show({1: 1}) == {1: 0}, 'equal tracks of two robots are two tracks'
    assert two.show({2: 0}) == {2: 1}
    assert two.matches[-1].matches[0].last_camera == '/robot1/front'
