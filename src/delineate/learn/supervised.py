"""The one training loop: budget in, averaged weights out, resumable at any step."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import gettempdir
from time import monotonic
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from delineate.core.errors import PlanError
from delineate.core.plan import Plan
from delineate.core.progress import report
from delineate.learn.batches import Batch
from delineate.learn.chance import chance_states, restore_chance
from delineate.learn.guard import Guard
from delineate.learn.objective import Objective, read_objective
from delineate.learn.processes import Processes
from delineate.learn.schedule import schedule
from delineate.learn.teacher import Teacher


class Drawing(Protocol):
    """Draws the batch of any step."""

    def draw(self, step: int) -> Batch:
        """Make the batch of a step, counted from 0, on the CPU."""
        ...


@dataclass(frozen=True, kw_only=True)
class Limit:
    """How long a run lasts: a number of steps, or seconds of wall-clock."""

    steps: int | None = None
    """Steps of the optimiser; exact, so that runs can be repeated bit by bit."""
    seconds: float | None = None
    """Wall-clock seconds, all that happens in the loop counted in."""

    def progress(self, step: int, seconds: float) -> float:
        """Tell which share of the run is over.

        Args:
            step: Steps done.
            seconds: Seconds spent.

        Returns:
            A number from 0; 1 or more means done.
        """
        if self.steps is not None:
            return step / max(1, self.steps)
        return seconds / max(1e-9, self.seconds or 0.0)


@dataclass(kw_only=True, eq=False)
class Trainer:
    """A network, its optimiser and its average, and where they stand; the loop's only state."""

    plan: Plan
    """Every decision."""
    model: nn.Module
    """The network, on its device."""
    limit: Limit
    """When to stop."""
    seed: int
    """Seed of the batches."""
    processes: Processes
    """Who else trains."""
    presence: NDArray[np.bool_] | None = None
    """Which classes each training case holds, where the plan weighs them."""
    unlabelled: Drawing | None = None
    """Images without labels, where the plan's objective has consistency; targets are not read."""
    folder: Path | None = None
    """Where a batch that ends a run is kept; None takes the system's temporary folder."""
    step: int = 0
    """Steps done."""
    seconds: float = 0.0
    """Seconds spent, earlier parts of a resumed run counted in."""
    history: list[dict[str, float]] = field(default_factory=list)
    """A row per report: step, seconds, loss, learning rate, validation scores."""
    recent: list[float] = field(default_factory=list)
    """Losses since the last report."""

    def __post_init__(self) -> None:
        """Make the optimiser and the average."""
        self.device = next(self.model.parameters()).device
        dims = self.plan.dims
        self.layout = torch.channels_last if dims == 2 else torch.channels_last_3d
        self.model.to(memory_format=self.layout)  # type: ignore[call-overload]
        self.takes_hints = getattr(self.model, "takes_priority", False)
        self.objective = Objective(plan=self.plan, presence=self.presence, device=self.device)
        if self.processes.world_size > 1 and self.objective.follows_the_run:
            raise PlanError(
                "objective must weigh classes and terms the same in every process, so with "
                "torchrun only static or no weights. Train with one process, or change plan.yaml."
            )
        self.guard = Guard(self.folder or Path(gettempdir()), rank=self.processes.rank)
        self.optimiser = torch.optim.AdamW(
            self._groups(), lr=self.plan.learning_rate, betas=(0.9, 0.99), fused=True
        )
        self.average = {
            name: value.detach().clone() for name, value in self.model.state_dict().items()
        }
        options = read_objective(self.plan)
        self.teacher = Teacher.of(self.plan, options, self.model, self.seed, self.processes.rank)
        self.parallel = self.processes.wrap(self.model)

    @property
    def skipped(self) -> int:
        """Steps left out because the loss was not finite."""
        return self.guard.skipped

    def _groups(self) -> list[dict[str, Any]]:
        """Split parameters: scales and biases do not decay."""
        matrices = [value for value in self.model.parameters() if value.ndim > 1]
        vectors = [value for value in self.model.parameters() if value.ndim <= 1]
        return [
            {"params": matrices, "weight_decay": self.plan.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
            *self.objective.terms.groups(),
        ]

    def run(self, batches: Drawing, *, each: Callable[["Trainer", float], None]) -> None:
        """Train until the limit is reached.

        Args:
            batches: Draws the batch of any step.
            each: Called after every step with this trainer and the share that is over; it
                validates and saves when it wants to.
        """
        self.model.train()
        start = monotonic() - self.seconds
        while (share := self._agreed(self.limit.progress(self.step, self.seconds))) < 1:
            self.train_step(batches, share)
            self.seconds = monotonic() - start
            self._report()
            each(self, self._agreed(self.limit.progress(self.step, self.seconds)))
            self.model.train()
            self.seconds = monotonic() - start

    def train_step(self, batches: Drawing, share: float) -> None:
        """Draw a batch, follow its gradient and move the average.

        Args:
            batches: Draws the batch of any step.
            share: Share of the run that is over, which sets the learning rate.
        """
        batch = batches.draw(self.step)
        image = batch.image.to(self.device).contiguous(memory_format=self.layout)
        rate = self.plan.learning_rate * schedule(share, self.plan.warmup)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        target = batch.target.to(self.device)
        hints = (self.objective.priority(target),) if self.takes_hints else ()
        with self._precision():
            outputs = self.parallel(image, *hints)
        loss = self.objective.judge(outputs, target, share, self._beside(share)).loss
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        if self.guard.check(norm, batch, self.step):
            self.optimiser.step()
        if self.teacher is not None:
            self.teacher.follow(self.model, self.step)
        self.step += 1
        self._move_average()
        self.recent.append(float(loss.detach()))

    def _beside(self, share: float) -> dict[str, Tensor]:
        """Judge images without labels, where they count."""
        if self.teacher is None:
            return {}
        if self.unlabelled is None:
            raise PlanError(
                "objective.consistency is for images without labels, and there are none. Name "
                "them with --unlabelled, or leave it out of plan.yaml."
            )
        image = self.unlabelled.draw(self.step).image.to(self.device)
        image = image.contiguous(memory_format=self.layout)
        with self._precision():
            # Not through `parallel`: its hooks sum both gradients, its buffers forbid two passes.
            outputs = self.model(image)
            cost = self.teacher.judge(outputs, image, self.step, share)
        return {"consistency": cost}

    def _precision(self) -> Any:  # noqa: ANN401 - one of two context managers
        if not self.plan.bf16:
            return nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    @torch.no_grad()
    def _move_average(self) -> None:
        decay = min(self.plan.ema, (1 + self.step) / (10 + self.step))
        state = self.model.state_dict()
        names = [name for name, value in state.items() if value.is_floating_point()]
        torch._foreach_lerp_(
            [self.average[name] for name in names], [state[name] for name in names], 1 - decay
        )
        for name in state.keys() - set(names):
            self.average[name].copy_(state[name])

    def _agreed(self, share: float) -> float:
        return share if self.limit.steps is not None else self.processes.agree(share)

    def _report(self) -> None:
        done = self.limit.progress(self.step, self.seconds)
        total = self.limit.steps or max(self.step, round(self.step / max(done, 1e-6)))
        report("training", min(self.step, total), total, self.seconds)

    def note(self, **scores: float) -> None:
        """Add a row to the history: where the run stands, and the scores.

        Args:
            **scores: Validation scores by name.
        """
        mean = sum(self.recent) / max(1, len(self.recent))
        rate = float(self.optimiser.param_groups[0]["lr"])
        row = {"step": self.step, "seconds": self.seconds, "loss": mean, "learning_rate": rate}
        taught = {} if self.teacher is None else self.teacher.row()
        self.history.append({**row, **self.objective.row(), **taught, **scores})
        self.recent.clear()

    def part(self) -> None:
        """Part from the other processes, after the last step."""
        self.parallel = self.model
        self.processes.leave()

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Collect everything that the next step depends on.

        Returns:
            Tensors by name, and plain values.
        """
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in self.average.items()}
        for place, entry in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{place}.{name}": value for name, value in entry.items()}
        if self.teacher is not None:
            taught = self.teacher.model.state_dict()
            tensors |= {f"teacher.{name}": value for name, value in taught.items()}
        tensors |= {f"chance.{name}": value for name, value in chance_states(self.device).items()}
        facts = {
            "teacher": None if self.teacher is None else self.teacher.state(),
            "step": self.step,
            "seconds": self.seconds,
            "guard": self.guard.state(),
            "objective": self.objective.state(),
            "seed": self.seed,
            "history": self.history,
            "recent": self.recent,
            "plan_hash": self.plan.hash(),
        }
        return tensors, facts

    def restore(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Go on from what `state` collected.

        Args:
            tensors: Tensors by name.
            facts: Plain values.
        """
        parts: dict[str, dict[str, Tensor]] = {"model": {}, "average": {}, "optimiser": {}}
        for key, value in tensors.items():
            part, name = key.split(".", 1)
            parts.setdefault(part, {})[name] = value
        self.model.load_state_dict(parts["model"])
        for name, value in parts["average"].items():
            self.average[name].copy_(value)
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in parts["optimiser"].items():
            place, name = key.split(".", 1)
            state.setdefault(int(place), {})[name] = value
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": state, "param_groups": groups})
        for parameter, entry in self.optimiser.state.items():
            for name, value in entry.items():
                if value.shape == parameter.shape:
                    # The fused step walks through memory, so layouts must be the same.
                    entry[name] = torch.empty_like(parameter).copy_(value)
        self.step, self.seconds = int(facts["step"]), float(facts["seconds"])
        if "objective" in facts:  # what came before it had nothing to remember
            self.guard.restore(facts["guard"])
            self.objective.restore(facts["objective"])
        restore_chance(parts.get("chance", {}), self.device)
        if self.teacher is not None:
            self.teacher.restore(parts["teacher"], facts["teacher"])
        self.history, self.recent = list(facts["history"]), list(facts["recent"])
