"""Which reader gives the right volume, refuses by a message, or is silently wrong, on hard inputs?

Values of the made series are a linear function of the place in the patient, so every voxel of any
answer can be judged: right means that at least 97 % of the voxels hold what lies at their place
(within 5 HU; what a reader filled with air is left out) and that no other slice came in.
Run from the root, with highdicom, dicom2nifti and SimpleITK installed:
PYTHONPATH=src:. python benchmarks/clinical/readers.py
"""

import logging
import shutil
import time
import warnings
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pydicom
from benchmarks.table import write as record
from tests.readers.dicom_cases import (
    AXIAL,
    CORONAL,
    FLIPPED,
    OBLIQUE,
    ct_slice,
    enhanced,
    even,
    hounsfield,
    place_along,
    write,
    write_stack,
)

RESULTS = Path(__file__).parents[1] / "results" / "clinical_readers.json"
CASES = {}
"""Name of each input to the function that writes it, slices expected (None: must be refused)."""


def case(name, slices):
    def keep(make):
        CASES[name] = (make, slices)
        return make

    return keep


def with_extra(folder, dataset, count=10):
    write_stack(folder, even(count))
    write(dataset, folder / "extra.dcm")


@case("1 gap of two slices", 20)
def _(folder):
    write_stack(folder, [height for place, height in enumerate(even(20)) if place not in (7, 8)])


@case("1 a third missing in one gap", None)
def _(folder):
    write_stack(folder, [height for place, height in enumerate(even(30)) if not 8 <= place < 20])


@case("2 an instance sent twice", 10)
def _(folder):
    write_stack(folder, even())
    shutil.copy(folder / "004.dcm", folder / "again.dcm")


@case("3 two slices at one place", None)
def _(folder):
    other = ct_slice(place_along(AXIAL, 9))
    other.PixelData = bytes(len(other.PixelData))
    with_extra(folder, other)


@case("4 gantry tilt of 14 degrees", 10)
def _(folder):
    write_stack(folder, even(), lean=(0, np.tan(np.radians(14)), 0))


@case("5 spacing 3 to 5 mm", 13)
def _(folder):
    write_stack(folder, [0, 3, 6, 9, 12, 15, 20, 25, 30, 35])


@case("6 jitter of 0.04 mm", 10)
def _(folder):
    noise = np.random.default_rng(0).uniform(-0.04, 0.04, 10)
    write_stack(folder, np.array(even()) + noise)


@case("7 oblique", 10)
def _(folder):
    write_stack(folder, even()[::-1], orientation=OBLIQUE)


@case("7 rows and columns flipped", 10)
def _(folder):
    write_stack(folder, even(), orientation=FLIPPED)


@case("8 a localizer in the series", 10)
def _(folder):
    with_extra(folder, ct_slice((0, 0, 0), orientation=CORONAL))


@case("9 a slice of another size", 10)
def _(folder):
    with_extra(folder, ct_slice(place_along(AXIAL, 30), shape=(12, 20)))


@case("10 two phases", 10)
def _(folder):
    write_stack(folder, even(), TemporalPositionIdentifier=1)
    write_stack(folder, even(), TemporalPositionIdentifier=2, RescaleIntercept=-824, name="b{}")


@case("11 no position", None)
def _(folder):
    for place, height in enumerate(even()):
        write(
            ct_slice(place_along(AXIAL, height), ImagePositionPatient=None), folder / f"{place}.dcm"
        )


@case("12 enhanced multi-frame", 10)
def _(folder):
    write(enhanced([place_along(AXIAL, height) for height in even()]), folder / "a.dcm")


@case("13 a slope for each slice", 10)
def _(folder):
    for place, height in enumerate(even()):
        dataset = ct_slice(place_along(AXIAL, height), BitsStored=16, HighBit=15)
        values = np.frombuffer(dataset.PixelData, np.uint16).astype(float) - 1024
        slope = 0.5 + 0.1 * place
        dataset.PixelData = np.rint((values + 2000) / slope).astype(np.uint16).tobytes()
        dataset.RescaleSlope, dataset.RescaleIntercept = slope, -2000
        write(dataset, folder / f"{place}.dcm")


