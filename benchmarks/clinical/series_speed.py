"""How long does a CT of 300 slices, 512 x 512, take to read, with its child process, beside peers?

Each reading is a process of its own, so that the start of the child is in the figure; imports of
the library itself are not. CPU time, which other work hardly changes, has both.
Run from the root:
PYTHONPATH=src:. python benchmarks/clinical/series_speed.py
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pydicom
from benchmarks.table import write
from tests.readers.dicom_cases import ct_slice
from tests.readers.dicom_cases import write as write_slice

RESULTS = Path(__file__).parents[1] / "results" / "clinical_series_speed.json"
KINDS = {"plain": None, "JPEG-LS": "1.2.840.10008.1.2.4.80", "RLE": "1.2.840.10008.1.2.5"}
PROGRAMS = {
    "delineate": "from delineate.readers import read_image\nimport numpy, pathlib\nGO\n"
    "array = read_image(pathlib.Path(folder)).array",
    "SimpleITK": "import SimpleITK as sitk\nGO\nreader = sitk.ImageSeriesReader()\n"
    "reader.SetFileNames(reader.GetGDCMSeriesFileNames(folder))\n"
    "array = sitk.GetArrayFromImage(reader.Execute())",
    "highdicom": "import highdicom as hd, pydicom, pathlib\nGO\n"
    "array = hd.get_volume_from_series([pydicom.dcmread(file) for file in "
    "pathlib.Path(folder).iterdir()]).array",
}


def make(folder, kind, count):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 60, (512, 512), dtype=np.uint16)
    y, x = np.mgrid[:512, :512] - 256
    body = np.where(x**2 / 4 + y**2 < 90**2, 1060, 24).astype(np.uint16)
    for place in range(count):
        dataset = ct_slice((-180, -180, 2.0 * place), shape=(512, 512), spacing=(0.7, 0.7))
        dataset.PixelData = (body + np.roll(noise, place, axis=1)).tobytes()
        if KINDS[kind]:
            dataset.compress(pydicom.uid.UID(KINDS[kind]), generate_instance_uid=False)
        write_slice(dataset, folder / f"{place:04d}.dcm")


def timed(program, folder):
    code = "import sys, time\nfolder = sys.argv[1]\n" + program.replace(
        "GO", "start = time.perf_counter()"
    )
    code += "\nprint(time.perf_counter() - start, array.shape, int(array.sum()))"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
    )
    seconds = done.stdout.splitlines()[-1].split(" ")[0]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return float(seconds), cpu


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    settings = parser.parse_args()
    result = {"slices": settings.count, "size": [512, 512], "rounds": settings.rounds}
    result["load"] = [round(value, 1) for value in os.getloadavg()]
    for kind in settings.kinds:
        with TemporaryDirectory() as place:
            folder = Path(place)
            make(folder, kind, settings.count)
            seconds = {name: [] for name in PROGRAMS}
            for _ in range(settings.rounds):  # in turn, since the machine is shared
                for name, program in PROGRAMS.items():
                    seconds[name].append(timed(program, folder))
            result[kind] = {
                name: {
                    "median_s": round(statistics.median(wall for wall, _ in values), 2),
                    "best_s": round(min(wall for wall, _ in values), 2),
                    "cpu_s": round(statistics.median(cpu for _, cpu in values), 2),
                }
                for name, values in seconds.items()
            }
        print(kind, result[kind])
    answer = "; ".join(
        f"{kind}: {name} {row['best_s']} s ({row['cpu_s']} s of CPU with imports)"
        for kind in settings.kinds
        for name, row in result[kind].items()
    )
    question = f"{settings.count} slices of 512 x 512 with the start of the child: best wall time"
    write(RESULTS, question, answer, result)


if __name__ == "__main__":
    main()
