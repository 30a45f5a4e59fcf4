"""Objects of a picture of any size: the network runs in bands, decoding follows behind.

Each pixel of the maps comes from one tile, seen with a rim around it; nothing is blended. Only
the bands of maps that decoding still needs are held, so memory grows with a picture's width and
not with its area.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from delineate.core.image import Image
from delineate.core.instances import Instances
from delineate.core.plan import Plan
from delineate.core.progress import track
from delineate.infer.bundle import num_outputs
from delineate.infer.decoders import Maps, make_decoder, read_heads
from delineate.infer.mosaic import Core, Owned, decode_core, gather, lay_cores
from delineate.infer.scaling import Scaled, paint_scaled
from delineate.infer.tissue import zoom
from delineate.transforms.intensity import normalise

TILE = 1024
"""Side of the part that a tile answers for, in working pixels; a multiple of any stride."""
RIM = 64
"""Pixels around it that the network sees besides."""
SURE = 10.0
"""Logit of background where a tile is blank."""
WHITE = 235
"""A tile whose darkest value is this bright is glass."""

Network = Callable[[Tensor], Tensor]
"""Maps tiles (N, 3, y, x) in [0, 1] to logits (N, 3 + K, y, x)."""


def find_objects(image: Image, plan: Plan, network: Network) -> Instances:
    """Find the objects of a picture.

    Args:
        image: Red, green and blue, (3, Y, X), uint8, of known resolution.
        plan: A plan of objects.
        network: Maps tiles to logits.

    Returns:
        Objects on the picture's own grid, by the rows, then columns of their centres; none is a
        valid answer.
    """
    height, width = (
        max(1, round(size * factor))
        for size, factor in zip(image.geometry.shape, zoom(image.geometry, plan), strict=True)
    )
    bands = Bands(picture=Scaled.of(image.array, (height, width)), plan=plan, network=network)
    decoder = make_decoder(plan.decoder, **plan.decoder_options)
    cores = lay_cores((height, width), TILE)
    places: Iterable[Core] = cores
    if len(cores) > 1:
        places = track(cores, f"finding objects in {image.source}", len(cores))
    found = gather(decode_core(bands.read, (height, width), decoder, place) for place in places)
    bands.held.clear()
    ids = np.zeros(image.geometry.shape, np.int32)
    areas = paint_scaled(found, ids, (height, width))
    return _as_instances(ids, found, areas > 0, plan)


def tell_facts(found: Instances, picture: Image, seconds: float) -> dict[str, Any]:
    """Say what was found, in what, and how fast.

    Args:
        found: The objects.
        picture: The picture.
        seconds: Time that it took.

    Returns:
        Number of objects, um to the pixel, megapixels per second, what was changed before.
    """
    return {
        "num_objects": found.count,
        "mpp": round(picture.geometry.spacing_mm[-1] * 1000, 6),
        "megapixels_per_second": round(found.ids.size / 1e6 / max(seconds, 1e-6), 2),
        "notes": list(picture.notes),
    }


@dataclass(kw_only=True, eq=False)
class Bands:
    """Maps of a picture, made band by band as they are asked for, from top to bottom."""

    picture: Scaled
    """The picture on the working grid, (3, Y, X)."""
    plan: Plan
    """The plan."""
    network: Network
    """Maps tiles to logits."""
    held: dict[int, NDArray[np.float16]] = field(default_factory=dict)
    """Logits of the bands that are still needed, (3 + K, rows, X), by number."""

    def __post_init__(self) -> None:
        """Choose the bands: one tile for a picture that is hardly larger than one."""
        height, width = self.picture.shape
        self.tile = max(height, width) if max(height, width) <= TILE + 4 * RIM else TILE

    def read(self, rows: slice, columns: slice) -> Maps:
        """Give the maps of a window; bands above its first row are let go.

        Args:
            rows: Rows of the window; it may not begin above what was read before.
            columns: Columns of the window.

        Returns:
            The maps.
        """
        first, last = rows.start // self.tile, (rows.stop - 1) // self.tile
        for number in [band for band in self.held if band < first]:
            del self.held[number]
        for number in range(first, last + 1):
            if number not in self.held:
                self.held[number] = self._make(number)
        parts = []
        for number in range(first, last + 1):
            top = number * self.tile
            inner = slice(max(rows.start - top, 0), rows.stop - top)
            parts.append(self.held[number][:, inner, columns])
        return read_heads(torch.from_numpy(np.concatenate(parts, axis=1)))

    def _make(self, number: int) -> NDArray[np.float16]:
        height, width = self.picture.shape
        rows = slice(number * self.tile, min((number + 1) * self.tile, height))
        shape = (num_outputs(self.plan), rows.stop - rows.start, width)
        band = np.zeros(shape, np.float16)
        for left in range(0, width, self.tile):
            columns = slice(left, min(left + self.tile, width))
            band[:, :, columns] = self._answer(rows, columns)
        return band

    def _answer(self, rows: slice, columns: slice) -> NDArray[np.float16]:
        seen = [
            slice(max(part.start - RIM, 0), min(part.stop + RIM, length))
            for part, length in zip((rows, columns), self.picture.shape, strict=True)
        ]
        pixels = self.picture.window(*seen)
        if is_blank(pixels):
            shape = (num_outputs(self.plan), rows.stop - rows.start, columns.stop - columns.start)
            logits = np.zeros(shape, np.float16)
            logits[0] = -SURE
            return logits
        tile = torch.from_numpy(normalise(pixels, self.plan.normalisation))[None]
        inner = [
            slice(part.start - around.start, part.stop - around.start)
            for part, around in zip((rows, columns), seen, strict=True)
        ]
        answer: NDArray[np.float16] = (
            self.network(tile)[0][(slice(None), *inner)].half().cpu().numpy()
        )
        return answer


def is_blank(pixels: NDArray[np.uint8]) -> bool:
    """Tell whether a tile shows nothing but glass, or nothing at all.

    Args:
        pixels: Red, green and blue, (3, Y, X), uint8.

    Returns:
        True if every value is nearly white, or every channel is the same everywhere.
    """
    if int(pixels.min()) >= WHITE:
        return True
    return bool((pixels == pixels[:, :1, :1]).all())


def _as_instances(
    ids: NDArray[np.int32], found: Owned, kept: NDArray[np.bool_], plan: Plan
) -> Instances:
    """Drop objects that lost all their pixels on the native grid, and name the types."""
    if not kept.all():
        table = np.concatenate([[0], np.where(kept, np.cumsum(kept), 0)]).astype(np.int32)
        for row in ids:  # one by one, since looking up widens every id to 8 bytes
            row[:] = table[row]
    names = np.array([label.id for label in plan.labels.labels], dtype=np.int16)
    types = names[found.types[kept] - 1] if found.count else np.zeros(0, np.int16)
    return Instances(
        ids=ids,
        types=types,
        confidence=found.confidence[kept],
        type_probability=found.type_probability[kept],
    )
