import pytest
import torch
from torch import nn

from delineate.core.errors import PlanError, UnknownNameError
from delineate.infer.noise import PASSES, SEED, check_uncertainty, make_noisy
from delineate.models import build_model
from delineate.models.slices import WIDTH, LateFusion
from delineate.models.uncertainty import mutual_information


class Dropper(nn.Module):
    """Logits that are the image's channels, of which a part is dropped."""

    def __init__(self, share: float = 0.5) -> None:
        super().__init__()
        self.drop = nn.Dropout(share)

    def forward(self, image):
        return [self.drop(image)]


def scores_of(channels: int = 3) -> torch.Tensor:
    return 3 * torch.randn(2, channels, 6, 7, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("kind", ["exclusive", "layers"])
@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_doubt_of_dropout_is_the_mutual_information_of_its_passes(kind, temperature):
    model, scores = Dropper().eval(), scores_of()
    torch.manual_seed(SEED)
    drop = nn.Dropout(0.5)
    passes = torch.stack([drop(scores) / temperature for _ in range(PASSES)])

    (answer,) = make_noisy(model, "mc", kind, temperature)(scores)

    assert torch.equal(answer[:, :3], scores)
    assert torch.allclose(answer[:, 3], mutual_information(passes, kind), atol=1e-5)
    assert answer[:, 3].max() > 0.05


def test_passes_leave_modes_and_the_random_numbers_of_others_as_they_were():
    model, scores = Dropper().eval(), scores_of()
    torch.manual_seed(7)
    wanted = torch.rand(3)
    torch.manual_seed(7)

    first = make_noisy(model, "mc", "exclusive", 1.0)(scores)[0]
    drawn = torch.rand(3)
    second = make_noisy(model, "mc", "exclusive", 1.0)(scores)[0]

    assert torch.equal(drawn, wanted)
    assert torch.equal(first, second)
    assert not any(module.training for module in model.modules())


def noisy_network(dims: int = 2, channels: int = 1) -> nn.Module:
    torch.manual_seed(0)
    return build_model("medsegformer", channels, 3, dims, aleatoric=True).eval()


@pytest.mark.parametrize("size", [(32, 32), (37, 45)])
@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_learnt_noise_becomes_the_share_of_its_variance(size, temperature):
    model = noisy_network()
    with torch.no_grad():
        model.variance.weight.zero_()
        model.variance.bias.copy_(torch.tensor([-20.0, 0.0, 0.0]))
    image = torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(0))
    least = torch.tensor(-7.0).exp()
    shares = [value / temperature**2 for value in (float(least), 1.0, 1.0)]
    wanted = sum(value / (1 + value) for value in shares) / 3

    with torch.inference_mode():
        (answer,) = make_noisy(model, "aleatoric", "exclusive", temperature)(image)
        plain = model(image)[0]

    assert answer.shape == (1, 4, *size)
    assert torch.equal(answer[:, :3], plain)
    assert torch.allclose(answer[:, 3], torch.full((1, *size), wanted), atol=1e-5)


def test_learnt_noise_lies_where_the_network_puts_it():
    model, held = noisy_network(), []
    image = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.variance.weight.mul_(5)
    model.variance.register_forward_hook(lambda module, given, out: held.append(out))

    with torch.inference_mode():
        doubt = make_noisy(model, "aleatoric", "exclusive", 1.0)(image)[0][:, 3]

    own = held[0].clamp(-7, 3).sigmoid().mean(1)
    wanted = nn.functional.interpolate(own[:, None], (32, 32), mode="bilinear")[:, 0]
    assert own.std() > 0.01
    assert torch.allclose(doubt, wanted, atol=1e-6)


def test_a_network_behind_late_fusion_is_found():
    model = LateFusion(noisy_network(channels=WIDTH), 1, 3).eval()

    check_uncertainty("aleatoric", model, "regions", "run")
    with torch.inference_mode():
        (answer,) = make_noisy(model, "aleatoric", "exclusive", 1.0)(torch.rand(1, 3, 32, 32))

    assert answer.shape == (1, 4, 32, 32)


def test_what_a_network_cannot_say_is_refused_with_the_mend():
    plain = build_model("unet", 1, 3, 2, features=[4, 8])

    with pytest.raises(PlanError, match=r"run drops nothing.*dropout: 0.1"):
        check_uncertainty("mc", Dropper(0.0), "regions", "run")
    with pytest.raises(PlanError, match=r"learnt a variance.*aleatoric: true"):
        check_uncertainty("aleatoric", plain, "regions", "run")
    with pytest.raises(PlanError, match=r"tells objects apart.*confidence"):
        check_uncertainty("entropy", plain, "instances", "run")
    with pytest.raises(UnknownNameError, match="Did you mean 'entropy'"):
        check_uncertainty("entropi", plain, "regions", "run")
    check_uncertainty("none", plain, "instances", "run")
