"""What a finished run hands over: weights, scores on cases it did not learn from, a card."""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
import yaml
from torch import Tensor

from delineate.core.case import Case, Prediction
from delineate.core.errors import DelineateError
from delineate.core.files import write_text
from delineate.core.image import Mask
from delineate.core.plan import Plan
from delineate.core.progress import track
from delineate.infer.predictor import Predictor
from delineate.learn.checkpoint import Checkpoint, load_checkpoint, save_checkpoint, weights_facts
from delineate.learn.temperature import Calibrated, Voxels
from delineate.metrics import METRICS, Failure, Row, Scoreboard, score_case
from delineate.metrics.nuclei import OBJECT_METRICS, score_instances

log = logging.getLogger("delineate")

CHOSEN = {"regions": "best.safetensors", "instances": "last.safetensors"}
"""Weights that are handed over, by the plan's task. Few images of tissue are held out, so that
choosing among checkpoints by them would flatter the scores more than it would help."""


@dataclass(frozen=True, kw_only=True)
class Story:
    """What a card tells besides the plan: whose data, which cases, how it was trained."""

    purpose: str
    """What the model is for, in one sentence."""
    licence: str
    """Licence of the data, which binds the weights."""
    command: str
    """The command that trained it."""
    training_cases: Sequence[str]
    """Ids of the cases that it learnt from."""
    validation: str
    """Which cases the scores are of, in words."""
    steps: int
    """Optimiser steps that were taken."""
    minutes: float
    """Minutes that training took."""


def hand_over(
    folder: Path, plan: Plan, cases: Iterable[Case], total: int, story: Story, *, device: str
) -> Scoreboard | None:
    """Choose the weights, score them on their native grids and write the card.

    Args:
        folder: The run's folder with `best.safetensors` and `last.safetensors`.
        plan: The plan.
        cases: Labelled cases that did not train.
        total: How many there are.
        story: What the card tells besides.
        device: Where to predict.

    Returns:
        The scores, or None if there are no such cases.
    """
    tensors = slimmed(load_checkpoint(folder / CHOSEN[plan.task]).tensors)
    facts = weights_facts(plan, tensors)
    save_checkpoint(folder / "weights.safetensors", Checkpoint(tensors=tensors, facts=facts))
    voxels = Voxels(plan, total)
    board = _score(folder, plan, cases, voxels, device) if total else None
    calibrated = voxels.calibrate()
    if board is None:  # what an earlier run measured, its temperature too, is not of these weights
        for name in ("metrics.json", "scores.csv"):
            (folder / name).unlink(missing_ok=True)
    else:
        scores = {**board.to_dict(), "cases": story.validation}
        if calibrated is not None:
            scores["calibration"] = calibrated.to_dict()
        write_text(folder / "metrics.json", json.dumps(scores, indent=2, ensure_ascii=False))
        write_text(folder / "scores.csv", board.to_csv())
    write_text(folder / "card.md", write_card(plan, story, board, calibrated))
    return board


def slimmed(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Halve the size of weights: matrices in float16, which is finer than what bfloat16 uses.

    Args:
        tensors: Weights by name.

    Returns:
        The same, convolutions and matrices in float16; scales, shifts and statistics as
        they were, as are matrices that float16 cannot hold.
    """
    limit = torch.finfo(torch.float16).max
    return {
        name: value.half() if value.ndim > 1 and float(value.abs().max()) < limit else value
        for name, value in tensors.items()
    }


def _score(
    folder: Path, plan: Plan, cases: Iterable[Case], voxels: Voxels, device: str
) -> Scoreboard:
    predictor = Predictor.load(folder, device=device)
    rows: list[Row] = []
    failures: list[Failure] = []
    for case in track(cases, "scoring unseen cases", voxels.num_cases):
        if case.mask is None:
            continue
        try:
            rows += _score_case(
                predictor.predict(case, watch=voxels.watch(case)), case, case.mask, plan
            )
        except DelineateError as error:
            log.warning("%s", error)
            failures.append(Failure(case=case.id, reason=str(error)))
    return Scoreboard(
        rows=tuple(rows),
        metrics=METRICS if plan.task == "regions" else OBJECT_METRICS,
        tolerance_mm=median(plan.spacing_mm),
        failures=tuple(failures),
    )


def _score_case(said: Prediction, case: Case, truth: Mask, plan: Plan) -> Sequence[Row]:
    if said.instances is not None and case.instances is not None:
        return score_instances(
            said.instances,
            case.instances,
            plan.labels,
            case=case.id,
            patient=case.patient,
            pixel_um=truth.geometry.spacing_mm[-1] * 1000,
        )
    return score_case(
        said.mask,
        truth,
        plan.labels,
        METRICS,
        case=case.id,
        patient=case.patient,
        tolerance_mm=median(plan.spacing_mm),
    )


def write_card(
    plan: Plan, story: Story, board: Scoreboard | None, calibrated: Calibrated | None = None
) -> str:
    """Write what a user of the model must know.

    Args:
        plan: The plan.
        story: What else is known.
        board: Scores on cases that it did not learn from, or None.
        calibrated: What its probabilities are worth on these cases, or None.

    Returns:
        Markdown with a head of `purpose` and `licence`.
    """
    head = {"purpose": story.purpose, "licence": story.licence}
    told = yaml.safe_dump(head, sort_keys=False, width=88)
    names = ", ".join(f"{label.id} {label.name}" for label in plan.labels.labels)
    names += ", each object told apart" if plan.task == "instances" else ""
    return f"""---
{told}---

# {plan.dataset}

{story.purpose}

- Input: {_axes(plan)}, channels {", ".join(plan.channels)}; worked on at {_resolution(plan)}.
- Output: {names}.
- Network: {plan.model}, {_words(plan.model_options)}.

## Scores

{story.validation}

{_scores(board, calibrated)}

## Training

{story.steps} steps in {story.minutes:.1f} minutes, with the plan.yaml beside this card in RUN:

    {story.command}

Learnt from {len(story.training_cases)} cases: {", ".join(story.training_cases)}.

Licence of the data, and so of the weights: {story.licence}.

## Use and limits

For research. Not a medical device; it must not guide treatment. It knows only what the cases
above show: other scanners, sequences, ages and diseases were not tested, and it answers on
them all the same. Look at the outlines before you use a number.
"""


def _scores(board: Scoreboard | None, calibrated: Calibrated | None) -> str:
    if board is None:
        return "None: every case trained."
    return f"```\n{board.text}\n```" + (f"\n\n{calibrated.text}" if calibrated else "")


def _axes(plan: Plan) -> str:
    if plan.slices == 1:
        return f"{plan.dims}-D"
    return f"2-D, {plan.slices} slices at a time, {plan.slice_step} apart"


def _resolution(plan: Plan) -> str:
    if plan.task == "instances":
        return f"{plan.spacing_mm[-1] * 1000:g} um to the pixel"
    return " x ".join(f"{step:g}" for step in plan.spacing_mm) + " mm"


def _words(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in options.items())
