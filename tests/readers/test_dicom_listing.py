"""The listing of DICOM series: verdict, size and findings, and no names."""

from tests.readers.dicom_cases import even, write_stack

from delineate.readers import read_studies
from delineate.readers.dicom_listing import listing_of


def test_each_series_has_its_line_and_what_was_left_aside_stands_below(tmp_path):
    write_stack(tmp_path, even())
    (tmp_path / "a.txt").write_text("nothing")

    lines = listing_of(read_studies(tmp_path)).splitlines()

    assert len(lines) == 3
    assert lines[1].startswith("accepted  CT  10 slices  10 x 24 x 20  3 x 2 x 1.5 mm  series")
    assert lines[2] == "Left aside: 1 no DICOM"


def test_a_long_list_of_instances_is_cut_and_the_json_named(tmp_path):
    write_stack(tmp_path, even(), PixelSpacing=[0, 1])

    text = listing_of(read_studies(tmp_path))

    assert "and 7 more; --json FILE lists them all" in text
    assert "refusal BAD_GEOMETRY" in text
