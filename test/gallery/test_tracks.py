"""Tracks become identities: enrolment, return, contradiction, restart, erasure."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.gallery.features import Features, GalleryError
from latent_rag_ros.gallery.gallery import Gallery
from latent_rag_ros.gallery.tracks import TrackIdentifier, TrackMatch

from .conftest import People, PeopleOf

SECOND_NS = 1_000_000_000
FRAME_NS = SECOND_NS // 10


class Scene:
    """Cameras in front of simulated people, and the identifier that watches them."""

    def __init__(self, people: People, identities_max: int = 100,
                 enrol: bool = True) -> None:
        """Start with an empty gallery at time zero."""
        self.people = people
        self.gallery = Gallery(features_per_identity=5, identities_max=identities_max)
        self.identifier = TrackIdentifier(self.gallery, similarity_min=0.7, enrol=enrol,
                                          observations_min=3)
        self.now_ns = 0

    def frame(self, persons: dict[int, int], camera: str = 'front') -> dict[int, TrackMatch]:
        """Show one frame with {track: person}; return the matches by track."""
        self.now_ns += FRAME_NS
        matches = self.identifier.identify(camera, self.now_ns, list(persons),
                                           self.people.seen(*persons.values()))
        assert [match.track_id for match in matches] == list(persons)
        return {match.track_id: match for match in matches}

    def frames(self, count: int, persons: dict[int, int],
               camera: str = 'front') -> dict[int, int]:
        """Show the same persons for several frames; return the identity ids of the last one."""
        for _ in range(count):
            matches = self.frame(persons, camera)
        return {track_id: match.identity_id for track_id, match in matches.items()}


@pytest.fixture
def scene(people_of: PeopleOf) -> Scene:
    """Return a scene with 20 persons to choose from."""
    return Scene(people_of(20))


def test_track_is_enrolled_when_it_matched_nobody_often_enough(scene: Scene) -> None:
    """Unknown, unknown, enrolled, known: and only the enrolling observation says so."""
    matches = [scene.frame({7: 0})[7] for _ in range(5)]
    assert [match.identity_id for match in matches] == [0, 0, 1, 1, 1]
    assert [match.enrolled for match in matches] == [False, False, True, False, False]
    assert np.isnan(matches[0].similarity) and matches[4].similarity > 0.8
    [identity] = scene.gallery.identities()
    assert (identity.first_seen_ns, identity.last_seen_ns) == (FRAME_NS, 5 * FRAME_NS)


def remembered(scene: Scene, after_ns: int, *tracks: int, taken: tuple[int, ...] = (),
               camera: str = 'front') -> list[int]:
    """Return who tracks without a feature are, some time after the last frame."""
    return scene.identifier.remembered(camera, scene.now_ns + after_ns, tracks, taken)


def test_person_without_a_feature_keeps_the_identity_of_the_track_for_a_while(
        scene: Scene) -> None:
    """Known tracks only, before their own camera only, and not after a pause."""
    assert scene.frames(5, {7: 0, 8: 1}) == {7: 1, 8: 2}
    scene.frame({9: 2})
    assert remembered(scene, FRAME_NS, 8, 7, 9, 10) == [2, 1, 0, 0]
    assert remembered(scene, FRAME_NS, 7, camera='rear') == [0]
    assert remembered(scene, SECOND_NS, 7) == [0]
    scene.identifier.erase(1)
    assert remembered(scene, FRAME_NS, 7, 8) == [0, 2]


def test_remembered_identity_is_nobodys_when_a_seen_person_has_it(scene: Scene) -> None:
    """Nobody is in a frame twice."""
    scene.frames(5, {7: 0})
    assert remembered(scene, FRAME_NS, 7, taken=(1,)) == [0]


def test_identity_is_not_remembered_when_the_last_view_contradicted_it(scene: Scene) -> None:
    """Whoever is in the track now, it is not surely the one before."""
    scene.frames(5, {7: 0})
    assert scene.frame({7: 1})[7].identity_id == 0
    assert remembered(scene, FRAME_NS, 7) == [0]


def test_nobody_is_enrolled_when_enrolment_is_off(people_of: PeopleOf) -> None:
    """Without enrolment everybody stays unknown."""
    scene = Scene(people_of(2), enrol=False)
    assert scene.frames(10, {1: 0, 2: 1}) == {1: 0, 2: 0}
    assert len(scene.gallery) == 0


def test_returning_person_is_recognised_when_track_and_camera_are_new(scene: Scene) -> None:
    """Ten people come, leave, and come back in other tracks and before another camera."""
    first = {person: scene.frames(5, {person + 1: person})[person + 1] for person in range(10)}
    assert sorted(first.values()) == list(range(1, 11))
    scene.now_ns += 600 * SECOND_NS
    for person in reversed(range(10)):
        track = 100 + person
        assert scene.frame({track: person}, 'rear')[track].identity_id == first[person]
    assert len(scene.gallery) == 10


def test_two_persons_never_share_when_they_look_alike(people_of: PeopleOf) -> None:
    """Twins in one frame get two identities, in every frame, though each matches both."""
    scene = Scene(people_of(1, noise=0.1))
    seen = [scene.frame({1: 0, 2: 0}) for _ in range(20)]
    for matches in seen:
        known = [match.identity_id for match in matches.values() if match.identity_id]
        assert len(known) == len(set(known))
    assert [match.identity_id for match in seen[-1].values()] == [1, 2]


def test_crowd_never_shares_when_people_come_and_go(people_of: PeopleOf) -> None:
    """Random comings and goings before two cameras: no identity twice in one frame."""
    scene, random = Scene(people_of(15, noise=0.6)), np.random.default_rng(3)
    for step in range(150):
        persons = random.permutation(15)[:random.integers(1, 8)]
        matches = scene.frame({100 * (step // 10) + int(p) + 1: int(p) for p in persons},
                              'front' if step % 2 else 'rear')
        known = [match.identity_id for match in matches.values() if match.identity_id]
        assert len(known) == len(set(known))
    assert len(scene.gallery) >= 10


def test_track_keeps_its_identity_when_single_views_are_bad(scene: Scene) -> None:
    """Frames that look like nobody or somebody else are answered so, and change no memory."""
    scene.frames(5, {1: 0})
    scene.frames(5, {2: 1})
    features = scene.gallery.feature_count
    for person, answer in ((9, 0), (1, 2)):
        assert scene.frames(3, {3: 0}) == {3: 1}
        assert scene.frames(2, {3: person}) == {3: answer}
    assert scene.gallery.match(scene.people.seen(9))[0][0].similarity < 0.5
    assert scene.gallery.feature_count <= features + 2
    assert scene.frame({3: 0})[3].identity_id == 1


def test_tracks_swap_identities_when_the_tracker_swapped_them(scene: Scene) -> None:
    """Both identities move to the right tracks, and none learns from the other."""
    assert scene.frames(5, {1: 0, 2: 1}) == {1: 1, 2: 2}
    features = scene.gallery.feature_count
    assert scene.frames(3, {1: 1, 2: 0}) == {1: 2, 2: 1}
    seen_ns = [identity.last_seen_ns for identity in scene.gallery.identities()]
    assert seen_ns == [8 * FRAME_NS] * 2 and scene.gallery.feature_count <= features + 4
    assert len(scene.gallery) == 2


def test_identity_moves_when_a_second_track_shows_more_of_it(scene: Scene) -> None:
    """A track that comes back while another holds its identity is compared, not believed."""
    scene.frames(5, {1: 0})
    scene.frames(5, {2: 0})
    matches = scene.frame({1: 5, 2: 0})
    assert matches[2].identity_id == 1 and matches[1].identity_id == 0
    assert scene.frame({1: 5})[1].identity_id == 0


def test_nothing_is_inherited_when_the_protector_restarts(scene: Scene) -> None:
    """Track 1 of a new run is not the old track 1, whoever it is; the old person is found."""
    scene.frames(5, {1: 0})
    scene.frames(2, {2: 1})
    scene.now_ns += 5 * SECOND_NS
    assert scene.frames(2, {1: 3, 2: 4}) == {1: 0, 2: 0}
    assert scene.frames(1, {1: 3, 2: 4}) == {1: 2, 2: 3}
    assert scene.frame({3: 0})[3].identity_id == 1
    assert scene.gallery.match(scene.people.seen(1))[0][0].similarity < 0.5


def test_tracks_are_forgotten_when_time_jumps_back(scene: Scene) -> None:
    """A bag that starts again begins with new tracks; known people are known at once."""
    scene.frames(5, {1: 0})
    scene.now_ns = 0
    assert scene.frame({1: 4})[1].identity_id == 0
    assert scene.frame({2: 0})[2].identity_id == 1


def test_slow_camera_enrols_when_frames_are_seconds_apart(scene: Scene) -> None:
    """Observations add up although every pause is long."""
    for _ in range(3):
        scene.now_ns += 10 * SECOND_NS
        match = scene.frame({1: 0})[1]
    assert match.enrolled


def test_observations_are_forgotten_when_too_old(scene: Scene) -> None:
    """What waited for enrolment for more than a minute does not count any more."""
    scene.frames(2, {1: 0})
    scene.now_ns += 61 * SECOND_NS
    assert scene.frames(2, {1: 0}) == {1: 0}
    assert scene.frame({1: 0})[1].enrolled


def test_same_view_is_kept_once_when_a_person_stands_still(people_of: PeopleOf) -> None:
    """Views nearly equal to a kept one add nothing, so they do not push out the others."""
    scene = Scene(people_of(1, noise=0.1))
    scene.frames(20, {1: 0})
    [identity] = scene.gallery.identities()
    assert identity.feature_count == 3 and identity.last_seen_ns == 20 * FRAME_NS


@pytest.mark.parametrize('cosine, features', [
    (0.45, 4),   # under the limit, and still more likely the person of the track than another
    (0.75, 4),   # a new view
    (0.95, 3),   # nothing new
])
def test_view_is_learned_when_sure_and_new(scene: Scene, cosine: float, features: int) -> None:
    """Only features between equal odds and near equality become features of the identity."""
    def view(cosine: float) -> Features:
        vector = np.zeros((1, scene.people.space.dimension), np.float32)
        vector[0, :2] = cosine, (1 - cosine ** 2) ** 0.5
        return Features(scene.people.space, vector)
    for number in range(3):
        scene.identifier.identify('front', number * FRAME_NS, [1], view(1.0))
    [match] = scene.identifier.identify('front', 3 * FRAME_NS, [1], view(cosine))
    assert match.identity_id == 1
    assert scene.gallery.feature_count == features


def test_person_is_unknown_when_just_erased(scene: Scene) -> None:
    """An erased identity matches nobody; the person in view becomes another identity later."""
    scene.frames(5, {1: 0, 2: 1})
    scene.frames(2, {3: 2})
    assert scene.identifier.erase(1) >= 1
    matches = scene.frame({1: 0, 2: 1, 3: 2})
    assert (matches[1].identity_id, matches[2].identity_id) == (0, 2)
    assert matches[3].identity_id == 0, 'features that waited for enrolment are erased too'
    assert scene.frames(2, {1: 0})[1] == 3


def test_everybody_is_unknown_when_all_are_erased(scene: Scene) -> None:
    """erase_all leaves no identity, no feature and no track."""
    scene.frames(5, {1: 0, 2: 1})
    assert scene.identifier.erase_all() == 2
    assert scene.gallery.feature_count == 0
    assert {m.identity_id for m in scene.frame({1: 0, 2: 1}).values()} == {0}


def test_recognised_person_stays_when_the_gallery_is_full(people_of: PeopleOf) -> None:
    """A newcomer takes the place of somebody absent, not of somebody in the same frame."""
    scene = Scene(people_of(3), identities_max=2)
    scene.frames(3, {1: 0})
    scene.frames(3, {2: 1})
    assert scene.frames(2, {5: 2}) == {5: 0}
    assert scene.frames(1, {5: 2, 6: 0}) == {5: 3, 6: 1}
    assert [identity.identity_id for identity in scene.gallery.identities()] == [1, 3]


def test_identification_is_deterministic_when_repeated(people_of: PeopleOf) -> None:
    """The same observations give the same identities and cosines."""
    def run() -> list[list[TrackMatch]]:
        scene = Scene(people_of(6, seed=5, noise=0.8))
        return [list(scene.frame({1: step % 6, 2: (step + 1) % 6}).values())
                for step in range(60)]
    assert repr(run()) == repr(run())


def test_frame_is_refused_when_tracks_and_features_do_not_fit(scene: Scene) -> None:
    """A track twice, or a missing feature, is an error and changes nothing."""
    with pytest.raises(GalleryError, match='send each track once'):
        scene.identifier.identify('front', 1, [1, 1], scene.people.seen(0, 1))
    with pytest.raises(GalleryError, match='send each track once'):
        scene.identifier.identify('front', 1, [1, 2], scene.people.seen(0))
    assert len(scene.gallery) == 0


def test_nobody_is_returned_when_the_frame_is_empty(scene: Scene) -> None:
    """A frame without persons gives no matches."""
    empty = Features(scene.people.space,
                     np.empty((0, scene.people.space.dimension), np.float32))
    assert scene.identifier.identify('front', 1, [], empty) == []
