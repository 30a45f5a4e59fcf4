"""What a label means in codes: category, type, side, region and colour, found by its name.

A side is always a modifier beside the type (kidney + left), never a code of its own, so that no
object says "left" and "right" at once. A name that the table does not know gets a private code
(scheme 99DELINEATE) made of the name itself, and is never forced into a near one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256

from delineate.core.labels import PALETTE, CodedConcept, Label, LabelTable
from delineate.core.terms import TERMS, Term

PRIVATE = "99DELINEATE"
"""Coding scheme of labels that no standard code is known for."""
ANATOMY = CodedConcept(value="91723000", meaning="Anatomical Structure")
"""Category of organs in DICOM's context group 7150; others write 123037004, and are understood."""
ABNORMAL = CodedConcept(value="49755003", meaning="Morphologically Abnormal Structure")
"""Category of what is abnormal."""
CATEGORIES = {"organ": ANATOMY, "pathology": ABNORMAL, "cell": ANATOMY}
MODIFIERS = {
    "left": CodedConcept(value="7771000", meaning="Left"),
    "right": CodedConcept(value="24028007", meaning="Right"),
    "bilateral": CodedConcept(value="51440002", meaning="Bilateral"),
    "anterior": CodedConcept(value="255549009", meaning="Anterior"),
    "posterior": CodedConcept(value="255551008", meaning="Posterior"),
}
"""Words that become a modifier of the type."""
SIDES = ("left", "right", "bilateral")
WORDS = {
    "l": "left", "lt": "left", "r": "right", "rt": "right", "both": "bilateral",
    "ant": "anterior", "post": "posterior", "bowel": "intestine", "vertebrae": "vertebra",
    "nuclei": "nucleus", "oesophagus": "esophagus", "tumour": "tumor", "oedema": "edema",
    "grey": "gray", "lymphnode": "lymph node", "smallbowel": "small intestine",
    "largebowel": "large intestine", "spinalcord": "spinal cord",
    "urinarybladder": "urinary bladder",
}  # fmt: skip
"""Other ways to write a word."""
EMPTY_WORDS = frozenset({"of", "the", "and", "structure", "region"})
HIPPOCAMPUS = frozenset({"anterior", "posterior"})
"""The names in the Decathlon's hippocampus, which leave out what they are an end of."""


@dataclass(frozen=True, kw_only=True)
class Coded:
    """A label in codes."""

    category: CodedConcept
    """What kind of thing it is."""
    type: CodedConcept
    """What it is."""
    modifiers: tuple[CodedConcept, ...] = ()
    """Side and end of it."""
    region: CodedConcept | None = None
    """Where it is, for what is abnormal."""
    region_modifiers: tuple[CodedConcept, ...] = ()
    """Side and end of the region."""
    colour: tuple[int, int, int]
    """Red, green and blue, 0 to 255."""
    is_known: bool
    """False if the type is private, since no code is known for the name."""


def codes_of(labels: LabelTable) -> tuple[Coded, ...]:
    """Code every label of a table.

    A label's own concept overrules the table; so does its own colour, unless it is the one that
    labels are given by their place.

    Args:
        labels: The table.

    Returns:
        One row a label, in the table's order.
    """
    are_ends = {label.name.strip().lower() for label in labels.labels} == HIPPOCAMPUS
    found = []
    for place, label in enumerate(labels.labels):
        coded = code_of(f"hippocampus {label.name}" if are_ends else label.name)
        is_given = label.colour == PALETTE[place % len(PALETTE)]
        coded = coded if is_given else replace(coded, colour=label.colour)
        found.append(_overruled(coded, label))
    return tuple(found)


def code_of(name: str) -> Coded:
    """Code one name, whatever the order of its words, their joints and their spelling.

    Args:
        name: Such as "kidney_left", "left kidney", "KidneyLeft" or "liver tumour".

    Returns:
        Its codes; of an unknown name category Anatomical Structure and a private type.

    Example:
        >>> coded = code_of("kidney_left")
        >>> coded.type.meaning, [side.meaning for side in coded.modifiers]
        ('Kidney', ['Left'])
        >>> code_of("flux capacitor").type.scheme
        '99DELINEATE'
    """
    words = _words(name)
    return _organ(words) or _abnormal(words) or _private(name)


