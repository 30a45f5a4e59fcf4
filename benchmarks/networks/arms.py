"""What is compared: networks, and MedSegFormer with one switch turned at a time, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Arm:
    """A network, and what differs from the task's plan."""

    name: str
    model: str
    """Row of `MODELS`."""
    title: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Laid over the options that the planner chose for this network."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the plan; a mapping is laid over the plan's own."""
    as_large_as: Mapping[str, Any] = field(default_factory=dict)
    """Options of the network whose number of parameters this one must have; its feed-forward
    layers are widened."""
    is_extra: bool = False
    """Whether it waits until all seeds of all others are done."""
    tasks: tuple[str, ...] | None = None
    """Where it makes sense; None for everywhere."""


NETWORKS: dict[str, Arm] = {
    arm.name: arm
    for arm in (
        Arm(name="unet", model="unet", title="U-Net"),
        Arm(
            name="unet_residual", model="unet", title="U-Net, residual", options={"residual": True}
        ),
        Arm(name="resunetpp", model="resunetpp", title="ResUNet++"),
        Arm(
            name="deeplab_resnet18",
            model="deeplabv3plus",
            title="DeepLab v3+, ResNet-18",
            options={"encoder": "resnet18"},
        ),
        Arm(
            name="deeplab_mobilenet",
            model="deeplabv3plus",
            title="DeepLab v3+, MobileNetV2",
            options={"encoder": "mobilenet_v2"},
            is_extra=True,
        ),
        Arm(name="segformer_b0", model="segformer", title="SegFormer-B0", options={"size": "b0"}),
        Arm(
            name="medsegformer_nano",
            model="medsegformer",
            title="MedSegFormer nano",
            options={"size": "nano"},
        ),
        Arm(
            name="medsegformer_tiny",
            model="medsegformer",
            title="MedSegFormer tiny",
            options={"size": "tiny"},
        ),
    )
}
"""The comparison; the first one sets the minutes of the budget "minutes"."""
REFERENCE = "unet"

THREE_D = ("hippocampus3d",)
TWO_D = ("consep",)
"""Ablation arms that are about imbalance run where a class is rare."""


BASE: dict[str, Any] = {
    "size": "nano",
    "attention": "parallel",
    "fusion": "gate",
    "refine": 2,
    "iterations": 1,
    "shares": (0.125, 0.125),
    "points": "uncertain",
    "uncertainty": "entropy",
}
"""What every arm of the ablation begins with; written out, since defaults follow its result.

Decoder and stem are the planner's: MLP and shared on pictures, U-Net and apart in volumes."""


EXTRAS = {
    "iterations_3", "rho_1", "uncertainty_margin", "uncertainty_mc", "tversky_misses", "loss_focal",
    "loss_focal_tversky", "loss_lovasz", "emphasis_on", "terms_kendall", "terms_dwa",
    "points_unjudged", "aleatoric_on", "sampler_uniform",
    "sampler_labels", "rate_2e-3",
}  # fmt: skip


def _turned(name: str, title: str, *, tasks: tuple[str, ...] | None = None, **turned: Any) -> Arm:
    changes, matched = turned.pop("changes", {}), turned.pop("as_large_as", {})
    return Arm(
        name=name,
        model="medsegformer",
        title=title,
        options={**BASE, **turned},
        changes=changes,
        as_large_as=matched,
        is_extra=name in EXTRAS,
        tasks=tasks,
    )


