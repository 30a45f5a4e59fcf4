"""How much coarser each stage is than the one before, axis by axis.

Every network takes `strides`, one row a stage and one number an axis, so that thin axes of
anisotropic volumes stay unhalved for as long as planning wants.
"""

from collections.abc import Sequence

from delineate.core.errors import PlanError, pick

OUTPUT_STRIDES = {"8": 8, "16": 16, "32": 32}
"""Strides at which an encoder may stop becoming coarser, by name."""


def stride_rows(
    strides: Sequence[Sequence[int]] | None, usual: Sequence[int], dims: int
) -> list[list[int]]:
    """Check the strides of a plan, or give the published ones.

    Args:
        strides: Stride per stage and axis, or None.
        usual: Published stride of each stage, for all axes.
        dims: Spatial axes, 2 or 3.

    Returns:
        One row of `dims` numbers a stage.

    Raises:
        PlanError: If a row is missing, too long or below 1.
    """
    rows = [list(row) for row in strides or [[step] * dims for step in usual]]
    is_right = all(len(row) == dims and min(row) >= 1 for row in rows)
    if len(rows) != len(usual) or not is_right:
        raise PlanError(
            f"strides must have {len(usual)} rows of {dims} whole numbers from 1 on, not {rows}. "
            "Correct model_options."
        )
    return rows


def cumulative(rows: Sequence[Sequence[int]]) -> list[list[int]]:
    """Multiply the strides from the first stage to each.

    Args:
        rows: Stride per stage and axis.

    Returns:
        Voxels of the image to one of each stage, per axis.

    Example:
        >>> cumulative([[1, 2], [2, 2]])
        [[1, 2], [2, 4]]
    """
    totals = [list(rows[0])]
    for row in rows[1:]:
        totals.append([before * step for before, step in zip(totals[-1], row, strict=True)])
    return totals


def dilate(
    rows: Sequence[Sequence[int]], output_stride: int
) -> tuple[list[list[int]], list[list[int]]]:
    """Turn the strides that would pass a limit into dilations of what follows.

    The features on the finer grid are those of the strided network, with new ones between.

    Args:
        rows: Stride per stage and axis.
        output_stride: Most voxels of the image to one of the last stage: 8, 16 or 32.

    Returns:
        The strides that stay, and the dilation from each stage on, per axis.

    Raises:
        PlanError: If the first two stages, which cannot be dilated, pass the limit.

    Source:
        Chen et al., 2017, arXiv:1706.05587, section 3.1.

    Example:
        >>> dilate([[2], [2], [2], [2]], 8)
        ([[2], [2], [2], [1]], [[1], [1], [1], [2]])
    """
    limit = pick(OUTPUT_STRIDES, str(output_stride), what="output stride")
    kept: list[list[int]] = []
    gaps: list[list[int]] = []
    total, gap = [1] * len(rows[0]), [1] * len(rows[0])
    for place, row in enumerate(rows):
        fits = [whole * step <= limit for whole, step in zip(total, row, strict=True)]
        if place < 2 and not all(fits):
            raise PlanError(
                f"strides of the first two stages must stay within output_stride {limit}, "
                f"not {list(rows[:2])}. Correct model_options."
            )
        kept.append([step if fit else 1 for step, fit in zip(row, fits, strict=True)])
        total = [whole * step for whole, step in zip(total, kept[-1], strict=True)]
        gap = [
            width if fit else width * step for width, step, fit in zip(gap, row, fits, strict=True)
        ]
        gaps.append(gap)
    return kept, gaps
