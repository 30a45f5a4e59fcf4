"""Scores of a trained network on cases that it never saw, all on the working grid."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from delineate.core.plan import Plan
from delineate.infer.decoders import make_decoder, read_heads
from delineate.infer.device import has_bf16
from delineate.infer.predictor import Predictor
from delineate.learn.store import Store, Stored
from delineate.metrics.calibration import Calibration, boundary_band
from delineate.metrics.instance import (
    aggregated_jaccard,
    detection_f1,
    pair_up,
    panoptic_quality,
)
from delineate.metrics.overlap import count, dice
from delineate.metrics.surface import hausdorff95, surface_dice, surface_distances
from delineate.metrics.uncertainty import ErrorDetection

BAND_PX = 3.0
"""Half width of the band around the true boundary in which the band's Dice counts."""
RADIUS_PX = 12.0
"""Farthest that two centres of nuclei may lie apart for F1: 3 um at 0.25 um to the pixel."""

Change = Callable[[NDArray[np.float32], int], NDArray[np.float32]]
"""Damages the prepared image of a case, (C, *S); the number is the case's place."""


@dataclass(kw_only=True, eq=False)
class Judge:
    """Adds up over cases what a network said."""

    plan: Plan
    temperature: float = 1.0
    """Divides logits for the second calibration; Dice and the like never see it."""
    names: tuple[str, ...] = ()
    rows: list[dict[str, Any]] = field(default_factory=list)
    pooled: NDArray[np.int64] = field(init=False)
    """Voxels shared, said and true per class, all and in the band, (2, K, 3)."""

    def __post_init__(self) -> None:
        """Start with nothing counted."""
        self.names = tuple(label.name for label in self.plan.labels.labels)
        self.pooled = np.zeros((2, len(self.names), 3), dtype=np.int64)
        self.is_objects = self.plan.task == "instances"
        number = 2 if self.is_objects else len(self.names) + 1
        self.calibration = Calibration(number, band_width=BAND_PX)
        self.tempered = Calibration(number, band_width=BAND_PX)
        self.errors = ErrorDetection()

    def add(self, name: str, logits: Tensor, truth: NDArray[Any]) -> None:
        """Count one case: logits (K, *S) on the CPU, and its prepared labels."""
        score = self._objects if self.is_objects else self._regions
        self.rows.append({"case": name, **score(logits.float(), truth)})

    def _regions(self, logits: Tensor, truth: NDArray[Any]) -> dict[str, Any]:
        true = np.asarray(truth[0], dtype=np.int64)
        chances = logits.softmax(0).numpy()
        said = chances.argmax(0)
        row = self._classes(said, true, true >= 0)
        row |= self._surfaces(said, true)
        truth = np.where(true < 0, 255, true)
        self.calibration.add(chances, truth, ignore=255)
        self.tempered.add((logits / self.temperature).softmax(0).numpy(), truth, ignore=255)
        row["uncertainty"] = self._doubt(chances, said != true, true >= 0)
        return row

    def _classes(
        self, said: NDArray[Any], true: NDArray[Any], counted: NDArray[np.bool_]
    ) -> dict[str, Any]:
        """Dice of each class in the whole image and near its true boundary."""
        row: dict[str, Any] = {"dice": {}, "band": {}}
        for place, name in enumerate(self.names):
            mine, theirs = said == place + 1, true == place + 1
            band = boundary_band(theirs, BAND_PX, counted=counted)
            for part, (key, where) in enumerate((("dice", counted), ("band", band))):
                found = count(mine & where, theirs & where)
                self.pooled[part, place] += (found.both, found.prediction, found.truth)
                row[key][name] = dice(mine & where, theirs & where)
        return row

    def _surfaces(self, said: NDArray[Any], true: NDArray[Any]) -> dict[str, Any]:
        spacing = tuple(self.plan.spacing_mm)[-true.ndim :]
        row: dict[str, Any] = {"nsd": {}, "hd95": {}}
        for place, name in enumerate(self.names):
            mine, theirs = said == place + 1, true == place + 1
            if not (theirs.any() and mine.any()):
                missing = np.nan if not theirs.any() else 0.0
                row["nsd"][name], row["hd95"][name] = missing, np.nan
                continue
            distances = surface_distances(mine, theirs, spacing)
            row["nsd"][name] = surface_dice(distances, min(spacing))
            row["hd95"][name] = hausdorff95(distances)
        return row

    def _doubt(
        self, chances: NDArray[Any], is_wrong: NDArray[np.bool_], counted: NDArray[np.bool_]
    ) -> float:
        """Entropy over its largest value; its mean where anything but background is likely."""
        entropy = -(chances * np.log(np.clip(chances, 1e-12, 1))).sum(0) / np.log(len(chances))
        entropy = np.clip(entropy, 0, 1)
        self.errors.add(entropy, is_wrong & counted, counted=counted)
        near = (chances[0] < 0.9) & counted
        return float(entropy[near].mean()) if near.any() else 0.0

    def _objects(self, logits: Tensor, truth: NDArray[Any]) -> dict[str, Any]:
        ids, types = np.asarray(truth[0]), np.asarray(truth[1])
        maps = read_heads(logits)
        found = make_decoder(self.plan.decoder, **self.plan.decoder_options).decode(maps)
        pairing = pair_up(ids, found.ids)
        row: dict[str, Any] = {
            "nuclei": dice(found.ids > 0, ids > 0),
            "aji": aggregated_jaccard(pairing),
            "pq": panoptic_quality(pairing).pq,
            "f1": detection_f1(pairing.truth_centres, pairing.prediction_centres, RADIUS_PX),
            "num_true": int(ids.max(initial=0) > 0) and len(pairing.truth_ids),
        }
        everywhere = np.ones(ids.shape, dtype=bool)
        band = boundary_band(ids > 0, BAND_PX, counted=everywhere)
        row["nuclei_band"] = dice((found.ids > 0) & band, (ids > 0) & band)
        if maps.types is not None and (types > 0).any():
            said = np.where(maps.foreground > 0.5, maps.types.argmax(0) + 1, 0)
            row |= self._classes(said, types, types >= 0)
        chances = np.stack([1 - maps.foreground, maps.foreground])
        self.calibration.add(chances, (ids > 0).astype(np.int64))
        cooler = (logits[0] / self.temperature).sigmoid().numpy()
        self.tempered.add(np.stack([1 - cooler, cooler]), (ids > 0).astype(np.int64))
        wrong = (maps.foreground > 0.5) != (ids > 0)
        row["uncertainty"] = self._doubt(chances, wrong, everywhere)
        return row

    def scores(self) -> dict[str, Any]:
        """Means over cases, pooled Dice of classes, and what certainty is worth."""
        scores = self._objects_by_source() if self.is_objects else {}
        for key in ("dice", "band", "nsd", "hd95"):
            found = [row[key] for row in self.rows if key in row]
            if found:
                by_class = {name: _mean([row[name] for row in found]) for name in self.names}
                scores |= {key: _mean(list(by_class.values())), f"{key}_by_class": by_class}
        for part, key in enumerate(("pooled", "pooled_band")):
            shared, said, true = self.pooled[part].T
            by_class = {
                name: float(2 * shared[k] / (said[k] + true[k])) if said[k] + true[k] else np.nan
                for k, name in enumerate(self.names)
            }
            scores |= {key: _mean(list(by_class.values())), f"{key}_by_class": by_class}
        voxels = self.pooled[0, :, 2]
        by_number = [self.names[k] for k in np.argsort(voxels) if voxels[k]] or list(self.names)
        return scores | {
            "rarest": by_number[0],
            "rarest_dice": scores["pooled_by_class"][by_number[0]],
            "rare_dice": _mean([scores["pooled_by_class"][name] for name in by_number[:2]]),
            "ece": self.calibration.curve.ece,
            "ece_tempered": self.tempered.curve.ece,
            "temperature": self.temperature,
            "band_ece": self.calibration.band_curve.ece,
            "brier": self.calibration.brier,
            "error_auroc": self.errors.auroc,
            "spearman": self._spearman(),
        }

    def _objects_by_source(self) -> dict[str, Any]:
        """Scores of objects per data set, and the mean of the data sets."""
        sources: dict[str, list[dict[str, Any]]] = {}
        for row in self.rows:
            if row["num_true"]:
                sources.setdefault(row["case"].split(".")[0], []).append(row)
        keys = ("nuclei", "nuclei_band", "aji", "pq", "f1")
        apart = {
            source: {key: _mean([row[key] for row in found]) for key in keys}
            for source, found in sources.items()
        }
        return {key: _mean([scores[key] for scores in apart.values()]) for key in keys} | {
            "by_source": apart
        }

    def _spearman(self) -> float:
        """Rank correlation of a case's mean doubt with its Dice; good ones are near -1."""
        from scipy.stats import spearmanr

        pairs = []
        for row in self.rows:
            reached = row["nuclei"] if self.is_objects else _mean(list(row["dice"].values()))
            if not np.isnan(reached):
                pairs.append((row["uncertainty"], reached))
        return float(spearmanr(*zip(*pairs, strict=True)).statistic) if len(pairs) > 2 else np.nan


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def middle(case: Stored, side: int | None) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """Take the middle of a prepared case's last two axes, or all of it."""
    image, labels = case.image, case.labels
    if side is not None:
        window = tuple(
            slice((size - length) // 2, (size + length) // 2)
            for size in image.shape[-2:]
            for length in [min(size, side)]
        )
        image, labels = image[(..., *window)], labels[(..., *window)]
    return np.asarray(image, dtype=np.float32), np.asarray(labels)


def logits_of(model: nn.Module, plan: Plan, image: NDArray[np.float32]) -> Tensor:
    """Run a network over a prepared image the way that the package does; (K, *S) on the CPU."""
    device = next(model.parameters()).device
    if plan.task == "instances":
        tile = torch.from_numpy(image)[None].to(device)
        tile = tile.contiguous(memory_format=torch.channels_last)
        is_low = plan.bf16 and has_bf16(device)
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=is_low):
            answer: Tensor = model(tile)[0][0].float().cpu()
        return answer
    predictor = Predictor(plan=plan, model=model, device=device)
    slabs = [slab.cpu() for _, slab in predictor.logits(image)]
    return torch.cat(slabs, dim=1).reshape(-1, *image.shape[1:]).clone()


