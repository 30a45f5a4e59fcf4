"""Every decision of a run in one readable file: value and reason, side by side."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import yaml

from delineate.core.errors import PlanError
from delineate.core.files import write_text
from delineate.core.labels import LabelTable

VERSION = 1
NOT_HASHED = {
    "reasons", "folds", "fingerprint", "num_folds", "overlap", "flips", "decoder",
    "decoder_options",
}  # fmt: skip
"""Fields that weights do not depend on: they may be edited after training."""
NEWER: dict[str, Any] = {"task": "regions", "objective": {}, "slices": 1, "slice_step": 1}
"""Fields that came later; at these values the hash is that of plans before them."""


class _Block(dict[str, Any]):
    """A mapping that is written one key a line, whatever it holds."""


class _Dumper(yaml.SafeDumper):
    """Writes `_Block` in block style; plain lists and maps of scalars stay on one line."""


class _Loader(yaml.SafeLoader):
    """Reads 1e-3 as a number, which YAML 1.1 takes for text."""


_Dumper.add_representer(
    _Block,
    lambda dumper, block: dumper.represent_mapping("tag:yaml.org,2002:map", block, False),
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"),
    list("-+.0123456789"),
)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to train on, how, with what and why; the fields below are the file's keys."""

    dataset: str
    """Name of the dataset."""
    layout: str
    """Row of `DATASETS` that reads it."""
    labels: LabelTable
    """The classes."""
    channels: tuple[str, ...]
    """Channel names that an input must have, in order."""
    dims: int
    """2 or 3: axes that the network sees."""
    canonical: bool
    """True if volumes are turned to (S, A, R) axes before anything else."""
    spacing_mm: tuple[float, ...]
    """Working resolution in array order, 3 numbers for volumes even if dims is 2."""
    normalisation: tuple[dict[str, Any], ...]
    """One per channel: {"kind": "zscore"}, {"kind": "window", "low", "high", "mean", "std"}
    or {"kind": "range", "low", "high"}."""
    patch: tuple[int, ...]
    """Training patch and prediction tile in voxels, `dims` numbers."""
    batch_size: int
    """Patches a step."""
    model: str
    """Row of `MODELS`."""
    model_options: dict[str, Any]
    """Keyword arguments of the model's constructor besides channels, classes and dims."""
    loss: str
    """Row of `LOSSES`."""
    loss_options: dict[str, Any] = field(default_factory=dict)
    """Keyword arguments of the loss."""
    learning_rate: float = 2e-3
    """Peak learning rate of AdamW."""
    weight_decay: float = 1e-2
    """Decoupled weight decay."""
    warmup: float = 0.03
    """Share of the budget in which the learning rate rises."""
    ema: float = 0.998
    """Largest decay of the averaged weights, per step."""
    foreground: float = 0.5
    """Share of patches that are centred on a labelled voxel, classes by turns."""
    augmentation: dict[str, Any] = field(default_factory=dict)
    """Ranges and probabilities of each augmentation."""
    overlap: float = 0.5
    """Share of a tile that its neighbour also covers, at prediction."""
    flips: tuple[int, ...] = ()
    """Axes whose mirror images are averaged, at prediction."""
    bf16: bool = True
    """True if convolutions run in bfloat16."""
    num_folds: int = 5
    """Parts that cross-validation divides the patients into."""
    folds: tuple[tuple[str, ...], ...] = ()
    """Case ids of each validation fold; a patient stands in one fold only."""
    fingerprint: dict[str, Any] = field(default_factory=dict)
    """What the data looked like."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Why each decision is as it is, by field name."""
    task: str = "regions"
    """"regions" for a class per pixel, "instances" for objects told apart."""
    decoder: str = "voting"
    """Row of `DECODERS` that turns the network's maps into objects."""
    decoder_options: dict[str, Any] = field(default_factory=dict)
    """Keyword arguments of the decoder."""
    objective: dict[str, Any] = field(default_factory=dict)
    """How training weighs classes and terms: "balance" none, static or dynamic,
    "adaptive_tversky", "terms" fixed, kendall or dwa, "sampler" uniform or weighted, and the
    factors of the terms "grids", "points", "aleatoric", "emphasis" and, of images without labels,
    "consistency" (with "consistency_passes")."""
    slices: int = 1
    """Slices of a volume that a 2-D network sees as channels, odd; it labels the middle one."""
    slice_step: int = 1
    """Distance of those slices, in slices of the working grid."""
    version: int = VERSION
    """Version of this file's format."""

    def deciding(self, reason: str, **values: Any) -> "Plan":  # noqa: ANN401 - any field's type
        """Change fields and say why.

        Args:
            reason: One sentence, kept for each changed field.
            **values: New values by field name.

        Returns:
            The changed plan.
        """
        return replace(self, **values, reasons={**self.reasons, **dict.fromkeys(values, reason)})

    def hash(self) -> str:
        """Summarise all that weights depend on: not reasons, folds, names or flips.

        Returns:
            Sixteen hexadecimal digits, the same for equal decisions on any machine.
        """
        values = {name: value for name, value in _plain(self).items() if name not in NOT_HASHED}
        for name, first in NEWER.items():
            if values[name] == first:
                del values[name]
        values["labels"] = self.labels.structure()
        text = json.dumps(values, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_yaml(self) -> str:
        """Write every decision as `name: {value, why}`, for reading and for editing.

        Returns:
            YAML that `from_yaml` reads.
        """
        reasons = self.reasons
        blocks = ["# A plan of Delineate: edit any value; `why` is for the reader.\n"]
        for name, value in _plain(self).items():
            if name == "reasons":
                continue
            entry = _Block(value=value, why=reasons[name]) if name in reasons else value
            blocks.append(_dump(_Block({name: entry})))
        return "\n".join(blocks)

    @classmethod
    def from_yaml(cls, text: str, *, where: str = "plan.yaml") -> "Plan":
        """Read what `to_yaml` wrote, edited or not.

        Args:
            text: The YAML.
            where: The file, for messages.

        Returns:
            The plan.

        Raises:
            PlanError: If the text is no YAML, a key is unknown or missing, or a value has a
                wrong type.
        """
        raw = _read(text, where)
        known = {entry.name for entry in fields(cls)}
        required = {entry.name for entry in fields(cls) if _is_required(entry)}
        if strange := sorted(set(map(str, raw)) - (known - {"reasons"})):
            raise PlanError(f"{where} has unknown keys {strange}. Known are: {sorted(known)}.")
        if absent := sorted(required - set(raw)):
            raise PlanError(f"{where} lacks {absent}. Write the plan anew, or add them.")
        values, reasons = {}, {}
        for name, entry in raw.items():
            values[name] = entry
            if isinstance(entry, Mapping) and set(entry) == {"value", "why"}:
                values[name], reasons[name] = entry["value"], str(entry["why"])
        try:
            plan = cls(**_typed(values), reasons=reasons)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise PlanError(f"{where} has a wrong value: {error}. Correct it.") from error
        if plan.version > VERSION:
            raise PlanError(
                f"{where} has version {plan.version}, but this Delineate reads up to {VERSION}. "
                "Update Delineate, or write the plan anew."
            )
        return plan

    def save(self, path: str | Path) -> None:
        """Write the plan to a file, whole or not at all.

        Args:
            path: The file.
        """
        write_text(path, self.to_yaml())

    @classmethod
    def load(cls, path: str | Path) -> "Plan":
        """Read a plan from a file.

        Args:
            path: The file.

        Returns:
            The plan.

        Raises:
            PlanError: If there is no such file, or it holds no plan.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise PlanError(
                f"{path} cannot be read ({getattr(error, 'strerror', error)}). "
                "Write a plan with `delineate plan DATA --out RUN`."
            ) from error
        return cls.from_yaml(text, where=str(path))


def _is_required(entry: Any) -> bool:  # noqa: ANN401 - a dataclass field of any type
    return entry.default is MISSING and entry.default_factory is MISSING


def _plain(plan: Plan) -> dict[str, Any]:
    values = {entry.name: getattr(plan, entry.name) for entry in fields(plan)}
    values["labels"] = plan.labels.to_dict()
    values["spacing_mm"] = [float(step) for step in plan.spacing_mm]
    values |= {
        name: float(values[name]) for name, kind in get_type_hints(Plan).items() if kind is float
    }
    plain: dict[str, Any] = json.loads(json.dumps(values))
    return plain


def _dump(block: _Block) -> str:
    style: dict[str, Any] = {"sort_keys": False, "default_flow_style": None, "width": 88}
    return str(yaml.dump(block, Dumper=_Dumper, allow_unicode=True, **style))


def _read(text: str, where: str) -> Mapping[str, Any]:
    try:
        raw = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader with one resolver more
    except yaml.YAMLError as error:
        raise PlanError(f"{where} is no valid YAML ({error}). Mend that line.") from error
    if not isinstance(raw, Mapping):
        raise PlanError(f"{where} holds no plan. Write one with `delineate plan DATA --out RUN`.")
    return raw


def _typed(values: dict[str, Any]) -> dict[str, Any]:
    """Turn YAML's lists, maps and integers back into the fields' own types."""
    hints = get_type_hints(Plan)
    typed: dict[str, Any] = {}
    for name, value in values.items():
        kind = hints[name]
        if name == "labels":
            typed[name] = LabelTable.from_dict(value)
        elif name == "folds":
            typed[name] = tuple(tuple(str(case) for case in fold) for fold in value)
        elif get_origin(kind) is tuple:
            if not isinstance(value, list):
                raise TypeError(f"{name} must be a list such as [1, 2], not {value!r}")
            typed[name] = tuple(_scalar(name, get_args(kind)[0], item) for item in value)
        else:
            typed[name] = _scalar(name, kind, value)
    return typed


def _scalar(name: str, kind: Any, value: Any) -> Any:  # noqa: ANN401 - any field's type
    """Turn one YAML value into a field's type, refusing what would lose something."""
    if get_origin(kind) is dict:
        if not isinstance(value, Mapping):
            raise TypeError(f"{name} must be a mapping, not {value!r}")
        return dict(value)
    if value is None or isinstance(value, list | Mapping):
        raise TypeError(f"{name} must be one value, not {value!r}")
    if isinstance(value, bool) != (kind is bool):
        raise TypeError(f"{name} must {'' if kind is bool else 'not '}be true or false: {value!r}")
    if kind is int and float(value) != int(value):
        raise TypeError(f"{name} must be a whole number, not {value!r}")
    return kind(value)
