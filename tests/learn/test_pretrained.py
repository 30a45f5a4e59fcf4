"""Beginning with an encoder that others published."""

import logging
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from delineate.core.errors import PlanError
from delineate.infer.bundle import load_bundle
from delineate.learn.pretrained import plan_for_encoder, take_encoder
from delineate.models import build_model
from delineate.models.slices import WIDTH, LateFusion


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """Write a b1 encoder under the names of its authors' code."""
    state = build_model("segformer", 3, 2, 2, size="b1").encoder.state_dict()
    named = {}
    for name, value in state.items():
        group, stage, *rest = name.split(".")
        begin = {"embeddings": "patch_embed", "stages": "block", "norms": "norm"}[group]
        end = ".".join(rest)
        for own, old in {
            "spatial.query": "attn.q", "spatial.key_value": "attn.kv", "spatial.out": "attn.proj",
            "spatial.reduction.conv": "attn.sr", "spatial.reduction.norm": "attn.norm",
            "feed_forward.widen": "mlp.fc1", "feed_forward.narrow": "mlp.fc2",
            "feed_forward.depthwise": "mlp.dwconv.dwconv", "conv": "proj",
        }.items():  # fmt: skip
            if own in end:
                end = end.replace(own, old)
                break
        named[f"{begin}{int(stage) + 1}.{end}"] = value
    path = tmp_path_factory.mktemp("mit") / "mit_b1.safetensors"
    save_file(named, path)
    return path


def test_the_plan_takes_the_size_of_the_weights_and_names_their_licence(checkpoint):
    plan = replace(load_bundle("nuclei").plan, model="segformer", model_options={"size": "b0"})

    planned = plan_for_encoder(plan, checkpoint)

    assert planned.model_options == {"size": "b1"}
    assert planned.reasons["model_options"].endswith("mit_b1.safetensors, licence unknown.")


@pytest.mark.parametrize("network", ["segformer", "medsegformer"])
def test_the_plan_takes_the_normalisation_of_hugging_face_and_the_log_says_so(
    tmp_path, caplog, network
):
    plan = replace(load_bundle("nuclei").plan, model=network, model_options={"size": "b1"})
    first = {"segformer.encoder.patch_embeddings.0.proj.weight": torch.zeros(32, 3, 7, 7)}
    save_file(first, tmp_path / "model.safetensors")

    with caplog.at_level(logging.INFO, logger="delineate"):
        planned = plan_for_encoder(plan, tmp_path)

    encoder = build_model(network, 3, 2, 2, **planned.model_options).encoder
    assert planned.model_options == {"size": "b1", "eps": 1e-5}
    assert {part.eps for part in encoder.modules() if hasattr(part, "eps")} == {1e-5}
    assert "model.safetensors ask for eps 1e-05: planned so" in caplog.text


def test_a_transformer_begins_with_the_weights_and_the_licence_is_warned_of(checkpoint, caplog):
    model = build_model("segformer", 1, 2, 2, size="b1")

    with caplog.at_level(logging.INFO, logger="delineate"):
        count = take_encoder(model, checkpoint)

    assert count == len(model.encoder.state_dict())
    assert f"{count} tensors taken (1 fitted to other channels" in caplog.text
    assert "NVIDIA may not be used commercially" in caplog.text


def test_a_network_whose_slices_meet_late_begins_with_them_too(checkpoint):
    model = LateFusion(build_model("segformer", WIDTH, 2, 2, size="b1"), 1, 3)
    stem = {name: value.clone() for name, value in model.stem.state_dict().items()}

    count = take_encoder(model, checkpoint)

    assert count == len(model.network.encoder.state_dict())
    assert all(torch.equal(value, stem[name]) for name, value in model.stem.state_dict().items())


def test_a_residual_encoder_begins_with_weights_by_their_usual_names(tmp_path):
    source, model = (build_model("unet_encoder", 3, 2, 2, encoder="resnet18") for _ in range(2))
    save_file(source.encoder.state_dict(), tmp_path / "w.safetensors")

    take_encoder(model, tmp_path / "w.safetensors")

    theirs, own = source.encoder.state_dict(), model.encoder.state_dict()
    assert all(torch.equal(value, own[name]) for name, value in theirs.items())


def test_a_network_without_a_published_encoder_is_refused(checkpoint):
    with pytest.raises(PlanError, match=r"not for UNet\. Pass --model segformer"):
        take_encoder(build_model("unet", 1, 2, 2, features=(4, 8)), checkpoint)
