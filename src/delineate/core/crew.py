"""Work shared out to processes: answers in order, memory bounded, the same for any number."""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from time import monotonic
from typing import Any, TypeVar

from delineate.core.errors import BudgetError, DelineateError

Item = TypeVar("Item")
Result = TypeVar("Result")
WORTH_SECONDS = 4.0
"""Work that must be left before processes are started, which itself takes a second or two."""
TRIALS = 2
"""Items done here to see how long one takes; the first also pays for imports."""
AHEAD = 2
"""Items in flight for each process: enough that none waits, few enough for any memory."""
_work: list[Callable[[Any], Any]] = []


def share_out(
    work: Callable[[Item], Result], items: Sequence[Item], *, jobs: int | None = None
) -> Iterator[Result]:
    """Do a piece of work for each item, on several cores if there is enough of it.

    The first two items are done here and timed, so that small work never waits for processes. These
    are spawned, not forked: threads and open files of this process cannot harm them.

    Args:
        work: What to do; it must pickle, and should answer with its errors, not raise them.
        items: What to do it for; they must pickle, too.
        jobs: Processes at most, at least 1; None takes all cores that this process may use.

    Yields:
        The answers, in the order of the items.

    Raises:
        BudgetError: If `jobs` is not positive.
    """
    if jobs is not None and jobs < 1:
        raise BudgetError(f"jobs must be at least 1, not {jobs}. Leave it out to use all cores.")
    seconds = float("inf")
    for item in items[:TRIALS]:
        start = monotonic()
        answer = work(item)
        seconds = min(seconds, monotonic() - start)
        yield answer
    left = items[TRIALS:]
    crew = min(jobs or num_cores(), len(left))
    is_much = seconds * len(left) > WORTH_SECONDS
    if crew < 2 or not is_much or multiprocessing.current_process().daemon:
        for item in left:
            yield work(item)
        return
    yield from _spread(work, left, crew)


def num_cores() -> int:
    """Count the cores that this process may use.

    Returns:
        At least 1.
    """
    if hasattr(os, "sched_getaffinity"):  # Linux: containers and batch queues may allow fewer
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _spread(work: Callable[[Item], Result], items: Sequence[Item], crew: int) -> Iterator[Result]:
    pool = ProcessPoolExecutor(
        crew, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(work,)
    )
    waiting: deque[Future[Any]] = deque()
    rest = iter(items)
    try:
        waiting.extend(pool.submit(_do, item) for item in islice(rest, AHEAD * crew))
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(pool.submit(_do, item) for item in islice(rest, 1))
    except BrokenProcessPool as error:
        raise DelineateError(
            "A process of the crew ended before its work was done: memory ran out, or a script "
            "calls this without `if __name__ == '__main__':`. Pass fewer --jobs, such as 1."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin(work: Callable[[Any], Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the first process's to answer
    _work[:] = [work]


def _do(item: Any) -> Any:  # noqa: ANN401 - whatever the work takes and answers
    return _work[0](item)
