"""Words of the standard that the reader goes by: classes, syntaxes and what tells volumes apart."""

from typing import Any

Values = dict[str, Any]
MAX_HEADER_BYTES = 2**32
"""Bytes of one file that are ever held at once."""

STORAGE = "1.2.840.10008.5.1.4.1.1."
OTHER_OBJECTS = {
    f"{STORAGE}66.4": "SEG",
    f"{STORAGE}66.7": "SEG",
    f"{STORAGE}66.5": "surface SEG",
    f"{STORAGE}66.6": "tractography",
    f"{STORAGE}66": "raw data",
    f"{STORAGE}66.1": "registration",
    f"{STORAGE}66.2": "fiducials",
    f"{STORAGE}66.3": "registration",
    f"{STORAGE}67": "value mapping",
    f"{STORAGE}30": "parametric map",
    f"{STORAGE}481.1": "RT image",
    f"{STORAGE}481.2": "RT dose",
    f"{STORAGE}481.3": "RTSTRUCT",
    f"{STORAGE}481.4": "RT record",
    f"{STORAGE}481.5": "RT plan",
    f"{STORAGE}481.8": "RT plan",
    f"{STORAGE}88.59": "key objects",
    **{
        f"{STORAGE}88.{kind}": "SR"
        for kind in (11, 22, 33, 34, 35, 40, 50, 65, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76)
    },
    **{f"{STORAGE}11.{kind}": "presentation state" for kind in range(1, 13)},
    **{f"{STORAGE}104.{kind}": "document" for kind in range(1, 6)},
    **{f"{STORAGE}9.1.{kind}": "waveform" for kind in (1, 2, 3, 4)},
    f"{STORAGE}91.1": "annotations",
    "1.2.840.10008.3.1.2.3.3": "procedure step",
}
"""Classes that are no scan, with the word they are counted under."""

CLASSIC_KEYS = (
    "TemporalPositionIdentifier",
    "EchoNumbers",
    "EchoTime",
    "AcquisitionNumber",
    "TriggerTime",
    "DiffusionBValue",
    "DiffusionGradientOrientation",
    "InversionTime",
    "FlipAngle",
    "KVP",
    "ImageType",
    "ConvolutionKernel",
    "StackID",
    "AcquisitionDateTime",
    "AcquisitionTime",
    "ContentTime",
)
"""What may tell the volumes of one series apart, the most telling first."""

FRAME_KEYS: dict[str, tuple[str, ...]] = {
    "FrameContentSequence": (
        "TemporalPositionIndex",
        "StackID",
        "FrameAcquisitionNumber",
        "DimensionIndexValues",
        "InStackPositionNumber",
        "FrameAcquisitionDateTime",
    ),
    "TemporalPositionSequence": ("TemporalPositionTimeOffset",),
    "MREchoSequence": ("EffectiveEchoTime",),
    "MRDiffusionSequence": ("DiffusionBValue", "DiffusionDirectionality"),
    "MRImageFrameTypeSequence": ("FrameType", "ComplexImageComponent"),
    "CTImageFrameTypeSequence": ("FrameType",),
    "PETFrameTypeSequence": ("FrameType",),
    "CardiacSynchronizationSequence": ("NominalCardiacTriggerDelayTime",),
}
"""The same for frames of enhanced files, by the group that holds them."""

SCANS = ("CT", "MR", "PT")
"""Modalities that the models are made for; others are marked."""

NATIVE = {
    "1.2.840.10008.1.2": "<",
    "1.2.840.10008.1.2.1": "<",
    "1.2.840.10008.1.2.2": ">",
}
"""Syntaxes whose pixels lie in the file as they are, with their byte order."""

PLUGINS = {
    "1.2.840.10008.1.2.5": "pylibjpeg",
    "1.2.840.10008.1.2.4.50": "gdcm",
    "1.2.840.10008.1.2.4.51": "gdcm",
    "1.2.840.10008.1.2.4.57": "gdcm",
    "1.2.840.10008.1.2.4.70": "gdcm",
    "1.2.840.10008.1.2.4.80": "pyjpegls",
    "1.2.840.10008.1.2.4.81": "pyjpegls",
    "1.2.840.10008.1.2.4.90": "pylibjpeg",
    "1.2.840.10008.1.2.4.91": "pylibjpeg",
    "1.2.840.10008.1.2.4.201": "pylibjpeg",
    "1.2.840.10008.1.2.4.202": "pylibjpeg",
    "1.2.840.10008.1.2.4.203": "pylibjpeg",
}
"""Which of pydicom's plug-ins unpacks a syntax: none is GPL."""

EXTENDED = "1.2.840.10008.1.2.4.51"
"""JPEG of 8 or 12 bits; what says to be more is neither."""
DEFLATED = "1.2.840.10008.1.2.1.99"
LOSSY = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.81")
"""Syntaxes that lose something; of the others the header says whether they did."""
