"""Which parts of MedSegFormer earn their place?

    python benchmarks/networks/ablation.py list
    python benchmarks/networks/runner.py --only ablation

Each arm of `arms.ABLATION` turns one switch; steps, batches and seeds are those of the base.
"""

import argparse
from collections.abc import Sequence

from arms import ABLATION, ABLATION_TASKS
from runs import Run, sized


def list_runs(
    tasks: Sequence[str] = ABLATION_TASKS, seeds: int = 3, times: float = 1.0
) -> list[Run]:
    """Order the runs: every arm with one seed before any with the next; extras at the end."""
    runs = [
        Run(task=task, budget=sized("ablation", times), arm=arm.name, seed=seed)
        for seed in range(seeds)
        for arm in ABLATION.values()
        for task in tasks
        if arm.tasks is None or task in arm.tasks
    ]
    return sorted(runs, key=lambda run: run.find_arm().is_extra)


def main() -> None:
    """Tell the runs and which are done."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("list",))
    parser.add_argument("--tasks", default=",".join(ABLATION_TASKS))
    parser.add_argument("--seeds", type=int, default=3)
    settings = parser.parse_args()
    for run in list_runs(settings.tasks.split(","), settings.seeds):
        print(run.id, "done" if run.path.exists() else "")


if __name__ == "__main__":
    main()
