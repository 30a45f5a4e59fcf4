"""What predictions are judged by: a dataset, a folder of masks or of objects, or one file."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from delineate.core.case import Case
from delineate.core.errors import DatasetError, DelineateError
from delineate.core.geometry import Geometry
from delineate.core.image import Image, Mask
from delineate.core.instances import Instances
from delineate.core.labels import LabelTable
from delineate.datasets import DATASETS, open_dataset
from delineate.datasets.base import Dataset, patient_of, read_patients
from delineate.datasets.dicom_pairs import DicomPairs
from delineate.datasets.labelmaps import tells_objects
from delineate.datasets.legend import find_legend
from delineate.datasets.masks import OBJECT_ENDINGS, labels_of, masks_by_name, named_like
from delineate.datasets.objects import NUCLEUS
from delineate.readers import (
    find_files,
    read_image,
    read_instances,
    read_labels,
    read_mask,
    strip_suffix,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """The truth of one case, loaded when it is asked for."""

    geometry: Geometry
    """Its grid."""
    mask: Mask | None = None
    """Label ids; None if the file holds objects."""
    load_instances: Callable[[], Instances] | None = None
    """Reads the objects, where the truth tells them apart."""
    image: Image | None = None
    """What lies beneath, if it is known."""
    tissue: str | None = None
    """What it shows, if that is known."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """Where the truth is, whose, and what its numbers mean."""

    labels: LabelTable
    """Classes of the masks, or types of the objects."""
    patients: Mapping[str, str]
    """Whose each case is, by its id."""
    open: Callable[[str], Answer]
    """Opens a case by its id."""
    is_dataset: bool
    """Whether a case without a prediction is no failure, since a fold is only a part."""
    has_objects: bool
    """Whether it tells objects apart."""
    notes: tuple[str, ...] = ()
    """What a reader of the scores must know."""
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Other names by which predictions of a case may go, by its id."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """UID of the DICOM series that each case is, by its id, where files say so."""


def find_truth(
    path: Path,
    *,
    layout: str | None = None,
    images: Path | None = None,
    labels: LabelTable | None = None,
    has_objects: bool | None = None,
) -> Truth:
    """Find out what a truth is by looking at it.

    Args:
        path: The folder or zip of a dataset, a folder of masks or of objects, or one file.
        layout: Row of `DATASETS`; recognised by looking if left out.
        images: Folder of images to lie beneath masks without any.
        labels: What the numbers mean where no file says so.
        has_objects: Whether files hold ids of objects; None looks at them.

    Returns:
        The truth; no pixel was kept.

    Raises:
        DatasetError: If a dataset cannot be opened.
        FileError: If there is nothing to read.
    """
    kind = layout or next((name for name, k in DATASETS.items() if k.recognises(path)), None)
    if kind:
        beside = images if kind == DicomPairs.layout else None
        return _of_dataset(path, layout, has_objects, beside)
    files = masks_by_name(path)
    folder = path if path.is_dir() else path.parent
    owners = {**read_patients(folder.parent), **read_patients(folder)}
    beneath = {strip_suffix(file): file for file in find_files(images)} if images else {}
    if has_objects is None:
        has_objects = holds_objects(list(files.values()))
    if has_objects:
        table = _types(files.values()) or labels or NUCLEUS
    else:
        table = labels_of(folder, list(files.values()), otherwise=labels)
    made_up = (
        f"No file names the labels; {', '.join(table.names)} are made up from the truth's values."
    )

    return Truth(
        labels=table, patients={case: owners.get(case) or patient_of(case) for case in files},
        open=_Files(files=files, beneath=beneath, has_objects=has_objects),
        is_dataset=False, has_objects=has_objects,
        notes=() if table.names_known else (made_up,),
    )  # fmt: skip


def holds_objects(files: Sequence[Path]) -> bool:
    """Tell by looking whether files tell objects apart.

    Args:
        files: Masks, or lists of objects.

    Returns:
        True if all are lists of objects, or if the numbers of pictures look like ids and no
        file beside them or within names them as classes.
    """
    lists = [file for file in files if file.name.lower().endswith(OBJECT_ENDINGS)]
    if len(lists) == len(files):
        return True
    folder = files[0].parent
    if find_legend(folder) or find_legend(folder.parent) or not tells_objects(files):
        return False
    named = read_labels(files[0])
    return named is None or not set(np.unique(read_mask(files[0]).array).tolist()) <= named.values


def _types(files: Iterable[Path]) -> LabelTable | None:
    """Take the table of types of the first file, which the others share."""
    first = next(iter(files))
    try:
        return read_instances(first).labels
    except DelineateError:  # told when the case is scored
        return None


def _of_dataset(
    path: Path, layout: str | None, has_objects: bool | None, images: Path | None
) -> Truth:
    cases = _Cases(path=path, layout=layout, has_objects=bool(has_objects), images=images)
    dataset = cases.dataset
    ids = dataset.ids()
    if has_objects is None:
        has_objects = bool(ids) and dataset.case(ids[0]).load_instances is not None
    cases = replace(cases, has_objects=has_objects)
    vars(cases)["dataset"] = dataset  # this process need not open it once more
    return Truth(
        labels=dataset.labels, patients=dataset.patients(), open=cases, is_dataset=True,
        has_objects=has_objects,
        notes=tuple(dataset.problems()), names=dataset.other_names(), sources=dataset.sources(),
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Files:
    """Opens files by case; a value, so that other processes can do so, too."""

    files: Mapping[str, Path]
    beneath: Mapping[str, Path]
    has_objects: bool

    def __call__(self, case: str) -> Answer:
        image = named_like(case, self.beneath)
        picture = read_image(image) if image else None
        if self.has_objects:
            found = read_instances(self.files[case])
            return Answer(
                geometry=found.geometry, load_instances=lambda: found.instances, image=picture
            )
        mask = read_mask(self.files[case])
        return Answer(geometry=mask.geometry, mask=mask, image=picture)


@dataclass(frozen=True, kw_only=True)
class _Cases:
    """Opens cases of a dataset, which most processes open anew, since it may hold open files."""

    path: Path
    layout: str | None
    has_objects: bool
    images: Path | None = None

    @cached_property
    def dataset(self) -> Dataset:
        options = {} if self.images is None else {"images": self.images}
        return open_dataset(self.path, self.layout, **options)

    def __getstate__(self) -> dict[str, object]:
        state: dict[str, object] = {one.name: getattr(self, one.name) for one in fields(self)}
        if isinstance(self.dataset, DicomPairs):  # holds no file open, and took long to look at
            state["dataset"] = self.dataset
        return state

    def __call__(self, id: str) -> Answer:
        case = self.dataset.case(id)
        if case.mask is None:
            raise DatasetError(f"{id} has no truth in its dataset. Add its mask, or leave it out.")
        return Answer(
            geometry=case.mask.geometry,
            mask=case.mask,
            load_instances=case.load_instances if self.has_objects else None,
            image=case.image,
            tissue=_tissue(self.dataset, case),
        )


def _tissue(dataset: Dataset, case: Case) -> str | None:
    known = dataset.tissue(case.id) or case.facts.get("tissue")
    return str(known) if known else None
