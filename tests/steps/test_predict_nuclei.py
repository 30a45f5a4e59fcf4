"""Pictures of tissue from file to files, whatever their colours, depth and resolution."""

import json
from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image as Picture

from delineate.core.errors import FileError
from delineate.core.labels import LabelTable
from delineate.core.plan import Plan
from delineate.infer.predictor import Predictor
from delineate.readers import read_instances
from delineate.steps.predict import PredictSettings, predict

PLAN = Plan(
    dataset="made",
    layout="folder",
    labels=LabelTable.of_names({"nucleus": 1}),
    channels=("red", "green", "blue"),
    dims=2,
    canonical=False,
    spacing_mm=(0.00025, 0.00025),
    normalisation=({"kind": "range", "low": 0.0, "high": 255.0},) * 3,
    patch=(32, 32),
    batch_size=2,
    model="unet",
    model_options={},
    loss="nuclei",
    bf16=False,
    task="instances",
)


class Dark(torch.nn.Module):
    """Takes whatever is dark for an object."""

    def forward(self, image):
        inside = (image.mean(1, keepdim=True) < 0.5).float()
        return [torch.cat([20 * inside - 10, 0 * inside, 0 * inside], 1)]


@pytest.fixture
def model(monkeypatch):
    """Whatever model is named, the one above answers; its plan may be changed."""
    held = {"plan": PLAN}
    monkeypatch.setattr(
        "delineate.steps.predict.Predictor.load",
        lambda name, device: Predictor(plan=held["plan"], model=Dark(), name="dark"),
    )
    return held


def discs(height=80, width=120):
    """Dark discs on a bright ground, one for each 40 pixels, (Y, X), uint8."""
    y, x = (places % 40 - 20 for places in np.mgrid[:height, :width])
    return np.where(y**2 + x**2 <= 49, 30, 230).astype(np.uint8)


def run(folder, **changes):
    values = {"inputs": (str(folder),), "model": "dark", "out": folder.parent / "out", "mpp": 0.25}
    return predict(PredictSettings(**{**values, **changes}))


def provenance(folder, case="tile"):
    ledger = json.loads((folder.parent / "out" / "predictions.json").read_text())
    return ledger["cases"][case]["provenance"]


@pytest.fixture
def tiles(tmp_path):
    folder = tmp_path / "tiles"
    folder.mkdir()
    return folder


def save(tiles, mode, name="tile.png"):
    colours = Picture.fromarray(np.repeat(discs()[..., None], 3, 2))
    if mode == "I;16":
        Picture.fromarray(discs().astype(np.uint16) * 16).save(tiles / name)
    else:
        colours.convert(mode).save(tiles / name)


def test_objects_are_written_in_three_formats_and_counted(tiles, model):
    save(tiles, "RGB")
    Picture.new("RGB", (50, 40), (240, 238, 241)).save(tiles / "glass.png")

    result = run(tiles)

    names = {path.name for path in (tiles.parent / "out").iterdir()}
    assert names == {"predictions.json"} | {
        f"{case}{ending}"
        for case in ("tile", "glass")
        for ending in (".geojson", ".tif", ".overlay.png")
    }
    assert "Predicted 2 of 2 cases" in result.text
    assert "6 objects; none in glass" in result.text
    assert provenance(tiles)["num_objects"] == 6
    assert provenance(tiles)["megapixels_per_second"] > 0


def test_a_picture_without_nuclei_has_valid_files(tiles, model):
    Picture.new("RGB", (50, 40), (240, 238, 241)).save(tiles / "glass.png")

    run(tiles, format="geojson,tiff,csv,overlay")

    out = tiles.parent / "out"
    found, labels, _ = read_instances(out / "glass.tif")
    assert found.count == 0
    assert found.ids.shape == (40, 50)
    assert labels is not None
    assert json.loads((out / "glass.geojson").read_text())["features"] == []
    assert len((out / "glass.csv").read_text().splitlines()) == 1


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "CMYK", "P", "L", "LA", "1", "I;16"])
def test_every_kind_of_picture_is_answered_alike(tiles, model, mode):
    save(tiles, mode, "tile.tif" if mode == "CMYK" else "tile.png")

    result = run(tiles, format="tiff")

    assert not result.failures
    assert result.objects == {"tile": 6}


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.int16])
def test_deep_colours_of_tiff_are_answered_alike(tiles, model, dtype):
    scale = 1 / 255 if dtype == np.float32 else 16
    deep = (np.repeat(discs()[..., None], 3, 2) * np.float64(scale)).astype(dtype)
    tifffile.imwrite(tiles / "tile.tif", deep, photometric="rgb")

    assert run(tiles, format="tiff").objects == {"tile": 6}


