"""Whole cases, not patches: how good the averaged weights are while training goes on."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from delineate.infer.predictor import Predictor
from delineate.learn.rehearsal import validate_objects
from delineate.learn.store import Store, Stored
from delineate.metrics.overlap import dice


def validate(
    model: nn.Module, weights: Mapping[str, Tensor], store: Store, ids: Sequence[str]
) -> dict[str, float]:
    """Predict prepared cases with given weights and average their Dice per class.

    The score lives on the working grid, without mirrored passes: quick enough to be asked
    for often, close to what `delineate evaluate` says on the native grid.

    Args:
        model: A network of the plan's architecture; its own weights are put back after.
        weights: Weights to try, by name.
        store: Prepared cases.
        ids: Ids of the validation cases.

    Returns:
        "dice", the mean over classes, and "dice NAME" for each class; a class that no case
        holds or predicts counts in neither. For objects, what `validate_objects` says.
    """
    if store.plan.task == "instances":
        return validate_objects(model, weights, store, ids)
    own = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(dict(weights))
    model.eval()
    try:
        predictor = Predictor(plan=store.plan, model=model, device=next(model.parameters()).device)
        rows = [_score(predictor, store.get(case_id)) for case_id in ids]
    finally:
        model.load_state_dict(own)
        model.train()
    table = np.array(rows, dtype=np.float64).reshape(len(rows), -1)
    known = ~np.isnan(table)
    means = np.where(known.any(0), np.nansum(table, 0) / np.maximum(known.sum(0), 1), np.nan)
    scores = {
        f"dice {label.name}": float(mean)
        for label, mean in zip(store.plan.labels.labels, means, strict=True)
    }
    scored = [value for value in scores.values() if not np.isnan(value)]
    return {"dice": float(np.mean(scored)) if scored else 0.0, **scores}


def _score(predictor: Predictor, case: Stored) -> list[float]:
    image, truth = case.image.astype(np.float32), np.asarray(case.labels)
    slabs = [slab for _, slab in predictor.logits(image)]
    logits = torch.cat(slabs, dim=1).cpu().reshape(-1, *image.shape[1:])
    if predictor.labels.is_exclusive:
        winner = logits.argmax(0).numpy()
        said = [winner == place + 1 for place in range(len(logits) - 1)]
        true = [truth[0] == place + 1 for place in range(len(logits) - 1)]
    else:
        said = list((logits > 0).numpy())
        true = list(truth == 1)
    counts = truth[0] >= 0
    return [dice(mine & counts, theirs & counts) for mine, theirs in zip(said, true, strict=True)]
