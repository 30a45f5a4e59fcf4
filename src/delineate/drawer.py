"""Progress for people: bars with the time left on a terminal, a line now and then elsewhere."""

from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

SILENT_S = 2.0
"""Work that is over sooner shows no progress."""
LINE_EVERY_S = 10.0
"""Seconds between two lines of progress where there is no terminal."""


class Drawer:
    """Draws progress on stderr: bars on a terminal, a line now and then elsewhere."""

    def __init__(self, *, is_terminal: bool, write: Callable[[str], object]) -> None:
        """Draw nothing yet.

        Args:
            is_terminal: True to draw bars.
            write: Takes text where there are no bars.
        """
        self.is_terminal = is_terminal
        self.write = write
        self.said_at = -LINE_EVERY_S
        self.bars: Progress | None = None
        self.tasks: dict[str, TaskID] = {}

    def show(self, description: str, done: int, total: int, seconds: float) -> None:
        """Draw one state of progress, as `core.progress` hands it over.

        Args:
            description: What is being done.
            done: Items done.
            total: Items in all.
            seconds: Time since the start.
        """
        if self.is_terminal:
            self._move_bar(description, done, total, seconds)
        elif seconds >= SILENT_S and monotonic() - self.said_at >= LINE_EVERY_S:
            self.said_at = monotonic()
            self.write(f"{description}: {done} of {total}{_left(done, total, seconds)}\n")

    def say(self, text: str) -> None:
        """Write a line, above the bars if there are any.

        Args:
            text: The line.
        """
        if self.bars is None:
            self.write(text + "\n")
        else:
            self.bars.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Take the bars away."""
        if self.bars is not None:
            self.bars.stop()
        self.bars, self.tasks = None, {}

    def _move_bar(self, description: str, done: int, total: int, seconds: float) -> None:
        if done >= total:
            if self.bars is not None and description in self.tasks:
                self.bars.remove_task(self.tasks.pop(description))
            if not self.tasks:
                self.close()
            return
        if self.bars is None:
            self.bars = _make_bars()
        if description not in self.tasks:
            self.tasks[description] = self.bars.add_task(description, total=total, left="")
        left = _left(done, total, seconds).lstrip(", ")
        self.bars.update(self.tasks[description], completed=done, total=total, left=left)


def _make_bars() -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    start = monotonic()

    class Late(Progress):
        def get_renderables(self):  # type: ignore[no-untyped-def]  # noqa: ANN202
            return () if monotonic() - start < SILENT_S else super().get_renderables()

    columns = (
        "{task.description}",
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[left]}"),
    )
    bars = Late(*columns, console=Console(stderr=True), transient=True, refresh_per_second=4)
    bars.start()
    return bars


def _left(done: int, total: int, seconds: float) -> str:
    if not 0 < done < total:
        return ""
    rest = seconds / done * (total - done)
    if rest < 90:
        return f", {rest:.0f} s left"
    return f", {rest / 60:.0f} min left" if rest < 5400 else f", {rest / 3600:.1f} h left"
