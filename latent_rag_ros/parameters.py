"""The one table of parameters: names, defaults, ranges and descriptions of every node.

The nodes declare what stands here, the files in `config/` and the tables in README.md are tested
against it. No ROS in this file; `ros.parameters` turns the rows into ROS declarations.
"""
from __future__ import annotations

from collections.abc import Mapping

from latent_rag_ros.coverage_presets import COVERAGE_PRESETS, DEFAULT, PRESET, PRESET_CHOICE
from latent_rag_ros.evidence_parameters import EVIDENCE
from latent_rag_ros.parameter import Parameter, ParameterError, Value

DEVICE = Parameter(
    'device', 'auto', 'Where the networks run; auto takes CUDA when it is there. '
    'The device really used is logged and published: auto, cpu, cuda or cuda:N.')
ENGINE = Parameter(
    'engine', 'auto', 'What runs the networks on the CPU where no gradients are needed: ONNX '
    'Runtime, or OpenCV and PyTorch (plain), which take twice as long. auto takes ONNX Runtime '
    'where it is installed.', choices=('auto', 'onnxruntime', 'plain'))
AUTOSTART = Parameter(
    'autostart', True, 'Configure and activate at start, without a lifecycle manager.')

DEFAULT_EXTRACTOR = 'protected'
"""Default of `identity.extractor`; `protected` needs the weights of a protection head."""