def colour_to_cielab(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    """Turn sRGB into the CIELab values of DICOM, D50, scaled to 16 bits.

    Args:
        colour: Red, green and blue, 0 to 255.

    Returns:
        L* of 0 to 100 and a* and b* of -128 to 127, each as 0 to 65535.

    Source:
        DICOM PS3.3 C.10.7.1.1; sRGB to XYZ at D50 after IEC 61966-2-1 and Bradford.
    """
    light = [_linear(part / 255) for part in colour]
    ratios = [
        _root(sum(weight * part for weight, part in zip(row, light, strict=True)) / white)
        for row, white in zip(XYZ, WHITE, strict=True)
    ]
    lightness = 116 * ratios[1] - 16
    a, b = 500 * (ratios[0] - ratios[1]), 200 * (ratios[1] - ratios[2])
    return (
        round(lightness / 100 * 65535),
        round((a + 128) / 255 * 65535),
        round((b + 128) / 255 * 65535),
    )


def cielab_to_colour(values: tuple[int, int, int]) -> tuple[int, int, int]:
    """Turn what `colour_to_cielab` gives into sRGB again.

    Args:
        values: L*, a* and b*, each as 0 to 65535.

    Returns:
        Red, green and blue, 0 to 255.
    """
    y = (values[0] / 65535 * 100 + 16) / 116
    x = y + (values[1] / 65535 * 255 - 128) / 500
    z = y - (values[2] / 65535 * 255 - 128) / 200
    xyz = [white * _unroot(ratio) for white, ratio in zip(WHITE, (x, y, z), strict=True)]
    red, green, blue = (
        round(255 * _gamma(sum(weight * part for weight, part in zip(row, xyz, strict=True))))
        for row in RGB
    )
    return red, green, blue


XYZ = (
    (0.4360747, 0.3850649, 0.1430804),
    (0.2225045, 0.7168786, 0.0606169),
    (0.0139322, 0.0971045, 0.7141733),
)
"""Linear sRGB to XYZ, adapted to D50."""
RGB = (
    (3.1338561, -1.6168667, -0.4906146),
    (-0.9787684, 1.9161415, 0.0334540),
    (0.0719453, -0.2289914, 1.4052427),
)
"""The way back."""
WHITE = (0.96422, 1.0, 0.82521)
"""XYZ of white, D50."""


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _gamma(part: float) -> float:
    kept = min(max(part, 0.0), 1.0)
    return 12.92 * kept if kept <= 0.0031308 else 1.055 * kept ** (1 / 2.4) - 0.055


def _root(ratio: float) -> float:
    return ratio ** (1 / 3) if ratio > (6 / 29) ** 3 else ratio / (3 * (6 / 29) ** 2) + 4 / 29


def _unroot(ratio: float) -> float:
    return ratio**3 if ratio > 6 / 29 else 3 * (6 / 29) ** 2 * (ratio - 4 / 29)


def _words(name: str) -> frozenset[str]:
    """Split a name into words that do not depend on case, joints, plural and spelling."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    parts = re.findall(r"[^\W_]+", spaced.lower())
    spelt = " ".join(WORDS.get(part, part) for part in parts).split()
    singular = (part[:-1] if len(part) > 3 and part.endswith("s") else part for part in spelt)
    return frozenset(singular) - EMPTY_WORDS


@cache
def _index() -> Mapping[frozenset[str], Term]:
    return {_words(name): term for term in TERMS for name in term.names}


def _organ(words: frozenset[str]) -> Coded | None:
    """Find a whole name, taking sides and ends off it where a term allows that."""
    said = sorted(words & MODIFIERS.keys(), key=list(MODIFIERS).index)
    index = _index()
    tries: list[tuple[frozenset[str], list[str]]] = [(words, [])]
    tries += [(words - {word}, [word]) for word in said]
    tries += [(words - set(said), said)]
    for rest, taken in tries:
        term = index.get(rest) or index.get(_numberless(rest))
        sides = [word for word in taken if word in SIDES]
        if term is None or len(sides) > 1 or (sides and not term.is_paired):
            continue
        return Coded(
            category=CATEGORIES[term.kind],
            type=CodedConcept(value=term.code, meaning=term.meaning),
            modifiers=tuple(MODIFIERS[word] for word in taken),
            colour=term.colour,
            is_known=True,
        )
    return None


def _numberless(words: frozenset[str]) -> frozenset[str]:
    """Ribs are counted in names, but share one code in DICOM's dictionary."""
    return frozenset({"rib"}) if "rib" in words and _only_numbers(words - {"rib"}) else words


def _only_numbers(words: frozenset[str]) -> bool:
    return all(word.isdecimal() for word in words)


def _abnormal(words: frozenset[str]) -> Coded | None:
    """Split "liver tumour" into what it is and where."""
    for term in TERMS:
        if term.kind != "pathology":
            continue
        for name in term.names:
            where = _organ(words - _words(name)) if _words(name) < words else None
            if where is not None:
                return Coded(
                    category=ABNORMAL,
                    type=CodedConcept(value=term.code, meaning=term.meaning),
                    region=where.type,
                    region_modifiers=where.modifiers,
                    colour=term.colour,
                    is_known=True,
                )
    return None


def _private(name: str) -> Coded:
    digest = sha256(" ".join(sorted(_words(name))).encode("utf-8")).digest()
    red, green, blue = PALETTE[digest[0] % len(PALETTE)]
    kind = CodedConcept(value=f"L{digest.hex()[:12]}", scheme=PRIVATE, meaning=name.strip()[:64])
    return Coded(category=ANATOMY, type=kind, colour=(red, green, blue), is_known=False)


def _overruled(coded: Coded, label: Label) -> Coded:
    if label.concept is None or label.concept.value == coded.type.value:
        return coded
    concept = replace(label.concept, meaning=label.concept.meaning or label.name)
    return replace(coded, type=concept, is_known=True)
