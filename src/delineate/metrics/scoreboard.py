"""The case table: a row per case and class, its summary, and both as files and text.

No mean stands without its counts. Cases where exactly one mask is empty keep the worst value
(Dice, IoU and NSD 0, distances the image's diagonal); where both are empty there is no value.
A mean that leaves failures out improves as a model fails more.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from delineate.metrics.pair import Metric
from delineate.metrics.scoring import Row
from delineate.metrics.sheet import write_rows, write_summary
from delineate.metrics.summary import INTERVAL_POLICY, Summary, bootstrap, case_medians, group_means

ALL_CLASSES = "all classes"
ALL_TYPES = "mean of types"
EMPTY_POLICY = (
    "Empty masks: where truth and prediction are both empty, the class is absent from the case "
    "and has no value; where only one is empty (missed or spurious), Dice, IoU and NSD are 0 and "
    "distances are the diagonal of the image. These cases count in every mean and median."
)
OTHER_EMPTY_POLICY = (
    "Empty masks: by the convention that was asked for, as each metric says above. Values that are "
    "no finite number enter no mean, so that a model may look better for what it misses; the "
    "counts of missed and spurious structures tell."
)
OBJECT_EMPTY_POLICY = (
    "Empty images: where neither truth nor prediction has an object (of a type), there is no "
    "value; where only one has (missed or spurious), every score is 0. These images count in "
    "every mean and median."
)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A case that could not be scored, and why."""

    case: str
    """The case's id."""
    reason: str
    """One sentence that says what and how to mend it."""


