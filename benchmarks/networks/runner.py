"""Does the runs of comparison and ablation in order, a few at a time, until none is left.

    python benchmarks/networks/runner.py --minutes 100            # two at a time, niced
    python benchmarks/networks/runner.py --dry                    # tell what would be done

It may be killed at any time, kill -9 included: a run is done when its file exists, files are
written whole, and a lock that the kernel frees keeps two runners from doing the same run. Runs
whose network is not there yet are tried again later; a missing calibration is made before the
first run of equal minutes that needs it.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import ablation
import comparison
from arms import REFERENCE
from places import HERE, NOT_YET, TAKEN, add_places
from runs import Run
from tasks import TASKS

LATER_S = 120.0
"""After this time a run that was not possible is tried again."""
MOST_FAILURES = 2
ASK = (
    "import dataclasses, json; from delineate.models import MODELS; "
    "from delineate.core.plan import Plan; "
    "print(json.dumps([*MODELS, *(entry.name for entry in dataclasses.fields(Plan))]))"
)
"""Asked of a new process each time, since rows may come while the runner is at work."""


@dataclass(kw_only=True)
class Job:
    """A command, and the file that tells that it is done."""

    name: str
    result: Path
    words: list[str]
    key: tuple[str, str]
    """Task and arm: what holds one seed up holds up all."""
    needs: frozenset[str]
    """Networks of the table and fields of the plan that must be there."""
    is_alone: bool = False
    failures: int = 0


@dataclass(kw_only=True)
class Runner:
    """Keeps a number of jobs going."""

    jobs: list[Job]
    settings: argparse.Namespace
    going: dict[str, tuple[Job, subprocess.Popen[bytes]]] = field(default_factory=dict)
    known: frozenset[str] = frozenset()
    asked: float = float("-inf")
    not_before: dict[tuple[str, str], float] = field(default_factory=dict)
    waits: dict[tuple[str, str], float] = field(default_factory=dict)

    def run(self) -> None:
        """Work until nothing is left, or time is up."""
        end = time.monotonic() + 60 * self.settings.minutes
        while self._left() and time.monotonic() < end:
            self._gather()
            self._look()
            job = self._next()
            if job is not None:
                self._start(job)
            else:
                time.sleep(0.5)
        print("no new runs; waiting for those under way", flush=True)
        while self.going:
            self._gather()
            time.sleep(0.5)

    def _look(self) -> None:
        """Ask now and then which networks and fields there are."""
        if time.monotonic() - self.asked < LATER_S / 2:
            return
        told = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True)
        if told.returncode == 0:
            self.known = frozenset(json.loads(told.stdout))
        self.asked = time.monotonic()

    def _left(self) -> list[Job]:
        return [
            job for job in self.jobs if not job.result.exists() and job.failures < MOST_FAILURES
        ]

    def _next(self) -> Job | None:
        """Choose the first job that may start now."""
        if any(job.is_alone for job, _ in self.going.values()):
            return None
        if len(self.going) >= self.settings.workers:
            return None
        now = time.monotonic()
        for job in self._left():
            is_free = job.name not in self.going and job.needs <= self.known
            if is_free and self.not_before.get(job.key, 0.0) <= now:
                return None if job.is_alone and self.going else job
        return None

    def _start(self, job: Job) -> None:
        log = self.settings.work / "logs" / f"{job.name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        threads = "2" if job.name.startswith("calibrate.") else "1"
        with log.open("ab") as sink:
            process = subprocess.Popen(
                job.words,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env={**os.environ, "OMP_NUM_THREADS": threads},
                preexec_fn=lambda: os.nice(self.settings.nice) and None,
            )
        self.going[job.name] = (job, process)
        self._tell(job, "started")

    def _gather(self) -> None:
        for name, (job, process) in list(self.going.items()):
            code = process.poll()
            if code is None:
                continue
            del self.going[name]
            if job.result.exists():
                self.waits.pop(job.key, None)
                self._tell(job, "done")
                continue
            if code in (0, NOT_YET, TAKEN):  # 0 without a file: calibrate skipped it
                self._tell(job, "not possible yet" if code != TAKEN else "another is at it")
            else:
                job.failures += 1
                self._tell(job, f"failed with {code}; see {self.settings.work / 'logs'}")
            self.waits[job.key] = min(1800.0, 2 * self.waits.get(job.key, LATER_S / 2))
            self.not_before[job.key] = time.monotonic() + self.waits[job.key]

    def _tell(self, job: Job, what: str) -> None:
        stamp = time.strftime("%H:%M:%S")
        print(f"{stamp} {what:18} {job.name} ({len(self._left())} left)", flush=True)


def line_up(settings: argparse.Namespace) -> list[Job]:
    """Put all jobs in order: the first seed of everything, then the second, and so on."""
    only = settings.only.split(",")
    lists: list[list[tuple[tuple[int, float], Run]]] = []
    sources: dict[str, list[Run]] = {
        "comparison": comparison.list_runs(
            settings.tasks.split(","), settings.seeds, settings.times
        ),
        "ablation": ablation.list_runs(seeds=settings.seeds, times=settings.times),
    }
    arms = set(filter(None, settings.arms.split(",")))
    for name in only:
        by_seed: dict[int, list[Run]] = {}
        for run in (run for run in sources[name] if not arms or run.arm in arms):
            later = settings.seeds if run.find_arm().is_extra else 0
            by_seed.setdefault(run.seed + later, []).append(run)
        for seed, runs in by_seed.items():
            lists.append([((seed, k / len(runs)), run) for k, run in enumerate(runs)])
    order = sorted((entry for part in lists for entry in part), key=lambda entry: entry[0])
    jobs = [_job(run, settings) for _, run in order]
    return _with_calibrations(jobs, [run for _, run in order], settings)


def _places(settings: argparse.Namespace) -> list[str]:
    words = ["--data", str(settings.data), "--work", str(settings.work)]
    return [*words, "--device", settings.device]


def _job(run: Run, settings: argparse.Namespace) -> Job:
    words = [sys.executable, str(HERE / "runs.py"), run.id, *_places(settings)]
    words += ["--threads", str(settings.threads)]
    return Job(name=run.id, result=run.path, words=words, key=(run.task, run.arm), needs=needs(run))


def needs(run: Run) -> frozenset[str]:
    """Tell what a run cannot do without."""
    arm = run.find_arm()
    return frozenset({arm.model, *arm.changes, *TASKS[run.task].changes})


def _with_calibrations(
    jobs: list[Job], runs: Sequence[Run], settings: argparse.Namespace
) -> list[Job]:
    """Put the calibration of a network before its first run of equal minutes."""
    lined, seen = [], set()
    for job, run in zip(jobs, runs, strict=True):
        for arm in (REFERENCE, run.arm) if run.kind == "minutes" else ():
            if (run.task, arm) in seen:
                continue
            seen.add((run.task, arm))
            path = comparison.calibration_path(run.task, arm)
            words = [sys.executable, str(HERE / "comparison.py"), "calibrate"]
            words += ["--tasks", run.task, "--arms", arm, *_places(settings)]
            name = f"calibrate.{run.task}.{arm}"
            lined.append(
                Job(
                    name=name,
                    result=path,
                    words=words,
                    key=(run.task, arm),
                    needs=needs(run),
                    is_alone=settings.alone,
                )
            )
        lined.append(job)
    return lined


def main() -> None:
    """Line up and run."""
    parser = add_places(argparse.ArgumentParser(description=__doc__.splitlines()[0]))
    parser.add_argument("--only", default="comparison,ablation")
    parser.add_argument("--tasks", default=",".join(comparison.TASKS_COMPARED))
    parser.add_argument("--arms", default="", help="only these, with commas between")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--times", type=float, default=1.0, help="steps, as times the usual")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--nice", type=int, default=5)
    parser.add_argument("--alone", action="store_true", help="calibrate while nothing else runs")
    parser.add_argument("--minutes", type=float, default=1e6, help="start nothing after this")
    parser.add_argument("--dry", action="store_true", help="only tell what is left")
    settings = parser.parse_args()
    runner = Runner(jobs=line_up(settings), settings=settings)
    if settings.dry:
        for job in runner._left():
            print(job.name)
        return
    runner.run()


if __name__ == "__main__":
    main()
