"""What holds for every row of `DATASETS`."""

import json

import numpy as np
import pytest
from tests.datasets.histology import monuseg_files, square, write_bowl, xml, zipped
from tests.datasets.nuclei import grid_of_ids, write_consep, write_hovernet, write_stardist

from delineate.core.errors import DatasetError
from delineate.datasets import DATASETS, open_dataset
from delineate.datasets.phantoms import make_abdomen, write_dataset
from delineate.datasets.splits import check_no_leak, make_folds
from delineate.writers import WRITERS, write_prediction
from scans import make_scan

SHAPE = (8, 32, 32)
TCGA = [f"TCGA-A7-A13{place}-01Z-00-DX{slide}" for place in "EFG" for slide in (1, 2)]
TILES = [f"tissue{tissue}_tile{tile}" for tissue in "abc" for tile in (1, 2)]


def make_folder(root):
    from PIL import Image as Picture

    for name in ("images", "masks"):
        (root / name).mkdir()
    for seed in range(3):
        case = make_abdomen(seed, shape=SHAPE)
        for day, place in ((0, 2), (1, 4)):
            shown = (case.image.array[0, place] // 16).astype(np.uint8)
            Picture.fromarray(shown).save(root / "images" / f"p{seed}_day{day}.png")
            Picture.fromarray(case.mask.array[place]).save(root / "masks" / f"p{seed}_day{day}.png")
    return open_dataset(root)


def make_monuseg(root):
    drawn = xml([square(3, 4), square(30, 20)])
    return open_dataset(zipped(root / "train.zip", monuseg_files(dict.fromkeys(TCGA, drawn))))


def make_bowl(root):
    boxes = [(2, 2, 6), (15, 20, 8), (20, 4, 7)]
    return open_dataset(write_bowl(root, dict.fromkeys("abcdef", boxes)))


def make_consep(root):
    names = [f"train_{tile}_{patch:03d}" for tile in (1, 4, 7) for patch in (0, 1)]
    return open_dataset(write_consep(root, dict.fromkeys(names, (grid_of_ids(4), [1, 2, 3, 4]))))


def make_hovernet(root):
    arrays = {"inst_map": grid_of_ids(3).astype(float), "inst_type": [[1], [2], [1]]}
    return open_dataset(write_hovernet(root, dict.fromkeys(TILES, arrays)))


def make_dicom_pairs(root):
    for seed in range(6):
        folder, patient = root / f"scan{seed}", f"P{seed // 2}"
        scan = make_scan(folder, shape=(6, 24, 28), root=f"1.2.{seed + 3}", PatientID=patient)
        name = ("rtstruct", "dicom-seg")[seed % 2]
        path = folder / f"truth{WRITERS[name].suffix}"
        write_prediction(scan.prediction, path, image=scan.image, format=name)
    return open_dataset(root)


MAKERS = {
    "dicom_pairs": make_dicom_pairs,
    "nnunet": lambda root: open_dataset(write_dataset(root, 3, scans_per_patient=2, shape=SHAPE)),
    "monuseg": make_monuseg,
    "dsb2018": make_bowl,
    "consep": make_consep,
    "hovernet": make_hovernet,
    "labelmaps": lambda root: open_dataset(
        write_stardist(root, dict.fromkeys(TILES, grid_of_ids()))
    ),
    "folder": make_folder,
    "phantoms": lambda _: open_dataset(
        "phantoms", num_patients=3, scans_per_patient=2, shape=SHAPE
    ),
    "tissue": lambda _: open_dataset("tissue", num_tiles=6, shape=(96, 96)),
}


@pytest.fixture(params=sorted(DATASETS))
def data(request, tmp_path):
    return MAKERS[request.param](tmp_path)


def test_layout_is_its_row(data):
    assert DATASETS[data.layout] is type(data)


def test_first_case_is_whole_and_labels_are_in_the_table(data):
    case = data.case(data.ids()[0])

    assert case.image.channels == data.channels
    assert case.image.array.shape[1:] == case.mask.array.shape
    assert case.image.geometry.agrees_with(case.mask.geometry)
    assert set(np.unique(case.mask.array)) <= data.labels.values


def test_objects_are_numbered_without_gaps_and_their_types_are_what_the_mask_shows(data):
    case = data.case(data.ids()[0])
    if case.load_instances is None:
        pytest.skip(f"{data.name} marks regions, not objects.")

    objects = case.instances

    assert np.unique(objects.ids).tolist() == list(range(objects.count + 1))
    assert objects.count > 0
    assert set(objects.types.tolist()) <= {label.id for label in data.labels.labels}
    assert np.array_equal(objects.label_map(), case.mask.array)
    assert case.image.array.dtype == np.uint8
    assert {"dataset", "tissue", "mpp_from"} <= set(case.facts)


def test_resolution_by_hand_overrules_files(data):
    case = data.case(data.ids()[0])
    if case.load_instances is None:
        pytest.skip(f"{data.name} marks regions, not objects.")
    root = getattr(data, "root", data.layout)

    told = open_dataset(root, layout=data.layout, mpp=0.5).case(case.id)

    assert told.image.geometry.is_physical
    assert told.image.geometry.spacing_mm == (0.0005, 0.0005)
    assert told.facts["mpp_from"] == "by hand"


def test_case_is_a_fresh_object(data):
    first = data.ids()[0]

    assert data.case(first) is not data.case(first)


def test_patient_is_never_on_both_sides(data):
    patients = data.patients()

    folds = make_folds(patients, 3, seed=0)

    assert len(patients) == 6
    for fold in folds:
        check_no_leak([id for id in patients if id not in fold], fold, patients)


def test_whole_dataset_has_no_problems_and_says_its_terms(data):
    assert data.problems() == []
    assert isinstance(json.dumps(data.remarks()), str)
    assert data.name
    assert data.licence


def test_unknown_case_is_refused(data):
    with pytest.raises(DatasetError):
        data.case("nobody")
