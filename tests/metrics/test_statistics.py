import numpy as np
import pytest

from delineate.core.errors import DatasetError
from delineate.metrics import METRICS, Row, Scoreboard
from delineate.metrics.statistics import compare

NAN = float("nan")


def board(values, patients=None, **more):
    patients = patients or [str(place) for place in range(len(values))]
    rows = tuple(
        Row(case=f"c{place}", patient=patients[place], label="liver",
            status="absent" if np.isnan(value) else "scored", values={"dice": value})
        for place, value in enumerate(values)
    )  # fmt: skip
    return Scoreboard(rows=rows, metrics={"dice": METRICS["dice"]}, **{"tolerance_mm": 1.0, **more})


def test_equal_boards_differ_by_nothing():
    row = compare(board([0.5, 0.7, 0.9]), board([0.5, 0.7, 0.9])).rows[0]

    assert (row.difference, row.low, row.high) == (0, 0, 0)
    assert (row.p_bootstrap, row.p_wilcoxon, row.holm_wilcoxon) == (1, 1, 1)


def test_cases_without_a_value_on_one_side_are_counted():
    result = compare(board([0.5, NAN, 0.7, NAN]), board([0.6, 0.2, NAN, NAN]))

    row = result.rows[0]
    assert (row.num_pairs, row.num_only_a, row.num_only_b, row.num_neither) == (1, 1, 1, 1)
    assert row.difference == pytest.approx(0.1)
    assert row.statuses_b == (2, 0, 0, 2)
    assert np.isnan(row.p_bootstrap)
    assert result.to_dict()["rows"][0]["low"] is None
    assert result.to_csv().splitlines()[1].startswith("liver,dice,0.5,0.6,")
    assert "only-1st" in result.text


def test_many_cases_of_one_patient_are_one_piece_of_evidence():
    first, second = board([0.5] * 6, ["a"] * 6), board([0.6] * 6, ["a"] * 6)

    row = compare(first, second).rows[0]

    assert row.num_patients == 1
    assert row.p_wilcoxon == 1.0


def test_differing_cases_are_refused_or_cut_with_a_note():
    first, second = board([0.5, 0.6, 0.7]), board([0.5, 0.6])

    with pytest.raises(DatasetError, match="2 cases are on both boards, 1 on the first only"):
        compare(first, second)

    assert "left out" in compare(first, second, uses_shared_cases=True).notes[0]


@pytest.mark.parametrize(
    ("other", "said"),
    [(board([0.5, 0.6], tolerance_mm=2.0), "tolerance"),
     (board([0.5, 0.6], ["x", "y"]), "belongs to patient")],
)  # fmt: skip
def test_boards_that_do_not_go_together_are_refused(other, said):
    with pytest.raises(DatasetError, match=said):
        compare(board([0.5, 0.6]), other)


def test_clear_difference_is_found_and_noise_is_not():
    rng = np.random.default_rng(0)
    base = rng.uniform(0.5, 0.8, 40)

    clear = compare(board(base), board(base + rng.uniform(0.02, 0.1, 40))).rows[0]
    noise = compare(board(base), board(base + np.tile([0.05, -0.05], 20))).rows[0]

    assert clear.p_bootstrap < 0.01 > clear.p_wilcoxon
    assert noise.p_bootstrap > 0.5 < noise.p_wilcoxon
