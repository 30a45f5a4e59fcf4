"""Progress on a terminal and elsewhere."""

import io

from delineate import drawer as drawer_module
from delineate.drawer import Drawer


def test_without_a_terminal_short_work_is_silent_and_long_work_says_a_line(monkeypatch):
    said = io.StringIO()
    drawer = Drawer(is_terminal=False, write=said.write)
    clock = iter([100.0, 100.0, 105.0, 111.0, 111.0])
    monkeypatch.setattr(drawer_module, "monotonic", lambda: next(clock))

    drawer.show("predicting", 1, 9, 0.5)
    drawer.show("predicting", 2, 9, 2.5)
    drawer.show("predicting", 4, 9, 7.5)
    drawer.show("predicting", 5, 9, 13.5)

    lines = said.getvalue().splitlines()
    assert lines == ["predicting: 2 of 9, 9 s left", "predicting: 5 of 9, 11 s left"]


def test_on_a_terminal_a_bar_shows_what_is_left_and_leaves_nothing_behind(monkeypatch):
    from rich.console import Console

    screen = io.StringIO()
    monkeypatch.setattr(drawer_module, "SILENT_S", 0.0)
    monkeypatch.setattr(
        "rich.console.Console", lambda stderr: Console(file=screen, force_terminal=True, width=100)
    )
    drawer = Drawer(is_terminal=True, write=screen.write)

    drawer.show("training", 0, 100, 0.0)
    drawer.show("training", 25, 100, 300.0)
    drawer.say("Saved.")
    drawer.bars.refresh()
    drawer.show("training", 100, 100, 1200.0)

    drawn = screen.getvalue()
    assert all(text in drawn for text in ("training", "25/100", "15 min left", "Saved."))
    assert drawer.bars is None
