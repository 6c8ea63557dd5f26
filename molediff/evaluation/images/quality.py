"""How good a set of images is, held against real test images, with the same figures for real training images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from molediff.evaluation.images.classifier import ImageClassifier, train_classifier
from molediff.evaluation.images.metrics.frechet import frechet_distance
from molediff.evaluation.images.metrics.near_copies import copy_threshold, nearest_training
from molediff.evaluation.images.metrics.precision_recall import precision_recall
from molediff.images.dataset import ImageSet


@dataclass(frozen=True)
class ImageQuality:
    """Figures of one set of images; fractions are between 0 and 1.

    Attributes:
        num_images: size of the set.
        frechet: Frechet distance to the test images, in the classifier's features.
        floor: that of equally many real training images.
        precision: fraction of the images that lie among real ones (see `precision_recall`).
        recall: fraction of the test images that lie among the images.
        accuracy: fraction that the classifier puts into the class asked for; None without labels.
        near_copies: fraction that is nearer to a training image than all but a twentieth of these are to each other.
    """

    num_images: int
    frechet: float
    floor: float
    precision: float
    recall: float
    accuracy: float | None
    near_copies: float

    @property
    def ratio(self) -> float:
        """Distance over the floor: 1 where the images are as near to the test images as real ones."""
        return self.frechet / self.floor


class ImageJudge:
    """Real images, and a classifier trained on them here.

    Args:
        train: real images with labels that the model was trained on.
        test: real images with labels that it was not.
        seed: of the classifier's training, and of which training images stand for the real ones.
        num_epochs: of the classifier's training.

    Raises:
        ValueError: the images have no labels.
    """

    def __init__(self, train: ImageSet, test: ImageSet, seed: int = 0, num_epochs: int = 60):
        if train.labels is None or test.labels is None:
            raise ValueError(
                "The report's classifier needs labels: put the images of each class in a folder of its own."
            )
        self.train, self.test = train.images, test.images
        self.train_labels, self.test_labels = train.labels, test.labels
        self.classifier: ImageClassifier = train_classifier(
            self.train, train.labels, train.num_classes, num_epochs, seed=seed
        )
        self._order = _classes_in_turn(train.labels, np.random.default_rng(seed))

    @cached_property
    def test_accuracy(self) -> float:
        """Share of the test images that the classifier puts into their class."""
        return float((self.classifier.judge(self.test).classes == self.test_labels).mean())

    @cached_property
    def threshold(self) -> float:
        """Distance below which an image counts as a near-copy."""
        return copy_threshold(self.train)

    @cached_property
    def _test_features(self) -> np.ndarray:
        return self.classifier.judge(self.test).features

    @cached_property
    def _train_features(self) -> np.ndarray:
        return self.classifier.judge(self.train[self._order]).features

    def floor(self, num_images: int) -> float:
        """Frechet distance between `num_images` training images, every class in turn, and the test images."""
        return frechet_distance(self._train_features[:num_images], self._test_features)

    def frechet(self, images: np.ndarray) -> float:
        """Frechet distance of images to the test images."""
        return frechet_distance(self.classifier.judge(images).features, self._test_features)

    def quality(self, images: np.ndarray, labels: np.ndarray | None = None) -> ImageQuality:
        """All figures of images (n, height, width, channels), drawn for `labels` (n,) if given.

        Precision and recall are of equally many images and test images, the first of each.
        """
        judged = self.classifier.judge(images)
        return self._figures(
            judged.features,
            None if labels is None else float((judged.classes == labels).mean()),
            nearest_training(images, self.train).distance,
        )

    def real_training(self, num_images: int) -> ImageQuality:
        """The figures of training images; the near-copies are those among the test images."""
        chosen = self._order[:num_images]
        judged = self.classifier.judge(self.train[chosen])
        return self._figures(
            judged.features,
            float((judged.classes == self.train_labels[chosen]).mean()),
            nearest_training(self.test, self.train).distance,
        )

    def _figures(self, features: np.ndarray, accuracy: float | None, distances: np.ndarray) -> ImageQuality:
        num = min(len(features), len(self._test_features))
        precision, recall = precision_recall(self._test_features[:num], features[:num])
        return ImageQuality(
            num_images=len(features),
            frechet=frechet_distance(features, self._test_features),
            floor=self.floor(len(features)),
            precision=precision,
            recall=recall,
            accuracy=accuracy,
            near_copies=float((distances < self.threshold).mean()),
        )


def _classes_in_turn(labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Random order (n,) in which the classes alternate, so that the first few are as evenly mixed as all."""
    order = generator.permutation(len(labels))
    place_in_class = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels[order] == label)
        place_in_class[members] = np.arange(len(members))
    return np.asarray(order[np.lexsort((labels[order], place_in_class))])
