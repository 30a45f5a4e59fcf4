"""MetaImage (.mha, .mhd), read by hand.

The only library that reads it is ITK, whose 50 MB would come in for a text header and a zlib
block; 150 lines do, and ITK is their judge in the tests.
"""

import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import FileError
from delineate.core.geometry import Geometry
from delineate.readers.content import AnyArray, Content, check_spacing, native, placed
from delineate.readers.guard import guarded, present

TYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2",
    "MET_INT": "i4", "MET_UINT": "u4", "MET_LONG": "i4", "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4", "MET_DOUBLE": "f8",
}  # fmt: skip
MAX_HEADER_BYTES = 65536


def open_metaimage(path: Path) -> Content:
    """Read the header of a MetaImage.

    Args:
        path: A .mha file, or a .mhd file with its data file beside it.

    Returns:
        Its content, (C, Z, Y, X) or (C, Y, X).

    Raises:
        FileError: If it is damaged, or its data are spread over several files.
    """
    with guarded(present(path), "MetaImage"):
        header, offset = _read_header(path)
        sizes = [int(size) for size in header["DimSize"].split()]
        num_channels = int(header.get("ElementNumberOfChannels", "1"))
        kind = np.dtype(TYPES[header["ElementType"].removesuffix("_ARRAY")])
        while len(sizes) > 3 and sizes[-1] == 1:
            sizes.pop()
    if len(sizes) not in (2, 3):
        raise FileError(
            f"{path} has the sizes {sizes}, but two or three axes are needed. Split it."
        )
    with guarded(path, "MetaImage"):
        matrix, has_spacing = _place(header, len(sizes), path)
    grid = placed(sizes[::-1], matrix, path)
    return Content(
        geometry=Geometry(shape=grid.shape, affine=grid.affine, is_physical=has_spacing),
        load=lambda: _load(path, header, offset, kind, (*grid.shape, num_channels)),
        source=str(path),
        num_channels=num_channels,
        notes=() if has_spacing else (f"{path.name} has no spacing; a unit is one voxel.",),
    )


def _read_header(path: Path) -> tuple[dict[str, str], int]:
    header: dict[str, str] = {}
    with path.open("rb") as stream:
        while "ElementDataFile" not in header:
            line = stream.readline(4096)
            key, sign, value = line.decode("utf-8").partition("=")
            if not sign or stream.tell() > MAX_HEADER_BYTES:
                raise ValueError("a line of its header is no KEY = VALUE")
            header[key.strip()] = value.strip()
        return header, stream.tell()


def _place(header: dict[str, str], dims: int, path: Path) -> tuple[NDArray[np.float64], bool]:
    """Find array index to RAS+ mm; each line of TransformMatrix is one axis' direction in LPS."""
    has_spacing = "ElementSpacing" in header or "ElementSize" in header
    text = header.get("ElementSpacing", header.get("ElementSize", "1 " * dims))
    steps = [float(step) for step in text.split()][:dims]
    check_spacing(steps, path)
    matrix = np.eye(dims + 1)
    for key in ("TransformMatrix", "Rotation", "Orientation"):
        if key in header:
            numbers = np.array(header[key].split(), dtype=np.float64)
            size = round(numbers.size**0.5)
            matrix[:dims, :dims] = numbers.reshape(size, size)[:dims, :dims].T
            break
    matrix[:dims, :dims] *= steps
    for key in ("Offset", "Position", "Origin"):
        if key in header:
            matrix[:dims, dims] = [float(number) for number in header[key].split()[:dims]]
            break
    matrix[:2] *= -1  # LPS to RAS
    return matrix[:, [*reversed(range(dims)), dims]], has_spacing


def _data_file(path: Path, name: str) -> Path:
    if name.upper() == "LOCAL":
        return path
    if name.split()[0] == "LIST" or "%" in name or Path(name).name != name.removeprefix("./"):
        raise FileError(
            f"{path} keeps its data in {name!r}. Save it as one .mha file, "
            "or put header and data into one folder."
        )
    return present(path.parent / name)


def _load(
    path: Path,
    header: dict[str, str],
    offset: int,
    kind: np.dtype[np.generic],
    shape: tuple[int, ...],
) -> AnyArray:
    """Read the numbers, (*S, C) on disk, as (C, *S)."""
    data_file = _data_file(path, header["ElementDataFile"])
    num_bytes = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
    skip = int(header.get("HeaderSize", "0")) if data_file != path else offset
    with guarded(data_file, "MetaImage"):
        if skip < 0:
            skip = data_file.stat().st_size - num_bytes
        with data_file.open("rb") as stream:
            stream.seek(skip)
            if header.get("CompressedData", "False").lower() == "true":
                data = zlib.decompressobj().decompress(stream.read(), num_bytes)
            else:
                data = stream.read(num_bytes)
        if len(data) != num_bytes:
            raise ValueError(f"{len(data)} bytes of numbers where {num_bytes} are promised")
        msb = header.get("BinaryDataByteOrderMSB", header.get("ElementByteOrderMSB", "False"))
        order = kind.newbyteorder(">" if msb.lower() == "true" else "<")
        array = np.frombuffer(data, dtype=order).reshape(shape)
        return native(np.ascontiguousarray(np.moveaxis(array, -1, 0)).copy())
