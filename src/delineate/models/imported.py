"""Mix Transformers and SegFormers that others published, put into Delineate's own.

Two ways to name the same tensors are known: that of Hugging Face's files and that of the
authors' own code. Nothing is downloaded, and weights keep their authors' licence.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from delineate.core.errors import PlanError
from delineate.models.mit import MixTransformer
from delineate.models.segformer import SIZES
from delineate.models.weights import UNKNOWN, Weights, fit, read_weights

LEAST_SHARE = 0.95
"""Share of the encoder's numbers that a file must give, and of its own that must find a place."""
OWN_PARTS = re.compile(r"\.(channel|fusion|norm_between)\.")
"""Parts of hybrid blocks that no Mix Transformer has; they begin at random."""
COUNTER = "num_batches_tracked"
"""Counters that carry no knowledge."""

_BLOCK = r"^encoder\.block\.(\d+)\.(\d+)\."
_HERE = r"encoder.stages.\1.\2."
_HUGGING_FACE = (
    (r"^segformer\.", ""),
    (r"^encoder\.patch_embeddings\.(\d+)\.proj\.", r"encoder.embeddings.\1.conv."),
    (r"^encoder\.patch_embeddings\.(\d+)\.layer_norm\.", r"encoder.embeddings.\1.norm."),
    (_BLOCK + r"layer_norm_([12])\.", _HERE + r"norm\3."),
    (_BLOCK + r"attention\.self\.(query|key|value)\.", _HERE + r"spatial.\3."),
    (_BLOCK + r"attention\.self\.sr\.", _HERE + "spatial.reduction.conv."),
    (_BLOCK + r"attention\.self\.layer_norm\.", _HERE + "spatial.reduction.norm."),
    (_BLOCK + r"attention\.output\.dense\.", _HERE + "spatial.out."),
    (_BLOCK + r"mlp\.dense1\.", _HERE + "feed_forward.widen."),
    (_BLOCK + r"mlp\.dwconv\.dwconv\.", _HERE + "feed_forward.depthwise."),
    (_BLOCK + r"mlp\.dense2\.", _HERE + "feed_forward.narrow."),
    (r"^encoder\.layer_norm\.(\d+)\.", r"encoder.norms.\1."),
    (r"^decode_head\.linear_c\.(\d+)\.proj\.", r"decoder.levels.\1."),
    (r"^decode_head\.linear_fuse\.", "decoder.mix."),
    (r"^decode_head\.batch_norm\.", "decoder.norm."),
    (r"^decode_head\.classifier\.", "head."),
)
_OLD = r"^block(\d+)\.(\d+)\."
_AUTHORS = (
    (r"^(backbone|encoder)\.", ""),
    (r"^patch_embed(\d+)\.proj\.", r"encoder.embeddings.\1.conv."),
    (r"^patch_embed(\d+)\.norm\.", r"encoder.embeddings.\1.norm."),
    (_OLD + r"norm([12])\.", _HERE + r"norm\3."),
    (_OLD + r"attn\.q\.", _HERE + "spatial.query."),
    (_OLD + r"attn\.kv\.", _HERE + "spatial.key_value."),
    (_OLD + r"attn\.sr\.", _HERE + "spatial.reduction.conv."),
    (_OLD + r"attn\.norm\.", _HERE + "spatial.reduction.norm."),
    (_OLD + r"attn\.proj\.", _HERE + "spatial.out."),
    (_OLD + r"mlp\.fc1\.", _HERE + "feed_forward.widen."),
    (_OLD + r"mlp\.dwconv\.dwconv\.", _HERE + "feed_forward.depthwise."),
    (_OLD + r"mlp\.fc2\.", _HERE + "feed_forward.narrow."),
    (r"^norm(\d+)\.", r"encoder.norms.\1."),
    (r"^decode_head\.linear_c(\d+)\.proj\.", r"decoder.levels.\1."),
    (r"^decode_head\.linear_fuse\.conv\.", "decoder.mix."),
    (r"^decode_head\.linear_fuse\.bn\.", "decoder.norm."),
    (r"^decode_head\.linear_pred\.", "head."),
)
_OF_AUTHORS = re.compile(r"(^|\.)patch_embed\d+\.")
_FROM_ONE = re.compile(r"^(encoder\.(?:embeddings|stages|norms)|decoder\.levels)\.(\d+)\.")


