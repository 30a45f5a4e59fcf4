"""What libraries of DICOM say may hold a patient's name, so nobody hears it.

Their warnings and messages of errors quote values of the file. Logs, terminals and records get the
kind of an error in place of its words.
"""

import logging
import warnings

LIBRARIES = ("pydicom", "highdicom", "pynetdicom", "pylibjpeg")
"""Libraries that touch what patients are called."""
SILENCE = "no detail"
"""What stands where an error says nothing, or nothing that may be told."""


def hush() -> None:
    """Let nothing that these libraries log or warn of reach anybody, in this whole process."""
    for name in LIBRARIES:
        logger = logging.getLogger(name)
        logger.handlers = [logging.NullHandler()]
        logger.propagate = False
        logger.disabled = True  # its level is set anew when pydicom is imported
        pattern = rf"{name}(\.|$)"
        warnings.filterwarnings("ignore", module=pattern)


def words_of(error: BaseException) -> str:
    """Say what an error says, unless it comes from where names are.

    Args:
        error: Whatever was raised.

    Returns:
        Its message; `SILENCE` if there is none or it is not to be told.
    """
    trace, is_delicate = error.__traceback__, False
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        is_delicate = is_delicate or module.partition(".")[0] in LIBRARIES
        trace = trace.tb_next
    return (not is_delicate and str(error).strip()) or SILENCE
