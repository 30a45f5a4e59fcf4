"""Every shipped bundle: small, whole, documented, and as good as it says on a case it never saw."""

import json

import pytest

import delineate
from delineate.core.plan import Plan
from delineate.datasets import open_dataset
from delineate.infer.bundle import SHIPPED, load_bundle
from delineate.metrics import METRICS
from delineate.metrics.instance import aggregated_jaccard, pair_up

BUNDLES = sorted(path for path in SHIPPED.iterdir() if path.is_dir())


@pytest.mark.parametrize("folder", BUNDLES, ids=lambda path: path.name)
def test_bundle_is_whole_and_under_12_megabytes(folder):
    names = {path.name for path in folder.iterdir()}

    assert names == {"plan.yaml", "weights.safetensors", "card.md", "metrics.json"}
    assert sum(path.stat().st_size for path in folder.iterdir()) < 12e6


@pytest.mark.parametrize("folder", BUNDLES, ids=lambda path: path.name)
def test_weights_belong_to_the_plan_beside_them(folder):
    assert load_bundle(folder.name).plan.hash() == Plan.load(folder / "plan.yaml").hash()


@pytest.mark.parametrize("folder", BUNDLES, ids=lambda path: path.name)
def test_card_names_every_training_case_and_the_licence(folder):
    card = (folder / "card.md").read_text()
    plan = Plan.load(folder / "plan.yaml")

    learnt = {case for fold in plan.folds[1:] for case in fold}
    assert "licence:" in card.split("---")[1]
    assert all(case in card for case in learnt)
    assert not any(f"{case}," in card for case in plan.folds[0])


@pytest.mark.parametrize("folder", BUNDLES, ids=lambda path: path.name)
def test_models_of_regions_come_with_a_temperature_that_their_card_tells(folder):
    bundle = load_bundle(folder.name)
    calibration = json.loads((folder / "metrics.json").read_text()).get("calibration")

    if bundle.plan.task != "regions":
        assert calibration is None
        return
    assert bundle.temperature == calibration["temperature"] != 1
    assert calibration["ece_tempered"] < calibration["ece"]
    assert f"logits divided by {bundle.temperature:.3f}" in (folder / "card.md").read_text()


def test_hippocampus_is_as_good_on_unseen_cases_as_its_card_says(shared_data):
    model = delineate.load("hippocampus")
    data = open_dataset(shared_data / "radiology" / "msd_task04_hippocampus")
    cases = [data.case(case_id) for case_id in model.plan.folds[0][::7]]

    scores = []
    for case in cases:
        said = model.predict(case).mask
        for label in model.labels.labels:
            pair = (said.array == label.id, case.mask.array == label.id)
            scores.append(METRICS["dice"](*pair, said.geometry.spacing_mm))

    rows = json.loads((SHIPPED / "hippocampus" / "metrics.json").read_text())["summary"]
    stated = next(r["mean"] for r in rows if (r["label"], r["metric"]) == ("all classes", "dice"))
    assert sum(scores) / len(scores) == pytest.approx(stated, abs=0.03)


@pytest.mark.parametrize(("name", "place"), [("nuclei", "monuseg"), ("nuclei-open", "dsb2018")])
def test_nuclei_are_found_in_unseen_images_as_well_as_the_card_says(shared_data, name, place):
    model = delineate.load(name)
    data = open_dataset(shared_data / "pathology" / place)
    unseen = [case.removeprefix("MoNuSeg.") for case in model.plan.folds[0]][::4]

    scores = []
    for case in map(data.case, unseen):
        said = model.predict(case).instances
        scores.append(aggregated_jaccard(pair_up(case.instances.ids, said.ids)))

    rows = json.loads((SHIPPED / name / "metrics.json").read_text())["summary"]
    stated = next(r["mean"] for r in rows if (r["label"], r["metric"]) == ("nucleus", "aji"))
    assert sum(scores) / len(scores) == pytest.approx(stated, abs=0.1)