@dataclass(frozen=True, kw_only=True)
class Scoreboard:
    """Every score of an evaluation, with what it takes to read them."""

    rows: tuple[Row, ...]
    """One per case and class."""
    metrics: Mapping[str, Metric]
    """What was measured; the rows' values have the same keys."""
    tolerance_mm: float
    """Tolerance of the surface Dice."""
    unit: Literal["mm", "px"] = "mm"
    """Unit of distances: pixels where the files know no millimetres."""
    failures: tuple[Failure, ...] = ()
    """Cases that could not be scored; a command with any ends with an error."""
    notes: tuple[str, ...] = ()
    """What a reader of the scores must know, one sentence each."""
    warnings: tuple[str, ...] = ()
    """What makes the scores doubtful, such as cases that trained the model; stands on top."""
    tissues: Mapping[str, str] = field(default_factory=dict)
    """What each case shows, by its id, where it is known."""
    tolerances: Mapping[str, float] = field(default_factory=dict)
    """Tolerance of each class by name, where they differ; else empty."""
    model: str = ""
    """Whose predictions were scored; empty where there is but one model."""
    convention: str = "delineate"
    """Whose numbers they are."""
    num_resamples: int = 2000
    """Draws of the bootstrap."""
    seed: int = 0
    """Seed of the bootstrap."""

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in order."""
        return tuple(dict.fromkeys(row.label for row in self.rows))

    @cached_property
    def cases(self) -> tuple[str, ...]:
        """Ids of the scored cases, in order."""
        return tuple(dict.fromkeys(row.case for row in self.rows))

    @cached_property
    def patients(self) -> tuple[str, ...]:
        """Patient of each scored case."""
        owner = {row.case: row.patient for row in self.rows}
        return tuple(owner[case] for case in self.cases)

    @property
    def has_objects(self) -> bool:
        """Whether objects were scored; then the first class holds all of them."""
        return "aji" in self.metrics

    @property
    def empty_policy(self) -> str:
        """What is said of a class that only one side has, or neither."""
        if self.has_objects:
            return OBJECT_EMPTY_POLICY
        return EMPTY_POLICY if self.convention == "delineate" else OTHER_EMPTY_POLICY

    @property
    def _limits(self) -> dict[str, Any]:
        return {"tolerances": dict(self.tolerances)} if self.tolerances else {}

    @cached_property
    def overall(self) -> str:
        """Name of the summary that stands for all classes."""
        is_own = self.has_objects or len(self.labels) == 1
        return self.labels[0] if is_own and self.labels else ALL_CLASSES

    @cached_property
    def summary(self) -> tuple[Summary, ...]:
        """Each class and then all classes, by each metric."""
        groups: list[tuple[str, tuple[str, ...]]] = [(name, (name,)) for name in self.labels]
        joint = self.labels[1:] if self.has_objects else self.labels
        if len(joint) > 1:
            groups.append((ALL_TYPES if self.has_objects else ALL_CLASSES, joint))
        return tuple(
            self._summarise(name, members, metric)
            for name, members in groups
            for metric in self.metrics
        )

    def values(self, metric: str) -> NDArray[np.float64]:
        """Arrange one metric by case and class.

        Args:
            metric: Row of `METRICS`.

        Returns:
            Values, (cases, classes), float; nan where the class is absent.
        """
        grid = np.full((len(self.cases), len(self.labels)), np.nan)
        case_place = {case: place for place, case in enumerate(self.cases)}
        label_place = {label: place for place, label in enumerate(self.labels)}
        for row in self.rows:
            grid[case_place[row.case], label_place[row.label]] = row.values[metric]
        return grid

    def by_tissue(self) -> dict[str, dict[str, float | None]]:
        """Average all classes over the cases of each tissue.

        Returns:
            "num_cases" and the mean of each metric by tissue; None without a value.
        """
        where = [self.overall] if self.overall in self.labels else list(self.labels)
        columns = [self.labels.index(label) for label in where]
        owners = [self.tissues.get(case, "") for case in self.cases]
        table: dict[str, dict[str, float | None]] = {
            tissue: {"num_cases": owners.count(tissue)} for tissue in sorted({*owners} - {""})
        }
        for metric in self.metrics:
            means = group_means(self.values(metric)[:, columns], owners)
            for tissue, row in table.items():
                row[metric] = _finite(means[tissue])
        return table

    def find(self, label: str, metric: str) -> Summary:
        """Look one summary up.

        Args:
            label: The class, or "all classes" (of one class alone: that class; of objects: the
                row that holds all of them).
            metric: Row of `METRICS`.

        Returns:
            The summary.

        Raises:
            KeyError: If there is no such class or metric.
        """
        label = self.overall if label == ALL_CLASSES else label
        for entry in self.summary:
            if (entry.label, entry.metric) == (label, metric):
                return entry
        raise KeyError((label, metric))

    def title(self, metric: str) -> str:
        """Name a metric with its unit and tolerance.

        Args:
            metric: Row of `METRICS`.

        Returns:
            A title such as "HD95 (mm)" or "NSD at 1 mm".
        """
        row = self.metrics[metric]
        if metric == "nsd":
            limits = set(self.tolerances.values()) or {self.tolerance_mm}
            return (
                f"{row.title} at {' or '.join(f'{one:.4g}' for one in sorted(limits))} {self.unit}"
            )
        unit = self.unit if row.unit == "mm" else row.unit
        return f"{row.title} ({unit})" if unit else row.title

    def to_csv(self) -> str:
        """Write a line per case and class.

        Returns:
            CSV with a header; see `metrics.sheet.write_rows`.
        """
        return write_rows((self,))

    def to_dict(self) -> dict[str, Any]:
        """Turn the summary into plain values.

        Returns:
            A nested dictionary for JSON; None for nan.
        """
        return {
            **({"model": self.model} if self.model else {}),
            "num_cases": len(self.cases),
            "num_patients": len(set(self.patients)),
            **(
                {}
                if self.has_objects
                else {"tolerance": self.tolerance_mm, **self._limits, "unit": self.unit}
            ),
            "convention": {name: metric.convention for name, metric in self.metrics.items()},
            "empty_policy": self.empty_policy,
            "interval_policy": INTERVAL_POLICY,
            "bootstrap": {"num_resamples": self.num_resamples, "seed": self.seed},
            "summary": [
                {key: _finite(value) for key, value in asdict(entry).items()}
                for entry in self.summary
            ],
            **({"tissues": self.by_tissue()} if self.tissues else {}),
            "warnings": list(self.warnings),
            "notes": list(self.notes),
            "failures": [asdict(failure) for failure in self.failures],
        }

    def to_json(self) -> str:
        """Write the summary.

        Returns:
            JSON of `to_dict`, indented.
        """
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    @property
    def text(self) -> str:
        """The summary as a table for a terminal, and what must be known with it."""
        return write_summary(self)

    def _summarise(self, name: str, members: tuple[str, ...], metric: str) -> Summary:
        columns = [self.labels.index(member) for member in members]
        grid = self.values(metric)[:, columns]
        found = [row.status for row in self.rows if row.label in members]
        interval = bootstrap(grid, self.patients, num_resamples=self.num_resamples, seed=self.seed)
        return Summary(
            label=name,
            metric=metric,
            mean=interval.mean,
            low=interval.low,
            high=interval.high,
            median=case_medians(grid),
            num_patients=interval.num_patients,
            num_scored=found.count("scored"),
            num_missed=found.count("missed"),
            num_spurious=found.count("spurious"),
            num_absent=found.count("absent"),
        )


def _finite(value: Any) -> Any:  # noqa: ANN401 - any field of a summary
    return None if isinstance(value, float) and not math.isfinite(value) else value
