"""Predictions to write."""

import numpy as np
import pytest

from delineate.core.case import Prediction
from delineate.core.geometry import Geometry
from delineate.core.image import Mask
from delineate.core.instances import Instances
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


@pytest.fixture
def predict_objects():
    """Make a prediction of three objects: a ring, a bar that touches it, and one of two parts."""

    def make(spacing=(0.00025, 0.00025), *, case_id="tile 1", weights="abc"):
        ids = np.zeros((24, 30), np.int32)
        ids[3:12, 4:13] = 1
        ids[6:9, 7:10] = 0
        ids[3:12, 13:16] = 2
        ids[18:20, 2:6] = 3
        ids[20:23, 6:9] = 3  # touches at a corner only
        geometry = Geometry.of_spacing(ids.shape, spacing)
        found = Instances(
            ids=ids,
            types=np.array([1, 3, 3], dtype=np.int16),
            confidence=np.array([0.9, 0.75, 0.5], dtype=np.float32),
            type_probability=np.array([1.0, 0.6, 0.7], dtype=np.float32),
        )
        return Prediction(
            case_id=case_id,
            mask=Mask.of(found.label_map(), geometry),
            labels=LABELS,
            instances=found,
            provenance={"weights_hash": weights},
        )

    return make
