import errno
import logging
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest

from delineate import cli
from delineate.core import progress
from delineate.core.errors import DelineateError

SOURCE = str(Path(cli.__file__).parents[1])


@dataclass(frozen=True, kw_only=True)
class ProbeSettings:
    """What to probe."""

    data: tuple[Path, ...]
    """Files to look at."""
    out: Path
    """Folder of results."""
    budget: str = "30m"
    """Time, such as 30m."""
    patch: tuple[int, ...] | None = None
    """Size in voxels."""
    flips: bool = False
    """Whether to average mirror images."""


@dataclass(frozen=True)
class Probed:
    text: str
    failures: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def probe(monkeypatch):
    """Install a step `probe` whose work a test chooses: probe.work = function of settings."""
    module = ModuleType("delineate.steps.probe")
    module.work = lambda settings: Probed("done")

    def step(settings):
        """Look at things.

        They are not touched.

        Args:
            settings: What to look at.
        """
        return module.work(settings)

    module.ProbeSettings, module.probe = ProbeSettings, step
    monkeypatch.setitem(sys.modules, "delineate.steps.probe", module)
    monkeypatch.setitem(cli.COMMANDS, "probe", "Look at things.")
    monkeypatch.setattr(cli.warnings, "simplefilter", lambda *_: None)
    before = signal.getsignal(signal.SIGTERM)
    yield module
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def failing(probe):
    """Make the step raise whatever a test puts there."""

    def install(error):
        def work(settings):
            raise error

        probe.work = work
        return ["probe", "a", "--out", "o"]

    return install


def run(code, *words):
    """Run a few lines in a process of their own."""
    space = {**os.environ, "PYTHONPATH": SOURCE, "NO_COLOR": "1"}
    line = [sys.executable, "-c", code, *words]
    return subprocess.run(line, capture_output=True, text=True, env=space, timeout=60, check=False)


def test_help_lists_every_command_with_its_line(capsys):
    code = cli.main(["--help"])

    said = capsys.readouterr().out
    assert code == 0
    assert all(f"  {name} " in said and text in said for name, text in cli.COMMANDS.items())


def test_help_costs_less_than_a_third_of_a_second_of_the_processor():
    space = {**os.environ, "PYTHONPATH": SOURCE}
    line = [sys.executable, "-m", "delineate", "--help"]

    def ask():
        before = os.times()
        subprocess.run(line, check=True, capture_output=True, env=space)
        after = os.times()
        spent = after.children_user - before.children_user
        return spent + after.children_system - before.children_system

    assert min(ask() for _ in range(3)) < 0.3


def test_no_words_at_all_are_answered_with_help(capsys):
    code = cli.main([])

    assert code == 0
    assert "usage: delineate COMMAND" in capsys.readouterr().out


def test_the_version_is_said(capsys):
    code = cli.main(["--version"])

    assert code == 0
    assert capsys.readouterr().out.startswith("delineate ")


def test_a_misspelt_command_is_answered_with_the_nearest(capsys):
    code = cli.main(["trian"])

    said = capsys.readouterr().err
    assert code == 2
    assert said.startswith(
        "delineate: error: There is no command named 'trian'. Did you mean 'train'?"
    )
    assert said.count("\n") == 1


def test_required_settings_are_positional_and_the_others_options(probe):
    seen = []
    probe.work = seen.append

    code = cli.main(["probe", "a", "b", "--out", "o", "--patch", "8", "9", "--flips"])

    assert code == 0
    assert isinstance(seen[0], ProbeSettings)
    assert seen[0].data == (Path("a"), Path("b"))
    assert (seen[0].out, seen[0].patch) == (Path("o"), (8, 9))
    assert (seen[0].budget, seen[0].flips) == ("30m", True)


def test_options_may_stand_before_the_files(probe):
    seen = []
    probe.work = seen.append

    cli.main(["probe", "--out", "o", "a", "b"])

    assert seen[0].data == (Path("a"), Path("b"))


def test_a_setting_that_repeats_takes_one_word_each_time(tmp_path, monkeypatch):
    from delineate.steps import evaluate

    taken = []
    monkeypatch.setattr(evaluate, "evaluate", taken.append)
    words = ["said", "truth", "--compare", "x", "--compare", "y", "--out", str(tmp_path)]

    cli.main(["evaluate", *words])
    cli.main(["evaluate", "--compare", "x", *words[:2], "--out", str(tmp_path)])

    assert [settings.compare for settings in taken] == [(Path("x"), Path("y")), (Path("x"),)]
    assert taken[1].truth == Path("truth")


