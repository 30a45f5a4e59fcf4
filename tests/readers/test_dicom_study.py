"""Whole studies: one volume where one is asked for, and everything laid out for programs."""

import json

import pytest
from tests.readers.dicom_cases import even, write_stack

from delineate.core.errors import SeriesError
from delineate.readers import read_studies


def test_the_only_volume_is_given_whatever_else_was_refused(tmp_path):
    write_stack(tmp_path / "a", even())
    write_stack(tmp_path / "b", even(), SeriesInstanceUID="1.2.3", PixelSpacing=[0, 1])

    studies = read_studies(tmp_path)

    assert len(studies.volumes) == 2
    assert studies.only().report.verdict == "accepted"


def test_several_volumes_are_named_where_one_is_asked_for(tmp_path):
    for place in range(7):
        write_stack(tmp_path / str(place), even(2), SeriesInstanceUID=f"1.2.{place}")

    with pytest.raises(SeriesError, match=r"7 volumes .* 1\.2\.0, .* and 2 more"):
        read_studies(tmp_path).only()


def test_a_refusal_is_told_with_its_code_and_mend(tmp_path):
    write_stack(tmp_path, even(), PixelSpacing=[0, 1])

    with pytest.raises(SeriesError, match=r"BAD_GEOMETRY: .* Send the series again"):
        read_studies(tmp_path).only()


def test_everything_is_laid_out_for_programs(tmp_path):
    write_stack(tmp_path, even())
    (tmp_path / "x.dcm").write_bytes(b"no DICOM" * 30)

    told = json.loads(json.dumps(read_studies(tmp_path).to_dict()))

    assert told["findings"][0]["code"] == "NOT_DICOM"
    assert told["series"][0]["verdict"] == "accepted"
    assert told["series"][0]["spacing_mm"] == [3.0, 2.0, 1.5]


def test_series_without_uids_are_told_apart_by_their_folders(tmp_path):
    gone = {"SeriesInstanceUID": "", "StudyInstanceUID": ""}
    write_stack(tmp_path / "a", even(4), **gone)
    write_stack(tmp_path / "b", even(4), **gone)

    volumes = read_studies(tmp_path).volumes

    assert [volume.report.num_slices for volume in volumes] == [4, 4]


def test_a_series_of_which_every_header_is_cut_is_refused_with_its_files(tmp_path):
    write_stack(tmp_path, even(2))
    for file in tmp_path.iterdir():
        data = file.read_bytes()
        file.write_bytes(data[: data.index(b"\x28\x00\x10\x00US")])  # ends before Rows

    (volume,) = read_studies(tmp_path).volumes

    assert volume.report.codes == ("DAMAGED_FILE",)
    assert volume.report.findings[0].files == ("000.dcm", "001.dcm")
