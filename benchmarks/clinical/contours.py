"""Where do structure sets of ours and of rt-utils lie, by the word of independent readers?

Blobs (one hollow) are written on series of several kinds, by us and by rt-utils with and without
its pin holes, and read by plastimatch, by dcmrtstruct2nii and by our own reader. Dice is taken at
the voxels of the reader's grid against the labels of the source slices.
Run from the root, with an interpreter that has rt-utils and one that has dcmrtstruct2nii with
pydicom 2, each in an environment of its own, and plastimatch installed:
PYTHONPATH=src:.:tests python benchmarks/clinical/contours.py --rt-utils PYTHON1
--dcmrtstruct2nii PYTHON2
"""

import argparse
import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import nibabel
import nrrd
import numpy as np
import pydicom
from benchmarks.table import write as record
from tests import scans

from delineate.core.case import Prediction
from delineate.core.image import Mask
from delineate.readers import read_studies
from delineate.readers.dicom_rt import read_structures
from delineate.writers.dicom_rt import RtStructWriter

RESULTS = Path(__file__).parents[1] / "results" / "clinical_contours.json"
SHAPE = (20, 64, 80)
KINDS = ("square", "non-square", "oblique", "flipped", "gapped", "tilted")
LABELS = ("liver", "kidney_left", "small_bowel")
LEAST = 0.9
"""Share of the slices of each organ that a reader's grid must meet to be compared."""
WITH_HOLE = "liver"
RT_UTILS = """
import sys
import numpy as np
from rt_utils import RTStructBuilder
folder, planes, path, pin = sys.argv[1:]
planes = dict(np.load(planes))
structures = RTStructBuilder.create_new(dicom_series_path=folder)
order = [dataset.SOPInstanceUID for dataset in structures.series_data]
stack = np.stack([planes[uid] for uid in order], axis=-1)
for id, name in enumerate(("liver", "kidney_left", "small_bowel"), 1):
    structures.add_roi(mask=stack == id, name=name, use_pin_hole=pin == "pin")
structures.save(path)
"""
TO_NIFTI = """
import logging, sys
logging.disable(logging.CRITICAL)
from dcmrtstruct2nii import dcmrtstruct2nii
dcmrtstruct2nii(*sys.argv[1:])
"""


class Study:
    """A series on disk with labels on its slices."""

    def __init__(self, folder, kind):
        made = scans.make_scan(folder, "plain" if "square" in kind else kind, shape=SHAPE)
        planes = made.series.to_planes(made.prediction.mask.array)
        self.folder = folder
        self.planes = {
            entry.sop_uid: plane for entry, plane in zip(made.series.slices, planes, strict=True)
        }
        if kind == "square":
            for path in folder.iterdir():
                dataset = pydicom.dcmread(path)
                dataset.PixelSpacing = [1.5, 1.5]
                dataset.save_as(path)
        self.image = read_studies(folder).only().image
        self.series = self.image.series

    def prediction(self):
        stack = np.stack([self.planes[entry.sop_uid] for entry in self.series.slices])
        mask = Mask.of(self.series.to_regular(stack), self.image.geometry)
        return Prediction(
            case_id="case", mask=mask, labels=scans.LABELS, provenance={"model": "made"}
        )

    def at(self, points):
        """Labels and slices at places in the patient (LPS, mm); -1 where no slice is near."""
        found, places = np.full(len(points), -1), np.full(len(points), -1)
        for place, entry in enumerate(self.series.slices):
            along, down = np.array(entry.orientation[:3]), np.array(entry.orientation[3:])
            away = points - entry.position_mm
            near = np.flatnonzero(np.abs(away @ np.cross(along, down)) < 0.75)
            rows = np.floor(away[near] @ down / entry.spacing_mm[0] + 0.5).astype(int)
            columns = np.floor(away[near] @ along / entry.spacing_mm[1] + 0.5).astype(int)
            inside = (rows >= 0) & (rows < entry.rows) & (columns >= 0) & (columns < entry.columns)
            found[near], places[near] = 0, place
            plane = self.planes[entry.sop_uid]
            found[near[inside]] = plane[rows[inside], columns[inside]]
        return found, places

    def num_slices(self, id):
        return sum((plane == id).any() for plane in self.planes.values())


def dice(theirs, ours):
    total = int(theirs.sum()) + int(ours.sum())
    return round(2 * int((theirs & ours).sum()) / total, 4) if total else 1.0


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip() or "no word").splitlines()
        raise RuntimeError(lines[-1][:120])


def write_ours(study, path, settings):
    RtStructWriter().write(study.prediction(), path, image=study.image)


def write_theirs(pin):
    def write(study, path, settings):
        planes = path.with_suffix(".npz")
        np.savez(planes, **study.planes)
        run(settings.rt_utils, "-c", RT_UTILS, study.folder, planes, path, pin)

    return write


WRITERS = {
    "delineate": write_ours,
    "rt-utils": write_theirs("no"),
    "rt-utils, pin holes": write_theirs("pin"),
}


