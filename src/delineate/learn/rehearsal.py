"""Objects found in prepared images while training goes on, to see whether they come apart."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from delineate.infer.decoders import Decoder, make_decoder, read_heads
from delineate.learn.store import Store, Stored
from delineate.metrics.instance import aggregated_jaccard, pair_up, panoptic_quality
from delineate.metrics.overlap import dice

LARGEST_PX = 1536
"""Side of the middle part that is looked at of a larger image: a glance, not a verdict."""


def validate_objects(
    model: nn.Module, weights: Mapping[str, Tensor], store: Store, ids: Sequence[str]
) -> dict[str, float]:
    """Find the objects of prepared cases with given weights and score them.

    The scores live on the working grid and leave types out; the final ones do neither.

    Args:
        model: A network of the plan's architecture; its own weights are put back after.
        weights: Weights to try, by name.
        store: Prepared cases.
        ids: Ids of the validation cases.

    Returns:
        "dice" of the foreground, "aji" and "pq", each the mean over cases that hold objects;
        0 where none does.
    """
    own = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(dict(weights))
    model.eval()
    decoder = make_decoder(store.plan.decoder, **store.plan.decoder_options)
    try:
        cases = [store.get(case_id) for case_id in ids]
        rows = [_score(model, decoder, case, bf16=store.plan.bf16) for case in cases]
    finally:
        model.load_state_dict(own)
        model.train()
    table = np.array(rows, dtype=np.float64).reshape(len(rows), 3)
    known = table[~np.isnan(table).any(axis=1)]
    means = known.mean(axis=0) if len(known) else np.zeros(3)
    return dict(zip(("dice", "aji", "pq"), map(float, means), strict=True))


@torch.no_grad()
def _score(
    model: nn.Module, decoder: Decoder, case: Stored, *, bf16: bool
) -> tuple[float, float, float]:
    window = tuple(
        slice((size - length) // 2, (size + length) // 2)
        for size in case.image.shape[1:]
        for length in [min(size, LARGEST_PX)]
    )
    device = next(model.parameters()).device
    image = torch.from_numpy(case.image[(slice(None), *window)].astype(np.float32))[None]
    image = image.to(device).contiguous(memory_format=torch.channels_last)
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        logits = model(image)[0]
    found = decoder.decode(read_heads(logits[0])).ids
    truth = np.asarray(case.labels[0][window])
    pairing = pair_up(truth, found)
    quality = panoptic_quality(pairing)
    return dice(found > 0, truth > 0), aggregated_jaccard(pairing), quality.pq
