"""Segment a synthetic CT of 512x512x280 and measure time and peak memory, as JSON.

Run: python benchmarks/infer/large_volume.py [--model RUN] [--threads 2] [--out FILE]
Without --model, a U-Net 32-64-128 with random weights in the CT's own resolution answers; a
trained model is given its own plan's resolution, its modality check left out of account.
The measured process starts afresh, so that its peak counts nothing but the prediction.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SHAPE = (280, 512, 512)
SPACING_MM = (2.5, 0.75, 0.75)


def make_body(shape: tuple[int, ...] = SHAPE, seed: int = 0, air: float = -1000.0) -> np.ndarray:
    """An ellipse of tissue with organs, bones and noise in air, int16."""
    rng = np.random.default_rng(seed)
    volume = np.empty(shape, np.int16)
    y, x = np.mgrid[-1 : 1 : shape[1] * 1j, -1 : 1 : shape[2] * 1j]
    body = (y / 0.62) ** 2 + (x / 0.85) ** 2 < 1
    for place in range(shape[0]):
        plane = np.full(shape[1:], air, np.float32)
        plane[body] = 40
        for number in range(8):
            angle = number * np.pi / 4 + place / 90
            centre = 0.35 * np.sin(angle), 0.5 * np.cos(angle)
            organ = (y - centre[0]) ** 2 + (x - centre[1]) ** 2 < 0.02
            plane[organ] = 40 + 30 * number
        plane[body] += rng.normal(0, 15, int(body.sum())).astype(np.float32)
        volume[place] = plane.astype(np.int16)
    return volume


def write_run(
    folder: Path, num_labels: int, patch: tuple[int, ...], features: tuple[int, ...]
) -> None:
    """A run folder of a network with random weights."""
    import torch
    from safetensors.torch import save_file

    from delineate.core.labels import LabelTable
    from delineate.core.plan import Plan
    from delineate.models import build_model

    plan = Plan(
        dataset="benchmark",
        layout="nnunet",
        labels=LabelTable.of_names({f"organ {place}": place for place in range(1, num_labels + 1)}),
        channels=("CT",),
        dims=3,
        canonical=True,
        spacing_mm=SPACING_MM,
        normalisation=(
            {"kind": "window", "low": -160.0, "high": 240.0, "mean": 40.0, "std": 60.0},
        ),
        patch=patch,
        batch_size=2,
        model="unet",
        model_options={"features": list(features)},
        loss="dice_ce",
    )
    plan.save(folder / "plan.yaml")
    torch.manual_seed(0)
    model = build_model("unet", 1, num_labels + 1, 3, **plan.model_options)
    facts = json.dumps({"plan_hash": plan.hash()})
    save_file(model.state_dict(), folder / "weights.safetensors", metadata={"facts": facts})


def measure(model: str, scan: Path, out: Path, threads: int) -> None:
    """Predict from file to file in this process and print the figures."""
    import torch

    from delineate.core.plan import Plan
    from delineate.infer.bundle import find_bundle
    from delineate.infer.preparation import working_shape
    from delineate.readers import read_image
    from delineate.steps.predict import PredictSettings, predict

    torch.set_num_threads(threads)
    start = time.perf_counter()
    result = predict(PredictSettings(inputs=(str(scan),), model=model, out=out, overwrite=True))
    seconds = time.perf_counter() - start
    plan = Plan.load(find_bundle(model) / "plan.yaml")
    figures = {
        "shape": list(read_image(scan).geometry.shape),
        "spacing_mm": list(SPACING_MM),
        "working_shape": list(working_shape(read_image(scan).geometry, plan)),
        "patch": list(plan.patch),
        "outputs": len(plan.labels.labels) + 1,
        "threads": threads,
        "seconds": round(seconds, 1),
        "peak_memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        "failures": dict(result.failures),
    }
    print(json.dumps(figures))


def main() -> None:
    """Make the scan and the model, measure in a fresh process, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="run folder or shipped name; random weights if left out")
    parser.add_argument("--labels", type=int, default=3, help="labels of the random model")
    parser.add_argument("--patch", type=int, nargs=3, default=(64, 96, 96))
    parser.add_argument("--features", type=int, nargs="+", default=(32, 64, 128))
    parser.add_argument("--planes", type=int, default=SHAPE[0], help="fewer for a quick look")
    parser.add_argument("--mr", action="store_true", help="make air 0, for models of MR")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, help="JSON file of the figures")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        model, scan, out = options.measure
        measure(model, Path(scan), Path(out), options.threads)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        import nibabel

        volume = make_body((options.planes, *SHAPE[1:]), air=0.0 if options.mr else -1000.0)
        affine = np.diag([*SPACING_MM[::-1], 1.0])
        nibabel.save(nibabel.Nifti1Image(volume.T, affine), folder / "scan.nii.gz")
        if not options.model:
            write_run(folder / "run", options.labels, tuple(options.patch), tuple(options.features))
        model = options.model or str(folder / "run")
        argv = [sys.executable, __file__, "--threads", str(options.threads)]
        job = [*argv, "--measure", model, str(folder / "scan.nii.gz"), str(folder / "out")]
        done = subprocess.run(job, check=True, stdout=subprocess.PIPE, text=True)
        figures = json.loads(done.stdout.splitlines()[-1])
    text = json.dumps(
        {"model": options.model or f"random U-Net {tuple(options.features)}", **figures}, indent=1
    )
    print(text)
    if options.out:
        sys.path.insert(0, str(Path(__file__).parents[1]))
        from table import write

        named = options.model or f"random U-Net {tuple(options.features)}"
        answer = (
            f"{figures['seconds']:.0f} s from file to file, peak {figures['peak_memory_gb']} GB"
        )
        write(options.out, f"A volume of 512 x 512 x 280, 2 cores, {named}", answer, figures)


if __name__ == "__main__":
    main()
