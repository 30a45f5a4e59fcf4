"""What a user may say about archives; the options of `predict` begin with these."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class ExchangeOptions:
    """Where a study comes from, where its results go, and how patient we are."""

    fetch: str | None = None
    """DICOMweb address of an archive to fetch the study from, such as
    https://pacs.example/dicom-web."""
    study: str | None = None
    """StudyInstanceUID of the study to fetch."""
    series: tuple[str, ...] = ()
    """SeriesInstanceUIDs to fetch; all series of images if left out."""
    to: str | None = None
    """Archive to send the DICOM results to: a DICOMweb address, or dicom://AETITLE@host:port for
    C-STORE (dicom://OURS:THEIRS@host:port names our own AE title, else DELINEATE)."""
    credentials: Path | None = None
    """File with user and password, or a token, as JSON or netrc; nobody else may read it."""
    patience: float = 30.0
    """Seconds without a word after which a peer counts as silent; it is asked four times."""

    @property
    def has_peer(self) -> bool:
        """True if an archive takes part."""
        return any(value is not None for value in (self.fetch, self.study, self.to))
