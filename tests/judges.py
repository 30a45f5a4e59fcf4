"""Programs of others that judge DICOM files; a test is skipped where one is absent."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FALSE_ALARMS = {
    "Information Object Not found": "dciodvfy of 2022 does not know LABELMAP",
    "SegmentNumber not monotonically increasing from one by one": "segment 0 is background there",
}
"""What dciodvfy says of a LABELMAP, and why that is no fault."""


def told_by(program, *words, limit_s=120):
    """Run a program and give all that it says, or skip the test."""
    place = shutil.which(program) or shutil.which(program, path=os.environ.get("DELINEATE_PEERS"))
    place = place or shutil.which(program, path=str(Path(sys.executable).parent))
    if place is None:
        pytest.skip(f"{program} is not installed; see CONTRIBUTING.md, or set DELINEATE_PEERS.")
    done = subprocess.run(
        [place, *map(str, words)], capture_output=True, text=True, timeout=limit_s, errors="replace"
    )
    return done.returncode, (done.stdout + done.stderr).splitlines()


def faults_of(path):
    """Errors that dciodvfy finds in a file, apart from known false alarms on LABELMAP."""
    _, lines = told_by("dciodvfy", "-new", path)
    alarms = FALSE_ALARMS if ".labelmap." in path.name else {}
    errors = [line for line in lines if line.startswith("Error")]
    return [line for line in errors if not any(alarm in line for alarm in alarms)]