def judge(
    model: nn.Module,
    plan: Plan,
    store: Store,
    ids: Sequence[str],
    *,
    side: int | None = None,
    change: Change | None = None,
    temperature: float = 1.0,
) -> Judge:
    """Score a network in evaluation mode on cases of a store."""
    model.eval()
    verdict = Judge(plan=plan, temperature=temperature)
    for place, name in enumerate(ids):
        image, truth = middle(store.get(name), side)
        if change is not None:
            image = change(image, place)
        verdict.add(name, logits_of(model, plan, image), truth)
    return verdict


def fit_temperature(
    model: nn.Module, plan: Plan, store: Store, ids: Sequence[str], *, side: int | None = None
) -> float:
    """Find the temperature under which the truth of other cases is likeliest."""
    from scipy.optimize import minimize_scalar

    model.eval()
    pieces, truths = [], []
    for name in ids:
        image, labels = middle(store.get(name), side)
        logits = logits_of(model, plan, image)
        if plan.task == "instances":
            logits = torch.stack([torch.zeros_like(logits[0]), logits[0]])
            true = torch.from_numpy((labels[0] > 0).astype(np.int64))
        else:
            true = torch.from_numpy(labels[0].astype(np.int64))
        seen = true.flatten() >= 0
        pieces.append(logits.flatten(1)[:, seen].T)
        truths.append(true.flatten()[seen])
    said, true = torch.cat(pieces).float(), torch.cat(truths)
    step = max(1, len(true) // 200_000)
    said, true = said[::step], true[::step]
    best = minimize_scalar(
        lambda power: float(nn.functional.cross_entropy(said / np.exp(power), true)),
        bounds=(-1.5, 2.0),
        method="bounded",
    )
    return float(np.exp(best.x))
