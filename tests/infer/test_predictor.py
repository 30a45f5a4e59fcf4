import numpy as np
import pytest
import torch
from torch import nn

from delineate.core.case import Case
from delineate.core.errors import DelineateError, GeometryError, PlanError, ShapeError
from delineate.core.geometry import Geometry
from delineate.core.image import Image
from delineate.core.labels import Label, LabelTable
from delineate.infer.device import choose_device, has_bf16
from delineate.infer.predictor import Predictor
from delineate.infer.preparation import prepare_image


def blocks(shape: tuple[int, ...]) -> np.ndarray:
    """An image whose intensities are its truth: 0 outside, 1 and 2 in two boxes."""
    array = np.zeros(shape, np.float32)
    array[tuple(slice(size // 4, size // 2) for size in shape)] = 1
    array[tuple(slice(size // 2, size // 4 * 3) for size in shape)] = 2
    return array


def image_of(array: np.ndarray, geometry: Geometry | None = None) -> Image:
    return Image.of(array[None], geometry, ("MR",), source="scans/brain.nii.gz")


@pytest.mark.parametrize("shape", [(12, 14, 10), (40, 50, 35), (64, 20, 90), (3, 70, 18)])
def test_the_truth_comes_back_whether_it_takes_one_tile_or_many(make_predictor, shape):
    predictor, array = make_predictor(), blocks(shape)

    prediction = predictor.predict(image_of(array))

    assert np.array_equal(prediction.mask.array, array)
    assert prediction.mask.array.dtype == np.uint8
    assert prediction.case_id == "brain"


def test_turned_flipped_and_anisotropic_grids_come_back_exactly(make_predictor):
    affine = np.array([[0, 0, -0.5, 9], [2.0, 0, 0, 4], [0, 0.8, 0, -7], [0, 0, 0, 1]])
    array = np.kron(blocks((8, 12, 16)), np.ones((1, 2, 2), np.float32))
    image = image_of(array, Geometry(shape=array.shape, affine=affine))

    prediction = make_predictor().predict(image)

    assert prediction.mask.geometry is image.geometry
    assert (prediction.mask.array == array).mean() > 0.97
    assert prediction.mask.array[3, 10, 12] == array[3, 10, 12]


def test_ids_of_the_label_table_are_written_not_places(make_predictor):
    labels = LabelTable.of_names({"front": 7, "back": 300})
    array = blocks((16, 16, 16))

    mask = make_predictor(labels=labels).predict(image_of(array)).mask.array

    assert mask.dtype == np.uint16
    assert np.array_equal(mask, np.array([0, 7, 300])[array.astype(int)])


def test_nested_regions_are_painted_later_over_earlier(make_predictor):
    labels = LabelTable(
        labels=(Label(id=1, name="all", covers=(1, 2)), Label(id=2, name="core", covers=(2,)))
    )
    array = blocks((16, 16, 16))

    mask = make_predictor(labels=labels).predict(image_of(array)).mask

    assert mask.num_layers is None
    assert np.array_equal(mask.array, array)


def test_overlapping_labels_come_as_layers(make_predictor):
    labels = LabelTable(labels=(Label(id=1, name="one"), Label(id=2, name="two")), overlapping=True)
    array = blocks((16, 16, 16))

    mask = make_predictor(labels=labels).predict(image_of(array)).mask

    assert mask.num_layers == 2
    assert np.array_equal(mask.array, np.stack([array == 1, array == 2]))


def test_a_flat_network_takes_pictures(make_predictor):
    predictor = make_predictor(dims=2, patch=(16, 16), spacing_mm=(1.0, 1.0))
    array = blocks((50, 37))

    prediction = predictor.predict(image_of(array), probabilities=True)

    assert np.array_equal(prediction.mask.array, array)
    assert prediction.probabilities.shape == (3, 50, 37)


def test_a_flat_network_takes_the_slices_of_a_volume_as_batches(make_predictor):
    predictor = make_predictor(dims=2, patch=(32, 32))
    array = blocks((20, 32, 30))

    prediction = predictor.predict(image_of(array))

    assert np.array_equal(prediction.mask.array, array)
    assert len(predictor.model.shapes) < 3


def test_probabilities_and_entropy_lie_on_the_native_grid(make_predictor):
    affine = np.array([[0, 0, -1.0, 9], [1.0, 0, 0, 4], [0, 1.0, 0, -7], [0, 0, 0, 1]])
    array = blocks((8, 12, 16))
    image = image_of(array, Geometry(shape=array.shape, affine=affine))

    prediction = make_predictor().predict(image, probabilities=True, entropy=True)

    assert prediction.probabilities.dtype == np.float16
    assert np.array_equal(prediction.probabilities.argmax(0), array)
    assert np.allclose(prediction.probabilities.astype(float).sum(0), 1, atol=2e-3)
    assert prediction.entropy.shape == array.shape
    assert prediction.entropy.max() < np.log(3)


def test_flips_average_mirrored_passes_and_leave_a_symmetric_network_alone(make_predictor):
    predictor, array = make_predictor(), blocks((16, 16, 16))

    prediction = predictor.predict(image_of(array), flips=(2, 0))

    assert len(predictor.model.shapes) == 4
    assert np.array_equal(prediction.mask.array, array)
    assert prediction.provenance["flips"] == [0, 2]


def test_flips_of_axes_that_the_network_does_not_see_are_refused(make_predictor):
    with pytest.raises(ShapeError, match="axes from 0 to 2"):
        make_predictor().predict(image_of(blocks((16, 16, 16))), flips=(3,))


def test_tiles_of_a_real_network_agree_with_one_pass_over_all(make_run, monkeypatch):
    predictor = Predictor.load(make_run(patch=(24, 24, 24), overlap=0.75), device="cpu")
    shape = (1, 60, 42, 54)  # every tile starts at a multiple of the stride
    array = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    with torch.inference_mode():
        whole = predictor.model(torch.from_numpy(array)[None])[0][0]

    grown = torch.cat([slab for _, slab in predictor.logits(array)], dim=1)
    monkeypatch.setattr("delineate.infer.predictor.TILE_VOXELS", {"cpu": 0})
    tiled = torch.cat([slab for _, slab in predictor.logits(array)], dim=1)

    for logits in (grown, tiled):
        assert torch.allclose(logits, whole, atol=0.05)


def test_a_case_gives_its_id_and_its_facts(make_predictor):
    case = Case(id="p1_day3", patient="p1", image=image_of(blocks((16, 16, 16))))

    prediction = make_predictor().predict(case)

    assert prediction.case_id == "p1_day3"
    assert prediction.provenance["model"] == "threshold"
    assert prediction.provenance["seconds"] > 0


def test_a_prediction_writes_itself(make_predictor, tmp_path):
    prediction = make_predictor().predict(image_of(blocks((16, 16, 16))))

    path = prediction.save(tmp_path / "seg.nii.gz")

    assert path.stat().st_size > 0


def test_the_same_image_gives_the_same_prediction_twice(make_run):
    predictor = Predictor.load(make_run(bf16=True), device="cpu")
    image = image_of(blocks((40, 30, 20)))

    first, second = (predictor.predict(image, probabilities=True) for _ in range(2))

    assert np.array_equal(first.probabilities, second.probabilities)


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "cuda:x"])
def test_a_device_that_is_not_there_is_refused(name):
    with pytest.raises(DelineateError, match="Pass --device cpu"):
        choose_device(name)


def test_the_cpu_is_always_there():
    device = choose_device("cpu")

    assert device.type == "cpu"
    assert has_bf16(device) in (True, False)


def test_micrometres_are_refused_by_a_model_of_regions(make_predictor):
    with pytest.raises(GeometryError, match=r"mpp is for models of nuclei.*Leave --mpp out"):
        make_predictor().predict(image_of(blocks((16, 16, 16))), mpp=0.25)


class Everything(torch.nn.Module):
    """Answers with what it is given: as many logits as slices."""

    def forward(self, image):
        return [image]


def test_a_flat_network_is_given_the_neighbours_at_the_working_spacing(make_plan):
    plan = make_plan(
        labels=LabelTable.of_names({f"class{place}": place for place in range(1, 5)}),
        dims=2, slices=5, slice_step=2, patch=(16, 16), spacing_mm=(2.0, 1.0, 1.5),
    )  # fmt: skip
    array = np.random.default_rng(0).normal(size=(24, 20, 30)).astype(np.float32)
    image = image_of(array, Geometry.of_spacing(array.shape, (3.0, 1.0, 1.0)))
    predictor = Predictor(plan=plan, model=Everything())
    working = torch.from_numpy(prepare_image(image, plan).array)[0]

    seen = torch.cat([slab for _, slab in predictor.logits(working.numpy()[None])], dim=1)

    assert working.shape == (36, 20, 20)
    for channel, offset in zip(seen, (-4, -2, 0, 2, 4), strict=True):
        places = (torch.arange(36) + offset).clamp(0, 35)
        assert torch.allclose(channel, working[places], atol=1e-5)


def test_a_picture_is_refused_by_a_network_of_several_slices(make_plan):
    predictor = Predictor(plan=make_plan(dims=2, slices=3, patch=(16, 16)), model=Everything())

    with pytest.raises(ShapeError, match=r"is 2-D \(30 x 20\).*Pass the whole volume"):
        predictor.predict(image_of(blocks((30, 20))))


@pytest.mark.parametrize("name", ["entropy", "mc"])
def test_objects_have_no_map_of_uncertainty(make_predictor, name):
    predictor = make_predictor(
        task="instances", dims=2, channels=("red", "green", "blue"), patch=(16, 16),
        spacing_mm=(0.00025, 0.00025), canonical=False,
    )  # fmt: skip
    picture = Image.of(
        np.full((3, 20, 20), 90, np.uint8),
        Geometry.of_spacing((20, 20), (0.00025, 0.00025)),
        ("red", "green", "blue"),
    )

    with pytest.raises(PlanError, match="tells objects apart"):
        predictor.predict(picture, uncertainty=name)


def test_layers_have_one_map_and_the_score_of_their_union(make_predictor):
    table = LabelTable(labels=(Label(id=1, name="a"), Label(id=2, name="b")), overlapping=True)
    predictor = make_predictor(labels=table)

    prediction = predictor.predict(image_of(blocks((24, 20, 18))), uncertainty="margin")

    assert prediction.uncertainty.shape == (24, 20, 18)
    assert 0 < prediction.provenance["border_uncertainty"] < 1
    assert "temperature" in prediction.provenance


def test_without_maps_nothing_is_said_of_doubt(make_predictor):
    prediction = make_predictor().predict(image_of(blocks((24, 20, 18))))

    assert prediction.uncertainty is None
    assert not {"temperature", "border_uncertainty", "uncertainty"} & set(prediction.provenance)


class Dropping(nn.Module):
    """Bright is foreground, but for what is dropped."""

    def __init__(self) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.5)

    def forward(self, image):
        score = self.drop(2 * image - 1)
        return [torch.cat([-score, score], dim=1)]


def test_passes_over_many_tiles_make_one_map_with_empty_tiles_sure(make_plan):
    plan = make_plan(labels=LabelTable.of_names({"ball": 1}), patch=(8, 8, 8), overlap=0.25)
    array = np.zeros((40, 24, 24), np.float32)
    array[:12] = 1
    predictor = Predictor(plan=plan, model=Dropping().eval(), name="dropping")

    plain = predictor.predict(image_of(array))
    first = predictor.predict(image_of(array), uncertainty="mc")
    again = predictor.predict(image_of(array), uncertainty="mc", flips=())

    assert np.array_equal(plain.mask.array, first.mask.array)
    assert np.array_equal(first.uncertainty, again.uncertainty)
    assert first.uncertainty[:10].mean() > 0.05
    assert (first.uncertainty[30:] == 0).all()
