"""Objects told apart: an id map, and for each object its type and how sure a model is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import LabelError, ShapeError

UNTYPED = 0
"""Type of an object of which nobody said what it is."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Instances:
    """Objects of one image; ids run from 1 to N without gaps, so row k - 1 tells of id k."""

    ids: NDArray[np.int32]
    """Which object each pixel belongs to, (*S), 0 outside."""
    types: NDArray[np.int16]
    """Label id of each object, (N,), 0 where unknown."""
    confidence: NDArray[np.float32] | None = None
    """Probability that each object exists, (N,), in [0, 1]; None for a truth."""
    type_probability: NDArray[np.float32] | None = None
    """Probability of each object's type, (N,), in [0, 1]; None for a truth."""
    outlines: tuple[NDArray[np.float64], ...] | None = None
    """Polygon of each object as it was drawn, corners (x, y), (V, 2), the centre of the first
    pixel at (0, 0); they may overlap, where ids cannot."""

    def __post_init__(self) -> None:
        """Check that the rows belong to the ids.

        Raises:
            ShapeError: If a column has another length than the largest id.
        """
        if self.ids.dtype != np.int32:
            raise ShapeError(f"ids must be of type int32, not {self.ids.dtype}. Convert them.")
        highest = int(self.ids.max(initial=0))
        columns = (self.types, self.confidence, self.type_probability, self.outlines)
        lengths = {len(column) for column in columns if column is not None}
        if len(lengths) > 1 or highest > self.count:
            raise ShapeError(
                f"types, confidence, type_probability and outlines must have one entry an object, "
                f"not {sorted(lengths)} for ids up to {highest}. Use Instances.of to number anew."
            )

    @classmethod
    def of(
        cls, ids: NDArray[Any], types: Mapping[int, int] | None = None, *, default: int = 1
    ) -> "Instances":
        """Number the objects of any id map anew, in ascending order of their ids.

        Args:
            ids: Any non-negative whole numbers, (*S), 0 outside; gaps are closed.
            types: Label id of each object by its id in the map; None gives all `default`.
            default: Label id of objects that `types` does not name.

        Returns:
            The instances.

        Raises:
            LabelError: If ids are negative or no whole numbers.

        Example:
            >>> Instances.of(np.array([[7, 0], [7, 90000]])).ids.tolist()
            [[1, 0], [1, 2]]
        """
        kind = np.asarray(ids)
        if not np.issubdtype(kind.dtype, np.integer) or int(kind.min(initial=0)) < 0:
            raise LabelError(
                f"Instance ids must be whole numbers from 0, not {kind.dtype} from "
                f"{kind.min(initial=0)}. Write the map as unsigned integers."
            )
        known, inverse = np.unique(kind, return_inverse=True)
        shift = 0 if known.size and known[0] == 0 else 1
        numbered = (inverse.reshape(kind.shape) + shift).astype(np.int32)
        present = known[known != 0].tolist()
        table = types or {}
        return cls(
            ids=numbered,
            types=np.array([table.get(number, default) for number in present], dtype=np.int16),
        )

    @property
    def count(self) -> int:
        """Number of objects; one that others cover wholly counts, too."""
        return len(self.types)

    def label_map(self) -> NDArray[np.int16]:
        """Paint every object with its type.

        Returns:
            Label ids, (*S), 0 outside.
        """
        table: NDArray[np.int16] = np.concatenate([[0], self.types]).astype(np.int16)
        painted: NDArray[np.int16] = table[self.ids]
        return painted
