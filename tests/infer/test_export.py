import numpy as np
import pytest
import torch
from torch.nn import functional

from delineate.infer.export import Canvas, decide, export
from delineate.models.uncertainty import MEASURES

SHAPES = [
    ((12, 20, 16), (12, 20, 16)),
    ((12, 20, 16), (30, 33, 47)),
    ((24, 20, 16), (9, 13, 16)),
    ((12, 20, 16), (36, 20, 16)),
    ((1, 20, 16), (1, 41, 50)),
    ((1, 1, 2), (3, 4, 5)),
]


def smooth_logits(num_outputs: int, shape, seed: int = 0) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    coarse = torch.randn(1, num_outputs, *[max(1, size // 5) for size in shape], generator=rng)
    return 3 * functional.interpolate(coarse, shape, mode="trilinear", align_corners=True)[0]


def slabs_of(logits: torch.Tensor, thickness: int):
    for start in range(0, logits.shape[1], thickness):
        yield start, logits[:, start : start + thickness]


def interpolated(logits: torch.Tensor, shape) -> torch.Tensor:
    return functional.interpolate(logits[None], shape, mode="trilinear", align_corners=False)[0]


@pytest.mark.parametrize(("working", "target"), SHAPES)
@pytest.mark.parametrize("thickness", [1, 5, 100])
@pytest.mark.parametrize("decision", ["exclusive", "painted"])
def test_labels_are_those_of_interpolating_everything(working, target, thickness, decision):
    logits = smooth_logits(4, working)
    canvas = Canvas(decision=decision, labels=np.zeros(target, np.uint8))

    export(slabs_of(logits, thickness), working, canvas)

    truth = decide(interpolated(logits, target), decision).numpy()
    assert (canvas.labels == truth).mean() > 0.9999


def test_noise_that_is_all_border_is_exported_the_same(monkeypatch):
    logits = torch.randn(3, 10, 12, 14, generator=torch.Generator().manual_seed(1))
    canvases = [
        Canvas(decision="exclusive", labels=np.zeros((20, 25, 21), np.uint8)) for _ in range(2)
    ]

    export(slabs_of(logits, 4), (10, 12, 14), canvases[0])
    monkeypatch.setattr("delineate.infer.export.DENSE_ABOVE", 2.0)
    export(slabs_of(logits, 4), (10, 12, 14), canvases[1])

    truth = interpolated(logits, (20, 25, 21)).argmax(0).numpy()
    assert (canvases[0].labels == truth).mean() > 0.9999
    assert (canvases[1].labels == truth).mean() > 0.9999


def test_small_chunks_change_nothing(monkeypatch):
    logits = smooth_logits(3, (12, 20, 16))
    canvases = [
        Canvas(decision="exclusive", labels=np.zeros((30, 33, 47), np.uint8)) for _ in range(2)
    ]

    export(slabs_of(logits, 4), (12, 20, 16), canvases[0])
    monkeypatch.setattr("delineate.infer.export.CHUNK_BYTES", 40_000)
    export(slabs_of(logits, 4), (12, 20, 16), canvases[1])

    assert np.array_equal(canvases[0].labels, canvases[1].labels)


def test_layers_may_overlap():
    logits = smooth_logits(2, (12, 20, 16))
    canvas = Canvas(decision="layers", labels=np.zeros((2, 30, 33, 47), bool))

    export(slabs_of(logits, 5), (12, 20, 16), canvas)

    truth = interpolated(logits, (30, 33, 47)).numpy() > 0
    assert (canvas.labels == truth).mean() > 0.9999
    assert canvas.labels.all(axis=0).any()


def test_probabilities_and_entropy_belong_to_the_labels():
    logits = smooth_logits(3, (12, 20, 16))
    canvas = Canvas(
        decision="exclusive",
        labels=np.zeros((18, 25, 30), np.uint8),
        probabilities=np.zeros((3, 18, 25, 30), np.float16),
        entropy=np.zeros((18, 25, 30), np.float16),
    )

    export(slabs_of(logits, 5), (12, 20, 16), canvas)

    truth = interpolated(logits, (18, 25, 30)).softmax(0)
    assert np.allclose(canvas.probabilities, truth.numpy(), atol=2e-3)
    assert np.allclose(canvas.entropy, -(truth * truth.log()).sum(0).numpy(), atol=2e-3)
    assert (canvas.probabilities.argmax(0) == canvas.labels).mean() > 0.99


def test_entropy_of_outputs_that_stand_alone_is_at_most_that_of_a_coin():
    canvas = Canvas(
        decision="painted",
        labels=np.zeros((2, 2, 2), np.uint8),
        entropy=np.zeros((2, 2, 2), np.float16),
    )

    export([(0, torch.zeros(2, 2, 2, 2))], (2, 2, 2), canvas)

    assert np.allclose(canvas.entropy, np.log(2), atol=1e-3)


def test_views_with_turned_axes_are_filled_too():
    logits = smooth_logits(2, (6, 8, 10))
    native = np.zeros((10, 6, 8), np.uint8)
    view = np.flip(native.transpose(1, 2, 0), 1)

    export(slabs_of(logits, 2), (6, 8, 10), Canvas(decision="exclusive", labels=view))

    assert np.array_equal(view, logits.argmax(0).numpy())
    assert native.any()


def test_a_later_painted_label_covers_an_earlier_one():
    logits = torch.tensor([[-1.0, 1.0, 1.0], [-1.0, -1.0, 1.0]])

    assert decide(logits, "painted").tolist() == [0, 1, 2]


def doubtful(measure: str, temperature: float, decision: str = "exclusive") -> Canvas:
    target = (18, 25, 30)
    stack = (3, *target)
    return Canvas(
        decision=decision,
        labels=np.zeros(stack, bool) if decision == "layers" else np.zeros(target, np.uint8),
        probabilities=np.zeros(stack, np.float16),
        uncertainty=np.zeros(target, np.float16),
        measure=measure,
        temperature=temperature,
    )


@pytest.mark.parametrize("name", sorted(MEASURES))
@pytest.mark.parametrize("decision", ["exclusive", "painted", "layers"])
def test_uncertainty_is_that_of_the_interpolated_logits(name, decision):
    logits = smooth_logits(3, (12, 20, 16))
    canvas = doubtful(name, 2.0, decision)
    fine = interpolated(logits, (18, 25, 30))[None]
    kind = "exclusive" if decision == "exclusive" else "layers"
    wanted = MEASURES[name](fine if name == "evidential" else fine / 2, kind)[0]

    export(slabs_of(logits, 5), (12, 20, 16), canvas)

    assert np.allclose(canvas.uncertainty, wanted.numpy(), atol=2e-3)
    assert 0 <= canvas.uncertainty.min() < canvas.uncertainty.max() <= 1


@pytest.mark.parametrize("decision", ["exclusive", "painted", "layers"])
def test_temperature_changes_probabilities_and_no_label(decision):
    logits = smooth_logits(3, (12, 20, 16))
    cold, warm = (doubtful("margin", value, decision) for value in (0.5, 4.0))

    export(slabs_of(logits, 5), (12, 20, 16), cold)
    export(slabs_of(logits, 5), (12, 20, 16), warm)

    assert np.array_equal(cold.labels, warm.labels)
    assert warm.uncertainty.mean() > cold.uncertainty.mean() + 0.05
    assert not np.allclose(cold.probabilities, warm.probabilities, atol=0.05)


def test_doubt_that_comes_as_a_channel_is_interpolated_and_is_no_class():
    logits = smooth_logits(3, (12, 20, 16))
    given = torch.rand(1, 12, 20, 16, generator=torch.Generator().manual_seed(3))
    canvas = doubtful("mc", 1.0)

    export(slabs_of(torch.cat([logits, given]), 5), (12, 20, 16), canvas)

    fine = interpolated(logits, (18, 25, 30))
    assert (canvas.labels == fine.argmax(0).numpy()).mean() > 0.9999
    assert np.allclose(canvas.probabilities, fine.softmax(0), atol=2e-3)
    assert np.allclose(canvas.uncertainty, interpolated(given, (18, 25, 30))[0], atol=2e-3)
