"""What does a nuclei model reach on images of organs that it never saw?

    python benchmarks/nuclei/monuseg.py --model RUN --data ../shared/data/pathology/monuseg

Predicts every MoNuSeg image of the tissues that were held out, on its own pixels, and scores it
against the truth: polygons, where the challenge's XML is there, else the raster of a third party.
The challenge paints polygons half a pixel up and left of where they lie in the picture, so each
image is scored three ways: "official", the maps moved by that half pixel before decoding, against
the official truth; "official, unmoved"; and "as drawn", against the truth where the picture has it.
With --flips it does so once more with the mean of four mirror images.
"""

import argparse
import sys
from pathlib import Path
from statistics import fmean
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[1]))

import table
from torch.nn import functional

from delineate.datasets import open_dataset
from delineate.infer.nuclei import find_objects
from delineate.infer.predictor import Predictor
from delineate.metrics.nuclei import score_instances

NAMES = ("aji", "pq", "sq", "dq", "f1", "dice")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="nuclei")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/pathology/monuseg"))
    parser.add_argument("--tissues", default="kidney,bladder")
    parser.add_argument("--flips", action="store_true", help="also with four mirror images")
    parser.add_argument("--out", default="nuclei_unseen_organs.json")
    settings = parser.parse_args()
    predictor = Predictor.load(settings.model)
    official = open_dataset(settings.data, "monuseg")
    wanted = settings.tissues.split(",")
    ids = [case for case in official.ids() if official.tissue(case) in wanted]
    ways = {"one pass": ()} | ({"four mirror images": (0, 1)} if settings.flips else {})
    sides = {
        "official": (official, True),
        "official, unmoved": (official, False),
        "as drawn": (official.aligned(), False),
    }
    figures = {
        name: {side: measure(predictor, *of, ids, flips) for side, of in sides.items()}
        for name, flips in ways.items()
    }
    best = figures["one pass"]["official"]
    first = best["mean"]
    table.write(
        table.HERE / "results" / settings.out,
        f"MoNuSeg, {len(ids)} images of organs never seen ({settings.tissues})",
        f"official convention: AJI {first['aji']:.3f}, PQ {first['pq']:.3f}, Dice "
        f"{first['dice']:.3f}; least AJI of an image {best['least_aji']:.3f}",
        {"weights": predictor.weights_hash, **figures},
    )


def moved(network):
    """Read the network's maps half a pixel down and right, onto the official convention."""
    return lambda tiles: functional.avg_pool2d(
        functional.pad(network(tiles), (0, 1, 0, 1), mode="replicate"), 2, stride=1
    )


def measure(predictor, dataset, is_moved, ids, flips):
    """Score each image; means over all, and apart by kind of truth."""
    network = predictor._averaged(flips)
    network = moved(network) if is_moved else network
    rows = {}
    for case_id in ids:
        case = dataset.case(case_id)
        start = perf_counter()
        found = find_objects(case.image, predictor.plan, network)
        seconds = perf_counter() - start
        row, *_ = score_instances(
            found,
            case.instances,
            predictor.labels,
            case=case.id,
            patient=case.patient,
            pixel_um=case.image.geometry.spacing_mm[-1] * 1000,
        )
        values = {name: round(row.values[name], 4) for name in NAMES}
        counts = {"true": case.instances.count, "found": found.count}
        facts = {"tissue": case.facts["tissue"], "truth": case.facts["truth"]}
        rows[case_id] = {**facts, **values, **counts, "seconds": round(seconds, 2)}
        print(case_id, rows[case_id], flush=True)
    kinds = {"mean": ("polygons", "raster"), "polygons": ("polygons",), "raster": ("raster",)}
    means = {
        kind: {
            name: round(fmean(row[name] for row in rows.values() if row["truth"] in of), 4)
            for name in NAMES
        }
        for kind, of in kinds.items()
        if any(row["truth"] in of for row in rows.values())
    }
    print(means, flush=True)
    return {**means, "least_aji": min(row["aji"] for row in rows.values()), "images": rows}


if __name__ == "__main__":
    main()
