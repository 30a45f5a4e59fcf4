"""Begin with an encoder that others published, instead of at random."""

import logging
from pathlib import Path

from torch import nn

from delineate.core.errors import PlanError
from delineate.core.plan import Plan
from delineate.models.imagenet import load_imagenet
from delineate.models.imported import find_eps, find_size, import_weights
from delineate.models.mit import MixTransformer
from delineate.models.mobilenet import MobileNetV2
from delineate.models.resnet import ResNet
from delineate.models.slices import LateFusion
from delineate.models.weights import read_weights

log = logging.getLogger("delineate")

SIZED = ("segformer", "medsegformer")
"""Networks whose `size` and `eps` follow from the weights."""


def plan_for_encoder(plan: Plan, path: Path) -> Plan:
    """Plan the size and the normalisation that published weights have, and say whose they are.

    Args:
        plan: The plan of the new run.
        path: File or folder of the weights.

    Returns:
        The plan, its reason naming file and licence.

    Raises:
        FileError: If the file cannot be read.
    """
    weights = read_weights(path)
    found = {"size": find_size(weights), "eps": find_eps(weights)}
    given = {key: value for key, value in found.items() if value and plan.model in SIZED}
    options = {**plan.model_options, **given}
    reason = f"The encoder begins with {weights.path.name}, licence {weights.licence}."
    if given != {key: plan.model_options.get(key) for key in given}:
        told = ", ".join(f"{key} {value}" for key, value in given.items())
        log.info("The weights of %s ask for %s: planned so.", weights.path.name, told)
    return plan.deciding(reason, model_options=options)


def take_encoder(model: nn.Module, path: Path) -> int:
    """Put published weights into a network's encoder, and tell what fitted.

    Args:
        model: A new network, also one whose slices meet late; changed in place.
        path: File or folder of the weights.

    Returns:
        How many tensors were taken.

    Raises:
        FileError: If the file cannot be read.
        PlanError: If the network has no such encoder, or less than 95 % of it fits.
    """
    inner = model.network if isinstance(model, LateFusion) else model
    encoder = getattr(inner, "encoder", None)
    if isinstance(encoder, MixTransformer):
        found = import_weights(inner, path)
        log.info("%s", found.text)
        if found.caution:
            log.warning("%s", found.caution)
        return len(found.matched)
    if not isinstance(encoder, (ResNet, MobileNetV2)):
        raise PlanError(
            f"encoder_weights are for networks on a published encoder, not for "
            f"{type(inner).__name__}. Pass --model segformer, unet_encoder, fpn or deeplabv3plus."
        )
    weights = read_weights(path)
    transfer = load_imagenet(encoder, weights.path)
    log.info(
        "Weights of %s: %d tensors taken, %d begin at random, %d left over. Licence: %s.",
        weights.path,
        len(transfer.matched),
        len(transfer.missing),
        len(transfer.unexpected),
        weights.licence,
    )
    return len(transfer.matched)
