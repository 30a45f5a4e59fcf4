import subprocess
import sys

import pytest
from pydicom import dcmread
from pydicom.valuerep import DSdecimal

from delineate.core.discretion import SILENCE, words_of
from delineate.core.errors import FileError
from delineate.readers.guard import guarded
from scans import make_scan

NAME = "Geheim^Frieda"
PROGRAM = """
import logging, sys, warnings
logging.basicConfig(level=logging.DEBUG)
if sys.argv[1] == "hushed":
    from delineate.core.discretion import hush
    hush()
import pydicom
pydicom.config.debug(True)
pydicom.config.logger.warning("Geheim^Frieda")
dataset = pydicom.Dataset()
pydicom.config.settings.writing_validation_mode = pydicom.config.WARN
dataset.StudyDate = "Geheim^Frieda"
"""


def raised(act):
    try:
        act()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def test_what_a_library_of_dicom_says_is_not_told():
    error = raised(lambda: DSdecimal(NAME))

    assert NAME in str(error) or "ConversionSyntax" in str(error)
    assert words_of(error) == SILENCE


def test_what_we_say_ourselves_is_told():
    def act():
        raise ValueError("first\nsecond ")

    assert words_of(raised(act)) == "first\nsecond"
    assert words_of(ValueError()) == SILENCE


def test_a_reader_tells_the_kind_of_a_library_error_alone(tmp_path):
    def act():
        with guarded(tmp_path / "a.dcm", "DICOM"):
            DSdecimal(NAME)

    error = raised(act)

    assert isinstance(error, FileError)
    assert "Geheim" not in str(error)


@pytest.mark.parametrize("mode", ["hushed", "loud"])
def test_libraries_log_and_warn_no_more(mode):
    words = [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{PROGRAM}", mode]

    done = subprocess.run(words, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert ("Geheim" in done.stderr) == (mode == "loud")


@pytest.mark.parametrize("debug", [[], ["--debug"]])
def test_no_command_tells_a_name_that_stands_in_a_bad_element(tmp_path, debug):
    folder = make_scan(tmp_path / "ct", shape=(4, 12, 14), PatientName=NAME, Modality="MR").folder
    for path in folder.iterdir():
        data = path.read_bytes()
        for old in (b"20260102", b"19700101", b"055Y", b"61.5", b"101112"):
            data = data.replace(old, NAME.encode()[: len(old)])
        path.write_bytes(data)
    assert str(dcmread(folder / "000.dcm").StudyDate) == "Geheim^F"
    program = f"import sys; sys.path[:0] = {sys.path!r}\nfrom delineate.cli import main\nmain()"
    words = ["predict", str(folder), "--model", "hippocampus", "--out", str(tmp_path / "out")]
    words += ["--format", "dicom-seg,rtstruct,sr", *debug]

    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True)

    assert "Geh" not in done.stdout + done.stderr
    assert done.stdout + done.stderr
