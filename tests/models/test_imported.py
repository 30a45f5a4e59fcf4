"""Published SegFormers come in whole, and give the logits that they gave where they come from."""

import importlib.util
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from delineate.core.errors import PlanError
from delineate.models import build_model
from delineate.models.imported import find_size, import_weights
from delineate.models.mit import MixTransformer
from delineate.models.segformer import SIZES, SegFormer
from delineate.models.weights import read_weights

spec = importlib.util.spec_from_file_location("published", Path(__file__).with_name("published.py"))
published = importlib.util.module_from_spec(spec)
spec.loader.exec_module(published)


def make_published(size="b0", classes=6):
    torch.manual_seed(0)
    numbers = SIZES[size]
    network = published.Published(
        numbers["widths"], numbers["depths"], numbers["features"], classes
    )
    return published.stirred(network)


@pytest.fixture(scope="module")
def theirs():
    return make_published()


@pytest.fixture(scope="module")
def checkpoint(theirs, tmp_path_factory):
    path = tmp_path_factory.mktemp("b0") / "model.safetensors"
    save_file(theirs.state_dict(), path, metadata={"format": "pt"})
    return path


def as_authors_name(name):
    """Turn a name of Hugging Face into that of the authors' code, written the other way round."""
    name = name.replace("segformer.encoder.", "backbone.")
    later = lambda found: str(int(found[1]) + 1)  # noqa: E731
    name = re.sub(r"(?<=patch_embed)dings\.(\d)(?=\.proj|\.layer_norm)", later, name)
    name = re.sub(r"(?<=block)\.(\d)(?=\.\d)", later, name)
    name = re.sub(r"(?<=backbone)\.layer_norm\.(\d)", lambda f: f".norm{later(f)}", name)
    name = re.sub(r"(?<=linear_c)\.(\d)", later, name)
    for old, new in {
        "layer_norm_": "norm",
        "attention.self.query": "attn.q",
        "attention.self.sr": "attn.sr",
        "attention.self.layer_norm": "attn.norm",
        "attention.output.dense": "attn.proj",
        "mlp.dense": "mlp.fc",
        ".layer_norm.": ".norm.",
        "linear_fuse": "linear_fuse.conv",
        "decode_head.batch_norm": "decode_head.linear_fuse.bn",
        "classifier": "linear_pred",
    }.items():
        name = name.replace(old, new)
    return name


def as_authors(state):
    """Name a state dict as the authors' code does: keys and values in one tensor."""
    named = {as_authors_name(name): value for name, value in state.items() if ".key." not in name}
    for name in [name for name in state if ".key." in name]:
        both = torch.cat([state[name], state[name.replace(".key.", ".value.")]])
        named[as_authors_name(name).replace("attention.self.key", "attn.kv")] = both
    return {name: value for name, value in named.items() if "attention.self.value" not in name}


@pytest.mark.parametrize(
    ("size", "grid"), [("b0", (32, 32)), ("b0", (64, 96)), ("b0", (128, 160)), ("b1", (64, 32))]
)
def test_logits_are_those_of_an_independent_network(size, grid, tmp_path):
    source = make_published(size)
    save_file(source.state_dict(), tmp_path / "w.safetensors")
    network = SegFormer(3, 6, 2, size=size, eps=1e-5).eval()
    image = torch.randn(2, 3, *grid)

    found = import_weights(network, tmp_path / "w.safetensors", decoder=True)

    assert (found.missing, found.unexpected, found.adapted) == ((), (), ())
    with torch.no_grad():
        assert (network(image)[0] - source(image)).abs().max() < 1e-4


@pytest.mark.parametrize(
    ("size", "grid"), [("b0", (64, 64)), ("b0", (96, 160)), ("b1", (64, 64)), ("b1", (128, 256))]
)
def test_logits_are_those_of_transformers(size, grid, tmp_path):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(1)
    config = transformers.SegformerConfig(
        num_labels=6,
        hidden_sizes=list(SIZES[size]["widths"]),
        depths=list(SIZES[size]["depths"]),
        decoder_hidden_size=SIZES[size]["features"],
    )
    source = published.stirred(transformers.SegformerForSemanticSegmentation(config))
    source.save_pretrained(tmp_path)
    network = SegFormer(3, 6, 2, size=size, eps=1e-5).eval()
    image = torch.randn(1, 3, *grid)

    import_weights(network, tmp_path, decoder=True)

    with torch.no_grad():
        wanted = functional.interpolate(source(image).logits, grid, mode="bilinear")
        assert (network(image)[0] - wanted).abs().max() < 1e-4


def test_the_authors_names_mean_the_same(theirs, tmp_path):
    torch.save({"state_dict": as_authors(theirs.state_dict())}, tmp_path / "mit.pth")
    network = SegFormer(3, 6, 2, eps=1e-5).eval()
    image = torch.randn(1, 3, 64, 32)

    found = import_weights(network, tmp_path / "mit.pth", decoder=True)

    assert (found.missing, found.unexpected) == ((), ())
    with torch.no_grad():
        assert (network(image)[0] - theirs(image)).abs().max() < 1e-4


