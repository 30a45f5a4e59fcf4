"""How large a pixel of a TIFF is: four ways to say it, and one that lies.

Cameras and programs write 72 or 96 dots an inch into any TIFF. That is no microscope, so
resolution tags count only where they give what microscopes have.
"""

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from delineate.core.geometry import Geometry

Tag = float | Sequence[int] | None
"""A number, a fraction (numerator, denominator), or nothing."""
PLAUSIBLE_UM = (0.05, 5.0)
"""Micrometres to a pixel that a scan of tissue has."""
UNITS_UM = {"nm": 1e-3, "µm": 1.0, "\u03bcm": 1.0, "um": 1.0, "micron": 1.0, "mm": 1e3, "cm": 1e4}
"""Units by how OME and ImageJ write them, in micrometres."""
TAG_UNITS_UM = {2: 25400.0, 3: 10000.0}
"""Inch and centimetre, by the number in the tag."""


def find_resolution(
    comment: str,
    x_tag: Tag,
    y_tag: Tag,
    unit: int,
    shape: tuple[int, ...],
) -> Geometry | None:
    """Find the size of a pixel in what a TIFF says of itself.

    Args:
        comment: The description of the first page.
        x_tag: Pixels to a unit along x, a number or a fraction (numerator, denominator), or None.
        y_tag: The same along y.
        unit: The unit's number in the tag: 2 inch, 3 centimetre.
        shape: Spatial shape, (Y, X).

    Returns:
        The grid, or None if nothing plausible is said.
    """
    if len(shape) != 2:
        return None
    found = _of_ome(comment) or _of_aperio(comment) or _of_imagej(comment, x_tag, y_tag)
    found = found or _of_tags(x_tag, y_tag, unit)
    low, high = PLAUSIBLE_UM
    if found is None or not all(low <= step <= high for step in found):
        return None
    return Geometry.of_spacing(shape, [step / 1000 for step in found])


def _of_ome(comment: str) -> tuple[float, float] | None:
    if "<OME" not in comment or "<!DOCTYPE" in comment:
        return None
    try:
        root = ElementTree.fromstring(comment)  # noqa: S314 - no DOCTYPE, so nothing expands
    except ElementTree.ParseError:
        return None
    for entry in root.iter():
        if entry.tag.endswith("Pixels") and "PhysicalSizeX" in entry.attrib:
            steps = []
            for axis in "YX":
                said = axis if f"PhysicalSize{axis}" in entry.attrib else "X"
                unit = entry.get(f"PhysicalSize{said}Unit", "µm")
                size = _float(entry.attrib[f"PhysicalSize{said}"])
                steps.append(size * UNITS_UM.get(unit, 0.0))
            return steps[0], steps[1]
    return None


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:  # implausible is what it means, and so it is treated
        return 0.0


def _of_aperio(comment: str) -> tuple[float, float] | None:
    found = re.search(r"\bMPP\s*=\s*([0-9.]+)", comment)
    return (_float(found[1]), _float(found[1])) if found else None


def _of_imagej(comment: str, x_tag: Tag, y_tag: Tag) -> tuple[float, float] | None:
    unit = re.search(r"^unit=(.+)$", comment, re.MULTILINE) if "ImageJ=" in comment else None
    scale = UNITS_UM.get(_unescaped(unit[1]).strip()) if unit else None
    return None if scale is None else _steps(x_tag, y_tag, scale)


def _unescaped(unit: str) -> str:
    return unit.replace("\\u00B5", "µ").replace("\\u00b5", "µ")


def _of_tags(x_tag: Tag, y_tag: Tag, unit: int) -> tuple[float, float] | None:
    scale = TAG_UNITS_UM.get(unit)
    return None if scale is None else _steps(x_tag, y_tag, scale)


def _steps(x_tag: Tag, y_tag: Tag, scale: float) -> tuple[float, float] | None:
    density = [_number(tag) for tag in (y_tag, x_tag)]
    if not all(density):
        return None
    return scale / density[0], scale / density[1]


def _number(tag: Tag) -> float:
    if tag is None:
        return 0.0
    if isinstance(tag, Sequence):
        return tag[0] / tag[1] if tag[1] else 0.0
    return float(tag)
