"""The parent's side of the child process: questions, a clock for each file, and its crashes.

One child serves a process as long as it is asked and is started anew when a file kills it, so
that a series costs one start at most. Pixels come back through memory both sides map.
"""

import atexit
import json
import mmap
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import DelineateError
from delineate.readers.dicom_tags import Values

if TYPE_CHECKING:
    from delineate.readers.dicom_frames import Frame

SECONDS = 30.0
"""Seconds that one file may take before the child is ended."""
START_SECONDS = 60.0
"""Seconds that the child may take to start, on a machine that is busy."""
MEMORY = 3 * 2**29
"""Bytes of address space that the child may use beside the volume itself."""
PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from delineate.readers.dicom_worker import main; main()"
)


class ChildError(DelineateError):
    """The child did not finish: which item it was at, why, and what it had answered before."""

    def __init__(
        self, place: int, reason: str, answers: Sequence[Values] = (), *, is_alive: bool = False
    ) -> None:
        super().__init__(f"The process that reads DICOM files stopped: {reason}.")
        self.place = place
        self.reason = reason
        self.answers = tuple(answers)
        self.is_alive = is_alive


class Child:
    """One process that reads files; it starts when first asked and again after each crash."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._lock = threading.Lock()
        self._owner = os.getpid()

    def ask(
        self,
        op: str,
        *,
        memory: int = MEMORY,
        seconds: float = SECONDS,
        **request: Any,  # noqa: ANN401 - JSON values
    ) -> list[Values]:
        """Put a question and wait for all answers.

        Args:
            op: "headers", "digests" or "pixels".
            memory: Bytes of address space that it may use.
            seconds: Seconds between two answers at most.
            **request: Further values of the question, as JSON takes them.

        Returns:
            Answers, without those that only say where it is.

        Raises:
            ChildError: If it died, took too long or failed, with the place of the item.
        """
        with self._lock:
            try:
                is_fresh = self._send(json.dumps({"op": op, "memory": memory, **request}) + "\n")
                return self._collect(seconds, START_SECONDS if is_fresh else 0)
            except BaseException as error:  # also Ctrl-C: what is still to come must not be heard
                if not (isinstance(error, ChildError) and error.is_alive):
                    self.close()
                raise

    def _collect(self, seconds: float, extra: float) -> list[Values]:
        place = 0
        answers: list[Values] = []
        patience = seconds + extra
        while True:
            try:
                line = self._lines.get(timeout=patience)
            except queue.Empty:
                reason = f"it took longer than {seconds:g} s"
                raise ChildError(place, reason, answers) from None
            if line is None:
                reason = "it crashed the decoder or wanted too much memory"
                raise ChildError(place, reason, answers)
            patience = seconds
            answer = json.loads(line)
            if "done" in answer:
                return answers
            if "failed" in answer:
                raise ChildError(place, answer["failed"], answers, is_alive=True)
            if "at" in answer:
                place = answer["at"]
            else:
                answers.append(answer)

    def close(self) -> None:
        """End the process; the next question starts another."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        process.wait()

    def _send(self, line: str) -> bool:
        """Write a question; True if the process had to be started for it."""
        if self._owner != os.getpid():  # a fork must not share its parent's pipes
            self._process, self._owner = None, os.getpid()
        for _ in range(2):
            is_fresh = self._process is None or self._process.poll() is not None
            if is_fresh:
                self.close()
                self._start()
            process = self._process
            try:
                if process is not None and process.stdin is not None:
                    process.stdin.write(line)
                    process.stdin.flush()
                    return is_fresh
            except OSError:  # it ended of idleness in this very moment
                self.close()
        raise ChildError(0, "it does not start")

    def _start(self) -> None:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-c", PROGRAM, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        lines: queue.Queue[str | None] = queue.Queue()
        self._process, self._lines = process, lines

        def listen() -> None:
            with suppress(ValueError, OSError):
                for line in process.stdout or ():
                    lines.put(line)
            lines.put(None)

        threading.Thread(target=listen, daemon=True).start()


CHILD = Child()
"""The child of this process."""
atexit.register(CHILD.close)


def read_headers(items: Sequence[tuple[str, str]]) -> list[Values]:
    """Read headers, whatever the files do to the child.

    Args:
        items: Path and member of each file.

    Returns:
        For each file in order the values of `dicom_header.read_header`.
    """
    found: list[Values] = []
    while len(found) < len(items):
        try:
            answers = CHILD.ask("headers", items=list(items[len(found) :]))
        except ChildError as error:
            answers = [*error.answers, {"header": {"kind": "damaged", "reason": error.reason}}]
        found += [answer["header"] for answer in answers]
    return found


def read_digests(frames: Sequence["Frame"]) -> list[str]:
    """Take fingerprints of the pixels of slices.

    Args:
        frames: The slices.

    Returns:
        A text for each, equal for equal pixels; empty where they cannot be read.
    """
    items = [frame.pixel_item() for frame in frames]
    found: list[str] = []
    while len(found) < len(items):
        try:
            answers = CHILD.ask("digests", items=items[len(found) :])
        except ChildError as error:
            answers = [*error.answers, {"digest": ""}]
        found += [answer["digest"] for answer in answers]
    return found


@contextmanager
def shared_memory(num_bytes: int) -> Iterator[tuple[str, Any]]:
    """Make memory that the child can open by name, and map it here.

    Args:
        num_bytes: How much, at least 1.

    Yields:
        The name for the child, and the map; the map lives as long as an array looks at it.
    """
    if hasattr(os, "memfd_create") and os.path.isdir("/proc/self/fd"):
        handle = os.memfd_create("delineate")
        name = f"/proc/{os.getpid()}/fd/{handle}"
    else:
        handle, name = tempfile.mkstemp(prefix="delineate-")
    try:
        os.ftruncate(handle, num_bytes)
        yield name, mmap.mmap(handle, num_bytes)
    finally:
        os.close(handle)
        if not name.startswith("/proc/"):
            with suppress(OSError):
                os.unlink(name)


def read_pixels(
    items: Sequence[Values], shape: tuple[int, int, int], kinds: Sequence[str]
) -> tuple[NDArray[Any], int]:
    """Read the pixels of slices, in the first of the types into which they fit.

    Args:
        items: What `dicom_pixels.fill` takes for each slice.
        shape: Slices, rows and columns.
        kinds: Names of types from narrow to wide, such as ("int16", "int32").

    Returns:
        The values, (n, rows, columns), and how many voxels were padding.

    Raises:
        ChildError: If a slice cannot be read; its `place` says which.
    """
    for kind in kinds:
        num_bytes = int(np.prod(shape, dtype=np.int64)) * np.dtype(kind).itemsize
        try:
            with shared_memory(num_bytes) as (name, memory):
                answers = CHILD.ask(
                    "pixels",
                    memory=MEMORY + 2 * num_bytes,
                    target=name,
                    dtype=kind,
                    shape=list(shape),
                    items=list(items),
                )
                array = np.frombuffer(memory, dtype=kind).reshape(shape)
                return array, int(answers[-1]["padded"])
        except ChildError as error:
            if error.reason != "narrow" or kind == kinds[-1]:
                raise
    raise ChildError(0, "no type was given")
