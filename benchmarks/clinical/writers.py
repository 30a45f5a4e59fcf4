"""SEG, RTSTRUCT and SR of 30 organs on 200 x 512 x 512: how long, how large, read back how fast?

Run from the root: PYTHONPATH=src:. python benchmarks/clinical/writers.py
"""

import argparse
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy import ndimage
from tests import scans

sys.path.insert(0, str(Path(__file__).parents[1]))

from table import write

from delineate.core.case import Prediction
from delineate.core.image import Image, Mask
from delineate.core.labels import LabelTable
from delineate.core.series import Series
from delineate.core.terms import TERMS
from delineate.infer.proof import PROVEN, prove
from delineate.writers import WRITERS, write_prediction

RESULTS = Path(__file__).parents[1] / "results" / "clinical_writers.json"
FORMATS = ("dicom-seg-labelmap", "dicom-seg", "rtstruct", "sr")


def organs(shape, number, rng):
    """Blobs with rough edges, scattered over the volume, later ones over earlier ones."""
    ids = np.zeros(shape, np.uint8)
    for id in range(1, number + 1):
        size = rng.integers((20, 40, 40), (90, 160, 160))
        z, y, x = np.meshgrid(*[np.linspace(-1, 1, length) for length in size], indexing="ij")
        coarse = rng.normal(0, 0.35, [max(2, length // 12) for length in size])
        factors = np.array(size) / coarse.shape
        rough = ndimage.zoom(coarse, factors, order=1)[: size[0], : size[1], : size[2]]
        corner = [
            int(rng.integers(0, full - length)) for full, length in zip(shape, size, strict=True)
        ]
        view = ids[tuple(slice(low, low + n) for low, n in zip(corner, size, strict=True))]
        view[z**2 + y**2 + x**2 + rough < 0.8] = id
    return ids


def make(shape, number):
    heights = np.arange(shape[0]) * 1.5
    positions = [np.array([-250.0, -250.0, height]) for height in heights]
    slices = tuple(
        scans.slice_at(f"1.2.3.4.{place + 1}", scans.CT, position, (1, 0, 0, 0, 1, 0), shape[1:])
        for place, position in enumerate(positions)
    )
    axes = (np.array([1.0, 0, 0]), np.array([0, 1.0, 0]), np.array([0, 0, 0.5]))
    grid = scans.grid_of(positions, heights * 2, axes, shape[1:])
    header = scans.common(shape[1:], {"SliceThickness": 1.5})
    series = Series(
        study_uid="1.2.3.1", series_uid="1.2.3.2", slices=slices, regular=grid,
        header=lambda _: header, frame_of_reference_uid="1.2.3.3", modality="CT",
    )  # fmt: skip
    names = [term.meaning for term in TERMS if term.kind == "organ" and not term.is_paired][:number]
    labels = LabelTable.of_names({name: place + 1 for place, name in enumerate(names)})
    mask = Mask.of(organs(shape, number, np.random.default_rng(0)), grid)
    image = Image(geometry=grid, channels=("CT",), load=lambda: mask.array[None], series=series)
    prediction = Prediction(case_id="case", mask=mask, labels=labels, provenance={"model": "m"})
    return prediction, image


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", type=int, nargs=3, default=(200, 512, 512))
    parser.add_argument("--organs", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=3)
    settings = parser.parse_args()
    prediction, image = make(tuple(settings.shape), settings.organs)
    rows = {}
    with TemporaryDirectory() as folder:
        for name in FORMATS:
            path = Path(folder) / f"a{WRITERS[name].suffix}"
            times, cpu, backs = [], [], []
            write_prediction(prediction, path, image=image, format=name)  # warm: imports
            for _ in range(settings.repeats):
                start, work = time.perf_counter(), time.process_time()
                write_prediction(prediction, path, image=image, format=name)
                times.append(time.perf_counter() - start)
                cpu.append(time.process_time() - work)
                if name in PROVEN:
                    start = time.perf_counter()
                    assert prove(path, name, prediction, image.series).different == 0
                    backs.append(time.perf_counter() - start)
            rows[name] = {
                "write_s": [round(value, 2) for value in times],
                "cpu_s": [round(value, 2) for value in cpu],
                "read_back_s": [round(value, 2) for value in backs],
                "mb": round(path.stat().st_size / 1e6, 2),
            }
    result = {"shape": list(settings.shape), "organs": settings.organs, "formats": rows}
    told = [
        f"{name} {min(found['write_s']):.2f} s"
        + (f", read back {min(found['read_back_s']):.2f} s" if found["read_back_s"] else "")
        for name, found in result["formats"].items()
    ]
    question = "30 organs on 200 x 512 x 512 slices: best time to write them, and to read them back"
    write(RESULTS, question, "; ".join(told), result)


if __name__ == "__main__":
    main()
