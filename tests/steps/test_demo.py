"""The demonstration, small: everything it promises is there."""

import pytest

from delineate.core.errors import DatasetError
from delineate.steps.demo import DemoSettings, demo

TINY = {"patients": 4, "steps": 2, "slices": 8, "size": 32}


def test_demonstration_leaves_all_that_it_prints(tmp_path):
    shown = demo(DemoSettings(out=tmp_path / "demo", **TINY))

    for name in ("report/report.html", "report/scores.csv", "run/plan.yaml", "run/progress.png"):
        assert (tmp_path / "demo" / name).stat().st_size > 0
    assert list((tmp_path / "demo" / "predictions").glob("*.nii.gz"))
    assert list((tmp_path / "demo" / "predictions").glob("*.png"))
    assert str(tmp_path / "demo" / "report" / "report.html") in shown.text
    assert not shown.failures


def test_folder_of_somebody_else_is_not_touched(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")

    with pytest.raises(DatasetError, match="Choose another --out"):
        demo(DemoSettings(out=tmp_path, **TINY))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