PROTECTOR: tuple[Parameter, ...] = (
    DEVICE,
    ENGINE,
    AUTOSTART,
    Parameter('input.transport', 'raw', 'Subscribe image_raw (raw) or image_raw/compressed.',
              choices=('raw', 'compressed')),
    Parameter('qos.reliability', 'auto', 'Reliability of the image subscription; auto follows '
              'the camera and subscribes again when the camera changes it.',
              choices=('auto', 'reliable', 'best_effort')),
    Parameter('weights.directory', '', 'Folder with the weights; empty takes the shipped ones.'),
    Parameter('detector.score_min', float(PRESET), 'Detections from this score on are covered. '
              'Lower covers more people and more things that are none.', 0.05, 0.95,
              weakened_by='raising', by_preset=True),
    Parameter('detector.views', PRESET, 'Views of every frame that the shipped detector looks '
              'at: 1 keeps the aspect, 2 looks at it stretched to a square as well.', 1, 2,
              weakened_by='lowering', by_preset=True),
    Parameter('detector.second_view_every_frames', PRESET, 'The stretched view is looked at in '
              'every so many frames: who is seen in it alone is found that much later.', 1, 10,
              weakened_by='raising', by_preset=True),
    Parameter('detector.tiles', PRESET, 'A second pass looks for small people in this many '
              'overlapping tiles along the longer side; 0 and 1 make none.', 0, 8,
              weakened_by='lowering', by_preset=True),
    Parameter('detector.every_frames', PRESET, 'People are detected in every so many frames, and '
              'in each one in which something moves outside of what is covered; tracks go on in '
              'between. 1 detects in every frame.', 1, 10, weakened_by='raising',
              by_preset=True),
    Parameter('detector.second_opinion', PRESET_CHOICE, 'Who is asked for people whom the '
              'detector missed: nobody, or the segmentation network on the whole frame.',
              choices=(PRESET_CHOICE, 'none', 'segmentation'), weakened_by='lowering',
              by_preset=True),
    Parameter('detector.self_test_frames', 30, 'After this many frames in a row without anybody '
              'the detector has to find the person in a known picture, or frames are blanked; 0 '
              'tests nothing.', 0, 10_000),
    Parameter('detector.overlap_max', 0.6, 'Two detections that overlap more than this '
              '(intersection over union) are one person.', 0.1, 0.95, weakened_by='lowering'),
    Parameter('detector.model', '', 'ONNX file of a detector of your own; empty takes the shipped '
              'one. See docs/bring_your_own.md.'),
    Parameter('detector.format', 'auto', "Layout of that detector's output; auto tells it from "
              'the shapes.', choices=('auto', 'nanodet', 'yolox', 'detr', 'ultralytics')),
    Parameter('detector.person_class', -1, 'Class number of a person in that detector; -1 takes '
              '1 of 91 classes (COCO with gaps), 0 otherwise.', -1, 10_000),
    Parameter('detector.input_px', 0, 'Side of its square input where the file leaves it open; 0 '
              'takes 640.', 0, 4096),
    Parameter('detector.normalisation', 'auto', 'How its input is scaled; auto takes what the '
              'format was published with.',
              choices=('auto', 'unit', 'imagenet', 'signed', 'byte')),
    Parameter('mask.enabled', True, 'Unite the person mask with the box, so that arms and bags '
              'outside the box are covered too.', weakened_by='lowering'),
    Parameter('mask.score_min', 0.3, 'Pixels from this person probability on belong to the mask.',
              0.05, 0.95, weakened_by='raising'),
    Parameter('mask.every_frames', PRESET, 'A mask is made anew after this many frames at the '
              'latest; in between it follows the box and grows. 1 makes it in every frame.', 1, 30,
              weakened_by='raising', by_preset=True),
    Parameter('tracker.overlap_min', 0.2, 'A detection continues a track when they overlap at '
              'least this much (intersection over union).', 0.05, 0.9),
    Parameter('tracker.memory_frames', PRESET, 'A person stays covered for at most this many '
              'frames after the last detection.', 0, 300, weakened_by='lowering',
              by_preset=True),
    Parameter('tracker.memory_s', float(PRESET), 'And for at most this long, but for two frames '
              'in any case: where frames are dropped, people have gone elsewhere by then.', 0.0,
              60.0, weakened_by='lowering', by_preset=True),
    Parameter('protection.coverage', DEFAULT, 'How much is done so that nobody is missed: the '
              'values of all parameters that name it, unless they are given themselves.',
              choices=tuple(COVERAGE_PRESETS), weakened_by='lowering'),
    Parameter('protection.look_ahead_frames', PRESET, 'Frames are held back by this many frames, '
              'so that people are covered before they were first seen. Adds as many frame periods '
              'of latency, for which guard.deadline_s must leave time.', 0, 30,
              weakened_by='lowering', by_preset=True),
    Parameter('protection.method', 'latent_rag', 'What replaces a person: a synthesised person '
              '(latent_rag) or one solid colour (solid); identity_decoupled publishes '
              'evidence/image beside it, in which heads are replaced and bodies stay.',
              choices=('identity_decoupled', 'latent_rag', 'solid'), weakened_by='lowering'),
    Parameter('protection.margin', float(PRESET), 'The region of a person grows by this share '
              'of the box height on every side.', 0.0, 0.5, weakened_by='lowering',
              by_preset=True),
    Parameter('protection.patch_frames', 30, 'A synthesised patch follows the box for this many '
              'frames at most, and is made anew at once when the person looks different. 1, and '
              'latent_rag.preset paper, make it in every frame.', 1, 1000),
    Parameter('protection.psnr_db_max', 22.0, 'A patch whose PSNR to the input is higher than '
              'this is too close to it and becomes solid.', 5.0, 60.0, weakened_by='raising'),
    Parameter('protection.ssim_max', 0.75, 'A patch whose SSIM to the input is higher than '
              'this is too close to it and becomes solid.', 0.05, 1.0, weakened_by='raising'),
    Parameter('protection.fill_level', 0, 'Grey level of solid fills and blanked frames.', 0, 255),
    Parameter('identity.publish', True, 'Publish identity features on identities.',
              weakened_by='raising'),
    Parameter('identity.extractor', DEFAULT_EXTRACTOR, 'Features that are published: of the '
              'shipped embedder with its protection head, which were trained against being '
              'turned back into pictures (protected), or as the embedder gives them (plain). '
              'Nothing else of the filter changes. See docs/feature_privacy.md.',
              choices=('protected', 'plain'), weakened_by='raising'),
    Parameter('identity.every_frames', 5, 'A track\'s feature is measured after this many frames '
              'at the latest, in the first three frames, and when the person looks different; it '
              'is published only where it was measured. 1, and latent_rag.preset paper, measure '
              'it in every frame.', 1, 100),
    Parameter('identity.key_file', '', 'Secret key of this deployment, made on first use; all '
              'its protectors need the same. Empty takes feature.key in ROS_HOME/latent_rag_ros; '
              'none publishes features as they are.'),
    Parameter('identity.score_min', 0.35, 'People detected with a lower score are covered, and '
              'carry no feature: they may be none.', 0.0, 1.0, weakened_by='lowering'),
    Parameter('identity.height_px_min', 40, 'People smaller than this become solid and carry no '
              'feature: too few pixels to recognise anybody.', 8, 1000, weakened_by='lowering'),
    Parameter('identity.cosine_min', 0.5, 'A patch whose identity cosine to the person is lower '
              'than this does not match any more and becomes solid.', -1.0, 1.0),
    Parameter('identity.model', '', 'Re-ID network of your own: checkpoint of torchreid or '
              'fast-reid, TorchScript or ONNX; empty takes the shipped one. See '
              'docs/bring_your_own.md.'),
    Parameter('identity.input_height_px', 0, 'Height of its crops; 0 takes what the file is made '
              'for, else 256.', 0, 1024),
    Parameter('identity.input_width_px', 0, 'Width of its crops; 0 takes what the file is made '
              'for, else 128.', 0, 1024),
    Parameter('identity.normalisation', 'imagenet', 'How its crops are scaled: 0..1 (unit), by '
              'the ImageNet mean and deviation, -1..1 (signed) or 0..255 (byte).',
              choices=('imagenet', 'unit', 'signed', 'byte')),
    Parameter('identity.colour_order', 'rgb', 'Order of the colour channels of its crops.',
              choices=('rgb', 'bgr')),
    Parameter('latent_rag.generator', '', 'Generator of your own: TorchScript from codes '
              '(n, L, D) to images (n, 3, H, W); empty takes the shipped one.'),
    Parameter('latent_rag.generator_range', 'unit', 'Values of its images: 0..1 (unit) or -1..1 '
              '(signed).', choices=('unit', 'signed')),
    Parameter('latent_rag.store', '', 'Retrieval store of your own, made by latent-rag store '
              'build; needed with an own embedder or generator.'),
    Parameter('latent_rag.preset', 'robot', 'robot: codes predicted at once, gradient steps where '
              'that does not suffice, warm start; authorised_only: somebody else\'s looks, an '
              'identity that only this embedder reads; paper: the published settings. See '
              'docs/linkability.md.', choices=('robot', 'authorised_only', 'paper')),
    Parameter('latent_rag.attention', 'preset', 'How retrieved codes are fused; preset keeps the '
              "preset's.", choices=('preset', 'reciprocal', 'negative', 'mean')),
    Parameter('latent_rag.neighbours', 0, 'Retrieved codes per person; 0 keeps the preset\'s.',
              0, 100),
    Parameter('latent_rag.iterations', -1, 'Most gradient steps per person and frame; -1 keeps '
              "the preset's.", -1, 100),
    *EVIDENCE,
    Parameter('guard.deadline_s', 2.0, 'A frame that is not finished this long after its '
              'reception is blanked, and what comes of it later is discarded; people whose '
              'synthesis would take longer become solid.', 0.02, 60.0, weakened_by='raising'),
    Parameter('guard.blank_policy', 'blank', 'What happens to a frame that cannot be protected: '
              'publish it in one colour, or publish nothing.', choices=('blank', 'withhold'),
              weakened_by='lowering'),
    Parameter('guard.image_px_max', 33_554_432, 'Images with more pixels than this are refused.',
              1024, 268_435_456),
    Parameter('guard.input_timeout_s', 5.0, 'Without a frame for this long the state becomes '
              'blanking, reason stale.', 0.1, 600.0, weakened_by='raising'),
    Parameter('guard.stuck_frames', 30, 'A camera that sends the same picture this often is '
              'reported as stuck; 0 reports nothing.', 0, 10_000),
    Parameter('guard.fault_frames_max', 5, 'More failed or late frames than this among the last '
              'guard.fault_window_frames blank everything, until guard.clean_frames_min frames '
              'in a row went well.', 0, 1000, weakened_by='raising'),
    Parameter('guard.fault_window_frames', 30, 'Number of frames that failures are counted in.',
              1, 1000, weakened_by='lowering'),
    Parameter('guard.clean_frames_min', 10, 'Frames in a row that must go well before frames are '
              'shown again.', 1, 1000, weakened_by='lowering'),
    Parameter('guard.hang_timeout_s', 10.0, 'A worker that is busy with one frame for this long '
              'is given up and replaced by a fresh one with fresh networks.', 0.1, 600.0),
    Parameter('guard.abandoned_workers_max', 3, 'When this many workers that were given up still '
              'hang, no further one is started: everything stays blanked.', 0, 16),
    Parameter('guard.allow_weakening', False, 'Allow changes of parameters, while the node is '
              'unconfigured, to values that protect less than those at the start of the node.',
              read_only=True),
    Parameter('output.jpeg_quality', 85, 'JPEG quality of protected/image/compressed.', 10, 100),
)

