"""A run's folder while it trains: validation, best and last weights, state and curves."""

import json
import logging
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from torch.utils.tensorboard import SummaryWriter

from delineate.core.errors import PlanError
from delineate.core.files import write_text
from delineate.learn.checkpoint import Checkpoint, load_checkpoint, save_checkpoint, weights_facts
from delineate.learn.store import Store
from delineate.learn.supervised import Trainer
from delineate.learn.validation import validate

log = logging.getLogger("delineate")

SAVE_EVERY_S = 50.0
"""Seconds between saved states, so that a kill loses less than a minute."""
NUM_VALIDATIONS = 12
"""Whole-case validations in a run; the last one comes at its end."""
MAX_CASES = 60
"""Cases of a validation during training; the final evaluation takes them all."""


class Logbook:
    """Validates, saves and draws when it is time to, called after every step."""

    def __init__(
        self,
        folder: Path,
        store: Store,
        validation_ids: Sequence[str],
        *,
        draw: Callable[[Path, list[dict[str, float]]], None],
    ) -> None:
        """Open the folder.

        Args:
            folder: The run's folder.
            store: Prepared cases.
            validation_ids: Cases that do not train; may be empty.
            draw: Draws the history into a picture.
        """
        self.folder = folder
        self.store = store
        step = max(1, len(validation_ids) // MAX_CASES)
        self.ids = list(validation_ids)[::step]
        self.draw = draw
        self.saved_at = monotonic()
        self.validated = 0
        self.best = -1.0
        self.wants_stop = False
        self.curves: SummaryWriter | None = None

    def resume(self, trainer: Trainer) -> bool:
        """Go on from the saved state, if there is one.

        Args:
            trainer: A new trainer under the same plan.

        Returns:
            True if there was a state.

        Raises:
            PlanError: If the state belongs to another plan or seed.
        """
        path = self.folder / "state.safetensors"
        if not path.exists():
            return False
        saved = load_checkpoint(path)
        if saved.facts["plan_hash"] != trainer.plan.hash() or saved.facts["seed"] != trainer.seed:
            raise PlanError(
                f"{self.folder} holds a run under another plan or seed. "
                "Choose another --out, or undo the change."
            )
        trainer.restore(saved.tensors, saved.facts)
        share = min(1.0, trainer.limit.progress(trainer.step, trainer.seconds))
        due = int(share * NUM_VALIDATIONS + 1e-9)  # less than before if the run was lengthened
        self.validated = min(due, int(saved.facts["validated"]))
        self.best = float(saved.facts["best"])
        log.info("Going on from step %d of %s.", trainer.step, self.folder)
        return True

    def each(self, trainer: Trainer, share: float) -> None:
        """Do what is due after a step.

        Args:
            trainer: The trainer.
            share: Share of the run that is over.

        Raises:
            KeyboardInterrupt: If a stop was asked for; the state is saved first.
        """
        due = int(min(share, 1.0) * NUM_VALIDATIONS + 1e-9)
        is_due = due > self.validated
        if not trainer.processes.is_first:
            if is_due:
                self.validated = due
            return
        if is_due:
            self.validated = due
            self._validate(trainer)
        if self.wants_stop or is_due or monotonic() - self.saved_at > SAVE_EVERY_S:
            self.save(trainer)
        if self.wants_stop:
            raise KeyboardInterrupt

    def save(self, trainer: Trainer) -> None:
        """Write the state and the averaged weights.

        Args:
            trainer: The trainer.
        """
        tensors, facts = trainer.state()
        facts |= {"validated": self.validated, "best": self.best}
        save_checkpoint(self.folder / "state.safetensors", Checkpoint(tensors=tensors, facts=facts))
        self._save_weights(trainer, "last.safetensors")
        self.saved_at = monotonic()

    def _save_weights(self, trainer: Trainer, name: str) -> None:
        weights = trainer.average
        facts = weights_facts(trainer.plan, weights)
        save_checkpoint(self.folder / name, Checkpoint(tensors=weights, facts=facts))

    def _validate(self, trainer: Trainer) -> None:
        scores = {}
        if self.ids:
            scores = validate(trainer.model, trainer.average, self.store, self.ids)
        trainer.note(**scores)
        row = trainer.history[-1]
        if scores.get("dice", row["step"]) >= self.best or not self.ids:
            self.best = scores.get("dice", row["step"])
            self._save_weights(trainer, "best.safetensors")
        write_text(self.folder / "history.json", json.dumps(trainer.history, indent=1))
        self.draw(self.folder / "progress.png", trainer.history)
        self._log(trainer)
        log.info("Step %d, loss %.4f%s", trainer.step, row["loss"], _words(scores))

    def _log(self, trainer: Trainer) -> None:
        if self.curves is None:
            self.curves = SummaryWriter(self.folder / "tensorboard", purge_step=trainer.step)
        for name, value in trainer.history[-1].items():
            self.curves.add_scalar(name, value, trainer.step)
        self.curves.flush()

    @contextmanager
    def stoppable(self) -> Iterator[None]:
        """Let Ctrl-C and SIGTERM end the run after the step that is under way.

        Yields:
            Nothing; the handlers of before are back afterwards.
        """

        def stop(number: int, frame: object) -> None:
            del number, frame
            self.wants_stop = True
            log.info("Stopping after this step; the same command goes on later.")

        if threading.current_thread() is not threading.main_thread():
            yield  # signals reach the main thread alone; the caller handles them
            return
        kinds = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(kind, stop) for kind in kinds]
        try:
            yield
        finally:
            for kind, handler in zip(kinds, before, strict=True):
                signal.signal(kind, handler)

    def close(self) -> None:
        """Close what is open."""
        if self.curves is not None:
            self.curves.close()


def _words(scores: dict[str, float]) -> str:
    return "".join(f", {name} {value:.3f}" for name, value in scores.items())
