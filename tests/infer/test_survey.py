import pytest

from delineate.core.errors import UnknownNameError
from delineate.infer.survey import Task, choose, survey
from delineate.models import MODELS
from delineate.models.variants import VARIANTS

SMALL = Task(size=(32, 32), channels=1, classes=3, rounds=1, device="cpu")


def test_networks_are_listed_with_parameters_work_memory_and_time():
    found = survey(SMALL, ["medsegformer-nano"])

    (entry,) = found.entries
    assert entry.cost.parameters == pytest.approx(0.79e6, rel=0.05)
    assert entry.cost.macs > 1e6
    assert entry.cost.peak_bytes > 4 * entry.cost.parameters
    assert all(seconds > 0 for seconds in entry.seconds.values())
    assert "medsegformer-nano" in found.text
    assert "32 x 32" in found.text
    assert "interpolation are not counted" in found.text


def test_a_network_that_fails_is_named_and_the_others_are_measured(monkeypatch):
    monkeypatch.setitem(VARIANTS, "segformer", {"b0": {"size": "b9"}})

    found = survey(SMALL, ["segformer-b0", "medsegformer-nano"])

    assert [entry.name for entry in found.entries] == ["medsegformer-nano"]
    assert "no size of segformer named 'b9'" in found.failures["segformer-b0"]


def test_a_network_whose_logits_have_another_shape_is_no_success(monkeypatch):
    monkeypatch.setitem(MODELS, "segformer", "torch.nn:Identity")
    monkeypatch.setitem(VARIANTS, "segformer", {"b0": {}})

    found = survey(SMALL, ["segformer"])

    assert found.entries == ()
    assert "logits must be" in found.failures["segformer-b0"]


def test_a_row_means_all_its_variants_and_order_is_the_table():
    names = choose(["segformer", "unet-64"])

    assert names == ["unet-64", *(f"segformer-b{number}" for number in range(6))]


def test_a_wrong_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'segformer-b0'"):
        choose(["segformer-b00"])
