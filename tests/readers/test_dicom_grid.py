"""The regular grid: steps, gaps and tilt by their tolerances, and values brought onto it."""

import numpy as np
import pytest

from delineate.readers.dicom_frames import Frame
from delineate.readers.dicom_grid import bring, lay_grid
from delineate.readers.dicom_sources import SourceFile


def stack(positions, spacing=(2.0, 1.5), thickness=3.0):
    values = {"sop_uid": "", "modality": "CT", "rows": 4, "columns": 5}
    return [
        Frame(
            file=SourceFile(path=f"{place}.dcm"),
            index=0,
            values={**values, "sop_uid": f"1.2.{place}"},
            plane={
                "position": [float(value) for value in position],
                "orientation": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
                "spacing": list(spacing),
                "thickness": thickness,
            },
        )
        for place, position in enumerate(positions)
    ]


def at(heights):
    return stack([(0, 0, height) for height in heights])


def test_slices_are_ordered_along_the_normal_whatever_their_order():
    grid = lay_grid(at([6, 0, 9, 3]))

    assert [frame.sop_uid for frame in grid.frames] == ["1.2.1", "1.2.3", "1.2.0", "1.2.2"]
    assert not grid.is_resampled
    assert grid.places[:, 0] == pytest.approx([0, 1, 2, 3])


@pytest.mark.parametrize(
    ("heights", "code"),
    [
        ([0, 3, 6, 9, 12], None),
        ([0, 3.05, 6.02, 8.97, 12], None),
        ([0, 0.5, 1.0, 1.5, 2.06], "VARIABLE_SPACING"),  # 0.06 of 0.5 mm is too much
        ([0, 3, 6, 12, 15, 18], "GAP"),
        ([0, 3, 6, 11, 16], "VARIABLE_SPACING"),
        ([0, 3, 6, 9, 12, 15, 50], "VARIABLE_SPACING"),
        ([0, 3, 21, 24], "GAP"),
    ],
)
def test_steps_are_judged_by_an_absolute_and_a_relative_tolerance(heights, code):
    grid = lay_grid(at(heights))

    codes = [finding.code for finding in grid.findings]
    assert codes == [] if code is None else codes[0] in (code, "GAP")


@pytest.mark.parametrize("heights", [[0, 3, 21, 24], [0, 5, 10, 15, 50, 55, 60, 65, 70]])
def test_a_gap_too_large_leaves_no_grid(heights):
    grid = lay_grid(at(heights))

    assert grid.geometry is None
    assert [finding.severity for finding in grid.findings] == ["refusal"]


@pytest.mark.parametrize(("heights", "depth"), [([0, 3, 6, 9, 12, 20], 8), ([0, 2, 5.1, 7], 5)])
def test_every_slice_lies_within_half_a_step_of_a_plane(heights, depth):
    grid = lay_grid(at(heights))

    assert grid.geometry.shape[0] == depth
    nearest = np.clip(np.rint(grid.places[:, 0]), 0, depth - 1)
    assert np.abs(grid.places[:, 0] - nearest).max() <= 0.5 + 1e-6


def test_a_stack_that_leans_like_no_gantry_is_refused():
    grid = lay_grid(stack([(0, 4 * place, 3 * place) for place in range(4)]))

    assert [finding.code for finding in grid.findings] == ["TILT"]
    assert grid.geometry is None


def test_one_slice_is_as_thick_as_its_header_says():
    grid = lay_grid(at([7]))

    assert grid.geometry.spacing_mm == pytest.approx((3.0, 2.0, 1.5))
    assert [finding.code for finding in grid.findings] == ["ONE_SLICE"]


def test_values_run_linearly_between_slices():
    grid = lay_grid(at([0, 3, 6, 9, 12, 18]))
    values = np.array([0, 30, 60, 90, 120, 180], dtype=np.int16)
    planes = np.broadcast_to(values[:, None, None], (6, 4, 5))

    found = bring(planes, grid)

    assert found[:, 0, 0].tolist() == [0, 30, 60, 90, 120, 150, 180]
    assert found.dtype == np.int16


def test_a_shift_by_whole_pixels_moves_values_and_leaves_air():
    grid = lay_grid(stack([(0, 2.0 * place, 3.0 * place) for place in range(3)]))
    planes = np.arange(60, dtype=np.int16).reshape(3, 4, 5)

    found = bring(planes, grid)

    assert found.shape == (3, 6, 5)
    assert np.array_equal(found[1, 1:5], planes[1])
    assert np.unique(found[2, :2]).tolist() == [-1024]


def test_a_shift_by_half_a_pixel_takes_the_mean_of_two():
    grid = lay_grid(stack([(0, 1.0 * place, 3.0 * place) for place in range(3)]))
    planes = np.broadcast_to(np.array([0, 10, 20, 30], np.float32)[:, None], (3, 4, 5))

    found = bring(planes, grid)

    assert found[1, :, 0].tolist() == [0, 5, 15, 25, 30]


def test_a_plain_stack_is_handed_on_untouched():
    planes = np.zeros((3, 4, 5), dtype=np.int16)

    assert bring(planes, lay_grid(at([0, 3, 6]))) is planes
