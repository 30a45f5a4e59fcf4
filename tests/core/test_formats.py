from pathlib import Path

import pytest

from delineate.core.formats import Reader, Writer


class ScanReader(Reader):
    suffixes = (".nii", ".nii.gz")

    def read_image(self, path):
        raise NotImplementedError

    def read_mask(self, path):
        raise NotImplementedError


@pytest.mark.parametrize("name", ["a.nii", "a.b.nii.gz", "A.NII.GZ"])
def test_a_reader_knows_its_files_by_their_endings(name):
    reader = ScanReader()

    assert reader.can_read(Path(name))


@pytest.mark.parametrize("name", ["a.png", "nii", "a.nii.txt"])
def test_a_reader_leaves_other_files_to_others(name):
    reader = ScanReader()

    assert not reader.can_read(Path(name))


@pytest.mark.parametrize("contract", [Reader, Writer])
def test_a_contract_cannot_be_used_by_itself(contract):
    with pytest.raises(TypeError, match="abstract"):
        contract()
