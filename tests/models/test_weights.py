import json

import pytest
import torch
from safetensors.torch import save_file

from delineate.core.errors import FileError
from delineate.models.weights import UNKNOWN, fit, read_weights, recolour

TENSORS = {"a.weight": torch.arange(6.0).reshape(2, 3)}


class Code:
    """Something that a pickle could run."""

    def __reduce__(self):
        return (exec, ("raise SystemExit",))


@pytest.mark.parametrize("name", ["w.safetensors", "w.bin", "w.pth"])
def test_files_of_both_kinds_are_read(tmp_path, name):
    save = save_file if name.endswith("safetensors") else torch.save
    save(TENSORS, tmp_path / name)

    found = read_weights(tmp_path / name)

    assert found.path == tmp_path / name
    assert torch.equal(found.tensors["a.weight"], TENSORS["a.weight"])


def test_a_folder_is_read_with_what_stands_beside_the_weights(tmp_path):
    torch.save(TENSORS, tmp_path / "pytorch_model.bin")
    save_file({"b": torch.zeros(1)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"depths": [2]}))

    found = read_weights(tmp_path)

    assert list(found.tensors) == ["b"]
    assert found.config == {"depths": [2]}


def test_weights_are_found_below_the_state_of_a_training_run(tmp_path):
    torch.save({"epoch": 3, "state_dict": TENSORS}, tmp_path / "w.pth")

    assert list(read_weights(tmp_path / "w.pth").tensors) == ["a.weight"]


def test_code_in_a_file_is_not_run(tmp_path):
    torch.save({"a": torch.zeros(1), "b": Code()}, tmp_path / "w.bin")

    with pytest.raises(FileError, match="code is not run"):
        read_weights(tmp_path / "w.bin")


@pytest.mark.parametrize("name", ["w.safetensors", "w.bin"])
def test_a_damaged_file_is_an_error(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x10" * 40)

    with pytest.raises(FileError, match=name):
        read_weights(tmp_path / name)


@pytest.mark.parametrize("name", ["absent.bin", "empty"])
def test_what_is_not_there_is_an_error(tmp_path, name):
    (tmp_path / "empty").mkdir()

    with pytest.raises(FileError, match=name):
        read_weights(tmp_path / name)


def test_a_file_without_tensors_is_an_error(tmp_path):
    torch.save({"epoch": 3}, tmp_path / "w.pth")

    with pytest.raises(FileError, match="no tensors"):
        read_weights(tmp_path / "w.pth")


def test_the_licence_is_read_from_card_file_and_configuration_in_that_order(tmp_path):
    path = tmp_path / "model.safetensors"
    found = []
    save_file(TENSORS, path)
    found.append(read_weights(tmp_path).licence)
    (tmp_path / "config.json").write_text('{"license": "mit"}')
    found.append(read_weights(tmp_path).licence)
    save_file(TENSORS, path, metadata={"license": "bsd-3-clause"})
    found.append(read_weights(tmp_path).licence)
    (tmp_path / "README.md").write_text("---\nlicense: other\nlicense_name: nvidia\n---\nText")
    found.append(read_weights(tmp_path).licence)

    assert found == [UNKNOWN, "mit", "bsd-3-clause", "other, nvidia"]


@pytest.mark.parametrize(
    "text", ["", "no head", "---\n[: \n---\n", "---\n- a\n---\n", "---\na: 1\n---"]
)
def test_a_card_that_states_no_licence_leaves_it_unknown(tmp_path, text):
    save_file(TENSORS, tmp_path / "model.safetensors")
    (tmp_path / "README.md").write_text(text)
    (tmp_path / "config.json").write_text("{")

    assert read_weights(tmp_path).licence == UNKNOWN


@pytest.mark.parametrize(
    ("have", "want"), [((4, 6, 1, 1), (4, 6)), ((4, 6), (4, 6, 1, 1, 1)), ((1,), ()), ((5,), (5,))]
)
def test_axes_of_length_one_come_and_go(have, want):
    tensor = torch.randn(*have)

    fitted = fit(tensor, want)

    assert fitted.shape == torch.Size(want)
    assert torch.equal(fitted.flatten(), tensor.flatten())


def test_what_has_other_numbers_does_not_fit():
    shapes = [((4, 6), (6, 4)), ((4, 4, 3, 3), (4, 4, 5, 5)), ((4, 2, 3, 3), (4, 5, 3, 3))]

    assert all(fit(torch.randn(*have), want) is None for have, want in shapes)


def test_a_flat_kernel_becomes_the_middle_of_a_deep_one():
    kernel = torch.randn(2, 4, 3, 3)

    deep = fit(kernel, (2, 4, 3, 3, 3))

    assert torch.equal(deep[:, :, 1], kernel)
    assert deep[:, :, [0, 2]].abs().sum() == 0


@pytest.mark.parametrize("count", [1, 2, 4, 6])
def test_equal_channels_give_what_grey_gave_and_differences_of_colours_are_kept(count):
    torch.manual_seed(0)
    kernel = torch.randn(5, 3, 3, 3)

    other = recolour(kernel, count)

    assert torch.allclose(other.sum(1), kernel.sum(1), atol=1e-5)
    turns = kernel[:, [place % 3 for place in range(count)]] * (3 / count)
    gaps = other - turns
    assert torch.allclose(gaps, gaps[:, :1].expand_as(gaps), atol=1e-5)
