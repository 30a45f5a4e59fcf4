import json

import pytest
import torch

from delineate.core.errors import FileError, ShapeError
from delineate.infer.bundle import load_bundle
from delineate.steps.export import ExportSettings, export


def test_a_shipped_model_decides_in_onnx_runtime_as_in_torch(tmp_path):
    for package in ("onnx", "onnxscript"):
        pytest.importorskip(package)
    runtime = pytest.importorskip("onnxruntime")
    out = tmp_path / "hippocampus.onnx"
    bundle = load_bundle("hippocampus")
    image = torch.randn(1, 1, 40, 48, 40)

    done = export(ExportSettings(model="hippocampus", out=out, size="40,48,40"))

    session = runtime.InferenceSession(out, providers=["CPUExecutionProvider"])
    logits = torch.from_numpy(session.run(None, {"image": image.numpy()})[0])
    facts = json.loads(session.get_modelmeta().custom_metadata_map["delineate"])
    with torch.no_grad():
        expected = bundle.model(image)[0]
    assert done.shape == (1, 1, 40, 48, 40)
    assert str(out) in done.text
    assert (logits.argmax(1) == expected.argmax(1)).float().mean() >= 0.9999
    assert facts["weights_hash"] == bundle.weights_hash
    assert facts["labels"] == bundle.plan.labels.to_dict()


def test_another_ending_is_refused_before_anything_is_loaded(tmp_path):
    with pytest.raises(FileError, match=r"must end in \.onnx"):
        export(ExportSettings(model="no such model", out=tmp_path / "network.pt"))


@pytest.mark.parametrize("size", ["64,64", "64,0,64", "big"])
def test_a_size_that_is_none_of_the_network_is_refused(tmp_path, size):
    out = tmp_path / "network.onnx"

    with pytest.raises(ShapeError, match="3 numbers above 0"):
        export(ExportSettings(model="hippocampus", out=out, size=size))

    assert not out.exists()
