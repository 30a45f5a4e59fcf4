"""Case in, `Prediction` out, on the case's own grid."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from delineate.core.case import Case, Prediction
from delineate.core.errors import GeometryError, ShapeError
from delineate.core.image import Image, Mask
from delineate.core.labels import LabelTable
from delineate.core.plan import Plan
from delineate.core.slices import slice_offsets
from delineate.infer.bundle import load_bundle, num_outputs
from delineate.infer.device import choose_device
from delineate.infer.doubt import image_score
from delineate.infer.export import Canvas, Decision, export
from delineate.infer.intake import check_image
from delineate.infer.mirrors import average_mirrors, check_flips
from delineate.infer.noise import (
    NOISY,
    NONE,
    DropoutPasses,
    LearntNoise,
    check_uncertainty,
    make_noisy,
)
from delineate.infer.nuclei import find_objects, tell_facts
from delineate.infer.preparation import Prepared, prepare_image
from delineate.infer.provenance import tell_provenance
from delineate.infer.tissue import ready_tissue
from delineate.infer.wanted import Wanted
from delineate.infer.window import Network, lay_tiles, slide
from delineate.readers import strip_suffix
from delineate.writers import write_prediction

CALL_VOXELS = {"cpu": 2**18, "cuda": 2**23}
"""Voxels of small tiles that go through the network at once."""
TILE_VOXELS = {"cpu": 2**20, "cuda": 2**23}
"""Voxels up to which a tile may outgrow the training patch."""
SURE = 10.0
"""Logit of background in tiles that need no network."""
GROWING = ("unet", "unet_encoder")
"""Networks whose answer at a place depends on what is near alone; the others pool or attend."""
LOCAL_NORMS = (nn.GroupNorm, nn.InstanceNorm2d, nn.InstanceNorm3d, nn.LayerNorm)
"""Layers whose answer depends on all of a tile, so that tiles must stay as in training."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictor:
    """A trained network that answers images; make it with `load`, or of a live network."""

    plan: Plan
    """The plan that the network was trained under."""
    model: nn.Module
    """The network, in evaluation mode, on the device."""
    name: str = "model"
    """What it is called in messages and files."""
    weights_hash: str = ""
    """Tells these weights from others."""
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    """Where the network runs."""
    training_cases: frozenset[str] = frozenset()
    """Ids of the cases that it learnt from, as far as its folder tells."""
    temperature: float = 1.0
    """What logits are divided by before they become probabilities or doubt; labels never are."""

    @classmethod
    def load(cls, path_or_name: str | Path, *, device: str = "auto") -> "Predictor":
        """Load a shipped bundle by name, or a bundle or run folder by path.

        Args:
            path_or_name: Such as "hippocampus" or "runs/my".
            device: "auto" (CUDA if there is one), "cpu", "cuda" or "cuda:N".

        Returns:
            The predictor.

        Example:
            >>> import delineate
            >>> model = delineate.load("hippocampus")  # doctest: +SKIP
        """
        bundle = load_bundle(path_or_name)
        place = choose_device(device)
        layout = torch.channels_last if bundle.plan.dims == 2 else torch.channels_last_3d
        return cls(
            plan=bundle.plan,
            model=bundle.model.to(device=place, memory_format=layout),  # type: ignore[call-overload]
            name=bundle.name,
            weights_hash=bundle.weights_hash,
            device=place,
            training_cases=bundle.training_cases,
            temperature=bundle.temperature,
        )

    @property
    def labels(self) -> LabelTable:
        """What the numbers in its masks mean."""
        return self.plan.labels

    def predict(
        self,
        image: Image | Case,
        *,
        probabilities: bool = False,
        entropy: bool = False,
        uncertainty: str = NONE,
        flips: Sequence[int] | None = None,
        mpp: float | None = None,
        force: bool = False,
        watch: Callable[[int, Tensor], None] | None = None,
    ) -> Prediction:
        """Segment one image.

        Args:
            image: An image or a case, of the plan's channels.
            probabilities: Whether to keep each output's probability, (K, *S), float16.
            entropy: Whether to keep the entropy in nats, (*S), float16.
            uncertainty: Doubt to keep, (*S), float16, in [0, 1]: "none", "entropy", "margin",
                "evidential", "aleatoric" or "mc"; with its mean near borders in the provenance.
            flips: Network axes whose mirror images are averaged; None means the plan's.
            mpp: Micrometres to a pixel of a picture of tissue; None means what the file says.
            force: Whether to enlarge a picture of tissue four times and more.
            watch: Told first plane and logits (K, z, Y, X) of each slab on the working grid
                of a model of regions, before temperature and labels.

        Returns:
            Mask on the image's own grid, and what was asked for.

        Raises:
            GeometryError: If `mpp` is given for a model of regions.
            PlanError: If the model cannot say how unsure it is in this way.
        """
        start = perf_counter()
        check_uncertainty(uncertainty, self.model, self.plan.task, self.name)
        picture = self._ready(image, mpp, force=force)
        asked = self.plan.flips if flips is None else flips
        mirrored = check_flips(asked, self.plan.dims, self.name)
        if self.plan.task == "instances":
            fields = self._objects(picture, mirrored, has_maps=probabilities or entropy)
        else:
            wanted = Wanted(
                probabilities=probabilities, entropy=entropy, uncertainty=uncertainty, watch=watch
            )
            fields = self._regions(picture, mirrored, wanted)
        facts = {**self._provenance(mirrored, perf_counter() - start), **fields.pop("facts")}
        if self.plan.task == "instances":
            told = image.facts.get("mpp_from") if isinstance(image, Case) else None
            facts["mpp_from"] = "by hand" if mpp is not None else told or "file"
        return Prediction(
            case_id=image.id if isinstance(image, Case) else strip_suffix(Path(picture.source)),
            labels=self.labels,
            provenance=facts,
            hand=lambda prediction, path: write_prediction(prediction, path, image=picture),
            **fields,
        )

    def _ready(self, image: Image | Case, mpp: float | None, *, force: bool) -> Image:
        picture = image.image if isinstance(image, Case) else image
        if self.plan.task == "instances":
            picture = ready_tissue(picture, self.plan, mpp=mpp, force=force)
        elif mpp is not None:
            raise GeometryError(
                f"mpp is for models of nuclei, and {self.name} is none; it takes the resolution "
                "from the image. Leave --mpp out."
            )
        check_image(picture, self.plan, image.facts if isinstance(image, Case) else None)
        return picture

    def _regions(self, picture: Image, flips: Sequence[int], wanted: Wanted) -> dict[str, Any]:
        prepared = prepare_image(picture, self.plan)
        result = self._run(prepared, flips, wanted)
        facts: dict[str, Any] = {"temperature": self.temperature} if result.is_dense else {}
        if result.uncertainty is not None:
            facts["uncertainty"] = wanted.uncertainty
            facts["border_uncertainty"] = image_score(result.uncertainty, result.labels)
        source, stacked = f"{self.name} on {picture.source}", self.labels.overlapping
        mask = Mask.of(result.labels, picture.geometry, is_stack=stacked, source=source)
        return {
            "mask": mask,
            "probabilities": result.probabilities,
            "entropy": result.entropy,
            "uncertainty": result.uncertainty,
            "facts": facts,
        }

    def _objects(self, picture: Image, flips: Sequence[int], *, has_maps: bool) -> dict[str, Any]:
        if has_maps:
            raise ShapeError(
                f"{self.name} tells objects apart and keeps no map of probabilities or entropy. "
                "Each object has a confidence; see the csv."
            )
        start = perf_counter()
        found = find_objects(picture, self.plan, self._averaged(flips))
        facts = tell_facts(found, picture, perf_counter() - start)
        source = f"{self.name} on {picture.source}"
        mask = Mask(geometry=picture.geometry, load=found.label_map, source=source)
        return {"mask": mask, "instances": found, "facts": facts}

    def logits(
        self, array: NDArray[np.float32], flips: Sequence[int] = ()
    ) -> Iterator[tuple[int, Tensor]]:
        """Run the network over an image in working space, slab by slab.

        Args:
            array: What `prepare_image` made, (C, *S).
            flips: Network axes whose mirror images are averaged.

        Yields:
            First plane and logits (K, z, Y, X) of consecutive slabs; a 2-D image is one plane.
            What `make_noisy` made has one channel more.
        """
        volume = torch.from_numpy(array if array.ndim == 4 else array[:, None])
        lead = (1,) * (3 - self.plan.dims)
        tiling = lay_tiles(
            volume.shape[1:],
            (*lead, *self.plan.patch),
            overlap=self.plan.overlap,
            max_voxels=TILE_VOXELS[self.device.type] if self._sees_places_alike() else None,
        )
        batch = max(1, CALL_VOXELS[self.device.type] // math.prod(tiling.tile))
        yield from slide(
            volume,
            tiling,
            self._network(flips),
            background=self._background(),
            batch=batch,
            offsets=slice_offsets(self.plan),
        )

    def _run(self, prepared: Prepared, flips: Sequence[int], wanted: Wanted) -> Canvas:
        """Fill native arrays through views that have the canonical axis order."""
        stacked = self.labels.overlapping
        decision: Decision = "exclusive" if self.labels.is_exclusive else "painted"
        native = wanted.canvas(
            prepared.native.shape,
            num_outputs(self.plan),
            "layers" if stacked else decision,
            self.temperature,
        )
        working = prepared.array.shape[1:]
        full = (1,) * (3 - len(working)) + working
        slabs = self._with_doubt(wanted.uncertainty).logits(prepared.array, flips)
        turned = native.viewed(prepared.order, prepared.flips)
        export(wanted.watched(slabs), full, turned)
        return native if stacked else replace(native, labels=self._ids(native.labels))

    def _with_doubt(self, uncertainty: str) -> "Predictor":
        if uncertainty not in NOISY:
            return self
        kind = "exclusive" if self.labels.is_exclusive else "layers"
        return replace(self, model=make_noisy(self.model, uncertainty, kind, self.temperature))

    def _ids(self, places: NDArray[Any]) -> NDArray[Any]:
        ids = [0, *(label.id for label in self.labels.labels)]
        if ids == list(range(len(ids))):
            return places
        kind = np.min_scalar_type(max(ids))
        table: NDArray[Any] = np.asarray(ids, dtype=kind)
        return np.take(table, places)

    def _network(self, flips: Sequence[int]) -> Network:
        if self.plan.dims == 3:
            return self._averaged(flips)
        flat = self._averaged(flips)
        return lambda tiles: flat(tiles.squeeze(2)).unsqueeze(2)

    def _averaged(self, flips: Sequence[int]) -> Network:
        return average_mirrors(self.model, self.plan, self.device, flips)

    def _background(self) -> Tensor:
        logits = torch.full((num_outputs(self.plan),), -SURE, device=self.device)
        if self.labels.is_exclusive:
            logits[0] = SURE
        has_doubt = isinstance(self.model, LearntNoise | DropoutPasses)
        return torch.cat([logits, logits.new_zeros(1)]) if has_doubt else logits

    def _sees_places_alike(self) -> bool:
        is_near = self.plan.model in GROWING
        return is_near and not any(isinstance(layer, LOCAL_NORMS) for layer in self.model.modules())

    def _provenance(self, flips: tuple[int, ...], seconds: float) -> dict[str, Any]:
        facts: dict[str, Any] = {"weights_hash": self.weights_hash, "device": self.device}
        return tell_provenance(self.name, self.plan, flips=flips, seconds=seconds, **facts)
