"""Published weights in encoders: names, channels, axes and what is refused."""

import pytest
import torch
from safetensors.torch import save_file

from delineate.core.errors import FileError, PlanError, UnknownNameError
from delineate.models.encoders import build_encoder
from delineate.models.imagenet import load_imagenet


def made(name, in_channels=3, dims=2, seed=0):
    torch.manual_seed(seed)
    encoder = build_encoder(name, in_channels, dims, width=0.125).eval()
    for module in encoder.modules():  # statistics as of a trained network
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return encoder


def file_of(encoder, path, **more):
    state = {key: value.contiguous() for key, value in encoder.state_dict().items()} | more
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state, path)
    return path


@pytest.mark.parametrize("ending", ["safetensors", "pth"])
@pytest.mark.parametrize("name", ["resnet18", "resnet50", "mobilenet_v2"])
def test_every_tensor_arrives(tmp_path, name, ending):
    source, encoder = made(name), made(name, seed=1)
    path = file_of(source, tmp_path / f"weights.{ending}", **{"fc.weight": torch.zeros(4, 4)})

    transfer = load_imagenet(encoder, path)

    image = torch.randn(1, 3, 64, 64)
    assert torch.equal(encoder(image)[-1], source(image)[-1])
    assert (transfer.missing, transfer.adapted) == ((), ())
    assert transfer.unexpected == ("fc.weight",)


@pytest.mark.parametrize("prefix", ["module.", "backbone.model."])
def test_what_wrappers_add_is_taken_away(tmp_path, prefix):
    source, encoder = made("resnet18"), made("resnet18", seed=1)
    state = {prefix + key: value for key, value in source.state_dict().items()}
    torch.save({"epoch": 3, "state_dict": state}, tmp_path / "run.pt")

    transfer = load_imagenet(encoder, tmp_path / "run.pt")

    assert transfer.missing == ()
    assert torch.equal(encoder.layer4[0].conv1.weight, source.layer4[0].conv1.weight)


@pytest.mark.parametrize("channels", [1, 2, 4, 5])
def test_equal_channels_give_what_rgb_gave(tmp_path, channels):
    source, encoder = made("resnet18"), made("resnet18", channels)
    transfer = load_imagenet(encoder, file_of(source, tmp_path / "w.safetensors"))
    grey = torch.randn(1, 1, 64, 64)

    theirs = source(grey.expand(-1, 3, -1, -1))[-1]
    ours = encoder(grey.expand(-1, channels, -1, -1))[-1]

    assert torch.allclose(ours, theirs, atol=1e-4)
    assert transfer.adapted == ("conv1.weight",)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2"])
def test_centred_kernels_see_each_slice_as_the_flat_network_did(tmp_path, name):
    flat, deep = made(name), build_encoder(name, 3, 3, width=0.125, strides=[[1, 2, 2]] * 5).eval()
    load_imagenet(deep, file_of(flat, tmp_path / "w.safetensors"), inflation="centre")
    volume = torch.randn(1, 3, 4, 64, 64)

    levels = deep(volume)

    for place in range(4):
        for level, expected in zip(levels, flat(volume[:, :, place]), strict=True):
            assert torch.allclose(level[:, :, place], expected, atol=1e-4)


def test_mean_kernels_keep_what_is_equal_in_all_slices(tmp_path):
    flat, deep = made("resnet18"), build_encoder("resnet18", 3, 3, width=0.125)
    load_imagenet(deep, file_of(flat, tmp_path / "w.safetensors"), inflation="mean")
    image = torch.randn(1, 3, 32, 32)
    volume = image.unsqueeze(2).expand(-1, -1, 32, -1, -1)

    inner = deep.conv1(volume)[:, :, 8]

    assert torch.allclose(inner, flat.conv1(image), atol=1e-4)


def test_weights_of_another_encoder_are_refused_with_names(tmp_path):
    path = file_of(made("resnet18"), tmp_path / "w.safetensors")

    with pytest.raises(PlanError, match=r"at least 95% .* missing are layer1.0.conv1.weight"):
        load_imagenet(made("resnet50"), path)


def test_refused_weights_leave_the_encoder_as_it_was(tmp_path):
    path = file_of(made("resnet18"), tmp_path / "w.safetensors")
    encoder = made("resnet50", seed=1)
    before = {key: value.clone() for key, value in encoder.state_dict().items()}

    with pytest.raises(PlanError):
        load_imagenet(encoder, path)

    assert all(torch.equal(before[key], value) for key, value in encoder.state_dict().items())


class Trap:
    def __reduce__(self):
        return (exec, ("raise SystemExit",))


@pytest.mark.parametrize("content", [{"a": Trap()}, [1, 2], {}])
def test_files_that_hold_something_else_are_refused(tmp_path, content):
    torch.save(content, tmp_path / "odd.pth")

    with pytest.raises(FileError, match="holds"):
        load_imagenet(made("resnet18"), tmp_path / "odd.pth")


@pytest.mark.parametrize("name", ["absent.pth", "broken.safetensors", "broken.pth"])
def test_absent_and_broken_files_are_refused(tmp_path, name):
    if name.startswith("broken"):
        (tmp_path / name).write_bytes(b"no weights at all")

    with pytest.raises(FileError, match=name):
        load_imagenet(made("resnet18"), tmp_path / name)


def test_unknown_inflation_names_the_nearest(tmp_path):
    with pytest.raises(UnknownNameError, match="Did you mean 'centre'"):
        load_imagenet(made("resnet18"), tmp_path / "w.pth", inflation="center")
