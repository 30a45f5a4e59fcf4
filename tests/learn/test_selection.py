"""Which cases train and which validate."""

from dataclasses import replace

import pytest

from delineate.core.errors import DatasetError
from delineate.learn.selection import choose_cases, keep_labelled, tell_tissues


class Tiles:
    """Eight tiles of four patients; the last patient has tiles of two tissues."""

    tissues = ("kidney", "kidney", "colon", "colon", "breast", "breast", "kidney", "breast")

    def ids(self):
        return [f"tile{number}" for number in range(8)]

    def patient(self, id):
        return f"patient{int(id[4:]) // 2}"

    def tissue(self, id):
        return self.tissues[int(id[4:])]


def test_held_out_tissues_validate_and_their_patients_never_train(plan):
    training, validation = choose_cases(plan, Tiles(), "0", "kidney")

    assert validation == ["tile0", "tile1", "tile6"]
    assert training == ["tile2", "tile3", "tile4", "tile5"]  # tile7 is of a held-out patient


def test_several_tissues_may_be_held_out(plan):
    training, validation = choose_cases(plan, Tiles(), "0", "kidney, breast")

    assert training == ["tile2", "tile3"]
    assert validation == ["tile0", "tile1", "tile4", "tile5", "tile6", "tile7"]


def test_unknown_tissue_is_answered_with_the_known_ones(plan):
    with pytest.raises(DatasetError, match=r"not liver\. Choose among: breast, colon, kidney"):
        choose_cases(plan, Tiles(), "0", "liver")


def test_something_must_be_left_to_train_on(plan):
    with pytest.raises(DatasetError, match="leaves nothing"):
        choose_cases(plan, Tiles(), "0", "kidney,colon,breast")


def test_fold_divides_the_cases_and_all_takes_every_one(plan):
    ids = Tiles().ids()
    folded = replace(plan, folds=(tuple(ids[:2]), tuple(ids[2:])))

    assert choose_cases(folded, Tiles(), "0") == (ids[2:], ids[:2])
    assert choose_cases(folded, Tiles(), "all") == (ids, [])


def test_tissues_left_out_neither_train_nor_validate(plan):
    training, validation = choose_cases(plan, Tiles(), "0", "kidney", "colon")

    assert (training, validation) == (["tile4", "tile5"], ["tile0", "tile1", "tile6"])
    with pytest.raises(DatasetError, match="leave_out leaves nothing"):
        choose_cases(plan, Tiles(), "all", None, "kidney,colon,breast")


def test_few_labels_are_those_of_whole_patients():
    tiles = Tiles()
    patients = {case: tiles.patient(case) for case in tiles.ids()}

    kept, rest = keep_labelled(tiles.ids(), patients, 0.5, 0)

    assert sorted([*kept, *rest]) == tiles.ids()
    assert len(kept) == 4
    assert not {patients[case] for case in kept} & {patients[case] for case in rest}


def test_more_labels_keep_those_of_fewer():
    patients = {f"case{number}": f"case{number}" for number in range(40)}

    few, _ = keep_labelled(list(patients), patients, 0.1, 3)
    more, _ = keep_labelled(list(patients), patients, 0.25, 3)

    assert len(few) == 4
    assert set(few) < set(more)


def test_one_patient_keeps_labels_at_least():
    patients = {"a": "a", "b": "b"}

    kept, rest = keep_labelled(["a", "b"], patients, 0.01, 0)

    assert (len(kept), len(rest)) == (1, 1)


def test_nobody_asked_for_few_labels():
    assert keep_labelled(["a"], {"a": "a"}, None, 0) == (["a"], [])


@pytest.mark.parametrize("share", [0.0, -1.0, 1.5, float("nan")])
def test_share_of_labels_must_be_one(share):
    with pytest.raises(DatasetError, match="labelled must be above 0"):
        keep_labelled(["a"], {"a": "a"}, share, 0)


def test_division_by_tissue_says_who_was_in_neither(plan):
    told = tell_tissues(plan, "kidney", "gray", ["b"], ["a"])

    assert told.folds == (("a",), ("b",))
    assert told.reasons["folds"].endswith("In neither: gray.")
