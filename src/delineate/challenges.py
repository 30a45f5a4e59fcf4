"""A challenge's own score of a folder of predictions, beside the usual ones."""

from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import TypeVar

import numpy as np

from delineate.comparison import read_both
from delineate.core.errors import DatasetError, pick
from delineate.core.progress import track
from delineate.metrics.official import MSD, MoNuSeg, Outcome, UWMadison
from delineate.pairing import named
from delineate.said import read_answer, true_mask
from delineate.tables import said_number
from delineate.truth import Truth

Kind = TypeVar("Kind", MoNuSeg, MSD, UWMadison)
NEEDS_OBJECTS = {"monuseg": True, "msd": False, "uw_madison": False}
"""Scorers that a folder has all for; PanNuke and CoNIC have files of their own."""


def score_officially(
    name: str, truth: Truth, files: Mapping[str, Path], *, tolerance_mm: float | Mapping[str, float]
) -> Outcome:
    """Score cases as a challenge does.

    Args:
        name: Row of `NEEDS_OBJECTS`.
        truth: What is so.
        files: Prediction by case; cases that could not be scored otherwise are left out before.
        tolerance_mm: Tolerance of NSD, in mm: of every class, or by the class's name.

    Returns:
        The challenge's numbers, its convention and counts.

    Raises:
        DatasetError: If the truth is not of the challenge's kind.
    """
    check_official(name, truth)
    if name == "monuseg":
        return _each(truth, files, MoNuSeg(), _add_objects)
    if name == "uw_madison":
        return _each(truth, files, UWMadison(), _add_organs)
    classes = {label.name: label.id for label in truth.labels.labels}
    limits = (
        tolerance_mm if isinstance(tolerance_mm, Mapping) else dict.fromkeys(classes, tolerance_mm)
    )
    scorer = MSD(tolerances_mm=limits, classes=classes)
    return _each(truth, files, scorer, _add_case)


def check_official(name: str, truth: Truth) -> None:
    """Refuse a scorer that the truth is not for, before anything is measured.

    Args:
        name: Row of `NEEDS_OBJECTS`.
        truth: What is so.

    Raises:
        UnknownNameError: If there is no such scorer.
        DatasetError: If it scores objects and the truth has regions, or the reverse.
    """
    needs = pick(NEEDS_OBJECTS, name, what="official scorer")
    if needs != truth.has_objects:
        kinds = ("regions", "objects told apart")
        raise DatasetError(
            f"The official scorer {name} takes {kinds[needs]}, but the truth has "
            f"{kinds[truth.has_objects]}. Leave --official out, or pass --task."
        )
    if name == "msd" and not truth.labels.is_exclusive:
        raise DatasetError(
            "The official scorer msd takes classes that exclude each other, but those of the "
            f"truth ({named(truth.labels.names)}) overlap. Leave --official out."
        )


def _each(
    truth: Truth, files: Mapping[str, Path], scorer: Kind,
    add: Callable[[Kind, Truth, str, Path], None],
) -> Outcome:  # fmt: skip
    for case, path in track(files.items(), "scoring officially", len(files)):
        add(scorer, truth, case, path)
    return scorer.result()


def _add_objects(scorer: MoNuSeg, truth: Truth, case: str, path: Path) -> None:
    true, said = read_both(truth, case, path)
    scorer.add(said.ids, true.ids)


def _add_organs(scorer: UWMadison, truth: Truth, case: str, path: Path) -> None:
    mask, said = true_mask(truth, case), read_answer(truth, case, path).mask
    if mask.geometry.dims != 3:
        raise DatasetError(
            f"The official scorer uw_madison takes whole scans, but {case} is one slice. "
            "Put the slices of a day together."
        )
    labels = truth.labels
    both = [[one.region(label, labels) for label in labels.labels] for one in (said, mask)]
    scorer.add(np.stack(both[0]), np.stack(both[1]))


def _add_case(scorer: MSD, truth: Truth, case: str, path: Path) -> None:
    mask, said = true_mask(truth, case), read_answer(truth, case, path).mask
    if said.num_layers is not None:
        raise DatasetError(
            f"The official scorer msd takes classes that exclude each other, but labels of "
            f"{path.name} overlap. Leave --official out."
        )
    scorer.add(said.array, mask.array, mask.geometry.spacing_mm)


def official_section(outcomes: Mapping[str, Outcome]) -> str:
    """Lay official scores out for the page.

    Args:
        outcomes: Outcome by the model's name; empty where there is but one.

    Returns:
        HTML.
    """
    first = next(iter(outcomes.values()))
    head = "".join(f"<th>{escape(model or 'value')}</th>" for model in outcomes)
    lines = "".join(
        f"<tr><td>{escape(name)}</td>"
        + "".join(f"<td>{said_number(one.scores[name], name)}</td>" for one in outcomes.values())
        + "</tr>"
        for name in first.scores
    )
    counts = ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in first.counts.items())
    return (
        f"<table><tr><th>{escape(first.scorer)}</th>{head}</tr>{lines}</table>"
        f'<p class="faint">{escape(first.convention)} Counts: {escape(counts)}.</p>'
    )


def say_official(outcomes: Mapping[str, Outcome]) -> list[str]:
    """Say official scores in a sentence a model.

    Args:
        outcomes: Outcome by the model's name.

    Returns:
        The sentences, then the convention.
    """
    words = []
    for model, outcome in outcomes.items():
        numbers = ", ".join(f"{name} {value:.4f}" for name, value in outcome.scores.items())
        owner = f" of {model}" if model else ""
        words.append(f"Official score {outcome.scorer}{owner}: {numbers}.")
    return [*words, next(iter(outcomes.values())).convention]
