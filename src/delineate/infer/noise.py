"""Networks that answer their logits and, as a last channel, a doubt that logits cannot tell.

The doubt goes the way of the logits: averaged over mirror images, blended over tiles and
interpolated to the image's grid. The logits, and so the labels, are those of the network alone.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from delineate.core.errors import PlanError, pick
from delineate.models.base import crop, resize
from delineate.models.medsegformer import LOG_VARIANCE, MedSegFormer
from delineate.models.uncertainty import MEASURES, entropy, probabilities

NONE = "none"
NOISY = ("aleatoric", "mc")
"""Measures that need more than logits."""
UNCERTAINTIES = (NONE, *MEASURES, *NOISY)
"""What can be asked for."""
PASSES = 8
"""Passes with dropout."""
SEED = 0
"""Seed of what is dropped, the same in every tile."""
DROPPING = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
LEAST = 1e-7
"""Probability below which its logit is not taken."""


def check_uncertainty(uncertainty: str, model: nn.Module, task: str, name: str) -> None:
    """Check that a model can say how unsure it is in this way.

    Args:
        uncertainty: One of `UNCERTAINTIES`.
        model: The network.
        task: The plan's: "regions" or "instances".
        name: The model, for messages.

    Raises:
        PlanError: If objects are told apart, no variance was learnt, or nothing is dropped.
    """
    pick(dict.fromkeys(UNCERTAINTIES), uncertainty, what="uncertainty")
    if uncertainty == NONE:
        return
    if task == "instances":
        raise PlanError(
            f"uncertainty must be none for {name}, which tells objects apart, not "
            f"{uncertainty!r}. Each object has a confidence instead; see the csv."
        )
    if uncertainty == "aleatoric" and _with_variance(model) is None:
        raise PlanError(
            f"uncertainty aleatoric needs a network that learnt a variance, and {name} did not. "
            "Ask for entropy, or train a medsegformer with aleatoric: true in model_options."
        )
    if uncertainty == "mc" and not _droppers(model):
        raise PlanError(
            f"uncertainty mc asks a network with dropout {PASSES} times, and {name} drops nothing. "
            "Ask for entropy, or train a network that drops: segformer, or medsegformer with "
            "dropout: 0.1 in model_options."
        )


def make_noisy(model: nn.Module, uncertainty: str, kind: str, temperature: float) -> nn.Module:
    """Make a network say its doubt as one more channel.

    Args:
        model: The network, in evaluation mode; its weights and modes stay as they are.
        uncertainty: One of `NOISY`, which `check_uncertainty` allowed.
        kind: Of the outputs: "exclusive" or "layers".
        temperature: What logits are divided by before they are probabilities.

    Returns:
        Maps images (N, C, *S) to a list of one entry: logits and doubt, (N, K + 1, *S), float32.
    """
    owner = _with_variance(model)
    if uncertainty == "aleatoric" and owner is not None:
        return LearntNoise(model, owner, temperature)
    return DropoutPasses(model, kind, temperature)


class LearntNoise(nn.Module):
    """Doubt by the noise that a network learnt to expect in its own scores.

    u = mean over outputs of v / (1 + v), with v = exp(s) / T^2 the variance of a score: 0 for
    scores without noise, 1/2 where it is as large as one logit.

    Source:
        Kendall and Gal, 2017, arXiv:1703.04977.
    """

    def __init__(self, model: nn.Module, owner: MedSegFormer, temperature: float) -> None:
        """Keep the network.

        Args:
            model: The network that is asked.
            owner: The part of it, or it itself, that learnt a variance.
            temperature: What scores are divided by.
        """
        super().__init__()
        self.model, self.owner, self.temperature = model, owner, temperature

    def forward(self, image: Tensor) -> list[Tensor]:
        """Run the network once.

        Args:
            image: (N, C, *S).

        Returns:
            Logits and doubt, (N, K + 1, *S), float32.
        """
        said: list[Tensor] = []
        head: nn.Module = self.owner.variance  # type: ignore[assignment]
        # The network keeps its variance to itself outside training.
        hook = head.register_forward_hook(lambda module, given, answer: said.append(answer))
        try:
            logits = self.model(image)[0].float()
        finally:
            hook.remove()
        spread = said[0].float().clamp(*LOG_VARIANCE) - 2 * math.log(self.temperature)
        coarse = spread.sigmoid().mean(1, keepdim=True)
        steps = self.owner.encoder.strides[0]
        padded = [size * step for size, step in zip(coarse.shape[2:], steps, strict=True)]
        return [torch.cat([logits, crop(resize(coarse, padded), logits.shape[2:])], dim=1)]


class DropoutPasses(nn.Module):
    """Doubt by what passes with dropout disagree about: their mutual information, a share.

    Entropy of the mean probability less the mean entropy, as `mutual_information` gives, but
    summed up pass by pass, so that memory does not grow with their number.

    Source:
        Gal and Ghahramani, 2016, arXiv:1506.02142; Houlsby et al., 2011, arXiv:1112.5745.
    """

    def __init__(self, model: nn.Module, kind: str, temperature: float) -> None:
        """Keep the network.

        Args:
            model: The network that is asked.
            kind: Of its outputs.
            temperature: What scores are divided by.
        """
        super().__init__()
        self.model, self.kind, self.temperature = model, kind, temperature

    def forward(self, image: Tensor) -> list[Tensor]:
        """Run the network once as it is, and several times with dropout.

        Args:
            image: (N, C, *S).

        Returns:
            Logits of the first pass and doubt, (N, K + 1, *S), float32.
        """
        logits = self.model(image)[0].float()
        chance, mean_entropy = torch.zeros_like(logits), torch.zeros_like(logits[:, 0])
        with torch.random.fork_rng([image.device] if image.is_cuda else []):
            torch.manual_seed(SEED)
            with _dropping(_droppers(self.model)):
                for _ in range(PASSES):
                    scores = self.model(image)[0].float() / self.temperature
                    chance += probabilities(scores, self.kind) / PASSES
                    mean_entropy += entropy(scores, self.kind) / PASSES
        scores = chance.clamp_min(LEAST).log()
        if self.kind == "layers":
            scores = chance.logit(eps=LEAST)
        doubt = (entropy(scores, self.kind) - mean_entropy).clamp(0, 1)
        return [torch.cat([logits, doubt[:, None]], dim=1)]


@contextmanager
def _dropping(layers: Sequence[nn.Module]) -> Iterator[None]:
    """Let layers drop as in training for a while; nothing else trains."""
    modes = [layer.training for layer in layers]
    for layer in layers:
        layer.train()
    try:
        yield
    finally:
        for layer, mode in zip(layers, modes, strict=True):
            layer.train(mode)


def _droppers(model: nn.Module) -> list[nn.Module]:
    return [layer for layer in model.modules() if isinstance(layer, DROPPING) and layer.p > 0]


def _with_variance(model: nn.Module) -> MedSegFormer | None:
    found = (part for part in model.modules() if isinstance(part, MedSegFormer))
    return next((part for part in found if part.variance is not None), None)
