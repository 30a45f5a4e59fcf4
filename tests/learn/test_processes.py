"""Two processes train as one."""

import subprocess
import sys
from pathlib import Path

import torch

from delineate.learn.processes import Processes

SCRIPT = """
import sys
import torch
from delineate.learn.processes import Processes

place = Processes.join(torch.device("cpu"))
torch.manual_seed(0)
model = torch.nn.Linear(2, 1, bias=False)
parallel = place.wrap(model)
parallel(torch.full((1, 2), float(place.rank + 1))).sum().backward()
agreed = place.agree(float(place.rank + 5))
place.wait()
open(f"{sys.argv[1]}/{place.rank}.txt", "w").write(f"{model.weight.grad.tolist()} {agreed}")
del parallel
place.leave()
"""


def test_alone_is_first_and_changes_nothing():
    place = Processes.join(torch.device("cpu"))
    model = torch.nn.Linear(1, 1)

    assert place.is_first
    assert place.wrap(model) is model
    assert place.agree(3.0) == 3.0


def test_two_processes_average_gradients_and_agree_with_the_first(
    tmp_path, two_processes, loopback
):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    source = Path(__file__).parents[2] / "src"

    done = subprocess.run(
        [sys.executable, *two_processes, script, tmp_path],
        check=False,
        timeout=300,
        capture_output=True,
        text=True,
        cwd=source,
        env={**loopback, "PYTHONPATH": str(source), "PATH": "/usr/bin:/bin"},
    )

    assert done.returncode == 0, done.stderr
    answers = [(tmp_path / f"{rank}.txt").read_text() for rank in (0, 1)]
    assert answers == ["[[1.5, 1.5]] 5.0"] * 2
