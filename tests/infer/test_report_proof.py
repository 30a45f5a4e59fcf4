import pytest
from pydicom import dcmread

from delineate.core.errors import FileError
from delineate.infer.report_proof import measured, prove_report
from delineate.writers import WRITERS, write_prediction
from scans import KINDS, make_scan


def write(folder, kind="plain", form="dicom-seg", **options):
    scan = make_scan(folder / "in", kind, **options)
    for name in (form, "sr"):
        path = folder / f"a{WRITERS[name].suffix}"
        write_prediction(scan.prediction, path, image=scan.image, format=name)
    return scan, path


def change(path, act):
    dataset = dcmread(path)
    for item in walked(dataset):
        act(item)
    dataset.save_as(path)


def walked(item):
    for child in item.get("ContentSequence") or []:
        yield child
        yield from walked(child)


@pytest.mark.parametrize("form", ["dicom-seg", "dicom-seg-labelmap"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_report_says_what_its_segments_measure(tmp_path, kind, form):
    scan, path = write(tmp_path, kind, form)

    assert prove_report(path, scan.series) == 3
    assert path.exists()


def test_volumes_are_those_of_the_voxels(tmp_path):
    scan, path = write(tmp_path)
    ids = scan.prediction.mask.array

    volumes = {entry.number: entry.volume_ml for entry in measured(path)}

    for number in (1, 2, 3):
        assert volumes[number] == pytest.approx((ids == number).sum() * 3.0 * 2.0 * 1.5 / 1000)


def test_a_report_of_nothing_is_right_too(tmp_path):
    import numpy as np

    scan, path = write(tmp_path, ids=np.zeros((12, 40, 48), np.uint8))

    assert prove_report(path, scan.series) == 1
    assert measured(path)[0].volume_ml == 0


@pytest.mark.parametrize(
    ("keyword", "value", "reason"),
    [
        ("NumericValue", "1.5", "where its pixels have"),
        ("ReferencedSegmentNumber", 7, "other segments"),
        ("ReferencedSOPInstanceUID", "1.2.3", "no segmentation that lies beside it"),
        ("UID", "1.2.3", "other segments"),
    ],
)
def test_a_report_that_says_something_else_is_removed(tmp_path, keyword, value, reason):
    scan, path = write(tmp_path)

    def act(item):
        for part in (item, *item.get("ReferencedSOPSequence", []),
                     *item.get("MeasuredValueSequence", [])):  # fmt: skip
            if keyword in part:
                setattr(part, keyword, value)

    change(path, act)

    with pytest.raises(FileError, match=reason):
        prove_report(path, scan.series)

    assert not path.exists()


def test_a_report_without_volumes_is_removed(tmp_path):
    scan, path = write(tmp_path)

    def act(item):
        if "MeasuredValueSequence" in item:
            del item.MeasuredValueSequence

    change(path, act)

    with pytest.raises(FileError, match="cannot be understood"):
        prove_report(path, scan.series)
