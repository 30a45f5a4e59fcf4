"""The command line: one command a step, made from the step's settings.

A command `name` is the module `delineate.steps.name` with the dataclass `NameSettings` and
the function `name`; fields and their docstrings become options and their help. Required
fields are positional, unless they are called `out` or `model`. Only the table below is
imported for `--help`, and only the chosen step for a command.
"""

import inspect
import logging
import os
import signal
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from importlib import import_module
from types import FrameType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from delineate.core.discretion import hush, words_of
from delineate.core.errors import DelineateError, pick
from delineate.core.progress import show_with
from delineate.drawer import Drawer

COMMANDS: dict[str, str] = {
    "init": "Write a project folder for a dataset: its facts, a plan, and a script for each step.",
    "describe": "Say what a folder holds: layout, cases, classes, spacing and problems.",
    "plan": "Decide everything for a dataset and write it down with the reasons.",
    "train": "Train on a folder of labelled scans within a budget; goes on if stopped.",
    "predict": "Segment files, folders or globs with a trained model.",
    "evaluate": "Compare predictions with the truth: table, scores.csv and report.html.",
    "export": "Write a trained network as an ONNX file for other runtimes.",
    "models": "List the models that come with Delineate, or measure every network.",
    "demo": "Show the whole way on synthetic patients; needs no data.",
}
"""Name of each step to one line of help."""

OPTIONS = ("out", "model")
"""Required settings that are options nevertheless, since their names say what they are."""
TRAILING = ("more", "inputs")
"""Settings that are positional although they may be left out."""
REPEATED = ("compare", "series")
"""Settings of several values that are named anew for each, so that none swallows the next word."""
RENAMED = {"fetch": "from"}
"""Settings whose option is a word that Python keeps for itself."""


class _Stopped(BaseException):
    """Ctrl-C or SIGTERM; no `except Exception` on the way may swallow it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Arguments without the program's name; None takes the process's own.

    Returns:
        0 if all went well, 1 if some cases failed, 2 after an error, 130 if stopped.

    Raises:
        DelineateError: With --debug only; else its sentence goes to stderr.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    is_debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        return _dispatch(words, is_debug=is_debug)
    except BrokenPipeError:  # the reader of our output, such as `head`, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (KeyboardInterrupt, _Stopped):
        return _complain("stopped. What was finished is kept.", 130)
    except Exception as error:  # the last wall: whatever it is, no traceback for the user
        if is_debug:
            raise
        return _complain(f"error: {_said(error)}", 2)


def _dispatch(words: list[str], *, is_debug: bool) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(_help())
        return 0
    if words[0] in ("-V", "--version", "version"):
        print(_version())
        return 0
    pick(COMMANDS, words[0], what="command")
    drawer = Drawer(is_terminal=sys.stderr.isatty(), write=sys.stderr.write)
    _set_up(drawer, is_debug=is_debug)
    try:
        result = _run(words[0], words[1:])
    finally:
        show_with(None)
        drawer.close()
    if result is not None:
        print(getattr(result, "text", result))
        sys.stdout.flush()
    failures = getattr(result, "failures", ())
    for failure in failures.values() if isinstance(failures, Mapping) else failures:
        _complain(str(getattr(failure, "reason", failure)), 1)
    return 1 if failures else 0


def _run(name: str, words: list[str]) -> object:
    module = import_module(f"delineate.steps.{name}")
    kind = getattr(module, f"{name.capitalize()}Settings")
    step = getattr(module, name)
    return step(_parse(name, kind, words, about=_summary(step)))


def _parse(name: str, kind: type, words: list[str], *, about: str) -> object:
    import tyro  # 0.1 s, which the list of commands need not pay

    hints = get_type_hints(kind)
    marks: dict[str, Any] = {}
    for entry in fields(kind):
        if entry.default is None:
            quiet = tyro.conf.arg(
                name=RENAMED.get(entry.name),
                metavar=_metavar(hints[entry.name]),
                help_behavior_hint="",
            )
            marks[entry.name] = Annotated[hints[entry.name], quiet]
        elif entry.name in REPEATED:
            marks[entry.name] = Annotated[hints[entry.name], tyro.conf.UseAppendAction]
        elif _is_positional(entry):
            marks[entry.name] = Annotated[hints[entry.name], tyro.conf.Positional]
    space = {"__annotations__": marks, "__module__": kind.__module__}
    marked: Any = dataclass(frozen=True, kw_only=True)(type(kind.__name__, (kind,), space))
    config = (tyro.conf.PositionalMetavarFromFieldName,)
    prog = f"delineate {name}"
    found: object = tyro.cli(marked, prog=prog, description=about, args=words, config=config)
    return found


def _is_positional(entry: Any) -> bool:  # noqa: ANN401 - a dataclass field of any type
    is_required = entry.default is entry.default_factory is MISSING
    return entry.name in TRAILING or (is_required and entry.name not in OPTIONS)


def _metavar(hint: Any) -> str:  # noqa: ANN401 - any annotation
    """Name what an optional setting takes: INT for `int | None`, INT... for a tuple."""
    kind = next(option for option in get_args(hint) if option is not type(None))
    if get_origin(kind) is tuple:
        return f"{get_args(kind)[0].__name__.upper()}..."
    return str(getattr(kind, "__name__", kind)).upper()


def _set_up(drawer: Drawer, *, is_debug: bool) -> None:
    """Let progress, log lines and signals reach the user; silence what libraries mutter."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            mark = "delineate: warning: " if record.levelno >= logging.WARNING else ""
            drawer.say(mark + self.format(record))

    logger = logging.getLogger("delineate")
    logger.handlers = [Handler()]
    logger.setLevel(logging.DEBUG if is_debug else logging.INFO)
    logger.propagate = False
    if not is_debug:
        warnings.simplefilter("ignore")
    hush()
    show_with(drawer.show)
    try:
        signal.signal(signal.SIGTERM, _stop)
    except ValueError:  # not the main thread: signals belong to somebody else
        logger.debug("Signals stay with the main thread.")


def _stop(number: int, frame: FrameType | None) -> None:
    raise _Stopped


def _help() -> str:
    width = max(map(len, COMMANDS))
    rows = "\n".join(f"  {name:{width}}  {text}" for name, text in COMMANDS.items())
    return (
        "usage: delineate COMMAND ...\n\n"
        "Medical image segmentation: from a folder of scans to a trained model, a measured\n"
        f"result and standard files.\n\ncommands:\n{rows}\n\n"
        "`delineate COMMAND --help` explains its options. --debug after any command shows\n"
        "tracebacks and every log line. Exit code: 0 well, 1 some cases failed, 2 error,\n"
        "130 stopped."
    )


def _summary(step: Callable[..., object]) -> str:
    text = inspect.getdoc(step) or ""
    return text.split("\nArgs:")[0].split("\nReturns:")[0].strip()


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"delineate {version('delineate')}"
    except PackageNotFoundError:
        return "delineate (not installed)"


def _said(error: Exception) -> str:
    if isinstance(error, DelineateError):
        return str(error)
    if isinstance(error, OSError) and error.filename:  # such as a folder that may not be entered
        reason = f"{error.filename} cannot be used ({error.strerror})"
        return f"{reason}. Check its permissions and the free space."
    cause = " ".join(f"{type(error).__name__}: {words_of(error)}".split())
    return f"unforeseen {cause} (--debug shows where; please report it)."


def _complain(message: str, code: int) -> int:
    sys.stderr.write(f"delineate: {message}\n")
    return code
