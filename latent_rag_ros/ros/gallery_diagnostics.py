"""The health of the reidentifier as /diagnostics, for the tools that watch a whole robot."""
from __future__ import annotations

from dataclasses import dataclass

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from std_msgs.msg import Header

from latent_rag_ros.gallery.gallery import Gallery
from latent_rag_ros.gallery.limits import MatchLimit


@dataclass
class FrameCounts:
    """What became of the frames of identities since the node was configured.

    Attributes
    ----------
    matched, refused : int
        Frames that were answered, and those that the gallery did not take.
    refusal : str
        Why the last one was refused; empty when none was since the last report.
    """

    matched: int = 0
    refused: int = 0
    refusal: str = ''


def gallery_diagnostics(name: str, state: str, gallery: Gallery, limit: MatchLimit,
                        counts: FrameCounts, stamp: Time) -> DiagnosticArray:
    """Return the state of a reidentifier as diagnostics: WARN after a refusal, else OK.

    Parameters
    ----------
    name : str
        Full name of the node.
    state : str
        Its lifecycle state; every state but `active` is reported as STALE.
    gallery : Gallery
        The identities it knows.
    limit : MatchLimit
        From which cosine on somebody is known, and why.
    counts : FrameCounts
        Frames so far; `refusal` makes the level WARN.
    stamp : Time
        The moment of this report.
    """
    level, message = DiagnosticStatus.OK, f'{len(gallery)} identities'
    if state != 'active':
        level, message = DiagnosticStatus.STALE, state
    elif counts.refusal:
        level, message = DiagnosticStatus.WARN, counts.refusal
    values = {'identities': len(gallery), 'features': gallery.feature_count,
              'features_of': gallery.space or 'none yet', 'frames_matched': counts.matched,
              'frames_refused': counts.refused, 'similarity_min': f'{limit(len(gallery)):.3f}',
              'limit': limit.origin, 'search': gallery.search_kind}
    report = DiagnosticStatus(
        level=level, name=f'{name}: gallery', message=message,
        values=[KeyValue(key=key, value=str(value)) for key, value in values.items()])
    return DiagnosticArray(header=Header(stamp=stamp), status=[report])
