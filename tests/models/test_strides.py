"""Strides of stages: checked, multiplied, and turned into dilations."""

import pytest

from delineate.core.errors import PlanError, UnknownNameError
from delineate.models.strides import cumulative, dilate, stride_rows


def test_published_strides_serve_all_axes():
    assert stride_rows(None, (1, 2), 3) == [[1, 1, 1], [2, 2, 2]]


@pytest.mark.parametrize("rows", [[[1, 1]], [[1, 1], [2, 2, 2]], [[1, 1], [0, 2]]])
def test_rows_that_do_not_fit_are_refused(rows):
    with pytest.raises(PlanError, match="2 rows of 2 whole numbers"):
        stride_rows(rows, (1, 2), 2)


def test_dilation_follows_each_axis_by_itself():
    rows = [[1, 2], [2, 2], [2, 2], [2, 2], [2, 2]]

    kept, gaps = dilate(rows, 8)

    assert cumulative(kept)[-1] == [8, 8]
    assert kept == [[1, 2], [2, 2], [2, 2], [2, 1], [1, 1]]
    assert gaps == [[1, 1], [1, 1], [1, 1], [1, 2], [2, 4]]


def test_output_stride_that_is_none_is_answered_with_those_that_are():
    with pytest.raises(UnknownNameError, match="Choose one of: 16, 32, 8"):
        dilate([[2]], 7)


def test_first_stages_beyond_the_limit_are_refused():
    with pytest.raises(PlanError, match="first two stages"):
        dilate([[4], [4], [2]], 8)
