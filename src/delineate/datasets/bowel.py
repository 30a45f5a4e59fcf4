"""Stomach, small and large bowel: their courses, their walls and what they hold."""

import numpy as np
from numpy.typing import NDArray

from delineate.datasets.anatomy import Canvas
from delineate.datasets.shapes import FloatArray, Tube, smooth_curve, smooth_field, tube

Curve = NDArray[np.float64]

STOMACH = np.array([
    # left, back, up, radius: fundus, body, antrum, pylorus, duodenal bulb (J shape)
    (58, 14, 98, 14), (60, 8, 80, 33), (64, -4, 58, 32), (62, -26, 36, 29), (44, -46, 16, 25),
    (14, -52, 4, 21), (-12, -44, 10, 15), (-26, -34, 14, 9),
], dtype=np.float64)  # fmt: skip
COLON = np.array([
    # caecum, ascending, hepatic flexure, transverse, splenic flexure, descending, sigmoid
    (-88, -12, -98, 15), (-96, -6, -84, 25), (-104, 6, -56, 25), (-108, 14, -28, 23),
    (-102, 0, -8, 22), (-78, -36, -10, 20), (-40, -58, -20, 20), (0, -64, -27, 19),
    (42, -60, -18, 19), (80, -36, 4, 18), (102, 2, 28, 18), (112, 28, 16, 16), (113, 34, -16, 15),
    (108, 30, -50, 15), (96, 18, -78, 14), (74, 6, -98, 15), (48, 0, -118, 15),
], dtype=np.float64)  # fmt: skip


def stomach(rng: np.random.Generator) -> tuple[Curve, Curve]:
    """Draw a stomach, more or less filled.

    Args:
        rng: Source of chance.

    Returns:
        Points of the axis (k, 3) and outer radius (k,), both in mm.
    """
    knots = STOMACH.copy()
    knots[:, :3] += rng.normal(0, 3.0, (len(knots), 3))
    knots[:, 3] *= rng.uniform(0.8, 1.1) * rng.uniform(0.93, 1.07, len(knots))
    curve = smooth_curve(knots)
    wave = 1 + 0.05 * np.sin(np.arange(len(curve)) * 2.5 / rng.uniform(7, 10) + rng.uniform(0, 6))
    return curve[:, :3], curve[:, 3] * wave


def colon(rng: np.random.Generator) -> tuple[Curve, Curve]:
    """Draw a large bowel around the abdomen, with haustra.

    Args:
        rng: Source of chance.

    Returns:
        Points of the axis (k, 3) and outer radius (k,), both in mm.
    """
    knots = COLON.copy()
    knots[:, :3] += rng.normal(0, 4.0, (len(knots), 3))
    knots[5:10, 2] += rng.normal(0, 9.0)  # the transverse colon hangs more or less
    knots[:, 3] *= rng.uniform(0.82, 1.12) * rng.uniform(0.88, 1.12, len(knots))
    curve = smooth_curve(knots)
    way = np.arange(len(curve)) * 2.5
    pace = np.cumsum(2.5 / (11 + 3 * np.sin(way / 60 + rng.uniform(0, 6))))
    haustra = 0.84 + 0.24 * np.abs(np.sin(pace))
    return curve[:, :3], curve[:, 3] * haustra


def small_bowel(rng: np.random.Generator) -> tuple[Curve, Curve]:
    """Draw a folded small bowel that fills the middle of the abdomen.

    Knots keep a distance from each other; the shortest way through them is the bowel, so
    loops lie side by side as they do in people.

    Args:
        rng: Source of chance.

    Returns:
        Points of the axis (k, 3) and outer radius (k,), both in mm.
    """
    spread = rng.uniform(0.92, 1.08)
    wanted = rng.uniform(-1, 1, (2600, 3)) * (92 * spread, 54, 66) + (0, -26, -62)
    size = np.abs((wanted - (0, -26, -62)) / (92 * spread, 54, 70))
    wanted = wanted[(size**3).sum(axis=1) < 1]
    knots = _shortest_way(_apart(wanted, rng.uniform(20.5, 23)))
    radius = 13.2 + rng.normal(0, 1.6, len(knots))
    curve = smooth_curve(np.column_stack([knots, radius]))
    return curve[:, :3], np.clip(curve[:, 3], 8.5, 17.0)


def _apart(points: Curve, distance_mm: float) -> Curve:
    kept = points[:1]
    for point in points[1:]:
        if ((kept - point) ** 2).sum(axis=1).min() > distance_mm**2:
            kept = np.vstack([kept, point])
    return kept


def _shortest_way(points: Curve) -> Curve:
    # Nearest neighbour first, then the best reversal of a stretch until none helps (2-opt).
    gaps = np.linalg.norm(points[:, None] - points[None], axis=-1) ** 1.5  # long jumps cost more
    order = [int(points[:, 0].argmax())]
    free = set(range(len(points))) - set(order)
    while free:
        order.append(min(free, key=lambda other: float(gaps[order[-1], other])))
        free.remove(order[-1])
    way = np.array(order)
    for _ in range(300):
        step = gaps[way[:-1], way[1:]]
        joined = gaps[way[:-1]][:, way[:-1]] + gaps[way[1:]][:, way[1:]]
        gain = np.triu(step[:, None] + step[None, :] - joined, 2)
        if gain.max() < 1e-6:
            break
        first, last = np.unravel_index(int(gain.argmax()), gain.shape)
        way[first + 1 : last + 1] = way[first + 1 : last + 1][::-1]
    shortest: Curve = points[way]
    return shortest


