"""How long does one tile of tissue take: warm, and from process start to files?

    python benchmarks/nuclei/latency.py [--model nuclei] [--image FILE] [--repeats 5]

Without --image, made tissue of 1000 x 1000 pixels is taken; without --model, a network of the
planned size with random weights answers, which finds next to nothing and so times the network.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
import table

HERE = Path(__file__).parents[2]
COMMAND = "import sys; from delineate.cli import main; sys.exit(main())"
FEATURES = (48, 96, 160, 192, 192)


def make_picture(path: Path, side: int = 1000, mpp: float = 0.25) -> Path:
    """Made tissue, repeated to a square of any side, as TIFF that says its resolution."""
    import tifffile

    from delineate.datasets.tissue import make_tile

    small = min(side, 1000)
    tile = np.moveaxis(make_tile(0, shape=(small, small)).image.array, 0, -1)
    times = -(-side // small)
    array = np.tile(tile, (times, times, 1))[:side, :side]
    per_cm = 1e4 / mpp
    tifffile.imwrite(
        path, array, photometric="rgb", resolution=(per_cm, per_cm), resolutionunit="CENTIMETER"
    )
    return path


def write_run(folder: Path, mpp: float = 0.25) -> Path:
    """A run folder of the network that `delineate train` plans, with random weights."""
    import torch
    from safetensors.torch import save_file

    from delineate.core.labels import LabelTable
    from delineate.core.plan import Plan
    from delineate.models import build_model

    plan = Plan(
        dataset="benchmark",
        layout="monuseg",
        labels=LabelTable.of_names({"nucleus": 1}),
        channels=("red", "green", "blue"),
        dims=2,
        canonical=False,
        spacing_mm=(mpp / 1000, mpp / 1000),
        normalisation=({"kind": "range", "low": 0.0, "high": 255.0},) * 3,
        patch=(256, 256),
        batch_size=8,
        model="unet",
        model_options={
            "features": list(FEATURES),
            "strides": [[2, 2]] * len(FEATURES),
            "fine": 16,
            "deep_supervision": False,
        },
        loss="nuclei",
        task="instances",
    )
    plan.save(folder / "plan.yaml")
    torch.manual_seed(0)
    model = build_model("unet", 3, 3, 2, **plan.model_options)
    facts = json.dumps({"plan_hash": plan.hash()})
    save_file(model.state_dict(), folder / "weights.safetensors", metadata={"facts": facts})
    return folder


def time_warm(model: str, picture: Path, repeats: int) -> dict[str, float]:
    """Seconds to predict, and to read, predict and write, in a process that has warmed up."""
    import delineate

    predictor = delineate.load(model)
    image = delineate.read_image(picture)
    predictor.predict(image)
    answer, whole = [], []
    with tempfile.TemporaryDirectory() as name:
        for _ in range(repeats):
            start = time.perf_counter()
            said = predictor.predict(image)
            answer.append(time.perf_counter() - start)
            start = time.perf_counter()
            said = predictor.predict(delineate.read_image(picture))
            for ending in ("geojson", "tif", "overlay.png"):
                said.save(Path(name) / f"tile.{ending}")
            whole.append(time.perf_counter() - start)
    return {
        "objects": said.instances.count,
        "warm_predict_s": statistics.median(answer),
        "warm_predict_best_s": min(answer),
        "warm_file_to_files_s": statistics.median(whole),
        "warm_file_to_files_best_s": min(whole),
    }


def time_start(model: str, picture: Path, repeats: int) -> dict[str, float]:
    """Seconds from process start to files, by the command line with its usual formats."""
    seconds = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as name:
            words = ["predict", str(picture), "--model", model, "--out", str(Path(name) / "out")]
            job = [sys.executable, "-c", COMMAND, *words]
            environment = {**os.environ, "PYTHONPATH": str(HERE / "src")}
            start = time.perf_counter()
            subprocess.run(job, check=True, env=environment, stdout=subprocess.DEVNULL)
            seconds.append(time.perf_counter() - start)
            assert any((Path(name) / "out").glob("*.geojson"))
    return {
        "process_start_to_files_s": statistics.median(seconds),
        "process_start_to_files_best_s": min(seconds),
    }


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="run folder or shipped name; random weights if left out")
    parser.add_argument("--image", type=Path, help="a picture of tissue")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, help="JSON file of the figures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        picture = options.image or make_picture(folder / "tile.tif")
        model = options.model or str(write_run(folder / "run"))
        figures = {
            "model": options.model or "random weights",
            "image": "made tissue, 1000 x 1000" if options.image is None else options.image.name,
            **time_warm(model, picture, options.repeats),
            **time_start(model, picture, max(3, options.repeats // 2)),
        }
    rounded = {
        name: round(value, 3) if isinstance(value, float) else value
        for name, value in figures.items()
    }
    print(json.dumps(rounded, indent=1))
    if options.out:
        answer = (
            f"{figures['warm_predict_s']:.2f} s warm, {figures['warm_file_to_files_s']:.2f} s from "
            f"file to files, {figures['process_start_to_files_s']:.1f} s from process start to "
            f"files, {figures['objects']} nuclei"
        )
        question = f"`delineate predict` on one tile of 1000 x 1000, model {figures['model']}"
        table.write(options.out, question, answer, rounded)


if __name__ == "__main__":
    main()
