"""What tracks learn: pooled features, the quality gate, merging, cameras that are far apart."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.gallery.features import Features, FeatureSpace
from latent_rag_ros.gallery.gallery import Gallery
from latent_rag_ros.gallery.quality import QualityGate
from latent_rag_ros.gallery.tracks import TrackIdentifier, TrackMatch

from .conftest import People, PeopleOf

FRAME_NS = 100_000_000
SPACE = FeatureSpace('test-embedder', '', 8)


class Watch:
    """An identifier and its clock."""

    def __init__(self, **options: object) -> None:
        """Begin with an empty gallery."""
        self.gallery, self.now_ns = Gallery(5, 100), 0
        self.identifier = TrackIdentifier(self.gallery, 0.7, True, 3, **options)

    def see(self, features: Features, *tracks: int, camera: str = 'front',
            is_good: list[bool] | None = None) -> list[TrackMatch]:
        """Show one frame."""
        self.now_ns += FRAME_NS
        return self.identifier.identify(camera, self.now_ns, tracks, features, is_good)


def view(*parts: float) -> Features:
    """Return one feature with these first numbers, normalised."""
    vector = np.zeros((1, SPACE.dimension), np.float32)
    vector[0, :len(parts)] = parts
    return Features(SPACE, vector / np.linalg.norm(vector))


def test_returning_people_match_better_when_features_are_pooled(people_of: PeopleOf) -> None:
    """The mean of noisy views is nearer to the person than a view alone."""
    similarities = {}
    for pooling in (1, 5):
        people: People = people_of(6, noise=0.55)
        watch = Watch(pooling=pooling)
        for person in range(6):
            for _ in range(5):
                watch.see(people.seen(person), person + 1)
        watch.now_ns += 100 * FRAME_NS
        similarities[pooling] = [watch.see(people.seen(person), 50 + person)[0].similarity
                                 for _ in range(5) for person in range(6)][-6:]
    assert np.mean(similarities[5]) > np.mean(similarities[1]) + 0.05


def test_pool_begins_anew_when_the_track_shows_somebody_else(people_of: PeopleOf) -> None:
    """A tracker that jumps to another person does not blur the two."""
    people, watch = people_of(3), Watch(pooling=5)
    for track, person in ((1, 0), (2, 1)):
        for _ in range(4):
            watch.see(people.seen(person), track)
    identities = [watch.see(people.seen(1), 1)[0] for _ in range(3)]
    assert identities[-1].identity_id == 2 and identities[-1].similarity > 0.8


def test_bad_observations_teach_nothing_but_match(people_of: PeopleOf) -> None:
    """What fails the gate is neither enrolled nor learned, and a known person is still known."""
    people, watch = people_of(2), Watch(pooling=5)
    for _ in range(10):
        [match] = watch.see(people.seen(0), 1, is_good=[False])
    assert match.identity_id == 0 and len(watch.gallery) == 0
    for _ in range(3):
        watch.see(people.seen(0), 1)
    count = watch.gallery.feature_count
    for _ in range(10):
        [match] = watch.see(people.seen(0), 9, is_good=[False])
        assert match.identity_id == 1
        [match] = watch.see(people.seen(1), 1, is_good=[False])
        assert match.identity_id == 0, 'it shows somebody else'
    assert watch.see(people.seen(0), 1)[0].identity_id == 1, 'a bad view contradicts nobody'
    assert watch.gallery.feature_count == count


@pytest.mark.parametrize('height, width, score, missed, passes', [
    (100, 40, 0.8, 0, True), (100, 40, 0.8, 1, False), (63, 30, 0.8, 0, False),
    (100, 40, 0.4, 0, False), (100, 90, 0.8, 0, False), (300, 20, 0.8, 0, False)])
def test_gate_refuses_small_hidden_and_doubtful_people(height: int, width: int, score: float,
                                                       missed: int, passes: bool) -> None:
    """Size, score, shape and a detector that missed the person, one at a time."""
    assert QualityGate(64, 0.5).passes(height, width, score, missed) is passes


def split_person(watch: Watch) -> None:
    """Enrol the front and the back of a person as two identities."""
    for track, feature in ((1, view(1, 0, 0)), (2, view(0.6, 0.8, 0))):
        for _ in range(3):
            watch.see(feature, track)
    assert len(watch.gallery) == 2
    for identity_id in (1, 2):
        watch.gallery.observe(identity_id, watch.now_ns, view(0.95, 0.312, 0))


def test_identities_merge_when_a_track_matches_both(people_of: PeopleOf) -> None:
    """Again and again both, never side by side: the older number stays, the other is gone."""
    watch = Watch(merge=True)
    split_person(watch)
    matches = [watch.see(view(0.95, 0.312, 0), 7)[0] for _ in range(6)]
    assert [match.merged_id for match in matches].count(2) == 1
    assert matches[-1].identity_id == 1 and len(watch.gallery) == 1
    assert watch.gallery.identity(1).feature_count == 5


def test_identities_stay_apart_when_seen_side_by_side() -> None:
    """Two people in one frame who look alike are never merged, whatever comes later."""
    watch = Watch(merge=True)
    split_person(watch)
    both = Features(SPACE, np.concatenate([view(1, 0, 0).vectors, view(0.6, 0.8, 0).vectors]))
    for _ in range(3):
        watch.see(both, 4, 5)
    assert watch.gallery.identity(1).apart_from == (2,)
    for _ in range(10):
        watch.see(view(0.95, 0.312, 0), 7)
    assert len(watch.gallery) == 2


def test_nobody_is_in_two_places_when_cameras_are_far_apart(people_of: PeopleOf) -> None:
    """With a travel time somebody alike elsewhere is another person; later it may be the same."""
    people, watch = people_of(1), Watch(travel_s_min=5.0)
    for _ in range(3):
        watch.see(people.seen(0), 1)
    assert watch.see(people.seen(0), 1, camera='rear')[0].identity_id == 0
    watch.now_ns += 60 * FRAME_NS
    assert watch.see(people.seen(0), 2, camera='rear')[0].identity_id == 1


def test_tracks_stay_when_frames_arrive_out_of_order(people_of: PeopleOf) -> None:
    """A frame that is late by a tenth of a second is no clock that was set back."""
    people, watch = people_of(2), Watch()
    watch.see(people.seen(0), 1)
    watch.see(people.seen(0), 1)
    watch.now_ns -= 2 * FRAME_NS
    assert watch.see(people.seen(0), 1)[0].enrolled


def test_people_are_known_when_clocks_of_two_robots_are_hours_apart(people_of: PeopleOf) -> None:
    """Stamps are compared within a camera only; neither robot's tracks are forgotten."""
    people, gallery = people_of(2), Gallery(5, 100)
    identifier = TrackIdentifier(gallery, 0.7, True, 3)
    skew_ns = 3 * 3600 * 1_000_000_000
    for frame in range(6):
        for camera, offset_ns, person in (('/one/front', 0, 0), ('/two/front', skew_ns, 1)):
            [match] = identifier.identify(camera, offset_ns + frame * FRAME_NS, [1],
                                          people.seen(person))
    assert len(gallery) == 2 and match.identity_id == 2
    [match] = identifier.identify('/one/front', 7 * FRAME_NS, [2], people.seen(1))
    assert match.identity_id == 2, 'seen by the other robot, in what is the future here'
    [match] = identifier.identify('/two/front', skew_ns + 7 * FRAME_NS, [2], people.seen(0))
    assert match.identity_id == 1
