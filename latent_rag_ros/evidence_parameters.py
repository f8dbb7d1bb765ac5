"""The rows of the table that belong to `protection.method: identity_decoupled`."""
from __future__ import annotations

from latent_rag_ros.parameter import Parameter

EVIDENCE: tuple[Parameter, ...] = (
    Parameter('evidence.weights', '', 'Folder of latent-rag train faces; empty takes '
              'weights.directory.'),
    Parameter('evidence.networks', '', 'Folder of scripts/convert_face_networks.py and '
              'calibrate_face_oracles.py: face detector, mesh, recognition networks and '
              'their thresholds. Needed, as they are not shipped. See '
              'docs/identity_decoupling.md.'),
    Parameter('evidence.person_method', 'latent_rag', 'What covers people in protected/image, and '
              'those in evidence/image whose head is not replaced: as protection.method.',
              choices=('latent_rag', 'solid'), weakened_by='lowering'),
    Parameter('evidence.generator', 'student', 'Who draws faces: the diffusion model of up to 50 '
              'steps (teacher), or the one distilled to 4 (student).',
              choices=('student', 'teacher')),
    Parameter('evidence.steps', 1, 'Steps per face: 1 to 4 of the student, 1 to 50 of the '
              'teacher.', 1, 50),
    Parameter('evidence.small_face_policy', 'whole_person', 'Who shows no face, too small a one '
              'or one turned away, is covered whole (whole_person), or gets a neutral fill over '
              'the head where it is certain where that is (neutral).',
              choices=('neutral', 'whole_person'), weakened_by='lowering'),
    Parameter('evidence.face_px_min', 24, 'Faces less wide than this are not replaced, but '
              'covered as evidence.small_face_policy says.', 8, 1000, weakened_by='lowering'),
    Parameter('evidence.search_px', 640, 'Faces are searched with the longer side of the image '
              'scaled down to this; larger finds smaller faces and takes longer.', 64, 8192),
    Parameter('evidence.cosine_max', 0.0, 'The identity of a replacement is drawn until its '
              'cosine to the person is below this, and kept until it is 0.3 above.', -1.0, 1.0,
              weakened_by='raising'),
    Parameter('evidence.tries', 64, 'After so many identities that are too near, a person is '
              'covered whole.', 1, 10_000),
    Parameter('evidence.attribute_noise', 6.0, 'Standard deviation of the noise on the looks of '
              'a face, whose own is about 1; where its parts are is not noised. More of it makes '
              'people harder to find again, and keeps less of what they do.', 0.0, 10.0,
              weakened_by='lowering'),
    Parameter('evidence.enforcement_steps', 8, 'Most gradient steps per face against recognition '
              'networks that still know the person; whom they know after that is covered whole.',
              0, 100),
    Parameter('evidence.publish_measurements', False, 'Publish how similar each replaced face '
              'still is to the person, and the effort it took: for tests, as many such numbers '
              'together tell something of the person.', weakened_by='raising'),
)
