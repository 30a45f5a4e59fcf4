import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from PIL import Image

from delineate.core.case import Prediction
from delineate.core.geometry import Geometry
from delineate.core.image import Mask
from delineate.core.instances import Instances
from delineate.core.labels import LabelTable
from delineate.steps.evaluate import EvaluateSettings, evaluate
from delineate.writers import write_prediction

TYPES = LabelTable.of_names({"tumour": 1, "immune": 2})
SHAPE = (90, 90)


def tile(shift=0, missing=()):
    """25 squares with ids, in rows of five."""
    ids = np.zeros(SHAPE, np.uint16)
    for number in set(range(25)) - set(missing):
        top, left = 17 * (number // 5) + 2, 17 * (number % 5) + 2
        ids[top + shift : top + shift + 12, left : left + 12] = number + 1
    return ids


def write(path, ids):
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, ids)


def write_ours(folder, name, ids, formats, *, types=None, labels=TYPES):
    """What `delineate predict` leaves behind."""
    instances = Instances.of(ids)
    if types is not None:
        instances = replace(instances, types=np.resize(types, instances.count).astype(np.int16))
    said = Prediction(
        case_id=name, mask=Mask.of(instances.label_map(), Geometry.of_spacing(SHAPE)),
        labels=labels, instances=instances,
    )  # fmt: skip
    endings = {"tiff": ".tif", "geojson": ".geojson", "csv": ".csv", "overlay": ".overlay.png"}
    for kind in formats:
        write_prediction(said, folder / f"{name}{endings[kind]}", format=kind)


@pytest.fixture
def no_page(monkeypatch):
    """Leave the page out where nobody looks at it, since its figures take a second."""
    monkeypatch.setattr("delineate.steps.evaluate.write_report", lambda *_, **__: None)


def run(folder, **options):
    given = {"predictions": folder / "said", "truth": folder / "truth", "out": folder / "out"}
    return evaluate(EvaluateSettings(**{**given, **options}))


@pytest.fixture
def folders(tmp_path):
    for name, shift, missing in (("a", 0, ()), ("b", 1, (3, 4)), ("c", 2, ())):
        write(tmp_path / "truth" / f"{name}.tif", tile())
        write(tmp_path / "said" / f"{name}.tif", tile(shift, missing))
    return tmp_path


def test_label_images_are_scored_as_objects_with_their_mistakes(folders):
    board = run(folders)

    assert board.has_objects
    assert not board.failures
    assert board.find("nucleus", "aji").num_scored == 3
    assert "Of 75 true nuclei 73 are matched, 0 merged, 0 split, 0 rough, 2 missed" in board.text
    summary = json.loads((folders / "out" / "summary.json").read_text(encoding="utf-8"))
    assert summary["mistakes"]["total"]["missed"] == 2
    assert "tolerance" not in summary
    text = (folders / "out" / "mistakes.csv").read_text(encoding="utf-8")
    assert [row["kind"] for row in csv.DictReader(text.splitlines())] == ["missed"] * 2
    page = (folders / "out" / "report.html").read_text(encoding="utf-8")
    assert "<h2>Mistakes</h2>" in page
    assert page.count("data:image/jpeg") == 3 + 1  # cases, and a place with both mistakes
    assert not re.search(r"[ (]mm[ .)]", page)


@pytest.mark.usefixtures("no_page")
def test_all_files_of_a_prediction_may_lie_beside_each_other(tmp_path):
    write(tmp_path / "truth" / "a.tif", tile())
    write_ours(tmp_path / "said", "a", tile(1), ("geojson", "tiff", "csv", "overlay"))

    board = run(tmp_path, pictures=0)

    assert board.cases == ("a",)
    assert board.notes[0].startswith("Of 25 true nuclei 25 are matched")
    assert board.find("nucleus", "dq").mean == 1.0


@pytest.mark.usefixtures("no_page")
@pytest.mark.parametrize("kind", ["tiff", "geojson"])
def test_types_are_compared_by_their_names(tmp_path, kind):
    swapped = LabelTable.of_names({"immune": 1, "tumour": 2, "dead": 3})
    write_ours(tmp_path / "truth", "a", tile(), ["geojson"], types=[1, 2])
    write_ours(tmp_path / "said", "a", tile(), [kind], types=[2, 1], labels=swapped)
    write_ours(tmp_path / "wrong", "a", tile(), [kind], types=[3, 1], labels=swapped)

    right = run(tmp_path, pictures=0)
    wrong = run(tmp_path, predictions=tmp_path / "wrong", pictures=0)

    assert right.labels == ("nucleus", "tumour", "immune")
    assert right.find("tumour", "pq").mean == 1.0
    assert wrong.find("nucleus", "pq").mean == 1.0
    assert wrong.find("tumour", "pq").num_missed == 1