def test_help_of_a_command_is_made_of_docstrings(probe, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["probe", "--help"])

    said = capsys.readouterr().out
    assert caught.value.code == 0
    for text in (
        "Look at things.",
        "They are not touched.",
        "Files to look at.",
        "PATCH",
        "(default: 30m)",
    ):
        assert text.lower() in said.lower()
    assert "Args" not in said
    assert "None" not in said


def test_a_missing_option_is_named_with_exit_code_2(probe, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["probe", "a"])

    assert caught.value.code == 2
    assert "--out" in capsys.readouterr().err


def test_a_results_text_goes_to_stdout(probe, capsys):
    code = cli.main(["probe", "a", "--out", "o"])

    assert code == 0
    assert capsys.readouterr().out == "done\n"


def test_a_result_without_text_is_written_as_it_is(probe, capsys):
    probe.work = lambda settings: 3

    cli.main(["probe", "a", "--out", "o"])

    assert capsys.readouterr().out == "3\n"


def test_failed_cases_make_exit_code_1(probe, capsys):
    probe.work = lambda settings: Probed("2 of 3 done", failures={"c": "truncated"})

    code = cli.main(["probe", "a", "--out", "o"])

    told = capsys.readouterr()
    assert code == 1
    assert told.out == "2 of 3 done\n"
    assert told.err == "delineate: truncated\n"


def test_an_error_is_one_line_on_stderr(failing, capsys):
    words = failing(DelineateError("spacing_mm must be positive. Pass --spacing."))

    code = cli.main(words)

    told = capsys.readouterr()
    assert (code, told.out) == (2, "")
    assert told.err == "delineate: error: spacing_mm must be positive. Pass --spacing.\n"


def test_an_unforeseen_error_is_one_line_too(failing, capsys):
    words = failing(ZeroDivisionError("by\nzero"))

    code = cli.main(words)

    told = capsys.readouterr()
    assert code == 2
    assert told.err.startswith("delineate: error: unforeseen ZeroDivisionError: by zero (--debug")
    assert told.err.count("\n") == 1


def test_a_folder_that_nobody_foresaw_to_be_locked_is_one_line_with_its_name(failing, capsys):
    words = failing(PermissionError(errno.EACCES, "Permission denied", "/scans"))

    code = cli.main(words)

    assert code == 2
    assert capsys.readouterr().err == (
        "delineate: error: /scans cannot be used (Permission denied). "
        "Check its permissions and the free space.\n"
    )


@pytest.mark.parametrize(
    "error", [DelineateError("x"), ZeroDivisionError("x"), PermissionError("x")]
)
def test_debug_shows_where(failing, error):
    words = failing(error)

    with pytest.raises(type(error)):
        cli.main([*words, "--debug"])


def test_ctrl_c_ends_with_130(failing, capsys):
    words = failing(KeyboardInterrupt())

    code = cli.main(words)

    assert code == 130
    assert capsys.readouterr().err == "delineate: stopped. What was finished is kept.\n"


def test_sigterm_ends_like_ctrl_c_even_through_broad_excepts(probe, capsys):
    def work(settings):
        try:
            signal.raise_signal(signal.SIGTERM)
        except Exception:
            return Probed("swallowed")

    probe.work = work

    code = cli.main(["probe", "a", "--out", "o"])

    assert code == 130
    assert "stopped" in capsys.readouterr().err


def test_log_lines_go_to_stderr_without_ornaments(probe, capsys):
    def work(settings):
        logging.getLogger("delineate").info("Training on %s.", "cpu")
        logging.getLogger("delineate").debug("Not said.")
        logging.getLogger("delineate").warning("It is warm.")

    probe.work = work

    cli.main(["probe", "a", "--out", "o"])

    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "Training on cpu.\ndelineate: warning: It is warm.\n")


def test_nobody_draws_after_the_command(probe):
    def work(settings):
        assert progress._shown

    probe.work = work

    code = cli.main(["probe", "a", "--out", "o"])

    assert code == 0
    assert progress._shown == []


def test_a_reader_that_goes_away_is_no_error():
    code = "import sys; from delineate.cli import main; sys.exit(main(['--help']))"
    pipe = f'{sys.executable} -c "{code}" | true'
    space = {**os.environ, "PYTHONPATH": SOURCE}

    told = subprocess.run(pipe, shell=True, capture_output=True, text=True, env=space, check=False)

    assert "Traceback" not in told.stderr


def test_the_module_runs_as_a_program():
    told = run("import runpy; runpy.run_module('delineate', run_name='__main__')", "--version")

    assert told.returncode == 0
    assert told.stdout.startswith("delineate ")