ABLATION: dict[str, Arm] = {
    arm.name: arm
    for arm in (
        _turned("base", "parallel attention, gate, two scales, uncertain points by entropy"),
        _turned("attention_spatial", "attention: spatial only", attention="spatial"),
        _turned("attention_channel", "attention: channel only", attention="channel"),
        _turned("attention_serial", "attention: serial", attention="serial"),
        _turned("attention_alternate", "attention: alternate", attention="alternate"),
        _turned(
            "attention_spatial_matched",
            "attention: spatial only, as many parameters as parallel",
            attention="spatial",
            as_large_as={"attention": "parallel"},
        ),
        _turned("fusion_sum", "fusion: sum", fusion="sum"),
        _turned("fusion_scalar", "fusion: learned scalar", fusion="scalar"),
        _turned("refine_0", "refinement: none", refine=0),
        _turned("refine_1", "refinement: one scale", refine=1),
        _turned("iterations_2", "refinement: twice a scale", iterations=2),
        _turned("iterations_3", "refinement: three times a scale", iterations=3),
        _turned("rho_0.02", "refinement: 2 % of the points", shares=(0.02, 0.02)),
        _turned("rho_1", "refinement: every point", shares=(1.0, 1.0)),
        _turned("points_random", "points: random", points="random"),
        _turned("uncertainty_margin", "uncertainty: margin", uncertainty="margin"),
        _turned("uncertainty_aleatoric", "uncertainty: aleatoric", uncertainty="aleatoric"),
        _turned("uncertainty_mc", "uncertainty: dropout", uncertainty="mc"),
        _turned("uncertainty_evidential", "uncertainty: evidential", uncertainty="evidential"),
        _turned("decoder_fpn", "decoder: FPN", decoder="fpn"),
        _turned("decoder_unet", "decoder: U-Net", decoder="unet", tasks=TWO_D),
        _turned("decoder_mlp", "decoder: MLP", decoder="mlp", tasks=THREE_D),
        _turned("stem_apart", "stem: apart from the encoder", stem="apart", tasks=TWO_D),
        _turned("stem_shared", "stem: shared with the encoder", stem="shared", tasks=THREE_D),
        _turned(
            "tversky_misses",
            "Tversky, misses weigh 0.7",
            changes={"loss": "tversky_ce", "loss_options": {"alpha": 0.3, "beta": 0.7}},
            tasks=TWO_D,
        ),
        _turned(
            "weights_static",
            "classes weighed by rarity",
            changes={"objective": {"balance": "static"}},
            tasks=TWO_D,
        ),
        _turned(
            "weights_dynamic",
            "classes weighed by rarity and by what is missed",
            changes={"objective": {"balance": "dynamic"}},
        ),
        _turned(
            "tversky_adaptive",
            "Tversky whose weights follow the errors",
            changes={"loss": "tversky_ce", "objective": {"adaptive_tversky": True}},
        ),
        _turned(
            "sampler_weighted",
            "images with rare classes are drawn more often",
            changes={"objective": {"sampler": "weighted"}},
            tasks=TWO_D,
        ),
        _turned(
            "emphasis_on",
            "unsure voxels weigh more in the loss",
            changes={"objective": {"emphasis": 0.5}},
        ),
        _turned(
            "terms_kendall",
            "terms weighed by learned noise",
            changes={"objective": {"terms": "kendall"}},
            tasks=TWO_D,
        ),
        _turned(
            "terms_dwa",
            "terms weighed by how they fall",
            changes={"objective": {"terms": "dwa"}},
            tasks=TWO_D,
        ),
        _turned(
            "points_unjudged",
            "no loss of its own at corrected voxels",
            changes={"objective": {"points": 0.0}},
        ),
        _turned("loss_focal", "Dice and focal loss", changes={"loss": "dice_focal"}, tasks=TWO_D),
        _turned(
            "loss_focal_tversky",
            "focal Tversky and cross-entropy",
            changes={"loss": "focal_tversky_ce"},
            tasks=TWO_D,
        ),
        _turned(
            "loss_lovasz", "Lovász and cross-entropy", changes={"loss": "lovasz_ce"}, tasks=TWO_D
        ),
        _turned("aleatoric_on", "a variance is learnt, too", aleatoric=True),
        _turned("rate_2e-3", "learning rate 2e-3", changes={"learning_rate": 2e-3}),
        _turned(
            "sampler_uniform",
            "patches anywhere",
            changes={"foreground": 0.0},
            tasks=TWO_D,
        ),
        _turned(
            "sampler_labels",
            "two of three patches aim at a label, classes by turns",
            changes={"foreground": 0.67},
            tasks=TWO_D,
        ),
    )
}
"""Each row of section "Ablation switches" of the design that the package has a key for."""
ABLATION_TASKS = ("consep", "hippocampus3d")
