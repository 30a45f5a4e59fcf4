"""The child process that reads files nobody vouches for; it talks in lines of JSON.

It is started by `readers/dicom_child.py` as a program of its own. What it touches next is
announced first, so that the parent knows which file hung or crashed it.
"""

import json
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import IO

from delineate.readers.dicom_header import read_header, reason_of
from delineate.readers.dicom_pixels import TooNarrowError, digest, fill
from delineate.readers.dicom_tags import Values

IDLE_SECONDS = 60
"""Seconds without a question after which the process ends; the parent starts another."""


def serve(questions: IO[str], answers: IO[str]) -> None:
    """Answer questions until there are no more.

    Args:
        questions: Lines of JSON with `op` ("headers", "digests" or "pixels") and `memory` in bytes.
        answers: Where lines of JSON go; each question ends with `done` or `failed`.
    """
    while True:
        _alarm(IDLE_SECONDS)
        line = questions.readline()
        _alarm(0)
        if not line:
            return
        request = json.loads(line)
        try:
            _limit(int(request["memory"]))
            for answer in ANSWERS[request["op"]](request):
                _say(answers, answer)
            _say(answers, {"done": True})
        except TooNarrowError:
            _say(answers, {"failed": "narrow"})
        except Exception as error:  # whatever a damaged file makes a library raise
            _say(answers, {"failed": reason_of(error)})


def _headers(request: Values) -> Iterator[Values]:
    for place, (path, member) in enumerate(request["items"]):
        yield {"at": place}
        yield {"header": read_header(path, member)}


def _digests(request: Values) -> Iterator[Values]:
    for place, item in enumerate(request["items"]):
        yield {"at": place}
        try:
            yield {"digest": digest(item)}
        except Exception as error:
            yield {"digest": "", "reason": reason_of(error)}


ANSWERS: dict[str, Callable[[Values], Iterator[Values]]] = {
    "headers": _headers,
    "digests": _digests,
    "pixels": fill,
}


def _say(answers: IO[str], answer: Values) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _alarm(seconds: int) -> None:
    if hasattr(signal, "alarm"):  # absent on Windows, where the process ends with its parent
        signal.alarm(seconds)


def _limit(num_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # Windows: only the parent's clock guards
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    soft = num_bytes if hard == resource.RLIM_INFINITY else min(num_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def main() -> None:
    """Serve on the pipes of this process; whatever a library says goes nowhere."""
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    import pydicom.config

    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    serve(sys.stdin, answers)
