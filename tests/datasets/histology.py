"""Small datasets of nuclei made at run time: MoNuSeg with its XML, and the Data Science Bowl."""

import io
import zipfile

import numpy as np
from PIL import Image as Picture

NAME = "TCGA-A7-A13E-01Z-00-DX1"
OTHER = "TCGA-B0-5710-01Z-00-DX1"
SIZE = (40, 60)


def square(x, y, side=10):
    """Corners of a square in a MATLAB file whose first pixel is (x, y)."""
    return [(x, y), (x + side, y), (x + side, y + side), (x, y + side)]


def xml(*layers, mpp="0.2500", head=""):
    """Write an Aperio annotation of layers of regions of corners."""
    told = "" if mpp is None else f' MicronsPerPixel="{mpp}"'
    lines = [head, f"<Annotations{told}>"]
    for number, regions in enumerate(layers, start=1):
        lines.append(f'<Annotation Id="{number}" Name=""><Regions>')
        for place, corners in enumerate(regions, start=5):
            vertices = "".join(f'<Vertex X="{x}" Y="{y}" Z="0"/>' for x, y in corners)
            lines.append(
                f'<Region Id="{place}" NegativeROA="0"><Vertices>{vertices}</Vertices></Region>'
            )
        lines.append("</Regions></Annotation>")
    return "\n".join([*lines, "</Annotations>"]).strip()


def picture(seed=0, size=SIZE):
    """Make pixels (Y, X, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def encoded(array, format="TIFF", **options):
    """Write a picture to bytes."""
    stream = io.BytesIO()
    Picture.fromarray(array).save(stream, format, **options)
    return stream.getvalue()


def monuseg_files(cases, *, top="MoNuSeg 2018 Training Data", compression="tiff_lzw"):
    """Make the files of the challenge's zip: content by name, for each case's XML."""
    files = {}
    for seed, (name, text) in enumerate(cases.items()):
        tile = encoded(picture(seed), compression=compression)
        files[f"{top}/Tissue Images/{name}.tif"] = tile
        if text is not None:
            files[f"{top}/Annotations/{name}.xml"] = text.encode()
    return files


def zipped(path, files):
    """Write files into a zip, with the shadows that macOS adds."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files.items():
            target.writestr(name, content)
            folder, _, file = name.rpartition("/")
            target.writestr(f"__MACOSX/{folder}/._{file}", b"shadow")
    return path


def unpacked(folder, files):
    """Write files into a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def write_bowl(root, cases, *, colours=(200, 120, 180), size=(30, 40)):
    """Write `stage1_train` with, for each case, its masks as arrays or boxes (y, x, side)."""
    for name, masks in cases.items():
        folder = root / "stage1_train" / name
        (folder / "images").mkdir(parents=True)
        (folder / "masks").mkdir()
        pixels = np.full((*size, 4), (*colours, 255), np.uint8)
        Picture.fromarray(pixels).save(folder / "images" / f"{name}.png")
        for number, mask in enumerate(masks):
            if isinstance(mask, tuple):
                y, x, side = mask
                mask = np.zeros(size, np.uint8)
                mask[y : y + side, x : x + side] = 255
            Picture.fromarray(mask).save(folder / "masks" / f"{number:03d}.png")
    return root
