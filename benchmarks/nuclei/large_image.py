"""Does a picture of 8000 x 8000 pixels fit into 3 GB, and how fast does it go?

    python benchmarks/nuclei/large_image.py [--model nuclei] [--side 8000] [--mpp 0.25]

Made tissue is repeated over the whole picture, so that no tile is skipped. The measured process
starts afresh; its peak counts nothing but reading, predicting and writing.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import table


def measure(model: str, picture: Path, out: Path, settings: argparse.Namespace) -> None:
    """Predict from file to files in this process and print the figures."""
    import torch

    from delineate.steps.predict import PredictSettings, predict

    torch.set_num_threads(settings.threads)
    start = time.perf_counter()
    result = predict(
        PredictSettings(inputs=(str(picture),), model=model, out=out, format=settings.format)
    )
    seconds = time.perf_counter() - start
    ledger = json.loads((out / "predictions.json").read_text())["cases"]
    facts = ledger[picture.stem]["provenance"] if ledger else {}
    figures = {
        "side": settings.side,
        "mpp": settings.mpp,
        "formats": settings.format,
        "threads": settings.threads,
        "objects": facts.get("num_objects"),
        "seconds": round(seconds, 1),
        "megapixels_per_second": facts.get("megapixels_per_second"),
        "megapixels_per_second_to_files": round(settings.side**2 / 1e6 / seconds, 2),
        "peak_memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        "failures": dict(result.failures),
    }
    print(json.dumps(figures))


def main() -> None:
    """Make the picture and the model, measure in a fresh process, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="run folder or shipped name; random weights if left out")
    parser.add_argument("--side", type=int, default=8000)
    parser.add_argument("--mpp", type=float, default=0.25, help="um to a pixel of the picture")
    parser.add_argument("--format", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, help="JSON file of the figures")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        model, picture, out = options.measure
        measure(model, Path(picture), Path(out), options)
        return
    from latency import make_picture, write_run

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        picture = make_picture(folder / "large.tif", options.side, options.mpp)
        model = options.model or str(write_run(folder / "run"))
        words = [f"--{key}={getattr(options, key)}" for key in ("side", "mpp", "format", "threads")]
        job = [sys.executable, __file__, *words]
        job += ["--measure", model, str(picture), str(folder / "out")]
        done = subprocess.run(job, check=True, stdout=subprocess.PIPE, text=True)
        figures = json.loads(done.stdout.splitlines()[-1])
    named = options.model or "random weights"
    print(json.dumps({"model": named, **figures}, indent=1))
    if options.out:
        answer = (
            f"{figures['seconds']:.0f} s from file to files, "
            f"{figures['megapixels_per_second']} megapixels per second, peak "
            f"{figures['peak_memory_gb']} GB, {figures['objects']} nuclei"
        )
        question = (
            f"A picture of {options.side} x {options.side} at {options.mpp:g} um, "
            f"{options.threads} cores, model {named}"
        )
        table.write(options.out, question, answer, figures)


if __name__ == "__main__":
    main()
