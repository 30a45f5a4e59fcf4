"""Make one model of the mean of several runs' weights, score it and write its card.

    python benchmarks/nuclei/mean_of_runs.py FIRST SECOND --out RUN --data monuseg consep dsb2018

This made the shipped model `nuclei`: the runs must have one network, one after the other from the
same start, else their mean means nothing. The last run's plan counts; its validation cases judge.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import yaml

from delineate.core.plan import Plan
from delineate.datasets import open_dataset
from delineate.learn.checkpoint import Checkpoint, load_checkpoint, save_checkpoint, weights_facts
from delineate.learn.handover import Story, hand_over


def main() -> None:
    """Average, score and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", nargs="+", type=Path, required=True)
    parser.add_argument("--decoder", type=json.loads, default={}, help="JSON of decoder_options")
    parser.add_argument("--story", type=Path, required=True, help="YAML: purpose, licence, ...")
    settings = parser.parse_args()
    parts = [load_checkpoint(run / "last.safetensors") for run in settings.runs]
    tensors = {
        name: sum(part.tensors[name].double() for part in parts).div(len(parts)).to(value.dtype)
        if value.is_floating_point()
        else value
        for name, value in parts[-1].tensors.items()
    }
    reason = "Chosen on images that trained: unsure fragments beside nuclei are left out."
    plan = Plan.load(settings.runs[-1] / "plan.yaml")
    plan = plan.deciding(reason, decoder_options=settings.decoder)
    settings.out.mkdir(parents=True, exist_ok=True)
    plan.save(settings.out / "plan.yaml")
    facts = weights_facts(plan, tensors)
    save_checkpoint(settings.out / "last.safetensors", Checkpoint(tensors=tensors, facts=facts))
    told = json.loads((settings.runs[-1] / "run.json").read_text())
    histories = [json.loads((run / "history.json").read_text())[-1] for run in settings.runs]
    story = Story(
        training_cases=told["training_cases"],
        validation="The tissues that were held out: 8 cases of patients that did not train.",
        steps=int(sum(row["step"] for row in histories)),
        minutes=sum(row["seconds"] for row in histories) / 60,
        **yaml.safe_load(settings.story.read_text()),
    )
    dataset = open_dataset(settings.data).aligned()
    unseen = [dataset.case(case) for case in told["validation_cases"]]
    board = hand_over(settings.out, plan, unseen, len(unseen), story, device="cpu")
    print(replace(board, notes=()).text)


if __name__ == "__main__":
    main()
