"""Predict: images in, segmentations on their own grids out; what is done is skipped."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from glob import escape
from pathlib import Path
from typing import Any

import numpy as np

from delineate.core.case import Case, Prediction
from delineate.core.discretion import words_of
from delineate.core.errors import DelineateError, FileError, pick
from delineate.core.files import sweep, whole
from delineate.core.plan import Plan
from delineate.core.progress import track
from delineate.exchange import ExchangeOptions, relay
from delineate.infer.inputs import Source, find_inputs, open_source
from delineate.infer.leaks import MARK, find_leaks, warn_of_leaks
from delineate.infer.ledger import Ledger
from delineate.infer.noise import NONE, check_uncertainty
from delineate.infer.outcome import Predicted
from delineate.infer.predictor import Predictor
from delineate.infer.proof import FRACTIONAL, check_objects, check_source, order_formats, prove_all
from delineate.infer.provenance import tell_series
from delineate.readers import strip_suffix
from delineate.writers import WRITERS, write_prediction

log = logging.getLogger("delineate")

AUTO = {2: "png", 3: "nifti"}
"""Format by the image's axes, if the user chose none."""
AUTO_OBJECTS = ("geojson", "tiff", "overlay")
"""Formats of models that tell objects apart, if the user chose none."""


@dataclass(frozen=True, kw_only=True)
class PredictSettings(ExchangeOptions):
    """What to segment, with which model, and where to."""

    inputs: tuple[str, ...] = ()
    """Images: files, globs, or folders of files; ID_0000, ID_0001 are channels of one case. A
    folder, zip or DICOMDIR of DICOM gives a case for each volume that suits the model. None if an
    archive gives them."""
    model: str
    """Name of a shipped model, or the folder of a run or bundle."""
    out: Path
    """Folder of the results, one file a case, named as its input."""
    format: str = "auto"
    """Formats separated by commas: nifti, nrrd, png, tiff, rle, overlay, geojson, csv, parquet;
    of DICOM series also dicom-seg, dicom-seg-labelmap, dicom-seg-fractional, rtstruct, sr;
    auto takes nifti for volumes, png for pictures, geojson,tiff,overlay for nuclei."""
    mpp: float | None = None
    """Micrometres to a pixel of pictures of tissue; the files' own if left out."""
    force: bool = False
    """Whether to go on where a picture of tissue must be enlarged four times or more."""
    flips: tuple[int, ...] | None = None
    """Axes whose mirror images are averaged, such as 0 1 2: slower, a little better. The
    plan's if left out."""
    probabilities: bool = False
    """Whether to write each class's probability, as <case>_probabilities.npz."""
    entropy: bool = False
    """Whether to write the entropy of the classes in nats, as <case>_entropy.npz."""
    verify: bool = True
    """Whether DICOM files are read back and compared before they count as written."""
    uncertainty: str = NONE
    """How unsure each voxel is, from 0 to 1, as <case>_uncertainty.npz: entropy, margin,
    evidential, aleatoric, mc (eight passes with dropout) or none."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    overwrite: bool = False
    """Whether to predict again what is done, and to replace files of others."""


def predict(settings: PredictSettings) -> Predicted:
    """Segment every input; a bad one is named and left out, a full disk ends the run.

    Args:
        settings: What to segment, with which model, and where to.

    Returns:
        Which cases were predicted, skipped and left out, and what archives gave and were given.
    """

    def work(inputs: tuple[str, ...], formats: str) -> Predicted:
        return _predict(replace(settings, inputs=inputs, format=formats))

    _formats(settings)  # before anything is fetched
    sweep(settings.out)  # what a killed run left half written
    if settings.has_peer:
        return relay(settings, settings.inputs, settings.format, settings.out, work)
    return _predict(settings)


def _predict(settings: PredictSettings) -> Predicted:
    """Segment files; what an archive has to do with them is done around this."""
    formats = _formats(settings)
    predictor = Predictor.load(settings.model, device=settings.device)
    check_uncertainty(settings.uncertainty, predictor.model, predictor.plan.task, predictor.name)
    has_objects = predictor.plan.task == "instances"
    if has_objects:
        formats = _spelt_out(formats, predictor.name)
    found = find_inputs(settings.inputs, predictor.plan)
    sources = found.sources
    leaks = _warn_of_leaks(predictor, sources)
    ledger = Ledger(settings.out)
    keys = {source.id: _key(settings, predictor, source) for source in sources}
    todo = [
        source
        for source in sources
        if settings.overwrite or not ledger.is_done(source.id, keys[source.id])
    ]
    _protect(settings, ledger, todo, formats)
    ledger.save()
    written: list[str] = []
    objects: dict[str, int] = {}
    failures = dict(found.refused)
    for source, future in track(_read_ahead(todo, predictor.plan), "predicting", len(todo)):
        try:
            marks = {MARK: True} if source.id in leaks else {}
            prediction, files = _answer(settings, predictor, future, formats, marks)
        except _DiskError as error:
            raise FileError(str(error)) from error
        except Exception as error:  # one bad case must not end a night's work
            failures[source.id] = _said(error)
            continue
        ledger.record(source.id, keys[source.id], files, prediction.provenance)
        written.append(source.id)
        if prediction.instances is not None:
            objects[source.id] = prediction.instances.count
    skipped = tuple(source.id for source in sources if source not in todo)
    return Predicted(
        folder=settings.out, written=tuple(written), skipped=skipped, objects=objects,
        doubts=ledger.facts("border_uncertainty", written), failures=failures, aside=found.aside,
    )  # fmt: skip


def _warn_of_leaks(predictor: Predictor, sources: Sequence[Source]) -> frozenset[str]:
    """Find the inputs that trained the model, and say so once and aloud."""
    names = {source.id: [strip_suffix(path) for path in source.paths] for source in sources}
    leaks = find_leaks(predictor.training_cases, names)
    if leaks:
        log.warning("%s", warn_of_leaks(leaks, len(sources), predictor.name))
    return frozenset(leaks)


class _DiskError(Exception):
    """The results' disk is full or may not be written: no later case can fare better."""


