"""Synthetic patients: T2-weighted abdomens with a known stomach, small and large bowel."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.case import Case
from delineate.core.errors import DatasetError
from delineate.core.files import whole, write_text
from delineate.core.geometry import Geometry
from delineate.core.image import Image, Mask
from delineate.core.labels import CodedConcept, Label, LabelTable
from delineate.core.progress import track
from delineate.datasets.base import Dataset, patient_of

_ORGANS = (
    ("stomach", "69695003", "Stomach", (243, 155, 127)),
    ("small_bowel", "30315005", "Small intestine", (0, 160, 135)),
    ("large_bowel", "14742008", "Large intestine", (77, 187, 213)),
)
LABELS = LabelTable(
    labels=tuple(
        Label(id=id, name=name, colour=colour, concept=CodedConcept(value=code, meaning=meaning))
        for id, (name, code, meaning, colour) in enumerate(_ORGANS, start=1)
    )
)
"""The organs that are known; all others are there to distract."""
CHANNEL = "MR T2"
SPACING_MM = (3.0, 1.5, 1.5)
SHAPE = (32, 128, 128)
LICENCE = "CC0-1.0"


def make_abdomen(
    seed: int,
    *,
    scan: int = 0,
    shape: Sequence[int] = SHAPE,
    spacing_mm: Sequence[float] = SPACING_MM,
) -> Case:
    """Make one scan of one synthetic patient.

    The truth is the same surfaces that the picture is painted from, taken at the voxels'
    centres: it is exact. The body always fills the picture, so a small picture is a small
    patient; bodies, fat, organs, contents, contrast and scanner differ.

    Args:
        seed: The patient; any whole number of at least 0.
        scan: Which scan of that patient: the same organs, other contents, pose and scanner.
        shape: Voxels (Z, Y, X), each at least 8.
        spacing_mm: Millimetres between voxels, (Z, Y, X).

    Returns:
        Case of id "phantom_0007_day2", image (1, Z, Y, X) uint16, mask (Z, Y, X) uint8.

    Raises:
        DatasetError: If the shape is not three numbers of at least 8.
    """
    if len(shape) != 3 or min(shape) < 8:
        raise DatasetError(
            f"shape of a phantom must be three numbers of at least 8, not {tuple(shape)}. "
            f"Pass one such as {SHAPE}."
        )
    from delineate.datasets.patient import paint_patient  # scipy only when one is made

    picture, truth = paint_patient(seed, scan, tuple(shape), tuple(spacing_mm))
    grid = _grid(tuple(shape), tuple(spacing_mm))
    name = f"phantom_{seed:04d}_day{scan}"
    return Case(
        id=name,
        patient=patient_of(name),
        image=Image.of(picture[None], grid, (CHANNEL,), source=name),
        mask=Mask.of(truth, grid, source=name),
        labels=LABELS,
        facts={"seed": seed, "scan": scan},
    )


def _grid(shape: tuple[int, ...], spacing_mm: tuple[float, ...]) -> Geometry:
    # Rows run to the back and columns to the left, as scanners store them; world is RAS.
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2] = spacing_mm[0], -spacing_mm[1], -spacing_mm[2]
    middle = affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    affine[:3, 3], affine[3, 3] = -middle, 1.0
    return Geometry(shape=shape, affine=affine)


class Phantoms(Dataset):
    """Synthetic patients made when asked for; the same seed gives the same voxels."""

    layout = "phantoms"
    name = "phantoms"
    licence = LICENCE
    labels = LABELS
    channels = (CHANNEL,)

    def __init__(
        self,
        path: str | Path = "phantoms",
        *,
        num_patients: int = 10,
        scans_per_patient: int = 1,
        seed: int = 0,
        shape: Sequence[int] = SHAPE,
    ) -> None:
        """Choose how many patients there are.

        Args:
            path: Ignored: they live in no folder.
            num_patients: How many people, at least 1.
            scans_per_patient: Scans of each, at least 1.
            seed: The first patient's seed; the others follow.
            shape: Voxels (Z, Y, X).

        Raises:
            DatasetError: If a number is too small.
        """
        if num_patients < 1 or scans_per_patient < 1:
            raise DatasetError(
                f"num_patients and scans_per_patient must be at least 1, not {num_patients} and "
                f"{scans_per_patient}. Pass larger numbers."
            )
        self._shape = tuple(shape)
        self._made = {
            f"phantom_{patient:04d}_day{scan}": (patient, scan)
            for patient in range(seed, seed + num_patients)
            for scan in range(scans_per_patient)
        }

    def ids(self) -> list[str]:
        """Name all scans.

        Returns:
            Case ids, patient after patient.
        """
        return list(self._made)

    def case(self, id: str) -> Case:
        """Make one scan.

        Args:
            id: One of `ids()`.

        Returns:
            The case, in memory.

        Raises:
            DatasetError: If there is no such scan.
        """
        if id not in self._made:
            raise DatasetError(f"There is no phantom {id!r}. The first is {self.ids()[0]!r}.")
        seed, scan = self._made[id]
        return make_abdomen(seed, scan=scan, shape=self._shape)

    def patient(self, id: str) -> str:
        """Say whose a scan is.

        Args:
            id: One of `ids()`.

        Returns:
            The patient's key.
        """
        return patient_of(id)

    def problems(self) -> list[str]:
        """List problems of layout: phantoms have none.

        Returns:
            Nothing.
        """
        return []

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Tell whether the path is the word "phantoms" and no folder.

        Args:
            path: What the user gave.

        Returns:
            True if so.
        """
        return str(path) == "phantoms" and not path.exists()


