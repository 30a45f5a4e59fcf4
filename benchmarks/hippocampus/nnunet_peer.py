"""nnU-Net v2 on the hippocampus for a given time, in its own environment.

Its planner, network, loss, sampler and augmentation are its own; only the length is ours: the
polynomial schedule is fitted to the time, as its authors fit it to 1000 epochs. Weights are
kept after 5, 15 and 30 minutes and predict the held-out cases after the clock has stopped.

    pip install torch==2.13.0 nnunetv2 && pip uninstall -y torchvision
    python nnunet_peer.py DATA SPLIT.json WORK --minutes 30
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path


def prepare(data: Path, work: Path) -> None:
    """Lay the data out as nnU-Net wants it, and let it plan."""
    raw = work / "raw" / "Dataset004_Hippocampus"
    if (work / "preprocessed" / "Dataset004_Hippocampus" / "nnUNetPlans.json").exists():
        return
    for kind in ("imagesTr", "labelsTr"):
        (raw / kind).mkdir(parents=True, exist_ok=True)
        for path in sorted((data / kind).glob("*.nii.gz")):
            name = path.name.replace(".nii.gz", "_0000.nii.gz" if kind == "imagesTr" else ".nii.gz")
            shutil.copyfile(path, raw / kind / name)
    facts = {
        "channel_names": {"0": "MRI"},
        "labels": {"background": 0, "anterior": 1, "posterior": 2},
        "numTraining": len(list((raw / "labelsTr").iterdir())),
        "file_ending": ".nii.gz",
    }
    (raw / "dataset.json").write_text(json.dumps(facts))
    command = Path(sys.executable).with_name("nnUNetv2_plan_and_preprocess")
    subprocess.run([command, "-d", "4", "-c", "3d_fullres", "-np", "2", "-npfp", "2"], check=True)


def train(work: Path, split: dict[str, list[str]], minutes: float, marks: list[float]) -> dict:
    """Train against the clock and keep weights at the marks."""
    import torch
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    folder = work / "preprocessed" / "Dataset004_Hippocampus"
    (folder / "splits_final.json").write_text(json.dumps([split]))
    plans = json.loads((folder / "nnUNetPlans.json").read_text())
    plans["continue_training"] = False  # its trainer asks the plans for it
    labels = json.loads((folder / "dataset.json").read_text())
    torch.set_num_threads(2)
    trainer = nnUNetTrainer(plans, "3d_fullres", 0, labels, device=torch.device("cpu"))
    trainer.initialize()
    trainer.on_train_start()
    marks, steps, kept = sorted(marks), 0, []
    start = time.monotonic()
    trainer.network.train()
    while (elapsed := (time.monotonic() - start) / 60) < minutes:
        for group in trainer.optimizer.param_groups:
            group["lr"] = trainer.initial_lr * (1 - elapsed / minutes) ** 0.9
        loss = trainer.train_step(next(trainer.dataloader_train))["loss"]
        steps += 1
        while marks and (time.monotonic() - start) / 60 >= marks[0]:
            mark = marks.pop(0)
            name = f"checkpoint_{mark:g}.pth"
            trainer.save_checkpoint(str(Path(trainer.output_folder) / name))
            kept.append({"minutes": mark, "step": steps, "loss": float(loss), "file": name})
            print(kept[-1], flush=True)
    return {"steps": steps, "kept": kept, "folder": str(Path(trainer.output_folder).parent)}


def predict(run: dict, split: dict[str, list[str]], work: Path) -> None:
    """Predict the held-out cases with the weights of every mark, without mirroring."""
    import torch
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    images = work / "raw" / "Dataset004_Hippocampus" / "imagesTr"
    for entry in run["kept"]:
        out = work / "predictions" / f"{entry['minutes']:g}"
        out.mkdir(parents=True, exist_ok=True)
        predictor = nnUNetPredictor(
            use_mirroring=False, device=torch.device("cpu"), perform_everything_on_device=False
        )
        predictor.initialize_from_trained_model_folder(run["folder"], (0,), entry["file"])
        sources = [[str(images / f"{case}_0000.nii.gz")] for case in split["val"]]
        targets = [str(out / case) for case in split["val"]]
        predictor.predict_from_files(
            sources, targets, num_processes_preprocessing=1, num_processes_segmentation_export=1
        )


def main() -> None:
    """Prepare, train, predict and write what happened."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("split", type=Path, help='JSON: {"train": [...], "val": [...]}')
    parser.add_argument("work", type=Path)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--marks", type=float, nargs="*", default=[5, 15, 30])
    parser.add_argument("--only", choices=["prepare", "train", "predict"])
    options = parser.parse_args()
    split = json.loads(options.split.read_text())
    if options.only in (None, "prepare"):
        prepare(options.data, options.work)
    log = options.work / "run.json"
    if options.only in (None, "train"):
        marks = [min(mark, options.minutes) for mark in options.marks]
        log.write_text(json.dumps(train(options.work, split, options.minutes, marks), indent=1))
    if options.only in (None, "predict"):
        predict(json.loads(log.read_text()), split, options.work)


if __name__ == "__main__":
    # nnU-Net finds its folders through the environment and nothing else.
    place = Path(sys.argv[3]).resolve() if len(sys.argv) > 3 else Path()
    for name, part in (("raw", "raw"), ("preprocessed", "preprocessed"), ("results", "results")):
        os.environ[f"nnUNet_{name}"] = str(place / part)
    os.environ.setdefault("nnUNet_n_proc_DA", "1")
    os.environ.setdefault("nnUNet_compile", "f")
    main()
