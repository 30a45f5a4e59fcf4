"""What the card of a trained model says of its training."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from delineate.core.plan import Plan
from delineate.learn.handover import Story
from delineate.learn.supervised import Trainer
from delineate.models.weights import read_weights

if TYPE_CHECKING:
    from delineate.steps.train import TrainSettings

CHOICE = {
    "regions": "The checkpoint was chosen by its Dice on them.",
    "instances": "The checkpoint is the last one: nothing was chosen on them.",
}
"""How the weights that are handed over were chosen, by the plan's task."""


def tell(
    settings: "TrainSettings",
    plan: Plan,
    training: Sequence[str],
    validation: Sequence[str],
    trainer: Trainer,
    licence: str,
) -> Story:
    """Gather what the model's card says besides the plan.

    Args:
        settings: What was asked for.
        plan: The plan.
        training: Ids of the cases that trained.
        validation: Ids of the cases that validated.
        trainer: The finished trainer.
        licence: Terms of the dataset.

    Returns:
        The story.
    """
    part, who = f"--fold {settings.fold}", f"Fold {settings.fold}"
    if settings.hold_out is not None:
        part, who = f"--hold-out {settings.hold_out}", f"Tissues {settings.hold_out}"
    names = ", ".join(plan.labels.names)
    return Story(
        purpose=settings.purpose or f"Outlines {names} in images like those of {plan.dataset}.",
        licence=(settings.licence or licence) + _terms(settings),
        command=_command(settings, part),
        training_cases=sorted(training),
        validation=f"{who}: {len(validation)} cases of patients that did not train. "
        + CHOICE[plan.task],
        steps=trainer.step,
        minutes=trainer.seconds / 60,
    )


def _terms(settings: "TrainSettings") -> str:
    """State whose terms bind the model, too: of first weights, of images without labels."""
    terms = ""
    if settings.encoder_weights is not None:
        weights = read_weights(settings.encoder_weights)
        terms = f"; the encoder began with {weights.path.name}, licence {weights.licence}"
    if settings.unlabelled is not None:
        terms += f"; images without labels of {settings.unlabelled.name}, licence not stated"
    return terms


def _command(settings: "TrainSettings", part: str) -> str:
    data = " ".join(shlex.quote(path.name) for path in (settings.data, *settings.more))
    length = f"--steps {settings.steps}" if settings.steps else f"--budget {settings.budget}"
    mpp = "" if settings.mpp is None else f" --mpp {settings.mpp:g}"
    apart = "" if settings.leave_out is None else f" --leave-out {settings.leave_out}"
    if settings.unlabelled is not None:
        apart += f" --unlabelled {shlex.quote(settings.unlabelled.name)}"
    apart += "" if settings.labelled is None else f" --labelled {settings.labelled:g}"
    start = "" if settings.start_from is None else f" --start-from {Path(settings.start_from).name}"
    if settings.encoder_weights is not None:
        start += f" --encoder-weights {settings.encoder_weights.name}"
    ends = f"{part}{apart}{mpp}{start} --seed {settings.seed}"
    return f"delineate train {data} --out RUN {length} {ends}"
