"""One identity per person, one person per identity, within a frame."""
from __future__ import annotations

from latent_rag_ros.gallery.assignment import assign
from latent_rag_ros.gallery.identity import Candidate


def ids(assigned: list[Candidate | None]) -> list[int | None]:
    """Return the assigned identity ids, None for nobody."""
    return [match and match.identity_id for match in assigned]


def test_best_pairs_win_when_two_persons_want_one_identity() -> None:
    """The more similar person gets the identity, the other its next one or nobody."""
    both_like_one = [[Candidate(1, 0.9)], [Candidate(1, 0.95)]]
    assert ids(assign(both_like_one, (), 0.7)) == [None, 1]
    with_second_choice = [[Candidate(1, 0.9), Candidate(2, 0.8)], [Candidate(1, 0.95)]]
    assert ids(assign(with_second_choice, (), 0.7)) == [2, 1]


def test_nobody_is_assigned_when_below_the_limit_or_taken() -> None:
    """Candidates under the limit and identities of other persons are out; the limit is in."""
    candidates = [[Candidate(1, 0.69)], [Candidate(2, 0.9)], [Candidate(3, 0.7)]]
    assert ids(assign(candidates, {2}, 0.7)) == [None, None, 3]


def test_assignment_is_empty_when_frame_or_gallery_is() -> None:
    """No persons give no assignment, no candidates give nobody."""
    assert assign([], (), 0.7) == []
    assert assign([[], []], (), 0.7) == [None, None]