@dataclass(frozen=True, kw_only=True)
class Imported:
    """Which tensors of a file went into a network, and under what terms."""

    source: Path
    """The file."""
    matched: tuple[str, ...]
    """Tensors of the network that the file gave."""
    adapted: tuple[str, ...]
    """Those of them that were fitted to other channels or axes."""
    missing: tuple[str, ...]
    """Tensors of the network that the file lacks or has in another shape."""
    unexpected: tuple[str, ...]
    """Tensors of the file for which the network has no place, by their names in the file."""
    licence: str
    """What is stated of the weights' licence."""

    @property
    def text(self) -> str:
        """What to tell the user."""
        fitted = f" ({len(self.adapted)} fitted to other channels or axes)" if self.adapted else ""
        return (
            f"Weights of {self.source}: {len(self.matched)} tensors taken{fitted}, "
            f"{len(self.missing)} begin at random, {len(self.unexpected)} left over. "
            f"Licence: {self.licence}."
        )

    @property
    def caution(self) -> str | None:
        """What must be known of the licence before the result is used, or None."""
        if self.licence != UNKNOWN and not self.licence.startswith("other"):
            return None
        return (
            f"The licence of {self.source} is {self.licence}. Published Mix Transformer weights by "
            "NVIDIA may not be used commercially, and neither may what is trained from them. "
            "Read the terms where you fetched the file."
        )


def translate(tensors: Mapping[str, Tensor]) -> dict[str, tuple[Tensor, tuple[str, ...]]]:
    """Give the tensors of a checkpoint the names that they have here.

    Args:
        tensors: By their authors' names.

    Returns:
        Tensor and its names in the file, by its name here; what is not known keeps its name.
    """
    is_old = any(_OF_AUTHORS.search(name) for name in tensors)
    named = {_rename(name, is_old=is_old): name for name in tensors}
    found: dict[str, tuple[Tensor, tuple[str, ...]]] = {}
    for here, there in named.items():
        key, value = here.replace(".value.", ".key."), here.replace(".key.", ".value.")
        if key != value and key in named and value in named:
            names = (named[key], named[value])
            joined = torch.cat([tensors[name] for name in names])
            found[key.replace(".key.", ".key_value.")] = (joined, names)
        else:
            found[here] = (tensors[there], (there,))
    return found


def find_size(weights: Weights) -> str | None:
    """Find the published size that a checkpoint has.

    Args:
        weights: Of a Mix Transformer or SegFormer.

    Returns:
        Row of `SIZES`, or None if it has another.
    """
    names = translate(weights.tensors)
    widths: list[int] = []
    depths: list[int] = []
    while (first := f"encoder.embeddings.{len(widths)}.conv.weight") in names:
        stage = f"encoder.stages.{len(widths)}."
        widths.append(len(names[first][0]))
        depths.append(len({name.split(".")[3] for name in names if name.startswith(stage)}))
    for size, numbers in SIZES.items():
        if [numbers["widths"], numbers["depths"]] == [tuple(widths), tuple(depths)]:
            return size
    return None


def find_eps(weights: Weights) -> float | None:
    """Find what the normalisations of a checkpoint were run with, if that is not our own.

    The authors' code adds 1e-6 to the variance in blocks and stages, as this package does.
    Hugging Face's adds 1e-5 everywhere, whatever the file's configuration says.

    Args:
        weights: Of a Mix Transformer or SegFormer.

    Returns:
        1e-5 for names of Hugging Face, else None.
    """
    is_theirs = any(re.search(r"(^|\.)patch_embeddings\.\d+\.", name) for name in weights.tensors)
    return 1e-5 if is_theirs else None


