"""Counters that add up at every moment, and the state that follows from a frame."""
from __future__ import annotations

import threading

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
from std_msgs.msg import Header

from latent_rag_ros.msg import IdentityFeature, ProtectionStatus
from latent_rag_ros.protection.types import Box, Fill, Outcome, ProtectedFrame, ProtectedPerson
from latent_rag_ros.protection.types import Reason
from latent_rag_ros.ros.diagnostics import diagnostics
from latent_rag_ros.ros.identity_array import identity_array
from latent_rag_ros.ros.mailbox import Mailbox
from latent_rag_ros.ros.overlay import draw_overlay
from latent_rag_ros.ros.status import FilterStatus, State

HEADER = Header(frame_id='front', stamp=Time(sec=9))
FEATURE = np.full(4, 0.5, np.float32)
SYNTHETIC = ProtectedPerson(7, Box(2, 3, 12, 30), 0.8, 0, Fill.SYNTHETIC, Reason.NONE, FEATURE,
                            0.9, 12.0, 0.3)
SOLID = ProtectedPerson(8, Box(20, 3, 30, 30), 0.5, 2, Fill.SOLID, Reason.MISSED)


def frame_of(*persons: ProtectedPerson, reason: Reason = Reason.NONE,
             outcome: Outcome = Outcome.PROTECTED, message: str = '') -> ProtectedFrame:
    """Return a frame of 40 x 60 grey pixels."""
    return ProtectedFrame(np.full((40, 60, 3), 90, np.uint8), outcome, reason, persons,
                          np.ones((40, 60), bool), {'detect': 0.01}, message)


def add_up(message: ProtectionStatus) -> bool:
    """Return whether the counters of a message add up."""
    return 0 <= message.frames_pending <= 2 and message.frames_received == (
        message.frames_protected + message.frames_blanked + message.frames_dropped
        + message.frames_pending)


def test_reasons_and_fills_have_the_numbers_of_the_messages() -> None:
    assert {reason.name: reason.value for reason in Reason} == {
        name[7:]: getattr(ProtectionStatus, name) for name in dir(ProtectionStatus)
        if name.startswith('REASON_')}
    assert {fill.name: fill.value for fill in Fill} == {
        name[5:]: getattr(IdentityFeature, name) for name in dir(IdentityFeature)
        if name.startswith('FILL_')}


@pytest.mark.parametrize(('frame', 'state'), [
    (frame_of(SYNTHETIC), State.PROTECTING),
    (frame_of(SOLID, reason=Reason.MISSED), State.DEGRADED),
    (frame_of(reason=Reason.DETECTOR_FAILED, outcome=Outcome.BLANKED, message='NaN'),
     State.BLANKING)])
def test_state_follows_from_the_last_frame(frame: ProtectedFrame, state: State) -> None:
    status = FilterStatus('solid', 'cpu')
    status.receive(lambda: 0)
    assert status.finish(frame, HEADER, 0, {'total': 0.25})
    message = status.message()
    assert (message.state, message.reason) == (state, frame.reason)
    assert (message.message, message.header) == (frame.message, HEADER)
    assert (message.method, message.device, message.schema_version) == ('solid', 'cpu', 1)
    assert (message.latency_stages, list(message.latency_ms)) == (['total'], [250.0])


def test_persons_and_identities_are_counted() -> None:
    status = FilterStatus()
    status.receive(lambda: 0)
    status.finish(frame_of(SYNTHETIC, SOLID), HEADER, 1, {})
    message = status.message()
    assert (message.persons_protected, message.persons_solid, message.identities_published) \
        == (2, 1, 1)


def test_counters_add_up_while_two_threads_count() -> None:
    status, mailbox = FilterStatus(), Mailbox()
    wrong: list[ProtectionStatus] = []

    def work() -> None:
        while mailbox.take() is not None:
            status.finish(frame_of(), HEADER, 0, {})

    worker = threading.Thread(target=work)
    worker.start()
    for number in range(2000):
        status.receive(lambda: mailbox.put(number))
        wrong += [message for message in [status.message()] if not add_up(message)]
    mailbox.close()
    worker.join()
    status.drop_pending()
    message = status.message()
    assert wrong == [] and add_up(message)
    assert (message.frames_received, message.frames_pending) == (2000, 0)


def test_change_says_whether_anything_changed() -> None:
    status = FilterStatus()
    assert status.change(State.BLANKING, Reason.NO_INPUT, 'waiting')
    assert not status.change(State.BLANKING, Reason.NO_INPUT, 'waiting')
    assert status.text == 'blanking: no input: waiting'


@pytest.mark.parametrize(('state', 'level'), [
    (State.PROTECTING, DiagnosticStatus.OK), (State.DEGRADED, DiagnosticStatus.WARN),
    (State.BLANKING, DiagnosticStatus.ERROR), (State.INACTIVE, DiagnosticStatus.WARN)])
def test_diagnostics_show_state_and_counters(state: State, level: bytes) -> None:
    status = FilterStatus('latent_rag', 'cuda:0')
    status.change(state, Reason.NONE, 'all well')
    array = diagnostics(status.message(), '/front/protector', 'embedder-1', Time(sec=3))
    report = array.status[0]
    values = {pair.key: pair.value for pair in report.values}
    assert (report.level, array.header.stamp.sec) == (level, 3)
    assert report.name == '/front/protector: protection' and 'all well' in report.message
    assert values['device'] == 'cuda:0' and values['model'] == 'embedder-1'
    assert values['frames_received'] == '0'


def test_identity_array_describes_every_person() -> None:
    message = identity_array(frame_of(SYNTHETIC, SOLID), HEADER, 'embedder-1', 4)
    first, second = message.identities
    assert (message.header, message.schema_version, message.key_id) == (HEADER, 1, '')
    assert (message.model_id, message.feature_dimension) == ('embedder-1', 4)
    assert (first.track_id, first.fill, list(first.feature)) == (7, Fill.SYNTHETIC, [0.5] * 4)
    assert (first.roi.x_offset, first.roi.y_offset, first.roi.width, first.roi.height) \
        == (2, 3, 10, 27)
    assert (second.fill, second.missed_frames, len(second.feature)) == (Fill.SOLID, 2, 0)
    assert np.isnan(second.cosine) and first.cosine == pytest.approx(0.9)


def test_overlay_draws_on_a_copy_of_the_protected_pixels() -> None:
    frame = frame_of(SYNTHETIC, SOLID)
    overlay = draw_overlay(frame, 'protecting')
    assert (frame.image == 90).all()
    assert (overlay[3, 2] != 90).any() and (overlay[3, 20] != 90).any()
    assert overlay.shape == frame.image.shape


def test_overlay_shows_the_identity_behind_the_track_where_it_is_known() -> None:
    frame = frame_of(SYNTHETIC, SOLID)
    track = frame.persons[0].track_id
    plain, named = (draw_overlay(frame, 'protecting', known) for known in ({}, {track: 7}))
    assert (plain != named).any()
    assert (draw_overlay(frame, 'protecting', {999: 7}) == plain).all()
