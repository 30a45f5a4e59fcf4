import numpy as np
import pytest

from delineate.core.errors import GeometryError, ShapeError
from delineate.metrics.lesions import LesionCounts, count_lesions

TRUTH = np.array([[1, 1, 1, 1, 0, 0, 1], [0, 0, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0, 0]], bool)
SAID = np.array([[1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0], [1, 1, 0, 0, 1, 1, 0]], bool)
EMPTY = np.zeros_like(TRUTH)


def test_one_shared_voxel_finds_a_lesion():
    counts = count_lesions(SAID, TRUTH)

    assert counts == LesionCounts(found=2, missed=1, invented=1)
    assert counts.f1 == pytest.approx(4 / 6)


def test_more_overlap_can_be_asked_for():
    assert count_lesions(SAID, TRUTH, overlap=0.25).found == 1
    assert count_lesions(SAID, TRUTH, overlap=0.24).found == 2


def test_two_pieces_find_one_lesion_and_neither_is_invented():
    truth, said = np.ones((1, 5), bool), np.array([[1, 1, 0, 1, 1]], bool)

    assert count_lesions(said, truth) == LesionCounts(found=1, missed=0, invented=0)


def test_corners_join_unless_faces_are_asked_for():
    diagonal = np.eye(3, dtype=bool)

    assert count_lesions(diagonal, diagonal).found == 1
    assert count_lesions(diagonal, diagonal, touching="faces").found == 3


def test_empty_masks():
    assert np.isnan(count_lesions(EMPTY, EMPTY).f1)
    assert count_lesions(EMPTY, TRUTH) == LesionCounts(found=0, missed=3, invented=0)
    assert count_lesions(SAID, EMPTY) == LesionCounts(found=0, missed=0, invented=3)
    assert count_lesions(SAID, EMPTY).f1 == 0


def test_what_cannot_be_is_refused():
    with pytest.raises(ShapeError):
        count_lesions(SAID, TRUTH.T)
    with pytest.raises(GeometryError, match="overlap"):
        count_lesions(SAID, TRUTH, overlap=1.0)
