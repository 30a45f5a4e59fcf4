"""Predictions to write."""

import numpy as np
import pytest

from delineate.core.case import Prediction
from delineate.core.geometry import Geometry
from delineate.core.image import Mask
from delineate.core.labels import CodedConcept, Label, LabelTable

STOMACH = CodedConcept(value="69695003", meaning="Stomach")
LABELS = LabelTable(
    labels=(
        Label(id=1, name="Magen ü", colour=(10, 200, 30), concept=STOMACH),
        Label(id=3, name="small bowel", colour=(0, 0, 255)),
    )
)
OBLIQUE = np.array(
    [[0.1, 0.2, 0.7, -10], [0.1, -0.8, -0.2, 220.3], [3, 0.1, 0.1, 5.5], [0, 0, 0, 1]]
)


@pytest.fixture
def predict():
    """Make a prediction from ids (*S), or from layers (L, *S) with is_stack."""

    def make(array=None, geometry=None, labels=LABELS, *, is_stack=False, case_id="case 1"):
        if array is None:
            array = np.random.default_rng(0).choice([0, 1, 3], (4, 6, 5))
        shape = array.shape[1:] if is_stack else array.shape
        if geometry is None and len(shape) == 3:
            geometry = Geometry(shape=shape, affine=OBLIQUE)
        mask = Mask.of(array, geometry, is_stack=is_stack)
        return Prediction(case_id=case_id, mask=mask, labels=labels)

    return make