def import_weights(network: nn.Module, path: Path, *, decoder: bool = False) -> Imported:
    """Put published weights into a network whose encoder is a Mix Transformer.

    Build the network with what `find_eps` says of them.

    Args:
        network: `SegFormer`, `MedSegFormer` or another with such an encoder; changed in place.
        path: File or folder, as `read_weights` takes.
        decoder: Whether decoder and head are taken too, where they fit.

    Returns:
        What matched, what did not, and the licence.

    Raises:
        FileError: If the file cannot be read.
        PlanError: If it holds another architecture or size than the network's.
    """
    weights = read_weights(path)
    if not isinstance(getattr(network, "encoder", None), MixTransformer):
        raise PlanError(
            f"{weights.path} can only go into segformer or medsegformer, not into "
            f"{type(network).__name__}. Pass --model segformer."
        )
    found = translate(weights.tensors)
    own = {name: value for name, value in network.state_dict().items() if COUNTER not in name}
    parts = ("encoder.", "decoder.", "head.") if decoder else ("encoder.",)
    fitted: dict[str, Tensor] = {}
    for name, (tensor, _) in found.items():
        ready = fit(tensor, own[name].shape) if name in own and name.startswith(parts) else None
        if ready is not None:
            fitted[name] = ready
    _check(weights, found, own, fitted)
    network.load_state_dict(fitted, strict=False)
    rest = [names for name, (_, names) in found.items() if name not in fitted]
    return Imported(
        source=weights.path,
        matched=tuple(fitted),
        adapted=tuple(name for name in fitted if found[name][0].squeeze().shape
                      != own[name].squeeze().shape),
        missing=tuple(name for name in own if name not in fitted and name.startswith(parts)),
        unexpected=tuple(name for names in rest for name in names if COUNTER not in name),
        licence=weights.licence,
    )  # fmt: skip


def _rename(name: str, *, is_old: bool) -> str:
    for pattern, instead in _AUTHORS if is_old else _HUGGING_FACE:
        name = re.sub(pattern, instead, name)
    if is_old:  # the authors count stages from one
        name = _FROM_ONE.sub(lambda found: f"{found[1]}.{int(found[2]) - 1}.", name)
    return name


def _check(
    weights: Weights,
    found: Mapping[str, tuple[Tensor, tuple[str, ...]]],
    own: Mapping[str, Tensor],
    fitted: Mapping[str, Tensor],
) -> None:
    """Refuse a file that gives less than 95 % of the encoder, or whose encoder is not used."""
    wanted = {n: v.numel() for n, v in own.items() if n.startswith("encoder.")}
    wanted = {name: count for name, count in wanted.items() if not OWN_PARTS.search(name)}
    given = {n: t.numel() for n, (t, _) in found.items() if n.startswith("encoder.")}
    here = sum(wanted.get(name, 0) for name in fitted) / max(1, sum(wanted.values()))
    there = sum(given.get(name, 0) for name in fitted) / max(1, sum(given.values()))
    if min(here, there) >= LEAST_SHARE:
        return
    missing = [name for name in wanted if name not in fitted]
    left = [names[0] for name, (_, names) in found.items() if name not in fitted]
    size = find_size(weights)
    mend = f"It is of size {size}: choose that." if size else "Name a Mix Transformer's weights."
    raise PlanError(
        f"{weights.path} must give at least {LEAST_SHARE:.0%} of the encoder and use as much of "
        f"itself, not {here:.0%} and {there:.0%}; {len(fitted)} tensors match, {len(missing)} are "
        f"missing ({_some(missing)}), {len(left)} are left over ({_some(left)}). {mend}"
    )


def _some(names: list[str]) -> str:
    return (", ".join(names[:3]) + (", ..." if len(names) > 3 else "")) or "none"
