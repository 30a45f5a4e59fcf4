"""A folder of scans with RTSTRUCT and SEG, from describe to scores."""

import json
from dataclasses import replace

import numpy as np

from delineate.core.labels import LabelTable
from delineate.steps.describe import DescribeSettings, describe
from delineate.steps.evaluate import EvaluateSettings, evaluate
from delineate.steps.plan import PlanSettings, plan
from delineate.steps.predict import PredictSettings, predict
from delineate.steps.train import TrainSettings, train
from delineate.writers import write_prediction
from scans import make_scan

SHAPE = (8, 32, 32)
NAMES = LabelTable.of_names({"Liver": 1, "Kidney": 2, "Bowel": 3})
FORMATS = "nifti,dicom-seg,rtstruct,sr,overlay"


def made(folder, number):
    """Write patients of one scan each, every other one's truth as RTSTRUCT with shouted names."""
    loud = LabelTable.of_names({label.name.upper(): label.id for label in NAMES.labels})
    for place in range(number):
        scan = make_scan(
            folder / f"p{place}", shape=SHAPE, root=f"1.2.{place + 3}", PatientID=f"P{place}"
        )
        ending, labels = ("rtstruct.dcm", loud) if place % 2 else ("seg.dcm", NAMES)
        truth = replace(scan.prediction, labels=labels)
        write_prediction(truth, scan.folder / f"truth.{ending}", image=scan.image)
    return folder


def test_a_folder_of_scans_with_rtstruct_and_seg_is_described_learnt_and_judged(tmp_path):
    data = made(tmp_path / "data", 5)
    described = describe(DescribeSettings(data=data))
    planned = plan(PlanSettings(data=data, out=tmp_path / "run", patch=SHAPE, measure=False))
    small = replace(planned.plan, model_options={"features": [4, 8]}, batch_size=2)
    small.save(tmp_path / "run" / "plan.yaml")

    train(TrainSettings(data=data, out=tmp_path / "run", steps=3, device="cpu"))
    held = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    scans = tuple(str(data / case) for case in held["validation_cases"])
    done = predict(
        PredictSettings(
            inputs=scans, model=str(tmp_path / "run"), out=tmp_path / "out", format=FORMATS,
            device="cpu",
        )
    )  # fmt: skip
    boards = [
        evaluate(
            EvaluateSettings(
                predictions=tmp_path / "out", truth=data, out=tmp_path / "scores", pictures=1,
                files=files, run=tmp_path / "run",
            )
        )
        for files in (None, "*.seg.dcm", "*.rtstruct.dcm")
    ]  # fmt: skip

    assert "dicom_pairs" in described.text
    assert small.labels.names == NAMES.names
    assert not done.failures
    assert boards[0].cases == tuple(held["validation_cases"])
    assert boards[0].labels == NAMES.names
    scores = [[row.values["dice"] for row in board.rows] for board in boards]
    assert np.array_equal(scores[0], scores[1], equal_nan=True)
    assert np.array_equal(scores[0], scores[2], equal_nan=True)
    assert not any(board.failures or board.warnings for board in boards)


def test_training_cases_are_warned_of_by_name(tmp_path):
    data = made(tmp_path / "data", 2)
    scan = make_scan(tmp_path / "again", shape=SHAPE, root="1.2.3")
    (tmp_path / "out").mkdir()
    write_prediction(scan.prediction, tmp_path / "out" / "x.seg.dcm", image=scan.image)
    (tmp_path / "run").mkdir()
    facts = {"training_cases": ["p0"]}
    (tmp_path / "run" / "run.json").write_text(json.dumps(facts), encoding="utf-8")

    board = evaluate(
        EvaluateSettings(
            predictions=tmp_path / "out", truth=data, out=tmp_path / "scores", pictures=0,
            run=tmp_path / "run",
        )
    )  # fmt: skip

    assert board.cases == ("p0",)
    assert "1 of these 1 cases trained" in board.warnings[0]
