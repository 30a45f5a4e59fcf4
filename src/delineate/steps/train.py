"""Train a network on a folder of labelled cases, within a budget, resumable at any time."""

import logging
from dataclasses import dataclass
from pathlib import Path

import torch

from delineate.core.budget import Budget
from delineate.core.errors import PlanError
from delineate.core.plan import Plan
from delineate.core.slices import FUSION
from delineate.datasets.base import Dataset
from delineate.infer.bundle import Bundle, build_network, load_bundle
from delineate.infer.device import choose_device, has_bf16
from delineate.learn.batches import Batches
from delineate.learn.checkpoint import hash_tensors
from delineate.learn.curves import draw_curves
from delineate.learn.handover import hand_over
from delineate.learn.logbook import Logbook
from delineate.learn.pretrained import plan_for_encoder, take_encoder
from delineate.learn.processes import Processes
from delineate.learn.provision import Provision, provide
from delineate.learn.record import Record
from delineate.learn.sampling import BoolArray, take_chances, take_presence
from delineate.learn.supervised import Limit, Trainer
from delineate.learn.transfer import plan_like, take_weights
from delineate.learn.unlabelled import plan_for_unlabelled
from delineate.metrics import Scoreboard
from delineate.models.weights import read_weights
from delineate.steps.plan import PlanSettings, open_data, plan
from delineate.story import tell

log = logging.getLogger("delineate")

PLANNED = (
    *("data", "more", "out", "layout", "mpp", "budget", "steps", "seed", "device"),
    *("model", "dims", "slices", "slice_step", FUSION),
)
"""Settings that planning takes as they are."""


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """What to train on, where to, and for how long."""

    data: Path
    """Folder of labelled cases, or a zip of MoNuSeg."""
    more: tuple[Path, ...] = ()
    """Further datasets that train the same model."""
    out: Path
    """Folder of the run; if a run is there already, it goes on."""
    budget: str = "30m"
    """Wall-clock time for training, such as 90s, 30m or 2h."""
    steps: int | None = None
    """Optimiser steps instead of a time; repeatable bit by bit."""
    fold: str = "0"
    """Fold that validates, from 0; "all" trains on every case and validates on none."""
    hold_out: str | None = None
    """Tissues that validate instead of a fold and never train, such as kidney,bladder."""
    unlabelled: Path | None = None
    """Folder of images without labels that train, too: the network's average teaches them."""
    labelled: float | None = None
    """Share of the training cases that keep their labels, to see what few labels do."""
    leave_out: str | None = None
    """Tissues that neither train nor validate, such as fluo,gray."""
    model: str | None = None
    """Network, a row of the table of models; None lets the plan choose."""
    dims: int | None = None
    """2 to work slice by slice, 3 to work in volumes; None lets the plan choose."""
    slices: int | None = None
    """Slices of a volume that a 2-D network sees as channels, odd: 1, 3 or 5."""
    slice_step: int | None = None
    """Distance of those slices, in slices at the working resolution; 1 if left out."""
    slice_fusion: str | None = None
    """early: slices are channels of the first layer; late: each passes a stem first."""
    start_from: str | None = None
    """Model whose network and weights training starts from: a run, a bundle or a name."""
    encoder_weights: Path | None = None
    """Published weights for the encoder: file, or folder with model.safetensors."""
    seed: int = 0
    """Seed of weights, folds and batches."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    layout: str | None = None
    """Layout of the dataset; None recognises it."""
    mpp: float | None = None
    """Micrometres to a pixel of images of tissue; the files' own if left out."""
    purpose: str | None = None
    """What the model is for, one sentence for its card."""
    licence: str | None = None
    """Licence of the data for the card; the dataset's own if left out."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A finished run."""

    folder: Path
    """The run's folder."""
    history: tuple[dict[str, float], ...]
    """A row per validation."""
    weights_hash: str
    """Hash of the averaged weights at the end."""
    scores: str = ""
    """Table of the scores on cases that did not train."""

    @property
    def text(self) -> str:
        """What to tell the user."""
        last = self.history[-1] if self.history else {}
        table = f"{self.scores}\n" if self.scores else ""
        return (
            f"{table}Trained {int(last.get('step', 0))} steps in "
            f"{last.get('seconds', 0) / 60:.1f} minutes.\n"
            f"Weights, plan and curves: {self.folder}\n"
            f"Next: delineate predict INPUT --model {self.folder} --out PRED"
        )