REIDENTIFIER: tuple[Parameter, ...] = (
    AUTOSTART,
    Parameter('input.namespaces', '', 'Namespaces of robots or cameras, separated by commas: each '
              'has its own identities and gets its own identity_matches, the gallery is one. '
              'Empty takes the topics as they are.'),
    Parameter('gallery.directory', '', 'Folder that keeps gallery and audit log beyond the end '
              'of the node; empty keeps nobody.'),
    Parameter('gallery.uri', '', 'Milvus database instead of the embedded one, such as '
              'http://host:19530; needs the extra milvus.'),
    Parameter('gallery.retention_s', 0.0, 'Identities not seen for this long are erased; 0 keeps '
              'them.', 0.0, 1e9),
    Parameter('gallery.false_accept_rate', 0.05, 'Share of strangers that may be taken for '
              'somebody in the gallery; the cosine for it is calibrated and grows with the '
              'gallery.', 1e-6, 0.5),
    Parameter('gallery.similarity_min', -1.0, 'Cosine from which a track is a known identity, '
              'instead of the calibrated one; -1 takes the calibrated one.', -1.0, 1.0),
    Parameter('gallery.calibration', '', 'File of latent-rag calibrate for an embedder of your '
              'own; empty takes the shipped one.'),
    Parameter('gallery.enrol', True, 'Tracks that match nobody become new identities.'),
    Parameter('gallery.observations_min', 3, 'A track is enrolled after this many observations '
              'that matched nobody.', 1, 1000),
    Parameter('gallery.pooling', 5, 'Features of a track whose mean is compared.', 1, 100),
    Parameter('gallery.merge', True, 'Identities that prove equal become one.'),
    Parameter('gallery.travel_s_min', 0.0, 'Nobody gets from one camera to another faster than '
              'this; 0 where the views overlap.', 0.0, 86_400.0),
    Parameter('gallery.features_per_identity', 10, 'Features kept per identity; more replace '
              'the oldest.', 1, 1000),
    Parameter('gallery.identities_max', 10_000, 'Most identities kept; a new one replaces the '
              'one not seen for longest.', 1, 1_000_000),
    Parameter('gallery.exact_features_max', 1_000_000, 'Beyond so many features FAISS reads only '
              'the clusters nearest to a person; Milvus decides for itself.', 1000, 100_000_000),
    Parameter('gallery.thumbnails', False, 'Keep a picture of every identity for latent-rag '
              'gallery report: of synthetic people out of protected/image, never raw; needs '
              'gallery.directory.'),
    Parameter('quality.height_px_min', 48, 'People smaller than this are compared and never '
              'learned.', 1, 10_000),
    Parameter('quality.score_min', 0.45, 'People detected with a lower score are compared and '
              'never learned.', 0.0, 1.0),
)

