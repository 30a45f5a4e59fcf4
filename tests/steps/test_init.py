"""The step `init` writes a project whose scripts run, or nothing."""

import csv
import json
import os
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from delineate.core.errors import BudgetError, DatasetError, FileError, UnknownNameError
from delineate.core.plan import Plan
from delineate.datasets.phantoms import write_dataset
from delineate.models import build_model
from delineate.steps.init import InitSettings, init

SOURCE = Path(__file__).parents[2] / "src"
SCRIPTS = ("1_describe.py", "2_plan.py", "3_train.py", "4_predict.py", "5_evaluate.py")
SECTIONS = ("Problem", "Related work", "Proposed method", "Dataset", "Model", "Configurations",
            "Train", "Evaluate", "Citation")  # fmt: skip
TINY = {"cases": 4, "size": 32, "steps": 2, "budget": "1m"}


def run(folder, script):
    space = {**os.environ, "PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, script], cwd=folder, env=space, capture_output=True, text=True
    )


@pytest.fixture
def run_here(monkeypatch, capsys):
    """Run scripts in this process, which has imported everything already; gives what they said."""

    def run_all(folder, *scripts):
        monkeypatch.chdir(folder)
        for script in scripts:
            runpy.run_path(script, run_name="__main__")
        return capsys.readouterr().out

    return run_all


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project on tiny phantoms."""
    return init(InitSettings(name=tmp_path_factory.mktemp("new") / "abdomen", **TINY))


@pytest.fixture(scope="module")
def page(project):
    """Its page."""
    return (project.folder / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """A dataset of somebody else."""
    return write_dataset(tmp_path_factory.mktemp("somewhere") / "scans", 3, shape=(8, 32, 32))


def test_every_script_runs_in_order_and_scores_come_out(project):
    told = {script: run(project.folder, script) for script in SCRIPTS}

    assert {script: done.stderr for script, done in told.items() if done.returncode} == {}
    with (project.folder / "report" / "scores.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert {row["case"] for row in rows} == {"phantom_1000_day0"}
    assert "Dice" in told["5_evaluate.py"].stdout
    assert (project.folder / "report" / "report.html").stat().st_size > 0
    assert json.loads((project.folder / "facts.json").read_text())["num_patients"] == 3


def test_tissue_is_trained_and_scored_as_objects(tmp_path, run_here):
    made = init(InitSettings(name=tmp_path / "nuclei", dataset="tissue", **{**TINY, "size": 64}))

    told = run_here(made.folder, *SCRIPTS[2:])

    assert made.plan.task == "instances"
    assert "AJI" in told
    assert list((made.folder / "predictions").glob("*.geojson"))


def test_own_data_stay_where_they_are_and_are_scored_on_the_fold(tmp_path, dataset, run_here):
    before = sorted(dataset.rglob("*"))
    asked = InitSettings(name=tmp_path / "mine", dataset=str(dataset), **TINY)

    made = init(asked)
    run_here(made.folder, *SCRIPTS[2:])

    assert sorted(dataset.rglob("*")) == before
    assert not (made.folder / "data").exists()
    summary = json.loads((made.folder / "report" / "summary.json").read_text())
    assert summary["num_cases"] == len(made.plan.folds[0])


def test_page_holds_the_figures_of_data_network_and_plan(project, page):
    plan = project.plan
    masks = [case.mask.array for case in project_cases(project)]
    share = 100 * sum((mask == 1).sum() for mask in masks) / sum(mask.size for mask in masks)
    network = build_model(plan.model, 1, 4, plan.dims, **plan.model_options)
    count = sum(entry.numel() for entry in network.parameters())

    assert "| cases | 3, of 3 patients |" in page
    assert f"| stomach | 3 of 3 | {share:.3g} % |" in page
    assert "| spacing (mm) | 3 x 1.5 x 1.5 |" in page
    assert f"`unet` with {count:,} parameters in 3-D" in page
    assert "$" not in page


def project_cases(project):
    from delineate.datasets import open_dataset

    data = open_dataset(project.folder / "data" / "train")
    return [data.case(case) for case in data.ids()]


@pytest.mark.parametrize("heading", SECTIONS)
def test_page_has_every_section(page, heading):
    lines = page.splitlines()

    place = lines.index(f"## {heading}")

    assert any(lines[place + 1 : place + 4])


def test_page_gives_each_decision_with_the_plan_s_reason(project, page):
    cells = " ".join(page.split())

    absent = [
        name
        for name, why in project.plan.reasons.items()
        if name != "folds" and " ".join(why.split()) not in cells
    ]

    assert absent == []
    assert Plan.load(project.folder / "plan.yaml") == project.plan


def test_an_edited_plan_is_not_overwritten_and_not_mixed_with_a_run(tmp_path, dataset, run_here):
    made = init(InitSettings(name=tmp_path / "mine", dataset=str(dataset), **TINY))
    made.plan.save(made.folder / "run" / "plan.yaml")
    edited = made.plan.deciding("Edited.", batch_size=7)
    edited.save(made.folder / "plan.yaml")

    shown = run_here(made.folder, "2_plan.py")
    with pytest.raises(SystemExit, match="Choose another RUN"):
        run_here(made.folder, "3_train.py")

    assert Plan.load(made.folder / "plan.yaml") == edited
    assert "batch_size: 7" in shown


def test_citation_is_yaml_that_names_the_data(project):
    card = yaml.safe_load((project.folder / "CITATION.cff").read_text(encoding="utf-8"))

    assert card["title"] == "abdomen"
    assert card["references"][1]["title"] == "phantoms"


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"name": Path("a b")}, FileError, "Choose one such as"),
        ({"name": Path(".hidden")}, FileError, "must begin with"),
        ({"name": Path("-x")}, FileError, "must begin with"),
        ({"name": Path("absent/x")}, FileError, "Make it first"),
        ({"dataset": "phantom"}, DatasetError, "phantoms or tissue"),
        ({"model": "unett"}, UnknownNameError, "Did you mean 'unet'"),
        ({"budget": "soon"}, BudgetError, "budget"),
        ({"steps": 0}, BudgetError, "--steps"),
        ({"cases": 2}, DatasetError, "at least 3"),
        ({"size": 4}, DatasetError, "at least 8"),
    ],
)
def test_what_cannot_work_leaves_nothing(tmp_path, change, error, words):
    change = {**change, "name": tmp_path / change.get("name", "new")}

    with pytest.raises(error, match=words):
        init(replace(InitSettings(name=tmp_path / "new", **TINY), **change))

    assert list(tmp_path.iterdir()) == []


def test_existing_folder_is_refused_and_left_alone(tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mine.txt").write_text("mine")

    with pytest.raises(FileError, match=r"exists already.*another name"):
        init(InitSettings(name=tmp_path / "new", **TINY))

    assert [path.name for path in (tmp_path / "new").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("content", [b"", b"no scan at all", bytes(np.arange(200, dtype="u1"))])
def test_unreadable_data_leave_no_project(tmp_path, content):
    data = write_dataset(tmp_path / "scans", 3, shape=(8, 32, 32))
    next((data / "imagesTr").iterdir()).write_bytes(content)

    with pytest.raises(FileError, match="imagesTr"):
        init(InitSettings(name=tmp_path / "new", dataset=str(data), **TINY))

    assert [path.name for path in tmp_path.iterdir()] == ["scans"]


def test_folder_that_no_layout_knows_is_said(tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").write_text("dear")

    with pytest.raises(DatasetError, match="layout"):
        init(InitSettings(name=tmp_path / "new", dataset=str(tmp_path / "letters"), **TINY))

    assert not (tmp_path / "new").exists()


def test_text_says_where_to_read_and_what_to_run(project):
    assert str(project.folder / "README.md") in project.text
    assert "make" in project.text
