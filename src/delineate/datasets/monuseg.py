"""MoNuSeg 2018: H&E tiles at 40x of seven organs, each nucleus outlined by hand."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from delineate.core.case import Case
from delineate.core.errors import DatasetError, DelineateError
from delineate.core.image import Image
from delineate.core.instances import Instances
from delineate.core.rasters import Centre, Stacking, rasterise
from delineate.datasets.aperio import Drawing, drawn_objects, read_aperio, sentence
from delineate.datasets.archive import decoded, picture_size
from delineate.datasets.base import Dataset
from delineate.datasets.monuseg_files import find_zips, is_unpacked, look
from delineate.datasets.objects import COLOURS, NUCLEUS, checked_mpp, grid_of, objects_case
from delineate.datasets.tcga import organ_of, patient_in
from delineate.readers import natural_order

ASSUMED_MPP = 0.25
"""Micrometres per pixel where the annotation is silent: all of MoNuSeg was scanned at 40x."""
MOVED = {
    "matlab": ", and moved by a pixel onto the official convention",
    "half": ", and moved by half a pixel onto the picture",
    "skimage": "",
}
"""What was done to colour masks, by the convention that was asked for."""
LONE = "of a few pixels that touch no other were left out"


class MoNuSeg(Dataset):
    """The zip as the challenge hands it out, unpacked or not, and colour masks beside it.

    Every region of every layer counts. Polygons are kept in `Instances.outlines`, moved so that
    the first pixel's centre is (0, 0); with the official convention that is the file's number
    minus 1. Images whose XML is absent but that have a picture of one colour a nucleus
    (`Color_masks/`) are taken, too; `facts["truth"]` says which.
    """

    layout = "monuseg"
    name = "MoNuSeg"
    licence = "CC BY-NC-SA 4.0"
    labels = NUCLEUS
    channels = COLOURS

    def __init__(
        self,
        path: str | Path,
        *,
        mpp: float | None = None,
        order: Stacking = "first",
        centre: Centre = "matlab",
    ) -> None:
        """Look at the names; no pixel and no outline is read.

        Args:
            path: The zip, the folder it unpacks to, or a folder that holds either.
            mpp: Micrometres per pixel, overruling the files.
            order: Who keeps a pixel that several outlines claim; "first" is official.
            centre: Where the files put the first pixel's centre; "matlab" is official.

        Raises:
            DatasetError: If nothing in it can be used.
        """
        self.root = Path(path)
        self._mpp = checked_mpp(mpp)
        self._order, self._centre = order, centre
        rasterise([], (1, 1), order=order, centre=centre)  # refuses unknown words at once
        self._found = look(self.root)
        truths = self._found.drawings.keys() | self._found.colours.keys()
        self._ids = sorted(self._found.images.keys() & truths, key=natural_order)
        self._counts: dict[str, dict[str, int]] = {}
        if not self._ids:
            raise DatasetError(
                f"{self.root} has no image that goes with an XML of the same name. "
                f"{' '.join(self.problems()[:3]) or 'Pass the zip or the folder of MoNuSeg.'}"
            )

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Tell whether the path is a zip, or a folder like the unpacked one.

        Args:
            path: A file or a folder.

        Returns:
            True for a zip, for "Tissue Images" beside "Annotations" or "Color_masks", for TCGA
            images beside their XML, and for a folder that holds such a folder or zip.
        """
        if path.suffix.lower() == ".zip" and path.is_file():
            return True
        if not path.is_dir():
            return False
        try:
            return bool(find_zips(path)) or any(
                is_unpacked(folder)
                for folder in (path, *(entry for entry in path.iterdir() if entry.is_dir()))
            )
        except OSError:  # a folder that may not be listed is refused with reasons later
            return False

    def ids(self) -> list[str]:
        """Name the images that have a truth.

        Returns:
            Case ids in natural order.
        """
        return list(self._ids)

    def case(self, id: str) -> Case:
        """Read the picture's header and the outlines; they are painted when first touched.

        Args:
            id: One of `ids()`.

        Returns:
            The case.

        Raises:
            DatasetError: If there is no such case.
        """
        if id not in self._ids:
            raise DatasetError(f"{self.name} has no usable case {id!r}. See `delineate describe`.")
        drawing, entry = self._drawing(id), self._found.images[id]
        shape = picture_size(entry.read(), entry.where)
        mpp, mpp_from = self._resolution(drawing)
        image = Image(
            geometry=grid_of(shape, mpp),
            channels=COLOURS,
            load=lambda: decoded(entry.read(), entry.where, as_colours=True),
            source=entry.where,
        )
        return objects_case(
            id=id,
            patient=self.patient(id),
            image=image,
            labels=NUCLEUS,
            load=lambda: self._objects(id, drawing, shape),
            facts={
                "dataset": self.name,
                "tissue": self.tissue(id),
                "truth": "raster" if drawing is None else "polygons",
                "mpp_from": mpp_from,
            },
            history=[sentence(*item) for item in (drawing.set_aside.items() if drawing else ())],
        )

    def patient(self, id: str) -> str:
        """Say whose a case is.

        Args:
            id: One of `ids()`.

        Returns:
            The first three parts of the TCGA barcode.
        """
        return patient_in(id)

    def tissue(self, id: str) -> str | None:
        """Say which organ a case shows, by the tissue source site in its name.

        Args:
            id: One of `ids()`.

        Returns:
            Such as "kidney"; None for a site that the challenge does not list.
        """
        return organ_of(id)

    def aligned(self) -> "MoNuSeg":
        """Paint the outlines where they were drawn, half a pixel off the official convention.

        Returns:
            The same cases.
        """
        return MoNuSeg(self.root, mpp=self._mpp, order=self._order, centre="half")

    def problems(self) -> list[str]:
        """List images without a truth and truths without their image.

        Returns:
            One sentence a problem.
        """
        images, truths = self._found.images, {**self._found.colours, **self._found.drawings}
        lacking = [(id, f"an image ({images[id].name}) but no XML") for id in images]
        lacking += [(id, f"a truth ({truths[id].name}) but no image") for id in truths]
        whole = images.keys() & truths.keys()
        return [f"{id} has {what}; it is left out." for id, what in lacking if id not in whole]

    def remarks(self) -> list[str]:
        """List what was assumed and what was left out; this reads every truth.

        Returns:
            One sentence each.
        """
        silent, cases_of = [], defaultdict(list)
        totals: dict[str, int] = defaultdict(int)
        for id in self._ids:
            try:
                drawing = self._drawing(id)
                counts = self._counted(id, drawing)
            except DelineateError:  # whoever reads the case is told
                continue
            if self._resolution(drawing)[1] == "assumed":
                silent.append(id)
            for reason, number in counts.items():
                totals[reason] += number
                cases_of[reason].append(id)
        remarks = [
            f"{sentence(reason, totals[reason])[:-1]} (in {_few(cases_of[reason])})."
            for reason in totals
        ]
        if silent:
            remarks.append(
                f"No file says how large a pixel of {_few(silent)} is; {ASSUMED_MPP} micrometres "
                "are assumed, since MoNuSeg is defined at 40x. Pass mpp to correct it."
            )
        rasters = [id for id in self._ids if id not in self._found.drawings]
        if rasters:
            remarks.append(
                f"The truth of {_few(rasters)} was read from colour masks, since its XML is "
                f"absent{MOVED[self._centre]}; outlines are not known there."
            )
        return remarks

    def _drawing(self, id: str) -> Drawing | None:
        entry = self._found.drawings.get(id)
        return None if entry is None else read_aperio(entry.read(), entry.where)

    def _resolution(self, drawing: Drawing | None) -> tuple[float, str]:
        if self._mpp is not None:
            return self._mpp, "by hand"
        if drawing is not None and drawing.mpp is not None:
            return drawing.mpp, "annotation"
        return ASSUMED_MPP, "assumed"

    def _counted(self, id: str, drawing: Drawing | None) -> dict[str, int]:
        # A truth that was painted before is not painted again.
        if id not in self._counts:
            entry = self._found.images[id]
            self._objects(id, drawing, picture_size(entry.read(), entry.where))
        return {**(drawing.set_aside if drawing else {}), **self._counts[id]}

    def _objects(self, id: str, drawing: Drawing | None, shape: tuple[int, int]) -> Instances:
        if drawing is not None:
            instances, self._counts[id] = drawn_objects(
                drawing, shape, order=self._order, centre=self._centre
            )
            return instances
        from delineate.datasets.colourmask import ids_of_colours  # scipy only where needed

        entry = self._found.colours[id]
        colours = np.moveaxis(decoded(entry.read(), entry.where, as_colours=True), 0, -1)
        ids, lost = ids_of_colours(colours, self._centre)
        self._counts[id] = {LONE: lost} if lost else {}
        return Instances(ids=ids, types=np.ones(int(ids.max(initial=0)), dtype=np.int16))


def _few(ids: Sequence[str]) -> str:
    return ", ".join(ids[:3]) + (f" and {len(ids) - 3} more" if len(ids) > 3 else "")