def by_plastimatch(study, path, settings):
    out = path.parent / f"{path.stem}-plastimatch"
    reference = ["--referenced-ct", study.folder]
    if not study.series.is_plain:  # it takes no such series for a grid
        corner = np.array(study.series.slices[0].position_mm) - (0, 0, 2)
        header = {"space": "left-posterior-superior", "space origin": corner}
        header["space directions"] = np.diag([1.5, 2.0, 1.0])
        grid = out.with_suffix(".nrrd")
        nrrd.write(str(grid), np.zeros((84, 84, 84), np.int16), header)
        reference = ["--fixed", grid]
    run("plastimatch", "convert", "--input", path, *reference, "--output-prefix", out,
        "--prefix-format", "nrrd")  # fmt: skip
    found = {}
    for name in LABELS:
        array, header = nrrd.read(str(out / f"{name}.nrrd"))
        places = np.argwhere(np.ones(array.shape, bool))
        points = places @ header["space directions"] + header["space origin"]
        found[name] = array.ravel() > 0, study.at(points)
    return found


def by_nifti(study, path, settings):
    out = path.parent / f"{path.stem}-nifti"
    out.mkdir()
    run(settings.dcmrtstruct2nii, "-c", TO_NIFTI, path, study.folder, out)
    found = {}
    for name in LABELS:
        image = nibabel.load(out / f"mask_{name}.nii.gz")
        places = np.argwhere(np.ones(image.shape, bool))
        points = (places @ image.affine[:3, :3].T + image.affine[:3, 3]) * (-1, -1, 1)
        found[name] = np.asarray(image.dataobj).ravel() > 0, study.at(points)
    return found


def by_delineate(study, path, settings):
    truth = np.stack([study.planes[entry.sop_uid] for entry in study.series.slices])
    stacks = {name: np.zeros(truth.shape, bool) for name in LABELS}
    for part in read_structures(path, study.series).parts():
        stacks[part.label.name][part.place][part.window] |= part.inside
    places = np.repeat(np.arange(len(truth)), truth[0].size)
    return {name: (stack.ravel(), (truth.ravel(), places)) for name, stack in stacks.items()}


READERS = {
    "plastimatch": by_plastimatch,
    "dcmrtstruct2nii": by_nifti,
    "delineate": by_delineate,
}


def judge(study, path, read, settings):
    try:
        found = read(study, path, settings)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {str(error)[:160]}"}
    row = {}
    for id, name in enumerate(LABELS, 1):
        theirs, (labels, places) = found[name]
        known = labels >= 0
        row[name] = dice(theirs[known], labels[known] == id)
        share = len(np.unique(places[labels == id])) / study.num_slices(id)
        if share < LEAST:  # it laid the series out wrongly, so nothing can be compared
            return {"error": f"its grid meets {share:.0%} of the slices with {name}"}
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rt-utils", required=True, help="an interpreter that has rt-utils")
    parser.add_argument("--dcmrtstruct2nii", required=True, help="one that has dcmrtstruct2nii")
    settings = parser.parse_args()
    table = {}
    for kind in KINDS:
        with TemporaryDirectory() as place:
            study = Study(Path(place) / "in", kind)
            for writer, make in WRITERS.items():
                path = Path(place) / f"{writer.replace(', ', '-').replace(' ', '-')}.dcm"
                try:
                    make(study, path, settings)
                except Exception as error:
                    table.setdefault(kind, {})[writer] = {"error": str(error)[:160]}
                    continue
                table.setdefault(kind, {})[writer] = {
                    reader: judge(study, path, read, settings) for reader, read in READERS.items()
                }
        print(kind, json.dumps(table[kind], indent=1))
    versions = {
        name: subprocess.run(
            [python, "-c", f"import importlib.metadata as m; print(m.version('{name}'))"],
            capture_output=True, text=True, check=True,
        ).stdout.strip()
        for name, python in (
            ("rt-utils", settings.rt_utils), ("dcmrtstruct2nii", settings.dcmrtstruct2nii)
        )
    }  # fmt: skip
    told = [f"{writer} {told_of(table, writer)}" for writer in WRITERS]
    question = "RTSTRUCTs on six kinds of series: worst Dice of three organs by independent readers"
    result = {"versions": versions, "shape": list(SHAPE), "with_hole": WITH_HOLE, "dice": table}
    record(RESULTS, question, "; ".join(told), result)


def told_of(table, writer):
    """Say the worst Dice of a writer by each independent reader, with the kind it is of."""
    parts = []
    for reader in ("plastimatch", "dcmrtstruct2nii"):
        rows = {kind: row[writer].get(reader, row[writer]) for kind, row in table.items()}
        read = {kind: min(row.values()) for kind, row in rows.items() if "error" not in row}
        failed = [kind for kind in rows if kind not in read]
        worst = min(read, key=read.get) if read else "none"
        more = f", none for {' and '.join(failed)}" if failed else ""
        parts.append(f"{reader} {read.get(worst, 0):.3f} ({worst}{more})")
    return ", ".join(parts)


if __name__ == "__main__":
    main()
