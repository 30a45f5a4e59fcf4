"""Every kind of problem is found, and a clean dataset has none."""

import numpy as np
import pytest
from tests.datasets.fakes import labels, volume, write_decathlon, write_volume
from tests.datasets.nuclei import SIZE, grid_of_ids, write_stardist

from delineate.datasets import open_dataset
from delineate.datasets.audit import audit
from delineate.datasets.phantoms import Phantoms

NO_OBJECT = np.zeros(SIZE, np.int32)
NAMES = tuple(f"case{number}" for number in range(9))


def kinds(root):
    return {(problem.severity, problem.kind) for problem in audit(open_dataset(root)).problems}


def test_clean_dataset_has_no_problems():
    found = audit(Phantoms(num_patients=2, shape=(8, 32, 32)))

    assert found.problems == ()
    assert [row.id for row in found.rows] == ["phantom_0000_day0", "phantom_0001_day0"]
    assert sum(found.rows[0].voxels.values()) == 8 * 32 * 32


def bad_image(kind):
    image = volume(50)
    if kind == "NaN or infinite":
        image[0, 0, 0] = np.nan
    if kind == "constant image":
        image[:] = 7
    return volume(0) if kind == "duplicate" else image * (1000 if "bright" in kind else 1)


@pytest.mark.parametrize(
    ("severity", "kind"),
    [
        ("error", "NaN or infinite"),
        ("error", "constant image"),
        ("error", "duplicate"),
        ("warning", "unusual brightness of channel 0"),
    ],
)
def test_bad_image_is_found(tmp_path, severity, kind):
    write_decathlon(tmp_path, NAMES)
    write_volume(tmp_path / "imagesTr" / "case8.nii.gz", bad_image(kind))

    assert (severity, kind) in kinds(tmp_path)


@pytest.mark.parametrize(
    ("mask", "affine", "problem"),
    [
        (labels(), None, ("warning", "empty mask")),
        (labels(1, shape=(6, 5, 3)), None, ("error", "DatasetError")),
        (labels(1), np.diag([2.0, 1.0, 2.0, 1.0]), ("error", "DatasetError")),
    ],
)
def test_bad_mask_is_found(tmp_path, mask, affine, problem):
    write_decathlon(tmp_path, NAMES)
    write_volume(tmp_path / "labelsTr" / "case8.nii.gz", mask, affine)

    assert problem in kinds(tmp_path)


def test_value_outside_the_table_is_found(tmp_path):
    write_decathlon(tmp_path, NAMES, values=(1, 5))
    (tmp_path / "labels.yaml").write_text("liver: 1\n")

    found = audit(open_dataset(tmp_path))

    assert found.rows == ()
    assert {problem.kind for problem in found.problems if problem.severity == "error"} == {
        "LabelError"
    }


def test_unusual_size_and_spacing_are_found(tmp_path):
    write_decathlon(tmp_path, NAMES)
    affine = np.diag([4.0, 4.0, 8.0, 1.0])
    write_volume(tmp_path / "imagesTr" / "case8.nii.gz", volume(99, (30, 30, 30)), affine)
    write_volume(tmp_path / "labelsTr" / "case8.nii.gz", labels(1, shape=(30, 30, 30)), affine)

    assert {("warning", "unusual size"), ("warning", "unusual spacing")} <= kinds(tmp_path)


def test_objects_are_counted_and_their_absence_is_told(tmp_path):
    found = audit(open_dataset(write_stardist(tmp_path, {"a": grid_of_ids(), "b": NO_OBJECT})))

    assert [row.objects.count for row in found.rows] == [12, 0]
    assert [(problem.kind, problem.case) for problem in found.problems if problem.case] == [
        ("no object", "b")
    ]


def test_ids_at_the_limit_of_16_bits_are_told(tmp_path):
    ids = grid_of_ids(dtype=np.uint16)
    ids[:3, :3] = 65535

    found = audit(open_dataset(write_stardist(tmp_path, {"a": ids})))

    assert any("65535" in problem.sentence for problem in found.problems)


def test_resolutions_of_slides_are_not_rounded_away(tmp_path):
    data = open_dataset(write_stardist(tmp_path, {"a": grid_of_ids()}), mpp=0.2527)

    assert audit(data).rows[0].spacing == (0.0002527, 0.0002527)