def paint_stomach(canvas: Canvas, cavity: FloatArray) -> FloatArray:
    """Paint the stomach with its folded wall, fluid, food and the gas above them.

    Args:
        canvas: The picture.
        cavity: Distance to the abdominal cavity, negative inside.

    Returns:
        Distance to its outer surface in mm, negative inside, (Z, Y, X).
    """
    space, signal, today = canvas.space, canvas.signal, canvas.today
    found = tube(space, *stomach(canvas.anatomy))
    outer = np.maximum(found.distance, cavity + 2.0)
    shape = outer.shape
    cells = (shape[0] // 2, shape[1] // 3, shape[2] // 3)
    rugae = 1.3 * np.abs(smooth_field(canvas.anatomy, shape, cells))
    canvas.paint(outer, signal["wall"])
    lumps = smooth_field(today, shape, (shape[0] // 3, shape[1] // 5, shape[2] // 5))
    meal = np.clip(lumps * 1.5 + today.uniform(-1.5, 1.2) + space.back / 60, 0, 1)
    content = signal["fluid"] + meal * np.float32(signal["food"] - signal["fluid"])
    lumen = outer + 3.6 + rugae
    canvas.paint(lumen, content)
    inner = space.back[lumen < 0]
    level = np.quantile(inner, today.uniform(0.05, 0.4)) if inner.size else 0.0
    canvas.paint(np.maximum(lumen, space.back - np.float32(level)), signal["gas"])
    return np.asarray(outer, dtype=np.float32)


def paint_colon(canvas: Canvas, cavity: FloatArray, others: FloatArray) -> FloatArray:
    """Paint the large bowel with stool, and gas in the parts that lie in front.

    Args:
        canvas: The picture.
        cavity: Distance to the abdominal cavity, negative inside.
        others: Distance to the organs that it gives way to.

    Returns:
        Distance to its outer surface in mm, negative inside, (Z, Y, X).
    """
    signal, today = canvas.signal, canvas.today
    found = tube(canvas.space, *colon(canvas.anatomy))
    outer = _with_room(found, np.maximum(cavity + 1.5, 1.5 - others), 0.3)
    shape = outer.shape
    grain = smooth_field(today, shape, (shape[0], shape[1] // 3, shape[2] // 3))
    length = max(float(found.along.max()), 1.0)
    way = found.along / np.float32(length)
    water = np.clip(0.55 - way + _by_way(today, found, 60) * 0.25, 0, 1)
    stool = signal["stool"] * (1 + 0.22 * grain)
    canvas.paint(outer, signal["wall"] * 0.85)
    lumen = outer + 2.6
    canvas.paint(lumen, stool + water * np.float32(0.5 * (signal["fluid"] - signal["stool"])))
    front = np.exp(-(((way - 0.48) / 0.2) ** 2))  # transverse colon: gas rises into it
    filled = -15 + 17 * front + 5 * _by_way(today, found, 45)
    canvas.paint(np.maximum(lumen, found.back - filled), signal["gas"])
    return np.asarray(outer, dtype=np.float32)


def paint_small_bowel(canvas: Canvas, cavity: FloatArray, others: FloatArray) -> FloatArray:
    """Paint the small bowel: fluid in some loops, collapsed others, walls where loops touch.

    Args:
        canvas: The picture.
        cavity: Distance to the abdominal cavity, negative inside.
        others: Distance to the organs that it gives way to.

    Returns:
        Distance to its outer surface in mm, negative inside, (Z, Y, X).
    """
    signal, today = canvas.signal, canvas.today
    found = tube(canvas.space, *small_bowel(canvas.anatomy))
    outer = _with_room(found, np.maximum(cavity + 2.0, 1.5 - others), 0.6)
    full = np.clip(0.5 + 0.45 * _by_way(today, found, 70), 0, 1)
    folds = 0.06 * np.sin(found.along * np.float32(2 * np.pi / 7.5))
    content = signal["food"] + full * np.float32(signal["fluid"] - signal["food"]) + folds
    canvas.paint(outer, signal["wall"])
    canvas.paint(outer + 2.8 + 2.5 * (1 - full), content)
    gas = np.maximum(outer + 3, found.back + 14 - 11 * (_by_way(today, found, 50) > 1.3))
    canvas.paint(gas, signal["gas"])
    touching = np.zeros(outer.shape, dtype=bool)
    for axis in range(3):
        jump = np.abs(np.diff(found.along, axis=axis)) > 32
        low = [slice(None)] * 3
        low[axis] = slice(0, -1)
        touching[tuple(low)] |= jump
    share = (touching & (outer < -1)) * np.float32(0.75)
    canvas.picture += share * (np.float32(signal["wall"]) - canvas.picture)
    return np.asarray(outer, dtype=np.float32)


def _with_room(found: Tube, taken: FloatArray, needed: float) -> FloatArray:
    # Clip a tube by its neighbours, and let it vanish where less than a share is left of it.
    place = np.maximum(found.along / 2.5, 0).astype(np.int64)
    inside = found.distance < 0
    whole = np.bincount(place[inside], minlength=int(place.max()) + 1)
    free = np.bincount(place[inside & (taken < 0)], minlength=len(whole))
    around = np.ones(9)
    share = np.convolve(free, around, "same") / np.maximum(np.convolve(whole, around, "same"), 1)
    shrunk = found.distance + (np.clip(needed - share, 0, 0.5) * 60).astype(np.float32)[place]
    return np.asarray(np.maximum(shrunk, taken), dtype=np.float32)


def _by_way(rng: np.random.Generator, found: Tube, pace_mm: float) -> FloatArray:
    # A random number that changes slowly along a tube, about standard normal.
    number = int(found.along.max() / pace_mm) + 3
    value = np.interp(found.along, np.arange(number) * pace_mm, rng.standard_normal(number))
    return np.asarray(value, dtype=np.float32)
