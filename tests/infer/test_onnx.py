import pytest
import torch
from torch import nn

from delineate.core.errors import DelineateError, ShapeError
from delineate.infer.onnx import INPUT, OUTPUT, export_onnx
from delineate.models import build_model

SHAPE = (1, 3, 256, 256)
NETWORKS = {
    "unet": ("unet", {}),
    "segformer-b0": ("segformer", {"size": "b0"}),
    "medsegformer-nano": ("medsegformer", {"size": "nano"}),
    "medsegformer-b0": ("medsegformer", {"size": "b0"}),
    "medsegformer-nano, dense": ("medsegformer", {"size": "nano", "dense": True}),
}


def stirred(name, options):
    """A network none of whose numbers is what it began with, correctors included."""
    torch.manual_seed(0)
    network = build_model(name, 3, 6, 2, **options).eval()
    with torch.no_grad():
        for key, value in network.named_parameters():
            if "correctors" in key:
                value.copy_(0.1 * torch.randn_like(value))
            else:
                value.add_(0.02 * torch.randn_like(value))
        for key, value in network.named_buffers():
            if "running_var" in key:
                value.mul_(1 + torch.rand_like(value))
    return network


class Listed(nn.Module):
    """Hands on what it is given as the only entry of a list."""

    def forward(self, logits):
        return [logits]


def made_image():
    coarse = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    return nn.functional.interpolate(coarse, SHAPE[2:], mode="bicubic")


def run_onnxruntime(path, image):
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run([OUTPUT], {INPUT: image.numpy()})[0])


def run_openvino(path, image):
    openvino = pytest.importorskip("openvino")
    hint = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(path, "CPU", hint)
    return torch.from_numpy(compiled([image.numpy()])[OUTPUT].copy())


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Networks and their files by name, each exported once."""
    for package in ("onnx", "onnxscript"):
        pytest.importorskip(package)
    made = {}

    def give(name):
        if name not in made:
            path = tmp_path_factory.mktemp("onnx") / "network.onnx"
            network = stirred(*NETWORKS[name])
            export_onnx(network, SHAPE, path, facts={"licence": "CC0"})
            made[name] = (network, path)
        return made[name]

    return give


@pytest.mark.parametrize("run", [run_onnxruntime, run_openvino])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_runtime_decides_as_torch_does(exported, name, run):
    network, path = exported(name)
    image = made_image()
    with torch.no_grad():
        expected = network(image)[0].argmax(1)

    found = run(path, image).argmax(1)

    assert len(expected.unique()) > 2
    assert (found == expected).float().mean() >= 0.9999


def test_refinement_is_in_the_file(exported):
    network, path = exported("medsegformer-nano")
    plain = stirred("medsegformer", {"size": "nano"})
    for corrector in plain.refiner.correctors:
        corrector.clear()
    image = made_image()

    found = run_onnxruntime(path, image)

    with torch.no_grad():  # where as many are unsure as are corrected, rounding swaps a few
        away = (found - plain(image)[0]).abs().mean()
        near = (found - network(image)[0]).abs().mean()
    assert away > 0
    assert near < away / 100


def test_the_file_carries_its_facts_and_stands_alone(exported):
    import onnx

    _, path = exported("unet")

    model = onnx.load(path, load_external_data=False)

    assert {entry.key: entry.value for entry in model.metadata_props}["licence"] == "CC0"
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    onnx.checker.check_model(model)


def test_the_mode_of_the_network_is_put_back(tmp_path):
    for package in ("onnx", "onnxscript"):
        pytest.importorskip(package)
    network = nn.Sequential(nn.Conv2d(1, 2, 1), Listed()).train()

    export_onnx(network, (1, 1, 32, 32), tmp_path / "network.onnx")

    assert network.training


def test_what_onnx_cannot_say_is_refused_and_leaves_no_file(tmp_path):
    for package in ("onnx", "onnxscript"):
        pytest.importorskip(package)

    class Odd(nn.Module):
        def forward(self, image):
            return [image if image.sum() > 0 else -image]

    with pytest.raises(DelineateError, match="ONNX cannot say"):
        export_onnx(Odd(), (1, 1, 8, 8), tmp_path / "network.onnx")

    assert not list(tmp_path.iterdir())


def test_an_absent_package_is_named_with_the_extra(tmp_path, monkeypatch):
    monkeypatch.setattr("delineate.infer.onnx.find_spec", lambda name: None)

    with pytest.raises(DelineateError, match=r"onnx and onnxscript.*delineate\[export\]"):
        export_onnx(nn.Identity(), SHAPE, tmp_path / "network.onnx")

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("shape", [(3, 256, 256), (1, 3, 0, 256)])
def test_a_shape_that_is_none_is_refused(tmp_path, shape):
    with pytest.raises(ShapeError, match="four or five numbers"):
        export_onnx(nn.Identity(), shape, tmp_path / "network.onnx")


@pytest.mark.parametrize("options", [{"spatial_kind": "window"}, {"spatial_kind": "pool"}])
def test_other_ways_to_attend_are_in_the_file(tmp_path, options):
    network = stirred("medsegformer", {"depths": (1, 1, 1, 1), "refine": 0, **options})
    image = made_image()[..., :72, :100]  # no multiple of a window or of the pooled grid
    for package in ("onnx", "onnxscript"):
        pytest.importorskip(package)
    export_onnx(network, image.shape, tmp_path / "network.onnx")

    found = run_onnxruntime(tmp_path / "network.onnx", image)

    with torch.no_grad():
        assert torch.allclose(found, network(image)[0], atol=1e-3)
