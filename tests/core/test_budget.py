import pytest
from hypothesis import given
from hypothesis import strategies as st

from delineate.core.budget import Budget
from delineate.core.errors import BudgetError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("30m", 1800),
        ("1h", 3600),
        ("1h30m", 5400),
        ("1h 30m 5s", 5405),
        ("0.5h", 1800),
        ("30", 1800),
        (" 2H ", 7200),
    ],
)
def test_times_are_read_as_people_write_them(text, seconds):
    budget = Budget.parse(text)

    assert budget.seconds == seconds


@pytest.mark.parametrize(
    "text", ["", "m", "30 apples", "-5m", "0s", "0", "1d", "m30", "1e3s", "inf"]
)
def test_what_is_no_time_is_refused_with_an_example(text):
    with pytest.raises(BudgetError, match="30m"):
        Budget.parse(text)


@given(st.integers(min_value=1, max_value=10**6))
def test_what_is_written_is_read_back(seconds):
    budget = Budget(seconds)

    again = Budget.parse(str(budget))

    assert again == budget


def test_budgets_are_written_in_their_largest_units():
    written = [str(Budget(seconds)) for seconds in (0.5, 90, 1800, 5400, 3605)]

    assert written == ["0.5s", "90s", "30m", "1h30m", "1h5s"]


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_budget_is_positive_and_finite(seconds):
    with pytest.raises(BudgetError, match="above zero"):
        Budget(seconds)