def test_what_was_changed_in_a_picture_is_noted(tiles, model):
    save(tiles, "LA")

    run(tiles, format="tiff")

    notes = " ".join(provenance(tiles)["notes"])
    assert "alpha channel" in notes
    assert "grey" in notes


def test_unknown_resolution_is_a_sentence_with_the_mend(tiles, model):
    save(tiles, "RGB")

    result = run(tiles, mpp=None)

    assert "does not say its resolution" in result.failures["tile"]
    assert "Pass --mpp" in result.failures["tile"]


def test_resolution_comes_from_the_file_or_from_hand(tiles, model):
    colours = np.repeat(discs()[..., None], 3, 2)
    options = {"photometric": "rgb", "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(tiles / "tile.tif", colours, resolution=(40000, 40000), **options)

    run(tiles, mpp=None)
    told = provenance(tiles)
    run(tiles, mpp=0.5)
    by_hand = provenance(tiles)

    assert (told["mpp"], told["mpp_from"]) == (0.25, "file")
    assert (by_hand["mpp"], by_hand["mpp_from"]) == (0.5, "by hand")


def test_objects_come_back_on_the_pixels_of_a_coarser_picture(tiles, model):
    save(tiles, "RGB")

    run(tiles, mpp=0.5)

    found, _, geometry = read_instances(tiles.parent / "out" / "tile.tif")
    truth = discs() < 128
    assert found.ids.shape == truth.shape
    assert found.count == 6
    assert ((found.ids > 0) == truth).mean() > 0.99
    assert geometry.spacing_mm == pytest.approx((0.0005, 0.0005))


def test_four_times_larger_is_refused_unless_forced(tiles, model):
    save(tiles, "RGB")

    refused = run(tiles, mpp=1.0)
    forced = run(tiles, mpp=1.0, force=True)

    assert "enlarged 4 times" in refused.failures["tile"]
    assert not forced.failures
    assert forced.written == ("tile",)


def test_tiles_that_somebody_counted_are_pictures_of_their_own(tiles, model):
    for number in range(3):
        save(tiles, "RGB", f"slide_000{number}.png")

    assert run(tiles).written == ("slide_0000", "slide_0001", "slide_0002")


def test_done_means_all_files_at_this_resolution_by_this_decoder(tiles, model):
    save(tiles, "RGB")
    run(tiles)

    skipped = run(tiles).skipped
    (tiles.parent / "out" / "tile.geojson").unlink()
    lost = run(tiles).written
    scaled = run(tiles, mpp=0.26).written
    model["plan"] = replace(PLAN, decoder_options={"min_area": 10000})
    decoded = run(tiles, mpp=0.26)

    assert skipped == lost == scaled == ("tile",)
    assert decoded.objects == {"tile": 0}


def test_auto_may_stand_among_other_formats(tiles, model):
    save(tiles, "RGB")

    run(tiles, format="auto,csv")

    endings = {path.name.split(".", 1)[1] for path in (tiles.parent / "out").glob("tile.*")}
    assert endings == {"geojson", "tif", "overlay.png", "csv"}


def test_maps_of_probabilities_are_refused_in_one_sentence(tiles, model):
    save(tiles, "RGB")

    result = run(tiles, probabilities=True)

    assert "keeps no map of probabilities" in result.failures["tile"]


def test_pixels_that_are_no_numbers_are_refused(tiles, model):
    values = np.repeat(discs()[..., None], 3, 2).astype(np.float32) / 255
    values[3, 4, 0] = np.nan
    tifffile.imwrite(tiles / "tile.tif", values, photometric="rgb")

    assert "1 values that are NaN" in run(tiles).failures["tile"]


def test_dicom_formats_are_refused_before_the_first_tile(tmp_path, model):
    Picture.fromarray(np.stack([discs()] * 3, -1)).save(tmp_path / "tile.png")
    settings = PredictSettings(
        inputs=(str(tmp_path / "tile.png"),), model="dark", out=tmp_path / "out",
        format="geojson,dicom-seg,sr",
    )  # fmt: skip

    with pytest.raises(FileError, match="Choose geojson or csv"):
        predict(settings)

    assert not (tmp_path / "out").exists()
