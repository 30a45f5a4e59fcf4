"""Names of types: given, joined or made up; a table of types by nucleus."""

import pytest

from delineate.core.errors import DatasetError
from delineate.core.labels import LabelTable
from delineate.datasets.objects import NUCLEUS
from delineate.datasets.typenames import TypeNames, read_type_info, read_types

TABLE = LabelTable.of_names({"tumour": 1, "stroma": 2})


def test_types_that_are_joined_become_one_label():
    names = TypeNames.of(LabelTable.of_names({"a": 5, "b": [3, 4]}), "here")

    ids = names.label_ids({10: 3, 11: 4, 12: 5, 13: 0}, "x.mat")

    assert ids == {10: 2, 11: 2, 12: 1, 13: 0}
    assert names.table.is_exclusive
    assert names.table.ignore == 255


def test_names_are_made_up_from_what_is_there():
    names = TypeNames.made_up([3, 0, 1, 3])

    assert names.table.names == ("type_1", "type_3")
    assert not names.table.names_known
    assert names.is_typed
    assert TypeNames.made_up([0]).table is NUCLEUS
    assert not TypeNames.made_up([]).is_typed


def test_type_without_a_name_is_refused():
    with pytest.raises(DatasetError, match="holds nuclei of type 7, 9, which here does not"):
        TypeNames.of(TABLE, "here").label_ids({1: 9, 2: 7, 3: 1}, "x.mat")


@pytest.mark.parametrize(
    "text", ['{"1": "tumour"}', '{"a": ["tumour", [1, 2, 3]]}', '{"1": ["tumour", [1, 2]]}', "[3]"]
)
def test_malformed_type_info_is_refused(tmp_path, text):
    path = tmp_path / "type_info.json"
    path.write_text(text)

    with pytest.raises(DatasetError, match="must look like"):
        read_type_info(path)


def test_table_of_types_takes_names_and_numbers(tmp_path):
    path = tmp_path / "types.csv"
    path.write_text("case,id,type\na, 7, stroma\na,9,1\nb,7,2\n")

    assert read_types(path, TABLE) == {"a": {7: 2, 9: 1}, "b": {7: 2}}


@pytest.mark.parametrize(
    "text", ["case,id\na,1\n", "case,id,type\na,1,muscle\n", "case,id,type\na,one,1\n"]
)
def test_malformed_table_of_types_is_refused(tmp_path, text):
    path = tmp_path / "types.csv"
    path.write_text(text)

    with pytest.raises(DatasetError, match=r"columns case,id,type.*or the names tumour, stroma"):
        read_types(path, TABLE)
