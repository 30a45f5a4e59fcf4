"""What is said of a volume before its pixels are touched: sizes, syntaxes, values, scope."""

from collections.abc import Iterator

from delineate.core.findings import Finding, Severity
from delineate.readers.dicom_frames import Frame, Group
from delineate.readers.dicom_jpeg import PRECISION
from delineate.readers.dicom_tags import DEFLATED, EXTENDED, LOSSY, NATIVE, PLUGINS, SCANS

MAX_SIDE = 2**15
"""Rows or columns of a slice."""
MAX_VOXELS = 2**33
"""Voxels of a volume."""
FREE_BYTES = 2**26
"""Bytes that a file may unpack to, whatever its size."""
MAX_RATIO = 2_000
"""Times that a larger file may grow when it is unpacked."""
SEND_AGAIN = "Send or copy the file again."


def check_group(group: Group) -> Group:
    """Look at what the headers promise, and refuse before memory is taken for it.

    Args:
        group: Slices of one volume.

    Returns:
        The group with what was found: UNKNOWN_SYNTAX, TOO_LARGE, NO_PIXELS, TRUNCATED,
        UNSUPPORTED_PIXELS, LOSSY, MONOCHROME1, NO_RESCALE, IMAGER_SPACING or OUT_OF_SCOPE.
    """
    for finding in (*_refusals(group), *_notes(group)):
        group = Group(frames=group.frames, volume=group.volume, findings=(*group.findings, finding))
    return group


def _refusals(group: Group) -> Iterator[Finding]:
    frames = group.frames
    unknown = [frame for frame in frames if not _is_known(frame)]
    if unknown:
        names = sorted({_syntax_name(frame) for frame in unknown})
        yield _found(
            "UNKNOWN_SYNTAX",
            "refusal",
            f"{_files(unknown)} compressed as {', '.join(names)}, which cannot be unpacked here.",
            "Decompress the series first, for example with `gdcmconv --raw IN OUT`.",
            unknown,
        )
    for code, sentence, mend, is_so in (
        (
            "TOO_LARGE",
            "more pixels promised than such a file can hold",
            SEND_AGAIN,
            _is_bomb,
        ),
        ("NO_PIXELS", "no pixels", "Leave them out, or send the series again.", _is_empty),
        ("TRUNCATED", "fewer pixels than promised", SEND_AGAIN, _is_short),
        (
            "UNSUPPORTED_PIXELS",
            "pixels that are no whole numbers of 8, 16 or 32 bits",
            "Convert the series to 16 bits.",
            lambda frame: frame.values["allocated"] not in (8, 16, 32),
        ),
    ):
        bad = [frame for frame in frames if is_so(frame)]
        if bad:
            yield _found(code, "refusal", f"{_files(bad)} with {sentence}.", mend, bad)
            return
    rows, columns = frames[0].size
    if len(frames) * rows * columns > MAX_VOXELS:
        sentence = f"{len(frames)} slices of {rows} x {columns} are more than fit into memory."
        yield _found("TOO_LARGE", "refusal", sentence, "Part the series.", frames)


def _notes(group: Group) -> Iterator[Finding]:
    frames = group.frames
    first = frames[0]
    lossy = [frame for frame in frames if _is_lossy(frame)]
    if lossy:
        sentence = f"{_files(lossy)} compressed with loss, so values are not those of the scanner."
        yield _found("LOSSY", "note", sentence, "", lossy)
    inverse = [frame for frame in frames if frame.values["photometric"] == "MONOCHROME1"]
    if inverse:
        sentence = "White stands for the smallest value when shown; values were kept as they are."
        yield _found("MONOCHROME1", "note", sentence, "", inverse)
    bare = [frame for frame in frames if _lacks_rescale(frame)]
    if bare and first.modality == "CT":
        sentence = "Slope or intercept is absent; 1 and 0 were taken, so values may be no HU."
        yield _found(
            "NO_RESCALE", "note", sentence, "Compare air and water with -1000 and 0.", bare
        )
    flat = [frame for frame in frames if frame.plane["is_imager"]]
    if flat:
        sentence = "Pixel spacing was measured at the detector, not in the patient."
        yield _found("IMAGER_SPACING", "note", sentence, "Sizes in mm may be too large.", flat)
    if first.modality not in SCANS:
        sentence = f"Modality {first.modality or 'unknown'} is not among {', '.join(SCANS)}."
        yield _found("OUT_OF_SCOPE", "note", sentence, "Results may mean nothing.", ())


def _lacks_rescale(frame: Frame) -> bool:
    return frame.plane.get("slope") is None or frame.plane.get("intercept") is None


def _is_known(frame: Frame) -> bool:
    syntax = frame.values["syntax"]
    if syntax in NATIVE or syntax == DEFLATED:
        return True
    if syntax not in PLUGINS or (syntax == EXTENDED and frame.values["stored"] > PRECISION):
        return False
    from pydicom.pixels.decoders.base import get_decoder

    return PLUGINS[syntax] in get_decoder(syntax).available_plugins


def _syntax_name(frame: Frame) -> str:
    from pydicom.config import IGNORE
    from pydicom.uid import UID

    syntax = str(frame.values["syntax"])
    bits = f" of {frame.values['stored']} bits" if syntax == EXTENDED else ""
    name = UID(syntax, IGNORE).name
    return f"transfer syntax {syntax[:64]!r}" if name == syntax else f"{name}{bits}"


def _promised(frame: Frame) -> int:
    values = frame.values
    count = frame.num_frames if not frame.plane.get("tile") else 1
    return int(
        values["rows"] * values["columns"] * values["samples"] * count * values["allocated"] // 8
    )


def _is_bomb(frame: Frame) -> bool:
    values = frame.values
    if not (0 < values["rows"] <= MAX_SIDE and 0 < values["columns"] <= MAX_SIDE):
        return True
    if values["offset"] is not None or values["available"] is None:
        return _promised(frame) > 2**36
    return _promised(frame) > max(FREE_BYTES, MAX_RATIO * int(values["available"]))


def _is_empty(frame: Frame) -> bool:
    return bool(frame.values["available"] == 0)


def _is_short(frame: Frame) -> bool:
    values = frame.values
    if values["offset"] is None:
        return not bool(values.get("is_whole", True))
    return bool(values["available"] < _promised(frame))


def _is_lossy(frame: Frame) -> bool:
    syntax = frame.values["syntax"]
    return bool(frame.values["is_lossy"]) or syntax in LOSSY


def _files(frames: list[Frame]) -> str:
    names = list(dict.fromkeys(frame.file.name for frame in frames))
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more}"


def _found(
    code: str,
    severity: Severity,
    sentence: str,
    mend: str,
    frames: "list[Frame] | tuple[Frame, ...]",
) -> Finding:
    uids = tuple(dict.fromkeys(frame.sop_uid for frame in frames))
    return Finding(code=code, severity=severity, sentence=sentence, mend=mend, sop_uids=uids)
