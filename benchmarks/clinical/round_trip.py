"""From DICOM to scores and back: does it matter in which files truth and predictions come?

MR scans of the hippocampus (Decathlon Task04) are written as DICOM series, their truth as SEG and
RTSTRUCT by Delineate, by dcmqi and by plastimatch. A network learns from SEG for a short while and
predicts the held-out series as NIfTI, SEG and RTSTRUCT; each is then judged by each truth.

Run from the root: PYTHONPATH=src:. python benchmarks/clinical/round_trip.py TASK04
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import nibabel
import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset

sys.path.insert(0, str(Path(__file__).parents[1]))

from table import write

from delineate.core.case import Prediction
from delineate.core.labels import LabelTable
from delineate.core.regrid import regrid_labels
from delineate.readers import read_image, read_mask
from delineate.steps.describe import DescribeSettings, describe
from delineate.steps.evaluate import EvaluateSettings, evaluate
from delineate.steps.plan import PlanSettings, plan
from delineate.steps.predict import PredictSettings, predict
from delineate.steps.train import TrainSettings, train
from delineate.writers import write_prediction

RESULTS = Path(__file__).parents[1] / "results" / "clinical_round_trip.json"
LABELS = LabelTable.of_names({"anterior": 1, "posterior": 2})
MR = "1.2.840.10008.5.1.4.1.1.4"
ROOT = "1.2.826.0.1.3680043.10.1561"
SAID = {"nifti": "*.nii.gz", "dicom-seg": "*.seg.dcm", "rtstruct": "*.rtstruct.dcm"}


def write_series(source, folder, number):
    """Write a NIfTI file as a DICOM series whose slices run along its last axis."""
    image = nibabel.load(source)
    values = np.asarray(image.dataobj, dtype=np.float64)
    stored = np.round((values - values.min()) / max(np.ptp(values), 1) * 4000).astype(np.uint16)
    lps = np.diag([-1.0, -1, 1, 1]) @ image.affine
    steps = np.linalg.norm(lps[:3, :3], axis=0)
    folder.mkdir(parents=True)
    for place in range(stored.shape[2]):
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
        facts = {
            "PatientName": f"Test^{number}", "PatientID": f"T{number}", "PatientBirthDate": "",
            "PatientSex": "O", "StudyInstanceUID": f"{ROOT}.{number}.1", "StudyID": "1",
            "SeriesInstanceUID": f"{ROOT}.{number}.2", "FrameOfReferenceUID": f"{ROOT}.{number}.3",
            "SOPClassUID": MR, "SOPInstanceUID": f"{ROOT}.{number}.4.{place + 1}",
            "Modality": "MR", "StudyDate": "20260101", "StudyTime": "120000", "SeriesNumber": 1,
            "InstanceNumber": place + 1, "AccessionNumber": "", "ReferringPhysicianName": "",
            "Manufacturer": "Maker", "PositionReferenceIndicator": "", "BodyPartExamined": "HEAD",
            "ImageType": ["ORIGINAL", "PRIMARY", "M", "NONE"], "ScanningSequence": "GR",
            "SequenceVariant": "NONE", "ScanOptions": "", "MRAcquisitionType": "3D",
            "EchoTime": 3, "EchoTrainLength": 1, "SamplesPerPixel": 1,
            "PhotometricInterpretation": "MONOCHROME2", "Rows": stored.shape[1],
            "Columns": stored.shape[0], "BitsAllocated": 16, "BitsStored": 16, "HighBit": 15,
            "PixelRepresentation": 0, "PixelSpacing": [float(steps[1]), float(steps[0])],
            "SliceThickness": float(steps[2]), "PatientPosition": "HFS",
            "ImageOrientationPatient": [*(lps[:3, 0] / steps[0]), *(lps[:3, 1] / steps[1])],
            "ImagePositionPatient": [float(v) for v in lps[:3, 3] + place * lps[:3, 2]],
        }  # fmt: skip
        for keyword, value in facts.items():
            setattr(dataset, keyword, value)
        dataset.PixelData = np.ascontiguousarray(stored[:, :, place].T).tobytes()
        dataset.save_as(folder / f"{place:03}.dcm", enforce_file_format=True)


def write_truths(name, mask_file, series, folders):
    """Write a truth as SEG and RTSTRUCT, by us and by those programs of others that are there."""
    image = read_image(series)
    mask = regrid_labels(read_mask(mask_file), image.geometry)
    truth = Prediction(case_id=name, mask=mask, labels=LABELS, provenance={"model": "truth"})
    for format, ending in (("dicom-seg", ".seg.dcm"), ("rtstruct", ".rtstruct.dcm")):
        path = folders[format] / f"{name}{ending}"
        write_prediction(truth, path, image=image, format=format)
    with TemporaryDirectory() as place:
        ids = Path(place) / "ids.nii.gz"
        write_prediction(truth, ids, format="nifti")
        if "dcmqi" in folders:
            by_dcmqi(ids, series, folders["dcmqi"] / f"{name}.dcm", Path(place))
        if "plastimatch" in folders:
            by_plastimatch(ids, series, folders["plastimatch"] / f"{name}.dcm", Path(place))


def by_dcmqi(ids, series, path, place):
    code = {"CodeValue": "49755003", "CodingSchemeDesignator": "SCT", "CodeMeaning": "Structure"}
    segments = [
        {"labelID": label.id, "SegmentLabel": label.name.upper(), "SegmentDescription": "",
         "SegmentAlgorithmType": "MANUAL", "SegmentedPropertyCategoryCodeSequence": code,
         "SegmentedPropertyTypeCodeSequence": code}
        for label in LABELS.labels
    ]  # fmt: skip
    card = {"ContentCreatorName": "A", "SeriesDescription": "S", "SeriesNumber": "3",
            "InstanceNumber": "1", "segmentAttributes": [segments]}  # fmt: skip
    (place / "card.json").write_text(json.dumps(card), encoding="utf-8")
    called("itkimage2segimage", "--inputImageList", ids, "--inputDICOMDirectory", series,
           "--outputDICOM", path, "--inputMetadata", place / "card.json")  # fmt: skip


def by_plastimatch(ids, series, path, place):
    image = nibabel.load(ids)
    for label in LABELS.labels:
        one = (np.asarray(image.dataobj) == label.id).astype(np.uint8)
        (place / "parts").mkdir(exist_ok=True)
        nibabel.Nifti1Image(one, image.affine).to_filename(
            place / "parts" / f"{label.name.title()}.nii.gz"
        )
    called("plastimatch", "convert", "--input-prefix", place / "parts", "--referenced-ct", series,
           "--output-dicom", place / "out")  # fmt: skip
    shutil.copy(next((place / "out").glob("*.dcm")), path)


def called(program, *words):
    found = shutil.which(program) or str(Path(sys.executable).parent / program)
    done = subprocess.run([found, *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{program}: {(done.stdout + done.stderr)[-600:]}")


def has(program):
    return bool(shutil.which(program)) or (Path(sys.executable).parent / program).exists()


def judged(out, truth, place, **options):
    board = evaluate(
        EvaluateSettings(
            predictions=out, truth=truth, out=place / "scores", pictures=0, jobs=1, **options
        )
    )
    if board.failures:
        raise SystemExit(str(board.failures[:2]))
    return {(row.case.split(".")[0], row.label.lower()): row.values for row in board.rows}


def compared(rows, exact):
    """Say how far scores lie from those of NIfTI judged by NIfTI."""
    gaps = {
        metric: max(abs(rows[key][metric] - exact[key][metric]) for key in exact)
        for metric in ("dice", "hd95")
    }
    mean = float(np.mean([row["dice"] for row in rows.values()]))
    return {
        "mean_dice": round(mean, 5),
        **{f"largest_gap_{k}": round(v, 6) for k, v in gaps.items()},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--cases", type=int, default=24)
    parser.add_argument("--budget", default="1m")
    parser.add_argument("--model", help="predict all cases with this model and train none")
    parser.add_argument("--results", type=Path, default=RESULTS)
    asked = parser.parse_args()
    with TemporaryDirectory() as name:
        place = Path(name)
        kinds = ["dicom-seg", "rtstruct"]
        kinds += ["dcmqi"] if has("itkimage2segimage") else []
        kinds += ["plastimatch"] if has("plastimatch") else []
        folders = {kind: place / kind for kind in kinds}
        for folder in folders.values():
            folder.mkdir()
        files = sorted((asked.data / "imagesTr").glob("*.nii.gz"))[: asked.cases]
        for number, file in enumerate(files):
            case = file.name.removesuffix(".nii.gz")
            write_series(file, place / "scans" / case, number + 1)
            truth = asked.data / "labelsTr" / file.name
            write_truths(case, truth, place / "scans" / case, folders)
        numbers = trip(place, folders, files, asked)
    worst = max(row["largest_gap_dice"] for row in numbers["scores"].values())
    dice = numbers["scores"]["nifti by nifti"]["mean_dice"]
    question = "Does it matter in which files truth and predictions come to `evaluate`?"
    answer = (
        f"{numbers['judged']} MR series, mean Dice {dice:.3f}: all pairs of NIfTI, SEG and "
        f"RTSTRUCT, also by dcmqi and plastimatch, give Dice at most {worst:.2g} apart"
    )
    write(asked.results, question, answer, numbers)


def trip(place, folders, files, asked):
    data = place / "data"
    data.mkdir()
    for file in files:
        case = file.name.removesuffix(".nii.gz")
        shutil.copytree(place / "scans" / case, data / case)
        shutil.copy(folders["dicom-seg"] / f"{case}.seg.dcm", data / case / "truth.seg.dcm")
    told = describe(DescribeSettings(data=data))
    plan(PlanSettings(data=data, out=place / "plan.yaml"))
    began, trained = time.monotonic(), set()
    if asked.model is None:
        train(TrainSettings(data=data, out=place / "run", budget=asked.budget, device="cpu"))
        facts = json.loads((place / "run" / "run.json").read_text(encoding="utf-8"))
        trained = set(facts["training_cases"])
    minutes = (time.monotonic() - began) / 60
    unseen = [path for path in sorted(data.iterdir()) if path.name not in trained]
    out = place / "out"
    done = predict(
        PredictSettings(
            inputs=tuple(str(path) for path in unseen), out=out,
            model=asked.model or str(place / "run"),
            format="nifti,dicom-seg,rtstruct,sr,overlay", device="cpu",
        )
    )  # fmt: skip
    if done.failures:
        raise SystemExit(str(done.failures))
    (place / "masks").mkdir()
    for path in unseen:
        shutil.copy(asked.data / "labelsTr" / f"{path.name}.nii.gz", place / "masks")
    (place / "masks" / "labels.yaml").write_text("anterior: 1\nposterior: 2\n", encoding="utf-8")
    exact = judged(out, place / "masks", place, files="*.nii.gz")
    truths = {"nifti": (place / "masks", {}), "data": (data, {})}
    truths |= {kind: (folder, {"images": place / "scans"}) for kind, folder in folders.items()}
    table = {
        f"{said} by {truth}": compared(judged(out, path, place, files=files, **options), exact)
        for said, files in SAID.items()
        for truth, (path, options) in truths.items()
    }
    return {
        "cases": len(files), "judged": len(unseen), "minutes": round(minutes, 2),
        "model": asked.model or "trained here", "scores": table,
        "described": str(told.text).splitlines()[:3],
    }  # fmt: skip


if __name__ == "__main__":
    main()
