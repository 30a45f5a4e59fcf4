"""How long does it take to turn a network's maps into objects, and how well does it do?

    OMP_NUM_THREADS=1 python benchmarks/nuclei/decoding.py

Made tiles of 1000 x 1000 pixels with 654 nuclei, as dense as MoNuSeg, and of 2000 x 2000 are
decoded by voting, by the fixed-scale HV decoder and by HoVer-Net's published algorithm, written
anew here on OpenCV and scikit-image, which its authors use, with its loop over nuclei that
compares the whole image once for each. Our side of that loop is `decode_tiles`: box, pixels, type
and confidence of each. Outlines are left out on both sides. One core; the best of several runs.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
from scipy import ndimage
from skimage.morphology import remove_small_objects
from skimage.segmentation import watershed

sys.path.insert(0, str(Path(__file__).parents[1]))

import table

from delineate.infer.decoders import Decoder, Maps
from delineate.infer.hv import HorizontalVertical
from delineate.infer.mosaic import decode_tiles, gather
from delineate.infer.voting import Voting

SIDES = (1000, 2000)
DENSITY = 654e-6  # nuclei to the pixel
FOLD = (slice(470, 530), slice(470, 530))


def scatter(seed: int, side: int) -> np.ndarray:
    """An id map of ellipses of radii 6 to 15 pixels, many of which touch."""
    rng = np.random.default_rng(seed)
    ids = np.zeros((side, side), np.int32)
    number = 0
    while number < round(DENSITY * side * side):
        long, short = rng.uniform(6, 15, 2)
        turn, top, left = rng.uniform(0, [np.pi, side, side])
        first = max(int(top) - 16, 0), max(int(left) - 16, 0)
        window = ids[first[0] : int(top) + 17, first[1] : int(left) + 17]
        y, x = np.ogrid[: window.shape[0], : window.shape[1]]
        y, x = y + first[0] - top, x + first[1] - left
        along, across = y * np.cos(turn) + x * np.sin(turn), x * np.cos(turn) - y * np.sin(turn)
        nucleus = (along / long) ** 2 + (across / short) ** 2 <= 1
        is_slim = max(long, short) > 2 * min(long, short)
        if is_slim or nucleus.sum() < 30 or (window[nucleus] > 0).mean() > 0.08:
            continue
        number += 1
        window[nucleus & (window == 0)] = number
    return ids


def make_maps(ids: np.ndarray, noise_px: float, *, is_hv: bool) -> Maps:
    """What a network would say: offsets, or HV maps with the noise of a nucleus of 10 pixels."""
    rng = np.random.default_rng(0)
    numbers = np.arange(1, ids.max() + 1)
    centres = np.array(ndimage.center_of_mass(ids > 0, ids, numbers))
    ways = np.stack(np.indices(ids.shape)) - np.vstack([[0, 0], centres])[ids].transpose(2, 0, 1)
    ways[:, ids == 0] = 0
    if is_hv:
        for way in ways:
            for sign in (1, -1):
                most = np.append(1, ndimage.maximum(np.maximum(sign * way, 0), ids, numbers))
                way[sign * way > 0] /= np.maximum(most, 1e-6)[ids][sign * way > 0]
    noise = ndimage.gaussian_filter(rng.standard_normal(ways.shape), (0, 3, 3))
    noise *= noise_px / noise.std() / (10 if is_hv else 1)
    vectors = (ways if is_hv else -ways) + noise
    foreground = (ids > 0).astype(np.float32)
    if noise_px:
        vectors = ndimage.gaussian_filter(vectors, (0, 1, 1))
        foreground = ndimage.gaussian_filter(foreground, 1)
    types = np.stack([(ids % 5 == kind) for kind in range(5)]).astype(np.float32)
    return Maps(foreground=foreground, vectors=vectors.astype(np.float32), types=types)


def published(maps: Maps) -> np.ndarray:
    """HoVer-Net's steps from maps to ids (Graham et al., 2019), as its repository orders them."""

    def stretch(values: np.ndarray) -> np.ndarray:
        return cv2.normalize(values, None, 0, 1, cv2.NORM_MINMAX, cv2.CV_32F)

    blob = ndimage.label(maps.foreground >= 0.5)[0]
    blob = (remove_small_objects(blob, max_size=9) > 0).astype(np.int32)
    down, right = maps.vectors
    slope_x = cv2.Sobel(stretch(right), cv2.CV_64F, 1, 0, ksize=21)
    slope_y = cv2.Sobel(stretch(down), cv2.CV_64F, 0, 1, ksize=21)
    border = np.maximum(1 - stretch(slope_x), 1 - stretch(slope_y)) - (1 - blob)
    border[border < 0] = 0
    height = -cv2.GaussianBlur((1.0 - border) * blob, (3, 3), 0)
    marker = blob - (border >= 0.4)
    marker = ndimage.binary_fill_holes(np.maximum(marker, 0)).astype(np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    marker = ndimage.label(cv2.morphologyEx(marker, cv2.MORPH_OPEN, disc))[0]
    marker = remove_small_objects(marker, max_size=9)
    return watershed(height, markers=marker, mask=blob.astype(bool))


def published_table(ids: np.ndarray, maps: Maps) -> list[dict]:
    """Its loop: one comparison of the whole image for each nucleus."""
    kinds = maps.types.argmax(0)
    rows = []
    for number in np.unique(ids)[1:]:
        mine = ids == number
        down, right = np.flatnonzero(mine.any(1)), np.flatnonzero(mine.any(0))
        box = (slice(down[0], down[-1] + 1), slice(right[0], right[-1] + 1))
        crop = mine[box].astype(np.uint8)
        moments = cv2.moments(crop)
        found, counts = np.unique(kinds[box][crop > 0], return_counts=True)
        share = counts.max() / (moments["m00"] + 1e-6)
        middle = (moments["m01"] / moments["m00"], moments["m10"] / moments["m00"])
        rows.append({"box": box, "centre": middle, "type": found[counts.argmax()], "share": share})
    return rows


def aji(truth: np.ndarray, answer: np.ndarray) -> float:
    """Aggregated Jaccard index, written anew so that nothing judges itself."""
    _, answer = np.unique(answer, return_inverse=True)
    answer = answer.reshape(truth.shape)
    size = int(answer.max()) + 1
    both = np.bincount((truth.astype(np.int64) * size + answer).ravel())
    both = np.pad(both, (0, -len(both) % size)).reshape(-1, size)
    inner, mine = both[1:, 1:], both.sum(0)[1:]
    if not inner.size:
        return 0.0
    union = both.sum(1)[1:, None] + mine - inner
    best = (inner / np.maximum(union, 1)).argmax(1)
    rows = np.arange(len(best))
    present = both.sum(1)[1:] > 0
    hit = inner[rows, best] > 0
    spare = mine.sum() - mine[np.unique(best[hit])].sum()
    missed = both.sum(1)[1:][present & ~hit].sum()
    return float(inner[rows, best].sum() / (union[rows, best][hit].sum() + missed + spare))


def with_fold(maps: Maps, amplitude: float) -> Maps:
    """A block of square waves where the network is sure of foreground."""
    wave = np.where(np.arange(60) // 6 % 2, amplitude, -amplitude)
    foreground, vectors = maps.foreground.copy(), maps.vectors.copy()
    foreground[FOLD] = 1
    vectors[0][FOLD], vectors[1][FOLD] = wave[:, None], wave
    return Maps(foreground=foreground, vectors=vectors, types=maps.types)


def best_ms(work: Callable[[], object], repeats: int) -> float:
    """Least milliseconds of several runs."""
    times = []
    for _ in range(repeats):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return round(1000 * min(times), 1)


def whole(decoder: Decoder, maps: Maps) -> object:
    """Every object with box, pixels, type and confidence."""

    def read(rows: slice, columns: slice) -> Maps:
        part = (slice(None), rows, columns)
        foreground = maps.foreground[rows, columns]
        return Maps(foreground=foreground, vectors=maps.vectors[part], types=maps.types[part])

    return gather(decode_tiles(read, maps.foreground.shape, decoder))


def measure(side: int, repeats: int) -> dict[str, dict]:
    """Milliseconds and AJI of each way."""
    ids = scatter(0, side)
    outside = ~np.isin(ids, np.unique(ids[FOLD])[1:])
    outside[FOLD] = False
    truth = np.where(outside, ids, 0)
    ways: dict[str, tuple[Callable, Callable, bool]] = {
        "voting": (lambda maps: Voting().decode(maps).ids, lambda m: whole(Voting(), m), False)
    }
    for name, legacy in (("hv", False), ("hv legacy", True)):
        decoder = HorizontalVertical(legacy=legacy)
        ways[name] = (lambda m, d=decoder: d.decode(m).ids, lambda m, d=decoder: whole(d, m), True)
    ways["published"] = (published, lambda maps: published_table(published(maps), maps), True)
    figures: dict[str, dict] = {}
    answers = {}
    for name, (decode, tabulate, is_hv) in ways.items():
        clean, noisy = (make_maps(ids, noise, is_hv=is_hv) for noise in (0, 1.5))
        answers[name] = decode(clean)
        bare = Maps(foreground=noisy.foreground, vectors=noisy.vectors)
        folded = decode(with_fold(clean, 2.0 if is_hv else 20.0))
        figures[name] = {
            "ids_ms": best_ms(lambda f=decode, m=bare: f(m), repeats),
            "objects_with_types_ms": best_ms(lambda f=tabulate, m=noisy: f(m), repeats),
            "aji_true_maps": round(aji(ids, answers[name]), 4),
            "aji_noisy_maps": round(aji(ids, decode(noisy)), 4),
            "aji_beside_a_fold": round(aji(truth, np.where(outside, folded, 0)), 4),
        }
    same = aji(answers["published"], answers["hv legacy"])
    figures["hv legacy"]["aji_against_published"] = round(same, 4)
    return figures


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=18)
    parser.add_argument("--out", type=Path, default=table.HERE / "results" / "nuclei_decoding.json")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    figures = {}
    for side in SIDES:
        figures[f"{side} x {side}"] = measure(side, max(3, options.repeats * 1000 // side // 2))
        for name, row in figures[f"{side} x {side}"].items():
            print(f"{name:10s}", *(f"{key} {value}" for key, value in row.items()), sep="  ")
    small, large = figures.values()
    ours, peer = small["voting"], small["published"]
    answer = (
        f"voting {ours['ids_ms']:.0f} ms where the published algorithm takes "
        f"{peer['ids_ms']:.0f}; with each nucleus's type {ours['objects_with_types_ms']:.0f} ms "
        f"against {peer['objects_with_types_ms']:.0f}; AJI {ours['aji_noisy_maps']:.3f} against "
        f"{peer['aji_noisy_maps']:.3f} on noisy maps; in 2000 x 2000 "
        f"{large['voting']['objects_with_types_ms']:.0f} ms against "
        f"{large['published']['objects_with_types_ms']:.0f}"
    )
    question = "From maps to 654 nuclei in 1000 x 1000, one core, beside HoVer-Net's algorithm"
    table.write(options.out, question, answer, {"tiles": figures})


if __name__ == "__main__":
    main()
