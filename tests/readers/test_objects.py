"""Objects of other programs' files."""

import numpy as np
import pytest
from PIL import Image as Picture

from delineate.core.errors import DelineateError, FileError
from delineate.readers import read_instances

MAP = np.array([[0, 5, 5, 0], [0, 5, 0, 900], [0, 0, 0, 900]])


def test_label_images_of_16_bits_and_arrays_are_numbered_anew(tmp_path):
    Picture.fromarray(MAP.astype(np.uint16)).save(tmp_path / "a.png")
    np.save(tmp_path / "b.npy", MAP)

    for name in ("a.png", "b.npy"):
        found, labels, geometry = read_instances(tmp_path / name)
        assert found.ids.max() == found.count == 2
        assert np.array_equal(found.ids > 0, MAP > 0)
        assert labels is None
        assert not geometry.is_physical


@pytest.mark.parametrize("array", [np.array([[0.5, 1.0]]), np.array([[-1, 2]]), np.zeros(4, int)])
def test_arrays_that_are_no_map_of_ids_are_refused(tmp_path, array):
    np.save(tmp_path / "a.npy", array)

    with pytest.raises(DelineateError, match=r"a\.npy"):
        read_instances(tmp_path / "a.npy")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.geojson", b"{", "GeoJSON"),
        ("b.geojson", b"{}", "no list of features"),
        ("c.npy", b"nothing", "array of numbers"),
    ],
)
def test_damaged_files_are_answered_with_a_sentence(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(FileError, match=said):
        read_instances(tmp_path / name)
