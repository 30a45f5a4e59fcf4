"""The demonstration, small: everything it promises is there."""

import pytest

from delineate.core.errors import DatasetError
from delineate.steps.demo import DemoSettings, demo

TINY = {"patients": 4, "tiles": 4, "steps": 2, "slices": 8, "size": 32, "tile_size": 64}


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    return demo(DemoSettings(out=tmp_path_factory.mktemp("demonstration") / "demo", **TINY))


@pytest.mark.parametrize("half", ["scans", "slides"])
def test_both_halves_leave_a_report_scores_plan_and_curves(shown, half):
    for name in ("report/report.html", "report/scores.csv", "run/plan.yaml", "run/progress.png"):
        assert (shown.folder / half / name).stat().st_size > 0
    assert str(shown.folder / half / "report" / "report.html") in shown.text


def test_predictions_come_in_the_files_of_both_worlds(shown):
    found = {half: shown.folder / half / "predictions" for half in ("scans", "slides")}

    for ending in (".nii.gz", ".png"):
        assert list(found["scans"].glob(f"*{ending}"))
    for ending in (".geojson", ".csv", ".tif", ".png"):
        assert list(found["slides"].glob(f"*{ending}"))


def test_text_is_short_and_says_both_scores(shown):
    lines = shown.text.splitlines()

    assert len(lines) < 12
    assert lines[0].startswith("Scans   1 unseen; stomach")
    assert lines[1].startswith("Slides  1 unseen; epithelial")
    assert not shown.failures


def test_no_tile_is_on_both_sides(shown):
    seen, unseen = (
        {path.stem for path in (shown.folder / "slides" / part / "images").iterdir()}
        for part in ("seen", "unseen")
    )

    assert len(seen) == 3
    assert not seen & unseen


def test_folder_of_somebody_else_is_not_touched(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")

    with pytest.raises(DatasetError, match="Choose another --out"):
        demo(DemoSettings(out=tmp_path, **TINY))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
