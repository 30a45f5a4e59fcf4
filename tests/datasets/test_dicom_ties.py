"""Which volume a SEG or RTSTRUCT belongs to, and what a case is called after its folder."""

from dataclasses import replace

from delineate.datasets.dicom_ties import below, folder_of, names_of, volume_of
from delineate.readers import read_studies
from delineate.readers.dicom_drawn import look_at
from delineate.writers import write_prediction
from scans import make_scan


def drawn_on(folder):
    scan = make_scan(folder / "ct", shape=(4, 12, 14))
    write_prediction(scan.prediction, folder / "a.seg.dcm", image=scan.image)
    return look_at(folder / "a.seg.dcm"), read_studies(folder / "ct").only()


def test_of_several_volumes_of_a_series_the_one_that_is_named_counts(tmp_path):
    drawn, volume = drawn_on(tmp_path)
    slices = tuple(replace(one, sop_uid=f"{one.sop_uid}.9") for one in volume.series.slices)
    phase = replace(volume, image=replace(
        volume.image, series=replace(volume.series, slices=slices)))  # fmt: skip

    found = volume_of(drawn, {"1.2.3.2": [phase, volume]})

    assert found is volume


def test_a_series_that_is_not_there_has_no_volume(tmp_path):
    drawn, volume = drawn_on(tmp_path)

    assert volume_of(drawn, {"1.2.9.2": [volume]}) is None


def test_a_frame_of_reference_serves_where_it_has_one_series(tmp_path):
    drawn, volume = drawn_on(tmp_path)
    silent = replace(drawn, series_uid="", reference_uid="1.2.3.3")

    assert volume_of(silent, {"1.2.3.2": [volume]}) is volume
    assert volume_of(silent, {"1.2.3.2": [volume], "1.2.3.8": [volume]}) is None


def test_folders_give_the_shortest_name_that_is_theirs_alone(tmp_path):
    root = tmp_path / "data"
    root.mkdir()
    folders = [root / place for place in ("ada/ct", "bob/ct", "x/bob/ct", "eve/mr scan", "two")]

    found = names_of([*folders, root / "two"], root)

    assert list(found.values()) == ["ada_ct", "bob_ct", "x_bob_ct", "mr_scan"]


def test_the_root_goes_by_its_own_name(tmp_path):
    (tmp_path / "data").mkdir()

    assert below(tmp_path / "data", tmp_path / "data") == "data"
    assert below(tmp_path / "data" / "a b" / "c", tmp_path / "data") == "a_b_c"


def test_a_volume_lies_where_its_files_lie(tmp_path):
    _, volume = drawn_on(tmp_path)

    assert folder_of(volume) == (tmp_path / "ct").resolve()
