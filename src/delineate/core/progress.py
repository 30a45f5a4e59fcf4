"""A bar with time left for anything that takes more than two seconds."""

from collections.abc import Callable, Iterable, Iterator
from time import monotonic
from typing import TypeVar

Item = TypeVar("Item")
Show = Callable[[str, int, int, float], None]
_shown: list[Show] = []


def show_with(show: Show | None) -> None:
    """Choose what draws progress; the command line does so once, libraries stay silent.

    Args:
        show: Called with description, items done, items in all and seconds since the start;
            None silences progress.
    """
    _shown[:] = [] if show is None else [show]


def track(items: Iterable[Item], description: str, total: int) -> Iterator[Item]:
    """Pass items through and report how many are done.

    Args:
        items: What to go over.
        description: What is being done, such as "predicting".
        total: How many items there are.

    Yields:
        The items.
    """
    start = monotonic()
    for done, item in enumerate(items):
        report(description, done, total, monotonic() - start)
        yield item
    report(description, total, total, monotonic() - start)


def report(description: str, done: int, total: int, seconds: float) -> None:
    """Hand one state of progress to whatever draws it.

    Args:
        description: What is being done.
        done: Items done.
        total: Items in all.
        seconds: Time since the start.
    """
    for show in _shown:
        show(description, done, total, seconds)