@case("14 MONOCHROME1", 10)
def _(folder):
    write_stack(folder, even(), PhotometricInterpretation="MONOCHROME1")


def packed(syntax):
    def make(folder):
        for place, height in enumerate(even()):
            dataset = ct_slice(place_along(AXIAL, height), shape=(64, 48))
            dataset.compress(pydicom.uid.UID(syntax), generate_instance_uid=False)
            write(dataset, folder / f"{place}.dcm")

    return make


CASES["15 JPEG-LS"] = (packed("1.2.840.10008.1.2.4.80"), 10)
CASES["15 JPEG 2000"] = (packed("1.2.840.10008.1.2.4.90"), 10)
CASES["15 RLE"] = (packed("1.2.840.10008.1.2.5"), 10)


@case("15 HTJ2K", 10)
def _(folder):
    import imagecodecs

    for place, height in enumerate(even()):
        dataset = ct_slice(place_along(AXIAL, height), shape=(64, 48))
        stored = np.frombuffer(dataset.PixelData, np.uint16).reshape(64, 48)
        dataset.PixelData = pydicom.encaps.encapsulate([imagecodecs.htj2k_encode(stored)])
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.HTJ2KLossless
        write(dataset, folder / f"{place}.dcm")


@case("16 big endian", 10)
def _(folder):
    for place, height in enumerate(even()):
        dataset = ct_slice(place_along(AXIAL, height))
        stored = np.frombuffer(dataset.PixelData, np.uint16)
        dataset.PixelData = stored.astype(">u2").tobytes()
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRBigEndian
        write(dataset, folder / f"{place}.dcm")


@case("17 pixels cut short", None)
def _(folder):
    write_stack(folder, even())
    file = folder / "004.dcm"
    file.write_bytes(file.read_bytes()[:-300])


@case("18 more pixels promised than sent", None)
def _(folder):
    write_stack(folder, even(), Rows=3000, Columns=3000)


@case("19 in folders and with other files", 10)
def _(folder):
    write_stack(folder / "a", even()[:5])
    write_stack(folder / "b", even()[5:])
    (folder / "readme.txt").write_text("no slice")


@case("19 in a zip", 10)
def _(folder):
    write_stack(folder / "in", even())
    with zipfile.ZipFile(folder / "study.zip", "w") as archive:
        for file in (folder / "in").iterdir():
            archive.write(file, file.name)
    shutil.rmtree(folder / "in")


@case("20 a SEG in the folder", 10)
def _(folder):
    with_extra(folder, ct_slice((0, 0, 0), SOPClassUID="1.2.840.10008.5.1.4.1.1.66.4"))


@case("21 own output returned", 10)
def _(folder):
    with_extra(folder, ct_slice(place_along(AXIAL, 4), ManufacturerModelName="Delineate"))


@case("22 no identity", 10)
def _(folder):
    write_stack(folder, even(), PatientID=None, PatientName=None, AccessionNumber=None)


@case("23 two patients in one series", 5)
def _(folder):
    write_stack(folder, even()[:5])
    write_stack(folder, even()[5:], PatientID="P-2", name="b{}")


@case("24 two slices", 2)
def _(folder):
    write_stack(folder, even(2))


@case("25 spacing of 0", None)
def _(folder):
    write_stack(folder, even(), PixelSpacing=[0, 1.5])


def by_delineate(folder):
    from delineate.readers import read_studies

    place = next(folder.glob("*.zip"), folder)
    studies = read_studies(place)
    if not studies.accepted:
        raise ValueError(studies.volumes[0].report.refusals[0].text if studies.volumes else "none")
    return [
        (volume.image.array[0], volume.image.geometry.affine, (-1, -1, 1))
        for volume in studies.accepted
    ]


