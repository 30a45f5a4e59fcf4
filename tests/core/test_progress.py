from delineate.core.progress import report, show_with, track


def test_items_pass_through_and_each_state_is_reported():
    seen = []
    show_with(lambda what, done, total, seconds: seen.append((what, done, total, seconds >= 0)))

    items = list(track("abc", "predicting", 3))

    assert items == ["a", "b", "c"]
    assert seen == [("predicting", done, 3, True) for done in (0, 1, 2, 3)]


def test_nothing_is_shown_where_nobody_draws():
    show_with(None)

    report("training", 1, 2, 0.1)

    assert list(track([1], "reading", 1)) == [1]


def test_the_last_who_asks_draws():
    first, second = [], []
    show_with(lambda *state: first.append(state))

    show_with(lambda *state: second.append(state))
    report("training", 1, 2, 0.5)

    assert first == []
    assert second == [("training", 1, 2, 0.5)]


def test_items_are_taken_one_at_a_time():
    taken = []
    source = (taken.append(number) or number for number in range(5))

    items = track(source, "reading", 5)
    next(items)

    assert taken == [0]
