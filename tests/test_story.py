"""What a card says of its training."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file

from delineate.core.plan import Plan
from delineate.infer.bundle import list_bundles
from delineate.steps.train import TrainSettings
from delineate.story import tell


@pytest.fixture(scope="module")
def plan():
    return Plan.load(list_bundles()["hippocampus"] / "plan.yaml")


def story(plan, **settings):
    given = TrainSettings(data=Path("phantoms"), out=Path("run"), **settings)
    return tell(given, plan, ["b", "a"], ["c"], SimpleNamespace(step=7, seconds=90.0), "CC0")


def test_card_names_the_command_without_any_folder_around_it(plan):
    told = story(plan, steps=7, start_from="runs/first", mpp=None)

    assert told.command == (
        "delineate train phantoms --out RUN --steps 7 --fold 0 --start-from first --seed 0"
    )
    assert told.training_cases == ["a", "b"]
    assert (told.steps, told.minutes) == (7, 1.5)


def test_tissues_stand_in_place_of_a_fold(plan):
    told = story(plan, hold_out="kidney,bladder", leave_out="fluo", purpose="Tries it.")

    assert "--budget 30m --hold-out kidney,bladder --leave-out fluo" in told.command
    assert told.validation.startswith("Tissues kidney,bladder: 1 cases of patients")
    assert told.purpose == "Tries it."


def test_terms_of_the_weights_that_the_encoder_began_with_bind_the_model(plan, tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "mit.safetensors", metadata={"license": "other"})

    told = story(plan, encoder_weights=tmp_path / "mit.safetensors")

    assert told.licence == "CC0; the encoder began with mit.safetensors, licence other"
    assert " --encoder-weights mit.safetensors --seed 0" in told.command


def test_images_without_labels_stand_in_command_and_terms(plan):
    told = story(plan, unlabelled=Path("far/away/scans"), labelled=0.1)

    assert "--fold 0 --unlabelled scans --labelled 0.1 --seed 0" in told.command
    assert told.licence == "CC0; images without labels of scans, licence not stated"