def test_an_encoder_leaves_decoder_and_head_alone(checkpoint):
    network = SegFormer(3, 2, 2)
    before = {name: value.clone() for name, value in network.state_dict().items()}

    found = import_weights(network, checkpoint)

    changed = {n for n, v in network.state_dict().items() if not torch.equal(v, before[n])}
    assert changed
    assert all(name.startswith("encoder.") for name in changed)
    assert set(found.matched) == {name for name in before if name.startswith("encoder.")}
    assert all(name.startswith("decode_head.") for name in found.unexpected)


def test_a_head_of_other_classes_begins_at_random(checkpoint):
    network = SegFormer(3, 4, 2)

    found = import_weights(network, checkpoint, decoder=True)

    assert found.missing == ("head.weight", "head.bias")
    assert found.unexpected == ("decode_head.classifier.bias", "decode_head.classifier.weight")


@pytest.mark.parametrize("channels", [1, 5])
def test_equal_channels_give_what_colour_gave(checkpoint, channels):
    colour, other = SegFormer(3, 6, 2).eval(), SegFormer(channels, 6, 2).eval()
    gray = torch.randn(1, 1, 32, 32)

    import_weights(colour, checkpoint, decoder=True)
    found = import_weights(other, checkpoint, decoder=True)

    assert found.adapted == ("encoder.embeddings.0.conv.weight",)
    with torch.no_grad():
        wanted = colour(gray.expand(-1, 3, -1, -1))[0]
        assert torch.allclose(other(gray.expand(-1, channels, -1, -1))[0], wanted, atol=1e-4)


def test_a_volume_of_one_plane_gives_what_the_plane_gave(checkpoint):
    flat = MixTransformer(3, 2, widths=(32, 64, 160, 256), depths=(2, 2, 2, 2)).eval()
    deep = MixTransformer(
        3, 3, widths=(32, 64, 160, 256), depths=(2, 2, 2, 2),
        strides=((1, 4, 4), (1, 2, 2), (1, 2, 2), (1, 2, 2)),
    ).eval()  # fmt: skip
    networks = [torch.nn.Module(), torch.nn.Module()]
    networks[0].encoder, networks[1].encoder = flat, deep
    image = torch.randn(1, 3, 32, 32)

    for network in networks:
        import_weights(network, checkpoint)

    with torch.no_grad():
        pairs = zip(flat(image), deep(image[:, :, None]), strict=True)
        assert all(torch.allclose(one, two[:, :, 0], atol=1e-4) for one, two in pairs)


def test_a_hybrid_takes_attention_over_places_and_begins_the_rest_at_random(checkpoint):
    options = {"size": "b0", "attention": "parallel", "stem": "apart"}
    network = build_model("medsegformer", 3, 6, 2, **options)

    found = import_weights(network, checkpoint)

    assert found.missing
    assert all(".channel." in name or ".fusion." in name for name in found.missing)


def test_another_size_is_refused_with_the_size_that_it_has(checkpoint):
    network = SegFormer(3, 6, 2, size="b1")
    before = {name: value.clone() for name, value in network.state_dict().items()}

    with pytest.raises(PlanError, match=r"at least 95%.*missing.*left over.*It is of size b0"):
        import_weights(network, checkpoint)

    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_deeper_checkpoint_is_refused_although_it_fills_the_encoder(tmp_path):
    numbers = SIZES["b0"]
    source = published.Published(numbers["widths"], (3, 4, 6, 3), 32, 6)
    save_file(source.state_dict(), tmp_path / "w.safetensors")

    with pytest.raises(PlanError, match=r"not 100% and"):
        import_weights(SegFormer(3, 6, 2), tmp_path / "w.safetensors")


def test_weights_of_another_architecture_are_refused(tmp_path):
    save_file({"layer1.conv.weight": torch.randn(3, 3)}, tmp_path / "w.safetensors")

    with pytest.raises(PlanError, match="Name a Mix Transformer's weights"):
        import_weights(SegFormer(3, 6, 2), tmp_path / "w.safetensors")


def test_a_network_without_such_an_encoder_is_refused(checkpoint):
    with pytest.raises(PlanError, match="--model segformer"):
        import_weights(build_model("unet", 3, 6, 2, features=(4, 8)), checkpoint)


@pytest.mark.parametrize(("words", "warns"), [("license: mit", False), ("license: other", True)])
def test_a_restricted_or_unknown_licence_is_warned_of(theirs, tmp_path, words, warns):
    save_file(theirs.state_dict(), tmp_path / "model.safetensors")
    (tmp_path / "README.md").write_text(f"---\n{words}\n---\n# A card\n")

    found = import_weights(SegFormer(3, 6, 2), tmp_path)

    assert words.split()[1] in found.text
    assert (found.caution is not None) is warns


def test_without_a_stated_licence_there_is_a_warning(checkpoint):
    found = import_weights(SegFormer(3, 6, 2), checkpoint)

    assert "NVIDIA may not be used commercially" in found.caution


@pytest.mark.parametrize("size", SIZES)
def test_the_size_of_a_checkpoint_is_read_off_its_tensors(size, tmp_path):
    numbers = SIZES[size]
    with torch.device("meta"):
        state = published.Published(numbers["widths"], numbers["depths"], 8, 2).state_dict()
    small = {name: torch.zeros(len(value) if value.ndim else 1) for name, value in state.items()}
    save_file(small, tmp_path / "w.safetensors")

    assert find_size(read_weights(tmp_path / "w.safetensors")) == size