def _formats(settings: PredictSettings) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in settings.format.split(",")))
    for name in names:
        if name != "auto":
            pick(WRITERS, name, what="format")
    return order_formats(names)


def _spelt_out(formats: Sequence[str], model: str) -> tuple[str, ...]:
    """Say which formats auto means for objects."""
    check_objects(formats, model)
    parts = [AUTO_OBJECTS if name == "auto" else (name,) for name in formats]
    return tuple(dict.fromkeys(name for part in parts for name in part))


def _file_name(case_id: str, name: str) -> str:
    return f"{case_id}{WRITERS[name].suffix}"


def _key(settings: PredictSettings, predictor: Predictor, source: Source) -> dict[str, Any]:
    plan = predictor.plan
    flips = plan.flips if settings.flips is None else settings.flips
    doubt: dict[str, Any] = {}
    if settings.uncertainty != NONE:
        doubt["uncertainty"] = settings.uncertainty
    if (doubt or settings.probabilities or settings.entropy) and predictor.temperature != 1:
        doubt["temperature"] = predictor.temperature
    objects = {"mpp": settings.mpp, "decoder": [plan.decoder, plan.decoder_options]}
    return {
        "weights_hash": predictor.weights_hash,
        "plan_hash": plan.hash(),
        "format": settings.format,
        "flips": sorted(flips),
        "probabilities": settings.probabilities,
        "entropy": settings.entropy,
        **doubt,
        **(objects if plan.task == "instances" else {}),
        "inputs": source.stamp(),
    }


def _protect(
    settings: PredictSettings, ledger: Ledger, todo: Sequence[Source], formats: Sequence[str]
) -> None:
    """Refuse to write over the inputs, or over what no prediction made."""
    names = {part for name in formats for part in (AUTO.values() if name == "auto" else [name])}
    inputs = {path.resolve() for source in todo for path in source.paths}
    for source in todo:
        for path in (settings.out / _file_name(source.id, name) for name in sorted(names)):
            if path.resolve() in inputs:
                raise FileError(
                    f"{path} is an input and would be overwritten. Choose another --out."
                )
            if path.exists() and ledger.is_new and not settings.overwrite:
                raise FileError(
                    f"{path} is there already, and not from a run of predictions. "
                    "Choose another --out, or pass --overwrite."
                )


def _read_ahead(todo: Sequence[Source], plan: Plan) -> Iterator[tuple[Source, Future[Case]]]:
    """Read the next case in a thread while the network works on this one."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        ahead = [pool.submit(open_source, source, plan) for source in todo[:1]]
        for place, source in enumerate(todo):
            ahead += [
                pool.submit(open_source, later, plan) for later in todo[place + 1 : place + 2]
            ]
            yield source, ahead.pop(0)


def _answer(
    settings: PredictSettings, predictor: Predictor, future: Future[Case],
    formats: Sequence[str], marks: Mapping[str, Any],
) -> tuple[Prediction, list[str]]:  # fmt: skip
    """Predict a case, mark its provenance and write it; returns the names of its files."""
    case = future.result()
    check_source(case, formats)
    prediction = predictor.predict(
        case,
        probabilities=settings.probabilities or FRACTIONAL in formats,
        entropy=settings.entropy,
        uncertainty=settings.uncertainty,
        flips=settings.flips,
        mpp=settings.mpp,
        force=settings.force,
    )
    provenance = {**prediction.provenance, **marks, **tell_series(case.image.series)}
    prediction = replace(prediction, provenance=provenance)
    try:
        files = _write(settings, prediction, case, formats)
        proofs = _prove(settings, prediction, case, formats)
        return replace(prediction, provenance={**prediction.provenance, **proofs}), files
    except (FileError, OSError) as error:
        if isinstance(error, OSError) or isinstance(error.__cause__, OSError):
            raise _DiskError(str(error)) from error
        raise


def _write(
    settings: PredictSettings, prediction: Prediction, case: Case, formats: Sequence[str]
) -> list[str]:
    """Write a prediction; returns the names of its files."""
    files = []
    for name in formats:
        chosen = AUTO[case.image.geometry.dims] if name == "auto" else name
        path = settings.out / _file_name(case.id, chosen)
        write_prediction(prediction, path, image=case.image, format=chosen)
        slices = path.parent.glob(f"{escape(path.stem)}_z*{path.suffix}")
        files += [path.name] if path.exists() else sorted(entry.name for entry in slices)
    for name in ("probabilities", "entropy", "uncertainty"):
        array = getattr(prediction, name)
        if array is not None and getattr(settings, name):
            files.append(f"{case.id}_{name}.npz")
            with whole(settings.out / files[-1]) as draft:
                np.savez_compressed(draft, **{name: array})
    return files


def _prove(
    settings: PredictSettings, prediction: Prediction, case: Case, formats: Sequence[str]
) -> dict[str, Any]:
    """Read DICOM files back; returns what the run's record says of it."""
    series = case.image.series
    if series is None or not settings.verify:
        return {}
    paths = {name: settings.out / _file_name(case.id, name) for name in formats}
    proofs = prove_all(paths, prediction, series)
    return {"read_back": proofs} if proofs else {}


def _said(error: Exception) -> str:
    if isinstance(error, DelineateError):
        return str(error)
    kind, words = type(error).__name__, words_of(error).splitlines()[0]
    return f"This is a fault of Delineate or of its libraries ({kind}: {words})."