def by_simpleitk(folder):
    import SimpleITK as sitk

    reader = sitk.ImageSeriesReader()
    names = reader.GetGDCMSeriesFileNames(str(folder))
    reader.SetFileNames(names)
    image = reader.Execute()
    matrix = np.eye(4)
    steps = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    matrix[:3, :3], matrix[:3, 3] = steps[:, ::-1], image.GetOrigin()
    return [(sitk.GetArrayFromImage(image), matrix, (1, 1, 1))]


def by_highdicom(folder):
    import highdicom as hd

    datasets = [pydicom.dcmread(file) for file in sorted(folder.glob("*.dcm"))]
    if len(datasets) == 1:
        volume = hd.image.Image.from_dataset(datasets[0]).get_volume()
    else:
        volume = hd.get_volume_from_series(datasets)
    return [(volume.array, volume.affine, (1, 1, 1))]


def by_dicom2nifti(folder):
    import dicom2nifti
    import nibabel as nib

    out = folder.parent / "out.nii.gz"
    out.unlink(missing_ok=True)
    dicom2nifti.dicom_series_to_nifti(str(folder), str(out), reorient_nifti=False)
    image = nib.load(out)
    return [(np.asarray(image.dataobj), image.affine, (-1, -1, 1))]


READERS = {
    "delineate": by_delineate,
    "SimpleITK": by_simpleitk,
    "highdicom": by_highdicom,
    "dicom2nifti": by_dicom2nifti,
}


def is_right(array, affine, signs, slices):
    if array.ndim != 3 or slices not in array.shape:
        return False, f"shape {array.shape}"
    index = np.stack(np.meshgrid(*(np.arange(size) for size in array.shape), indexing="ij"), -1)
    world = (index @ affine[:3, :3].T + affine[:3, 3]) * signs
    error = np.abs(array - hounsfield(world))
    for phase in (0, 200):  # the second phase of case 10 is brighter by 200
        wrong = (np.abs(error - phase) > 5) & (array > -1000)
        if wrong.mean() < 0.03:
            return True, ""
    return False, f"off by up to {np.median(error):.0f} HU in the median, shape {array.shape}"


def judge(read, folder, slices):
    start = time.perf_counter()
    try:
        volumes = read(folder)
    except Exception as error:
        said = f"{type(error).__name__}: {str(error).strip()[:90]}"
        return {"outcome": "right: refused" if slices is None else "refused", "said": said}
    finally:
        seconds = time.perf_counter() - start
    if slices is None:
        return {"outcome": "WRONG", "said": f"gave shape {volumes[0][0].shape}"}
    answers = [is_right(*volume, slices) for volume in volumes]
    bad = [said for good, said in answers if not good]
    return {"outcome": "WRONG" if bad else "right", "said": "; ".join(bad), "s": round(seconds, 3)}


def main():
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    table = {}
    for name, (make, slices) in CASES.items():
        table[name] = {}
        for reader, read in READERS.items():
            with TemporaryDirectory() as place:
                folder = Path(place) / "in"
                folder.mkdir()
                make(folder)
                table[name][reader] = judge(read, folder, slices)
        print(f"{name:38s}", {reader: row["outcome"] for reader, row in table[name].items()})
    totals = {
        reader: {
            word: sum(row[reader]["outcome"].startswith(word) for row in table.values())
            for word in ("right", "refused", "WRONG")
        }
        for reader in READERS
    }
    from importlib.metadata import version

    versions = {
        name: version(name) for name in ("SimpleITK", "highdicom", "dicom2nifti", "pydicom")
    }
    result = {"versions": versions, "totals": totals}
    answer = "; ".join(
        f"{reader} {row['right']} as specified, {row['refused']} refused, {row['WRONG']} wrong"
        for reader, row in totals.items()
    )
    question = f"{len(table)} hard DICOM inputs: which reader is right, which silently wrong?"
    record(RESULTS, question, answer, {**result, "cases": table})
    print(answer)


if __name__ == "__main__":
    main()
