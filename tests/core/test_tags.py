import numpy as np
import pytest

from delineate.core.geometry import Geometry
from delineate.core.labels import CodedConcept, Label, LabelTable
from delineate.core.tags import geometry_of_tag, labels_of_tag, write_tag

STOMACH = Label(id=3, name="Magen ü", colour=(1, 2, 3), concept=CodedConcept(value="69695003"))


def test_a_tag_gives_labels_and_grid_again():
    geometry = Geometry.of_spacing((4, 5), (0.5, 0.25))
    labels = LabelTable(labels=(STOMACH,), ignore=9)

    tag = write_tag(geometry, labels)

    assert tag.isascii()
    assert labels_of_tag(tag) == labels
    assert np.array_equal(geometry_of_tag(tag, (4, 5)).affine, geometry.affine)


@pytest.mark.parametrize(
    "text", ["", "ImageJ=1.53", "[1]", '{"delineate": 3}', '{"delineate": {}}']
)
def test_comments_of_others_are_passed_over(text):
    assert labels_of_tag(text) is None
    assert geometry_of_tag(text, (4, 5)) is None


def test_a_tag_of_another_number_of_axes_gives_no_grid():
    tag = write_tag(Geometry.of_spacing((4, 5)), LabelTable(labels=()))

    assert geometry_of_tag(tag, (3, 4, 5)) is None