VIDEO_CAMERA: tuple[Parameter, ...] = (
    Parameter('source', '', 'Video file, folder of images, or /dev/videoN; empty plays the '
              'shipped clip of synthetic people.'),
    Parameter('rate_hz', 0.0, 'Frames per second; 0 takes the rate of the source.', 0.0, 1000.0),
    Parameter('loop', True, 'Start again after the last frame; false ends the node.'),
    Parameter('frame_id', 'camera_optical_frame', 'Coordinate frame in the headers.'),
    Parameter('encoding', 'bgr8', 'Encoding of image_raw.',
              choices=('bgr8', 'rgb8', 'bgra8', 'rgba8', 'mono8')),
    Parameter('compressed', False, 'Publish image_raw/compressed (JPEG) as well.'),
    Parameter('width_px', 0, 'Scale images to this width; 0 keeps the size of the source.',
              0, 8192),
    Parameter('horizontal_fov_deg', 60.0, 'Field of view behind the pinhole camera_info.',
              1.0, 179.0),
    Parameter('subscribers_min', 0, 'Wait for this many subscribers of the image before the '
              'first frame, so that none is lost at start.', 0, 100),
)

TABLES: Mapping[str, tuple[Parameter, ...]] = {
    'protector': PROTECTOR, 'reidentifier': REIDENTIFIER, 'video_camera': VIDEO_CAMERA}


def checked_values(table: tuple[Parameter, ...], given: Mapping[str, object]) -> dict[str, Value]:
    """Return the value of every parameter of `table`: the given one, else the default.

    Where that stands for the preset of `protection.coverage`, the value of the preset.

    Raises `ParameterError` for a name that is not in the table and for every value that
    `Parameter.checked` refuses.
    """
    names = [row.name for row in table]
    for name in given:
        if name not in names:
            raise ParameterError(f'{name} is not a parameter; known are {", ".join(names)}')
    values = {row.name: row.checked(given.get(row.name, row.default)) for row in table}
    coverage = values.get('protection.coverage', DEFAULT)
    return {row.name: row.resolved(values[row.name], coverage) for row in table}
