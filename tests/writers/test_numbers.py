import numpy as np
import pytest

from delineate.core.errors import LabelError
from delineate.writers.numbers import label_ids, smallest


@pytest.mark.parametrize(
    ("values", "kind"),
    [([True, False], np.uint8), ([0, 255], np.uint8), ([0, 256], np.uint16), ([-1, 3], np.int32)],
)
def test_the_smallest_type_that_holds_the_values_is_taken(values, kind):
    assert smallest(np.array(values), "a").dtype == kind


def test_values_beyond_32_bits_are_refused():
    with pytest.raises(LabelError, match="Number the labels from 1"):
        smallest(np.array([2**40]), "a")


def test_layers_are_no_ids(predict):
    prediction = predict(np.zeros((2, 3, 4, 5), bool), is_stack=True)

    with pytest.raises(LabelError, match="NIfTI holds one label per voxel"):
        label_ids(prediction, "NIfTI")