def write_dataset(
    folder: str | Path,
    num_patients: int,
    seed: int = 0,
    *,
    scans_per_patient: int = 1,
    shape: Sequence[int] = SHAPE,
) -> Path:
    """Write synthetic patients as an nnU-Net dataset.

    Args:
        folder: Where to; made if absent.
        num_patients: How many people.
        seed: The first patient's seed; the others follow.
        scans_per_patient: Scans of each.
        shape: Voxels (Z, Y, X).

    Returns:
        The folder, with imagesTr, labelsTr and dataset.json.
    """
    root = Path(folder)
    phantoms = Phantoms(
        num_patients=num_patients, scans_per_patient=scans_per_patient, seed=seed, shape=shape
    )
    ids = phantoms.ids()
    for id in track(ids, "making phantom patients", len(ids)):
        case = phantoms.case(id)
        grid = case.image.geometry
        _write_nifti(root / "imagesTr" / f"{id}_0000.nii.gz", case.image.array[0], grid)
        if case.mask is not None:
            _write_nifti(root / "labelsTr" / f"{id}.nii.gz", case.mask.array, grid)
    card = {
        "name": "phantoms",
        "description": "Synthetic T2-weighted abdomens with exact truth, made by Delineate.",
        "licence": LICENCE,
        "channel_names": {"0": CHANNEL},
        "labels": {"background": 0, **{label.name: label.id for label in LABELS.labels}},
        "numTraining": len(ids),
        "file_ending": ".nii.gz",
    }
    write_text(root / "dataset.json", json.dumps(card, indent=2) + "\n")
    return root


def _write_nifti(path: Path, array: NDArray[Any], grid: Geometry) -> None:
    import nibabel as nib

    affine = grid.affine[:, [2, 1, 0, 3]]  # columns (Z, Y, X) -> (X, Y, Z)
    image = nib.Nifti1Image(np.transpose(array), affine)  # type: ignore[no-untyped-call]
    image.header.set_xyzt_units("mm")  # type: ignore[no-untyped-call]
    image.set_sform(affine, code=1)  # type: ignore[no-untyped-call]
    image.set_qform(affine, code=1)  # type: ignore[no-untyped-call]
    with whole(path) as draft:
        nib.save(image, draft)
