"""Images that are learnt from without labels: a folder of them, and cases with labels set aside."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from delineate.core.case import Case
from delineate.core.plan import Plan
from delineate.infer.inputs import Source, find_inputs, open_source
from delineate.infer.intake import check_image
from delineate.infer.tissue import ready_tissue
from delineate.learn.batches import Batches
from delineate.learn.store import Store, Stored, check_names

log = logging.getLogger("delineate")

WEIGHT = 0.1
"""Of consistency where images without labels are given and the plan says nothing of it."""
APART = 1_000_003
"""Added to a run's seed, so that these batches are no echo of the labelled ones."""


class Unlabelled:
    """Prepared images whose labels nobody looks at; a shelf that batches are drawn from."""

    def __init__(
        self,
        store: Store,
        hidden: Sequence[str] = (),
        folder: Path | None = None,
        *,
        unwanted: Collection[str] = (),
        mpp: float | None = None,
    ) -> None:
        """Find the images; none is read yet.

        Args:
            store: Prepared cases, among them those of `hidden`; a store beside it keeps what
                comes from the folder.
            hidden: Ids of cases whose labels are set aside.
            folder: Folder of further images, laid out as the inputs of `predict`.
            unwanted: Ids of cases that judge: a file of such a name is left out.
            mpp: Micrometres to a pixel of pictures of tissue; None means what the file says.

        Raises:
            FileError: If the folder is absent or holds no image.
        """
        self.plan: Plan = store.plan
        self.hidden = tuple(hidden)
        self.mpp = mpp
        self.own = Store(store.folder.parent / "unlabelled", store.plan)
        self.sources = {} if folder is None else self._find(folder, unwanted)
        self._places = {case_id: (store, case_id) for case_id in hidden}
        self._places |= {f"unlabelled {name}": (self.own, name) for name in self.sources}

    def _find(self, folder: Path, unwanted: Collection[str]) -> dict[str, Source]:
        inputs = find_inputs([folder], self.plan)
        for name, reason in {**inputs.refused, **inputs.aside}.items():
            log.warning("%s of %s is left out: %s", name, folder, reason)
        found = {source.id: source for source in inputs.sources if source.id not in unwanted}
        if len(found) < len(inputs.sources):
            named = len(inputs.sources) - len(found)
            log.warning("%d images of %s have names of cases that judge: left out.", named, folder)
        check_names(list(found))
        return found

    @property
    def ids(self) -> list[str]:
        """Names of all images, apart from those of labelled cases."""
        return list(self._places)

    def fill(self) -> None:
        """Prepare what the folder holds and is not prepared yet.

        Raises:
            DelineateError: If an image cannot be read, or is none for the plan.
        """
        todo = [source for name, source in self.sources.items() if not self.own.has(name)]
        self.own.fill_images((self._open(source) for source in todo), len(todo))

    def _open(self, source: Source) -> Case:
        case = open_source(source, self.plan)
        image = case.image
        if self.plan.task == "instances":
            image = ready_tissue(image, self.plan, mpp=self.mpp)
        check_image(image, self.plan, case.facts)
        return replace(case, image=image)

    def get(self, case_id: str) -> Stored:
        """Open a prepared image.

        Args:
            case_id: One of `ids`.

        Returns:
            The image, with labels of -1 everywhere and no voxel of any class.
        """
        store, name = self._places[case_id]
        return hide_labels(store.get(name), self.plan)

    def batches(self, *, seed: int, rank: int = 0, world_size: int = 1) -> Batches | None:
        """Draw batches as labelled ones are drawn, but from anywhere in an image.

        Args:
            seed: The run's seed.
            rank: This process's number.
            world_size: Number of processes.

        Returns:
            The batches, or None if there is no image.
        """
        if not self.ids:
            return None
        return Batches(self, self.ids, seed=seed + APART, rank=rank, world_size=world_size)


def hide_labels(case: Stored, plan: Plan) -> Stored:
    """Forget what is known of a case.

    Args:
        case: A prepared case.
        plan: Its plan.

    Returns:
        The image, with labels of -1 everywhere and no voxel of any class.
    """
    is_single = plan.task == "regions" and plan.labels.is_exclusive
    layers = 1 if is_single else 2 if plan.task == "instances" else len(plan.labels.labels)
    unknown = np.broadcast_to(np.int8(-1), (layers, *case.image.shape[1:]))
    return replace(case, labels=unknown, points=())


def plan_for_unlabelled(plan: Plan) -> Plan:
    """Let images without labels count, unless the plan says how much they do.

    Args:
        plan: The plan.

    Returns:
        A plan whose objective has consistency.
    """
    if "consistency" in plan.objective:
        return plan
    reason = "There are images without labels, and a teacher's answers to them count this much."
    return plan.deciding(reason, objective={**plan.objective, "consistency": WEIGHT})
