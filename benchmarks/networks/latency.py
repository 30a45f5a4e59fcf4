"""How long a network takes for one picture of 256 x 256: PyTorch, ONNX Runtime and OpenVINO.

All ways of all networks take turns in one process, so that a busy machine slows all of them;
best and median are told, and the load of the machine before and after. The networks are
untrained; correctors get random numbers, so that refinement has the work of a trained one.

    python benchmarks/networks/latency.py --export runs/onnx    # once: write the ONNX files
    python benchmarks/networks/latency.py --files runs/onnx --out FILE.json
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
from torch import Tensor, nn

from delineate.infer.onnx import export_onnx
from delineate.models import build_model

sys.path.insert(0, str(Path(__file__).parents[1]))
from table import write

NETWORKS = {
    "unet": ("unet", {}),
    "segformer-b0": ("segformer", {"size": "b0"}),
    "medsegformer-nano": ("medsegformer", {"size": "nano"}),
    "medsegformer-tiny": ("medsegformer", {"size": "tiny"}),
    "medsegformer-b0": ("medsegformer", {"size": "b0"}),
    "deeplabv3plus-resnet18": ("deeplabv3plus", {"encoder": "resnet18"}),
    "resunetpp": ("resunetpp", {}),
}
SHAPE = (1, 3, 256, 256)
CLASSES = 6
THREADS = 2
HINTS = {"OpenVINO f32": "f32", "OpenVINO bf16": "bf16"}
Way = Callable[[], object]


def made(name: str) -> nn.Module:
    """Build a network; correctors, which begin at zero, get small random numbers."""
    torch.manual_seed(0)
    row, options = NETWORKS[name]
    network = build_model(row, SHAPE[1], CLASSES, 2, **options).eval()
    with torch.no_grad():
        for key, value in network.named_parameters():
            if "correctors" in key:
                value.copy_(0.05 * torch.randn_like(value))
    return network


def of_torch(network: nn.Module, image: Tensor, *, bf16: bool) -> Way:
    """PyTorch as prediction runs it: channels last."""
    last = image.contiguous(memory_format=torch.channels_last)
    network = network.to(memory_format=torch.channels_last)

    def run() -> object:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            return network(last)

    return run


def of_onnxruntime(path: Path, image: Tensor) -> Way:
    """ONNX Runtime in fp32."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"image": image.numpy()})


def of_openvino(path: Path, image: Tensor, hint: str) -> Way:
    """OpenVINO in the precision of the hint."""
    import openvino

    how = {
        "INFERENCE_PRECISION_HINT": hint,
        "INFERENCE_NUM_THREADS": THREADS,
        "NUM_STREAMS": 1,
    }
    request = openvino.Core().compile_model(path, "CPU", how).create_infer_request()
    return lambda: request.infer([image.numpy()])


def ways(name: str, folder: Path, image: Tensor) -> dict[str, Way]:
    """All ways to run one network."""
    network, path = made(name), folder / f"{name}.onnx"
    found = {
        "torch fp32": of_torch(network, image, bf16=False),
        "torch bf16": of_torch(network, image, bf16=True),
        "ONNX Runtime fp32": of_onnxruntime(path, image),
    }
    return found | {way: of_openvino(path, image, hint) for way, hint in HINTS.items()}


def measure(folder: Path, *, rounds: int, seconds: float) -> list[dict[str, object]]:
    """Let all ways of all networks take turns; times in milliseconds."""
    image = torch.randn(SHAPE)
    runs = [(n, w, run) for n in NETWORKS for w, run in ways(n, folder, image).items()]
    for _, _, run in runs:
        run(), run()  # warm up
    times: dict[tuple[str, str], list[float]] = {(name, way): [] for name, way, _ in runs}
    begun, done = perf_counter(), 0
    while done < rounds and perf_counter() - begun < seconds:
        for name, way, run in runs:
            run()  # its own weights back into the caches, as in a row of tiles
            start = perf_counter()
            run()
            times[name, way].append(1000 * (perf_counter() - start))
        done += 1
    return [
        {
            "network": name,
            "way": way,
            "best_ms": round(min(found), 2),
            "median_ms": round(median(found), 2),
            "rounds": len(found),
        }
        for (name, way), found in times.items()
    ]


def tell(rows: list[dict[str, object]]) -> str:
    """Say the answer in a line."""
    best = {(row["network"], row["way"]): row["best_ms"] for row in rows}
    parts = []
    for name in ("medsegformer-nano", "medsegformer-b0", "segformer-b0", "unet"):
        pair = [f"{best[name, way]:.1f}" for way in ("torch bf16", "OpenVINO bf16")]
        parts.append(f"{name} {' and '.join(pair)}")
    return f"least ms in PyTorch bf16 and OpenVINO bf16: {', '.join(parts)}"


def main() -> None:
    """Write the ONNX files, or measure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--export", type=Path, help="folder to write ONNX files into, and stop")
    parser.add_argument("--files", type=Path, help="folder of the ONNX files")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=45)
    options = parser.parse_args()
    torch.set_num_threads(THREADS)
    if options.export:
        for name in NETWORKS:
            export_onnx(made(name), SHAPE, options.export / f"{name}.onnx")
        return
    before = os.getloadavg()[0]
    rows = measure(options.files, rounds=options.rounds, seconds=options.seconds)
    for row in rows:
        print(*row.values(), sep="\t", flush=True)
    load = {"before": round(before, 1), "after": round(os.getloadavg()[0], 1)}
    if options.out:
        import onnxruntime
        import openvino

        figures = {"rows": rows, "shape": SHAPE, "threads": THREADS, "load": load}
        figures["versions"] = {
            "onnxruntime": onnxruntime.__version__,
            "openvino": openvino.__version__.split("-")[0],
        }
        write(options.out, "One picture of 256 x 256, batch 1, 2 threads", tell(rows), figures)


if __name__ == "__main__":
    main()
