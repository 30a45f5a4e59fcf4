import numpy as np
import pytest

from delineate.core.errors import FileError, PlanError, ShapeError
from delineate.core.geometry import Geometry
from delineate.core.image import Image
from delineate.infer.intake import check_image, check_kind, is_foreign

CT_RULE = ({"kind": "window", "low": -200.0, "high": 300.0, "mean": 50.0, "std": 80.0},)


def image_of(array: np.ndarray, channels: tuple[str, ...] | None = None) -> Image:
    return Image.of(array, None, channels, source="brain.nii.gz")


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(100, 30, size=shape).astype(np.float32)


def test_an_image_as_the_plan_wants_it_may_pass(make_plan):
    check_image(image_of(noise(1, 4, 5, 6)), make_plan())


def test_nan_and_infinity_are_counted(make_plan):
    array = noise(1, 4, 5, 6)
    array[0, 0, 0, :3] = np.nan
    array[0, 1, 0, 0] = np.inf

    with pytest.raises(FileError, match=r"brain\.nii\.gz has 4 voxels that are NaN or infinite"):
        check_image(image_of(array), make_plan())


def test_a_constant_image_is_refused(make_plan):
    with pytest.raises(FileError, match="is constant"):
        check_image(image_of(np.full((1, 4, 5, 6), 7, np.int16)), make_plan())


def test_a_single_voxel_is_refused(make_plan):
    with pytest.raises(ShapeError, match="single voxel"):
        check_image(image_of(np.ones((1, 1, 1, 1))), make_plan())


def test_a_picture_is_refused_by_a_model_of_volumes(make_plan):
    with pytest.raises(ShapeError, match="is 2-D"):
        check_image(image_of(noise(1, 20, 20)), make_plan())


def test_a_volume_may_pass_to_a_model_of_slices(make_plan):
    check_image(image_of(noise(1, 4, 5, 6)), make_plan(dims=2, patch=(16, 16)))


def test_another_number_of_channels_is_refused_with_both_lists(make_plan):
    colours = image_of(noise(3, 4, 5, 6), ("red", "green", "blue"))

    with pytest.raises(ShapeError, match=r"3 channels \(red, green, blue\).*wants 1 \(MR\)"):
        check_image(colours, make_plan())


def test_channels_in_another_order_are_refused(make_plan):
    image = image_of(noise(2, 4, 5, 6), ("T2", "T1"))

    with pytest.raises(ShapeError, match="order"):
        check_image(image, make_plan(channels=("T1", "T2")))


@pytest.mark.parametrize("facts", [{"modality": "CT"}, {}])
def test_another_modality_is_refused_where_it_is_known(make_plan, facts):
    channels = None if facts else ("CT",)

    with pytest.raises(PlanError, match=r"is CT, but the model was trained on MR"):
        check_image(image_of(noise(1, 4, 5, 6), channels), make_plan(), facts)


def test_sequences_of_one_modality_go_together(make_plan):
    check_image(image_of(noise(1, 4, 5, 6), ("MRI",)), make_plan(channels=("T2w",)))


def test_hounsfield_units_are_refused_by_an_mr_model(make_plan):
    with pytest.raises(PlanError, match="as Hounsfield units do"):
        check_image(image_of(noise(1, 4, 5, 6) - 1000), make_plan())


def test_an_image_without_negative_values_is_refused_by_a_ct_model(make_plan):
    plan = make_plan(channels=("CT",), normalisation=CT_RULE)

    with pytest.raises(PlanError, match="no value below 0"):
        check_image(image_of(np.abs(noise(1, 4, 5, 6))), plan)


def test_spacing_plays_no_part(make_plan):
    geometry = Geometry.of_spacing((4, 5, 6), (9.0, 0.1, 3.0))

    check_image(Image.of(noise(1, 4, 5, 6), geometry, ("MR",)), make_plan())


def test_the_kind_is_told_without_touching_pixels(make_plan):
    def load():
        raise AssertionError("touched")

    image = Image(geometry=Geometry.of_spacing((4, 5, 6), (1, 1, 1)), channels=("CT",), load=load)

    check_kind(image, make_plan(channels=("CT",)))
    with pytest.raises(PlanError, match="is CT, but the model was trained on MR"):
        check_kind(image, make_plan())


@pytest.mark.parametrize(
    ("modality", "channel", "answer"),
    [("PT", "CT", True), ("CT", "CT", False), ("MR", "T2w", False), ("DX", "CT", True),
     ("OT", "CT", False), ("CT", "channel 0", False)],
)  # fmt: skip
def test_only_what_is_known_to_differ_is_foreign(make_plan, modality, channel, answer):
    assert is_foreign(modality, make_plan(channels=(channel,))) is answer
