"""Every writer whose files a reader knows: written and read again, nothing has changed."""

from dataclasses import replace

import numpy as np
import pytest

from delineate.core.case import Prediction
from delineate.core.formats import Reader, Writer
from delineate.core.geometry import Geometry
from delineate.core.image import Mask
from delineate.core.instances import Instances
from delineate.core.labels import CodedConcept, Label, LabelTable
from delineate.readers import READERS, read_labels, read_mask, strip_suffix
from delineate.writers import WRITERS, write_prediction

OF_SCANS = {"dicom-seg", "dicom-seg-labelmap", "dicom-seg-fractional", "rtstruct", "sr"}
"""What refers to a DICOM series; tests/writers and tests/readers take them to and fro."""
NO_LABEL_FILE = {"rle", "overlay", "geojson", "csv", "parquet", *OF_SCANS}
FOR_OBJECTS = {"geojson", "csv", "parquet"}
NO_VOLUME = {"png"}  # becomes one file a slice
READABLE = sorted(set(WRITERS) - NO_LABEL_FILE)
LABELS = LabelTable(
    labels=(
        Label(id=1, name="Größe", colour=(1, 2, 3), concept=CodedConcept(value="69695003")),
        Label(id=7, name="small bowel", colour=(250, 0, 128)),
    )
)
OBLIQUE = np.array(
    [[0.1, 0.2, 0.7, -110], [0.1, -0.8, -0.2, 20], [3, 0.1, 0.1, 905.5], [0, 0, 0, 1]]
)
GRIDS = {
    "oblique": Geometry(shape=(4, 5, 6), affine=OBLIQUE),
    "straight": Geometry.of_spacing((4, 5, 6), (3.0, 0.7, 0.8)),
    "one voxel": Geometry.of_spacing((1, 1, 1), (2.0, 2.0, 2.0)),
    "one slice": Geometry.of_spacing((1, 5, 6), (3.0, 1.0, 1.0)),
    "unknown units": Geometry.of_spacing((3, 5, 6)),
    "picture": Geometry.of_spacing((5, 6)),
    "physical picture": Geometry.of_spacing((5, 6), (0.25, 0.5)),
}


def prediction_on(geometry):
    array = np.random.default_rng(0).choice([0, 1, 7], geometry.shape).astype(np.uint8)
    mask = Mask.of(array, geometry)
    return Prediction(case_id="Fall 1", mask=mask, labels=LABELS)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("name", READABLE)
def test_mask_geometry_and_labels_come_back(tmp_path, name, grid):
    if name in NO_VOLUME and GRIDS[grid].dims == 3:
        pytest.skip("This format has no volumes.")
    prediction = prediction_on(GRIDS[grid])
    path = tmp_path / f"Fall 1 ü{WRITERS[name].suffix}"

    write_prediction(prediction, path, format=name)
    mask = read_mask(path)

    assert np.array_equal(mask.array, prediction.mask.array)
    assert mask.geometry.corner_distance_mm(prediction.mask.geometry) < 1e-4
    assert mask.geometry.agrees_with(prediction.mask.geometry)
    assert read_labels(path) == LABELS
    assert strip_suffix(path) == "Fall 1 ü"


@pytest.mark.parametrize("name", sorted(set(WRITERS) - OF_SCANS))
def test_the_prediction_is_left_as_it_was(tmp_path, name):
    grid = GRIDS["physical picture" if name in FOR_OBJECTS else "straight"]
    prediction = prediction_on(grid)
    if name in FOR_OBJECTS:
        found = Instances.of(prediction.mask.array)
        prediction = replace(prediction, instances=found)
    before = prediction.mask.array.copy()

    write_prediction(prediction, tmp_path / f"a{WRITERS[name].suffix}", format=name)

    assert np.array_equal(prediction.mask.array, before)


@pytest.mark.parametrize("name", WRITERS)
def test_a_writer_has_an_ending_of_its_own(name):
    assert isinstance(WRITERS[name], Writer)
    assert [writer.suffix for writer in WRITERS.values()].count(WRITERS[name].suffix) == 1


@pytest.mark.parametrize("name", READERS)
def test_a_reader_knows_its_endings_alone(tmp_path, name):
    reader = READERS[name]

    assert isinstance(reader, Reader)
    for suffix in reader.suffixes:
        assert suffix == suffix.lower()
        knowing = [row for row in READERS if READERS[row].can_read(tmp_path / f"A{suffix.upper()}")]
        assert knowing == [name]
