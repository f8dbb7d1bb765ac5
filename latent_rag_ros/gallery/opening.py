"""A gallery as the parameters of the reidentifier ask for it."""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from latent_rag_ros.gallery.backend import Backend, GalleryStorageError
from latent_rag_ros.gallery.calibration import SHIPPED_FILE, load_calibrations
from latent_rag_ros.gallery.faiss_backend import FaissBackend
from latent_rag_ros.gallery.folder import GalleryFolder
from latent_rag_ros.gallery.gallery import Gallery
from latent_rag_ros.gallery.limits import CALIBRATED, MatchLimit
from latent_rag_ros.gallery.milvus_backend import MilvusBackend
from latent_rag_ros.gallery.thumbnails import ThumbnailFolder, stored_thumbnails
from latent_rag_ros.parameters import ParameterError, Value


def open_gallery(values: Mapping[str, Value]) -> Gallery:
    """Return the gallery in memory, in a folder, or in Milvus.

    Raises `GalleryStorageError` when folder or database cannot be used, `ParameterError` when
    parameters do not fit each other.
    """
    directory, uri = values['gallery.directory'], values['gallery.uri']
    if values['gallery.thumbnails'] and not directory:
        raise ParameterError('gallery.thumbnails is true and gallery.directory is empty; name the '
                             'folder that keeps the pictures, or set gallery.thumbnails to false')
    folder = GalleryFolder(Path(directory).expanduser()) if directory else None
    try:
        backend: Backend = (MilvusBackend(uri) if uri else
                            FaissBackend(folder, values['gallery.exact_features_max']))
    except GalleryStorageError:
        if uri and folder is not None:
            folder.close()
        raise
    if folder is not None and not values['gallery.thumbnails'] and stored_thumbnails(folder.path):
        ThumbnailFolder(folder.path, known=()).clear()  # not wanted any more
    return Gallery(values['gallery.features_per_identity'], values['gallery.identities_max'],
                   backend, None if folder is None else folder.audit,
                   thumbnails=folder.path if values['gallery.thumbnails'] else None)


def match_limit(values: Mapping[str, Value]) -> MatchLimit:
    """Return the limit of a match; raises `GalleryError` when a named calibration is unusable."""
    path = values['gallery.calibration']
    file = Path(path).expanduser() if path else SHIPPED_FILE
    calibrations = load_calibrations(file) if path or file.is_file() else ()
    return MatchLimit(max(CALIBRATED, values['gallery.similarity_min']),
                      values['gallery.false_accept_rate'], calibrations)
