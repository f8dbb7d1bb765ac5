"""Identity features as a camera yields them: one mean per person, noise per frame."""
import numpy as np

from latent_rag_ros.gallery.features import Features, FeatureSpace

SPACE = FeatureSpace('test-embedder', '', 256)


class People:
    """Persons whose features agree to a cosine of about 0.9 and differ to one of about 0.2."""

    def __init__(self, count, seed=0, noise=0.35, shared=0.5):
        """Draw `count` persons that share a direction, as the features of real embedders do."""
        self._random = np.random.default_rng(seed)
        self._noise = noise
        common = self._random.normal(size=SPACE.dimension)
        means = self._random.normal(size=(count, SPACE.dimension)) + shared * common
        self._means = means / np.linalg.norm(means, axis=1, keepdims=True)

    def seen(self, *persons):
        """Return one noisy feature of each given person, as `Features`."""
        return Features(SPACE, self.vectors(*persons))

    def vectors(self, *persons):
        """Return one noisy feature of each given person, shape (n, 256), float32."""
        noise = self._random.normal(size=(len(persons), SPACE.dimension))
        noise *= self._noise / np.sqrt(SPACE.dimension)
        vectors = self._means[list(persons)] + noise
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