@pytest.mark.usefixtures("no_page")
def test_predictions_without_types_are_judged_as_nuclei_and_that_is_noted(tmp_path):
    write_ours(tmp_path / "truth", "a", tile(), ["geojson"], types=[1, 2])
    write(tmp_path / "said" / "a.tif", tile())

    board = run(tmp_path, pictures=0)

    assert board.labels == ("nucleus",)
    assert any("types are not scored" in note for note in board.notes)


@pytest.mark.usefixtures("no_page")
def test_outlines_of_others_end_before_the_picture_does(tmp_path):
    write(tmp_path / "truth" / "a.tif", tile())
    ring = [[2, 2], [14, 2], [14, 14], [2, 14], [2, 2]]
    feature = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]},
               "properties": {}}  # fmt: skip
    text = json.dumps({"type": "FeatureCollection", "features": [feature]})
    (tmp_path / "said").mkdir()
    (tmp_path / "said" / "a.geojson").write_text(text, encoding="utf-8")

    board = run(tmp_path, pictures=0)

    assert not board.failures
    assert "1 are matched" in board.text


@pytest.mark.usefixtures("no_page")
def test_a_bad_case_is_named_and_the_others_go_on(folders):
    write(folders / "said" / "b.tif", np.ones((20, 20), np.uint16))
    (folders / "said" / "c.tif").write_bytes(b"no picture")

    board = run(folders)

    assert board.cases == ("a",)
    assert [failure.case for failure in board.failures] == ["b", "c"]
    assert "one shape" in board.failures[0].reason


def test_an_image_without_a_nucleus_is_scored(folders):
    write(folders / "truth" / "d.tif", np.zeros(SHAPE, np.uint16))
    write(folders / "said" / "d.tif", np.zeros(SHAPE, np.uint16))
    write(folders / "truth" / "e.tif", np.zeros(SHAPE, np.uint16))
    write(folders / "said" / "e.tif", tile())

    board = run(folders)

    found = board.find("nucleus", "pq")
    assert (found.num_absent, found.num_spurious) == (1, 1)
    assert not board.failures


def test_models_of_objects_are_set_side_by_side(folders):
    for name in ("a", "b"):
        write(folders / "other" / f"{name}.tif", tile(missing=(7,)))

    board = run(folders, compare=(folders / "other",), pictures=1)

    assert board.cases == ("a", "b")
    assert "said: Of 50 true nuclei 48 are matched" in board.text
    assert "other: Of 50 true nuclei 48 are matched" in board.text
    assert any(note.startswith("AJI of other: ") for note in board.notes)
    summary = json.loads((folders / "out" / "summary.json").read_text(encoding="utf-8"))
    assert summary["compared"][0]["mistakes"]["total"]["missed"] == 2
    assert "Models side by side" in (folders / "out" / "report.html").read_text(encoding="utf-8")


def test_objects_do_not_depend_on_the_number_of_processes(folders, no_page, monkeypatch):
    monkeypatch.setattr("delineate.core.crew.WORTH_SECONDS", -1.0)
    monkeypatch.setattr("delineate.core.crew.TRIALS", 0)

    texts = []
    for jobs in (1, 2):
        run(folders, jobs=jobs, pictures=0)
        texts.append((folders / "out" / "mistakes.csv").read_text(encoding="utf-8"))

    assert texts[0] == texts[1]


@pytest.mark.usefixtures("no_page")
def test_few_objects_are_recognised_when_it_is_said(tmp_path):
    for side in ("truth", "said"):
        write(tmp_path / side / "a.tif", np.where(tile() < 3, tile(), 0).astype(np.uint16))

    assert not run(tmp_path, pictures=0).has_objects
    assert run(tmp_path, pictures=0, task="instances").has_objects


def test_a_dataset_gives_pictures_and_micrometres(tmp_path):
    for name in ("a", "b"):
        write(tmp_path / "truth" / "masks" / f"{name}.tif", tile())
        (tmp_path / "truth" / "images").mkdir(exist_ok=True)
        picture = np.full((*SHAPE, 3), 200, np.uint8)
        Image.fromarray(picture).save(tmp_path / "truth" / "images" / f"{name}.png")
    (tmp_path / "truth" / "instances.yaml").write_text("mpp: 0.5\n", encoding="utf-8")
    write(tmp_path / "said" / "a.tif", tile(missing=(0, 1)))

    board = run(tmp_path)

    assert any("1 of the dataset's 2 cases have no prediction" in note for note in board.notes)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "µm²" in page