def train(settings: TrainSettings) -> Trained:
    """Plan if there is no plan yet, train, validate on whole cases, and leave a bundle.

    Args:
        settings: What to train on, where to, and for how long.

    Returns:
        The finished run.

    Raises:
        DatasetError: If the folder is no dataset, or the fold does not exist.
        PlanError: If the run's folder belongs to another dataset or plan.
    """
    device = choose_device(settings.device)
    processes = Processes.join(device)
    dataset = open_data(settings)
    if processes.is_first:
        _make_plan(settings)
    processes.wait()
    provision = provide(settings, Plan.load(settings.out / "plan.yaml"), dataset)
    decided, store, training = provision.plan, provision.store, provision.training
    if processes.is_first:
        provision.fill(dataset)
    processes.wait()
    presence = take_presence(decided, store, training)
    trainer = _make_trainer(settings, decided, device, processes, presence)
    logbook = Logbook(settings.out, store, provision.validation, draw=draw_curves)
    logbook.resume(trainer)
    if processes.is_first:
        _write_facts(settings, provision)
    place = {"rank": processes.rank, "world_size": processes.world_size, "seed": settings.seed}
    batches = Batches(store, training, chances=take_chances(decided, presence), **place)
    trainer.unlabelled = provision.images.batches(**place)
    with logbook.stoppable():
        trainer.run(batches, each=logbook.each)
    logbook.close()
    board = None
    if processes.is_first:
        board = _finish(settings, dataset, provision, trainer)
    trainer.part()
    return Trained(
        folder=settings.out,
        history=tuple(trainer.history),
        scores=board.text if board else "",
        weights_hash=hash_tensors(trainer.average),
    )


def _finish(
    settings: TrainSettings, dataset: Dataset, provision: Provision, trainer: Trainer
) -> Scoreboard | None:
    training, validation = provision.training, provision.validation
    told = tell(settings, trainer.plan, training, validation, trainer, dataset.licence)
    unseen = (dataset.case(case_id) for case_id in validation)
    return hand_over(
        settings.out, trainer.plan, unseen, len(validation), told, device=settings.device
    )


def _make_plan(settings: TrainSettings) -> None:
    path = settings.out / "plan.yaml"
    # Loaded first, so that a wrong name leaves nothing behind.
    start = None if settings.start_from is None else load_bundle(settings.start_from)
    if start is not None and settings.model not in (None, start.plan.model):
        raise PlanError(
            f"{settings.start_from} is {start.plan.model}, not {settings.model}, and its weights "
            "fit no other network. Leave --model out, or --start-from."
        )
    if settings.encoder_weights is not None:
        read_weights(settings.encoder_weights)
    if path.exists():
        there = Plan.load(path)
        name = open_data(settings).name
        if there.dataset != name:
            raise PlanError(
                f"{settings.out} holds a run on dataset {there.dataset!r}, not {name!r}. "
                "Choose another --out."
            )
        _check_asked(settings, there)
    else:
        plan(PlanSettings(**{name: getattr(settings, name) for name in PLANNED}))
    if not (settings.out / "state.safetensors").exists():
        _adapt_plan(settings, path, start)


def _adapt_plan(settings: TrainSettings, path: Path, start: Bundle | None) -> None:
    if start is not None:
        plan_like(Plan.load(path), start).save(path)
    if settings.encoder_weights is not None:
        plan_for_encoder(Plan.load(path), settings.encoder_weights).save(path)
    if settings.unlabelled is not None:
        plan_for_unlabelled(Plan.load(path)).save(path)


def _check_asked(settings: TrainSettings, there: Plan) -> None:
    # What is asked for anew must be what stands in the plan; else it would be passed over.
    has = {
        "model": there.model,
        "dims": there.dims,
        "slices": there.slices,
        "slice_step": there.slice_step,
        FUSION: there.model_options.get(FUSION, "early"),
    }
    for name, value in has.items():
        asked = getattr(settings, name)
        if asked is not None and asked != value:
            raise PlanError(
                f"{settings.out / 'plan.yaml'} says {name} {value}, not {asked}. Leave "
                f"--{name.replace('_', '-')} out, or choose another --out."
            )


def _make_trainer(
    settings: TrainSettings,
    plan: Plan,
    device: torch.device,
    processes: Processes,
    presence: BoolArray | None,
) -> Trainer:
    torch.manual_seed(settings.seed)
    model = build_network(plan)
    if settings.start_from is not None:
        take_weights(model, load_bundle(settings.start_from), slices=plan.slices)
    if settings.encoder_weights and not (settings.out / "state.safetensors").exists():
        take_encoder(model, settings.encoder_weights)
    if settings.steps is not None:
        limit = Limit(steps=settings.steps)
    else:
        limit = Limit(seconds=Budget.parse(settings.budget).seconds)
    log.info(
        "Training %s on %s%s.",
        plan.model,
        device,
        " in bfloat16" if plan.bf16 and has_bf16(device) else "",
    )
    return Trainer(
        plan=plan,
        model=model.to(device),
        limit=limit,
        seed=settings.seed,
        processes=processes,
        presence=presence,
        folder=settings.out,
    )


def _write_facts(settings: TrainSettings, provision: Provision) -> None:
    record = Record(
        dataset=provision.plan.dataset,
        fold=settings.fold,
        seed=settings.seed,
        budget=settings.budget if settings.steps is None else f"{settings.steps} steps",
        training=provision.training,
        validation=provision.validation,
        unlabelled=provision.images.ids,
    )
    record.save(settings.out / "run.json")
