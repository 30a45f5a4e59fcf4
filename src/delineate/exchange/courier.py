"""The round: fetch a study, have it predicted, send the results; if killed, it goes on."""

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

from delineate.core.errors import ExchangeError
from delineate.exchange.address import Address, parse_address
from delineate.exchange.credentials import Credentials, read_credentials
from delineate.exchange.dicom_node import DicomNode
from delineate.exchange.dicomweb import DicomWeb
from delineate.exchange.journal import Journal
from delineate.exchange.options import ExchangeOptions
from delineate.exchange.outgoing import LABELMAP, find_outgoing
from delineate.exchange.persistence import ClassRefusedError, Persistence
from delineate.exchange.receiving import receive_study
from delineate.exchange.sending import Sent, send_results
from delineate.exchange.web import Web
from delineate.infer.ledger import Ledger
from delineate.infer.outcome import Predicted

log = logging.getLogger("delineate")

Work = Callable[[tuple[str, ...], str], Predicted]
"""Predicts inputs into formats."""
SENDABLE = ("dicom-seg", "dicom-seg-labelmap", "dicom-seg-fractional", "rtstruct", "sr")
SMALL, PLAIN = "dicom-seg-labelmap", "dicom-seg"
"""The format that old archives refuse, and the one that all take."""


def relay(
    options: ExchangeOptions, inputs: Sequence[str], format: str, out: Path, work: Work,
    *, persistence: Persistence | None = None,
) -> Predicted:  # fmt: skip
    """Fetch, predict and send.

    Args:
        options: Where from and where to.
        inputs: What to predict if nothing is fetched.
        format: Formats separated by commas.
        out: Folder of the results.
        work: Predicts.
        persistence: How often a peer is asked.

    Returns:
        What was predicted, received and sent.

    Raises:
        ExchangeError: If the options contradict each other.
    """
    source, target = _peers(options, inputs)
    known = read_credentials(options.credentials, [peer for peer in (source, target) if peer])
    _warn_of_clear_text([peer for peer in (source, target) if peer], known)
    formats = _formats(format, target)
    often = persistence or Persistence()
    journal = Journal(out)
    with ExitStack() as lines:
        received = 0
        if source is not None and options.study is not None:
            web = Web(source, known[source.place], patience_s=options.patience)
            archive = DicomWeb(lines.enter_context(closing(web)))
            folders = receive_study(archive, journal, out, options.study, options.series, often)
            inputs = [str(folder) for folder in folders]
            received = sum(1 for folder in folders for _ in folder.glob("*.dcm"))
        if target is None:
            return replace(work(tuple(inputs), ",".join(formats)), received=received)
        peer: DicomWeb | DicomNode = DicomNode(target, patience_s=options.patience)
        if target.is_web:
            web = Web(target, known[target.place], patience_s=options.patience)
            peer = DicomWeb(lines.enter_context(closing(web)))
        result = _predict_and_send(peer, journal, inputs, formats, work, often)
        return replace(result, received=received)


def _predict_and_send(
    peer: DicomWeb | DicomNode, journal: Journal, inputs: Sequence[str], formats: Sequence[str],
    work: Work, often: Persistence,
) -> Predicted:  # fmt: skip
    """Predict and send; a peer without LABELMAP gets BINARY, found out as early as may be."""
    if SMALL in formats and not _takes_small(peer, journal, often):
        formats = _without_small(formats, peer.name)
    try:
        result, sent = _deliver(peer, journal, inputs, formats, work, often)
    except ClassRefusedError:
        formats = _without_small(formats, peer.name)
        result, sent = _deliver(peer, journal, inputs, formats, work, often)
    return replace(
        result, sent=sent.new, sent_before=sent.before, num_unsent=len(sent.failures),
        failures={**result.failures, **sent.failures},
    )  # fmt: skip


def _peers(
    options: ExchangeOptions, inputs: Sequence[str]
) -> tuple[Address | None, Address | None]:
    source = None if options.fetch is None else parse_address(options.fetch, option="--from")
    target = None if options.to is None else parse_address(options.to, option="--to")
    if (source is None) != (options.study is None):
        raise ExchangeError("--from and --study go together: an archive and a study in it.")
    if source is not None and not source.is_web:
        raise ExchangeError(
            "--from takes a DICOMweb address only, since C-STORE cannot fetch. "
            "Write https://host/dicom-web."
        )
    if source is not None and inputs:
        raise ExchangeError("Name either files to predict or --from with --study, not both.")
    return source, target


def _formats(format: str, target: Address | None) -> list[str]:
    names = list(dict.fromkeys(name.strip() for name in format.split(",")))
    if target is None:
        return names
    names = list(dict.fromkeys(PLAIN if name == "auto" else name for name in names))
    if not set(names) & set(SENDABLE):
        raise ExchangeError(
            "None of these formats can be sent to an archive. Add dicom-seg to --format."
        )
    return names


def _warn_of_clear_text(peers: Sequence[Address], known: dict[str, Credentials]) -> None:
    for peer in peers:
        if peer.scheme == "http" and not peer.is_here and known[peer.place].header:
            log.warning("The password for %s goes over the network in clear; use https.", peer)


def _takes_small(peer: DicomWeb | DicomNode, journal: Journal, often: Persistence) -> bool:
    """Find out before anything is computed, where that can be asked."""
    if journal.has_refused(peer.name, LABELMAP):
        return False
    if isinstance(peer, DicomNode) and not often.until_done(lambda _: peer.takes(LABELMAP)):
        journal.refuse(peer.name, LABELMAP)
        return False
    return True


def _without_small(formats: Sequence[str], name: str) -> list[str]:
    log.warning("%s takes no LABELMAP; a BINARY segmentation goes in its place.", name)
    return list(dict.fromkeys(PLAIN if entry == SMALL else entry for entry in formats))


def _deliver(
    peer: DicomWeb | DicomNode, journal: Journal, inputs: Sequence[str], formats: Sequence[str],
    work: Work, often: Persistence,
) -> tuple[Predicted, Sent]:  # fmt: skip
    """Predict and send; what was done before is skipped by both."""
    result = work(tuple(inputs), ",".join(formats))
    rows = Ledger(result.folder).cases
    files = [
        result.folder / name
        for case in (*result.written, *result.skipped)
        for name in rows[case]["files"]
    ]
    return result, send_results(peer, journal, find_outgoing(files), often)
