"""Two models on the same cases: what differs, how surely, and which cases tell nothing.

A difference is the second model minus the first, case by case. Patients are the unit: cases of
one patient resemble each other, and counting each as new evidence makes every p too small.
"""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import DatasetError, UnknownNameError
from delineate.metrics.scoreboard import Scoreboard
from delineate.metrics.significance import bootstrap_p, holm, signed_rank
from delineate.metrics.summary import resample

STATUSES = ("scored", "missed", "spurious", "absent")
POLICY = (
    "Difference: second model minus first, over the cases where both have a value. Interval: 95 % "
    "percentile bootstrap over patients, p with one added to both counts. Wilcoxon: signed rank "
    "on the patients' mean differences, zeros dropped, 1 if all are zero. Holm: over all rows."
)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One metric of one class, the second model against the first."""

    label: str
    """The class."""
    metric: str
    """Row of the scoreboards' metrics."""
    mean_a: float
    """Mean of the first model over the pairs; nan without a pair."""
    mean_b: float
    """Mean of the second model over the pairs; nan without a pair."""
    difference: float
    """Mean of second minus first over the pairs."""
    low: float
    """Lower end of the 95 % interval of the difference; nan with fewer than two patients."""
    high: float
    """Upper end of the 95 % interval of the difference; nan with fewer than two patients."""
    p_bootstrap: float
    """Two-sided p of the bootstrap; nan with fewer than two patients."""
    p_wilcoxon: float
    """Two-sided p of the signed-rank test on patients; nan without a pair."""
    holm_bootstrap: float
    """`p_bootstrap` corrected for all rows."""
    holm_wilcoxon: float
    """`p_wilcoxon` corrected for all rows."""
    num_patients: int
    """Patients with a pair."""
    num_pairs: int
    """Cases where both models have a value."""
    num_only_a: int
    """Cases where only the first model has a value; no difference can be taken."""
    num_only_b: int
    """Cases where only the second model has a value; no difference can be taken."""
    num_neither: int
    """Cases where neither model has a value."""
    statuses_a: tuple[int, int, int, int]
    """Cases that the first model scored, missed, made up, and where the class is absent."""
    statuses_b: tuple[int, int, int, int]
    """The same of the second model."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Every difference between two models, with what it takes to read them."""

    names: tuple[str, str]
    """The first and the second model."""
    rows: tuple[Difference, ...]
    """One per class and metric."""
    num_cases: int
    """Cases that both were scored on."""
    num_patients: int
    """Their patients."""
    notes: tuple[str, ...] = ()
    """What a reader must know, one sentence each."""

    @property
    def text(self) -> str:
        """A table for a terminal, and what must be known with it."""
        width = max([len("class"), *(len(row.label) for row in self.rows)])
        names = max([len("metric"), *(len(row.metric) for row in self.rows)])
        head = (
            f"{'class':{width}}  {'metric':{names}}  {'first':>8}  {'second':>8}  {'change':>8}  "
            f"{'95 % interval':^20}  {'p':>6}  {'Holm':>6}  {'Wilcoxon':>8}  {'Holm':>6}  "
            "pairs only-1st only-2nd neither"
        )
        lines = [f"First: {self.names[0]}; second: {self.names[1]}.", head, "-" * len(head)]
        for row in self.rows:
            interval = "-" if math.isnan(row.low) else f"{row.low:+.4f} to {row.high:+.4f}"
            lines.append(
                f"{row.label:{width}}  {row.metric:{names}}  {_number(row.mean_a):>8}  "
                f"{_number(row.mean_b):>8}  {_number(row.difference, '+'):>8}  {interval:^20}  "
                f"{_number(row.p_bootstrap):>6}  {_number(row.holm_bootstrap):>6}  "
                f"{_number(row.p_wilcoxon):>8}  {_number(row.holm_wilcoxon):>6}  "
                f"{row.num_pairs:5} {row.num_only_a:8} {row.num_only_b:8} {row.num_neither:7}"
            )
        return "\n".join(
            [*lines, f"Cases: {self.num_cases}; patients: {self.num_patients}.", POLICY,
             *self.notes]
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Turn the comparison into plain values.

        Returns:
            A nested dictionary for JSON; None for nan; counts of statuses by name.
        """
        return {
            "names": list(self.names),
            "num_cases": self.num_cases,
            "num_patients": self.num_patients,
            "policy": POLICY,
            "notes": list(self.notes),
            "rows": [_plain(row) for row in self.rows],
        }

    def to_csv(self) -> str:
        """Write a line per class and metric.

        Returns:
            CSV with a header; cells without a value are empty.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        keys = [key for key in Difference.__dataclass_fields__ if not key.startswith("statuses")]
        counts = [f"num_{status}_{side}" for side in "ab" for status in STATUSES]
        writer.writerow([*keys, *counts])
        for row in self.rows:
            plain = _plain(row)
            cells = ["" if plain[key] is None else plain[key] for key in keys]
            writer.writerow([*cells, *row.statuses_a, *row.statuses_b])
        return text.getvalue()


def compare(
    board_a: Scoreboard,
    board_b: Scoreboard,
    *,
    names: tuple[str, str] = ("first", "second"),
    uses_shared_cases: bool = False,
    num_resamples: int = 2000,
    seed: int = 0,
) -> Comparison:
    """Compare two models case by case, by every class and metric that both boards hold.

    Args:
        board_a: Scores of the first model.
        board_b: Scores of the second model.
        names: What the two are called.
        uses_shared_cases: Whether differing sets of cases are cut to those that both have, with
            a note that counts the others; else they are refused.
        num_resamples: Draws of the bootstrap.
        seed: Equal seeds give equal intervals.

    Returns:
        The differences, second minus first.

    Raises:
        DatasetError: If cases, classes, patients, units or tolerances of the boards differ.
        UnknownNameError: If the boards share no metric.
    """
    _check_boards(board_a, board_b)
    shared = [case for case in board_a.cases if case in set(board_b.cases)]
    notes = _case_notes(board_a, board_b, len(shared), is_cut=uses_shared_cases)
    metrics = [metric for metric in board_a.metrics if metric in board_b.metrics]
    if not metrics:
        raise UnknownNameError("The boards share no metric. Evaluate both with the same metrics.")
    left_out = sorted({*board_a.metrics} ^ {*board_b.metrics})
    if left_out:
        notes.append(f"Not compared, since only one board has them: {', '.join(left_out)}.")
    owner = dict(zip(board_a.cases, board_a.patients, strict=True))
    patients = [owner[case] for case in shared]
    found: list[dict[str, Any]] = []
    for label in board_a.labels:
        for metric in metrics:
            one, two = (_column(board, label, metric, shared) for board in (board_a, board_b))
            counts = [_statuses(board, label, set(shared)) for board in (board_a, board_b)]
            row = _difference(one, two, patients, num_resamples=num_resamples, seed=seed)
            row |= {"label": label, "metric": metric}
            found.append(row | {"statuses_a": counts[0], "statuses_b": counts[1]})
    return Comparison(
        names=names, rows=_corrected(found), num_cases=len(shared),
        num_patients=len(set(patients)), notes=tuple(notes),
    )  # fmt: skip


def _corrected(found: Sequence[dict[str, Any]]) -> tuple[Difference, ...]:
    resampled, ranked = (holm([row[key] for row in found]) for key in ("p_bootstrap", "p_wilcoxon"))
    return tuple(
        Difference(**row, holm_bootstrap=resampled[place], holm_wilcoxon=ranked[place])
        for place, row in enumerate(found)
    )


def _difference(
    first: NDArray[np.float64], second: NDArray[np.float64], patients: Sequence[str],
    *, num_resamples: int, seed: int,
) -> dict[str, Any]:  # fmt: skip
    has_a, has_b = np.isfinite(first), np.isfinite(second)
    both = has_a & has_b
    change = np.where(both, second - first, np.nan)
    mean, means, number = resample(
        change[:, None], patients, num_resamples=num_resamples, seed=seed
    )
    means = means[np.isfinite(means)]
    low, high = np.percentile(means, [2.5, 97.5]) if means.size else (np.nan, np.nan)
    owners = np.asarray(patients)
    by_patient = [change[both & (owners == name)].mean() for name in sorted(set(owners[both]))]
    return {
        "mean_a": float(first[both].mean()) if both.any() else float("nan"),
        "mean_b": float(second[both].mean()) if both.any() else float("nan"),
        "difference": mean, "low": float(low), "high": float(high),
        "p_bootstrap": bootstrap_p(means), "p_wilcoxon": signed_rank(np.array(by_patient)),
        "num_patients": number, "num_pairs": int(both.sum()),
        "num_only_a": int((has_a & ~has_b).sum()), "num_only_b": int((has_b & ~has_a).sum()),
        "num_neither": int((~has_a & ~has_b).sum()),
    }  # fmt: skip


def _column(
    board: Scoreboard, label: str, metric: str, cases: Sequence[str]
) -> NDArray[np.float64]:
    found = {row.case: row.values[metric] for row in board.rows if row.label == label}
    return np.array([found.get(case, np.nan) for case in cases], dtype=np.float64)


def _statuses(board: Scoreboard, label: str, cases: set[str]) -> tuple[int, int, int, int]:
    found = [row.status for row in board.rows if row.label == label and row.case in cases]
    return (found.count("scored"), found.count("missed"),
            found.count("spurious"), found.count("absent"))  # fmt: skip


def _check_boards(first: Scoreboard, second: Scoreboard) -> None:
    if set(first.labels) != set(second.labels):
        raise DatasetError(
            f"The boards hold different classes, {list(first.labels)} and {list(second.labels)}. "
            "Evaluate both models with the same label table."
        )
    ours, theirs = ((board.unit, board.tolerance_mm) for board in (first, second))
    if ours != theirs:
        raise DatasetError(
            f"The boards were measured in {ours[0]} at tolerance {ours[1]:g} and in {theirs[0]} "
            f"at {theirs[1]:g}. Evaluate both models alike."
        )
    owner = dict(zip(first.cases, first.patients, strict=True))
    for case, patient in zip(second.cases, second.patients, strict=True):
        if owner.get(case, patient) != patient:
            raise DatasetError(
                f"Case {case} belongs to patient {owner[case]} on one board and to {patient} on "
                "the other. Evaluate both models on the same dataset."
            )


def _case_notes(first: Scoreboard, second: Scoreboard, shared: int, *, is_cut: bool) -> list[str]:
    alone = (len(first.cases) - shared, len(second.cases) - shared)
    if not any(alone) and shared:
        return []
    counts = f"{shared} cases are on both boards, {alone[0]} on the first only and {alone[1]} on "
    if not is_cut or not shared:
        raise DatasetError(
            f"{counts}the second only. Evaluate both on the same cases, or pass "
            "uses_shared_cases=True if some are shared."
        )
    return [f"{counts}the second only; the others are left out."]


def _plain(row: Difference) -> dict[str, Any]:
    plain: dict[str, Any] = {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in asdict(row).items()
    }
    for side in ("statuses_a", "statuses_b"):
        plain[side] = dict(zip(STATUSES, plain[side], strict=True))
    return plain


def _number(value: float, sign: str = "") -> str:
    return "-" if math.isnan(value) else f"{value:{sign}.3f}"
