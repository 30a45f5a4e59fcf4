"""Whom an encrypted line trusts, and how it proves who we are."""

import ssl

from delineate.core.errors import ExchangeError
from delineate.exchange.credentials import Credentials


def make_context(credentials: Credentials) -> ssl.SSLContext:
    """Make what an HTTPS connection goes by; host names are always checked.

    Args:
        credentials: Whose `ca` is trusted in place of the system's, and whose `certificate` we
            show.

    Returns:
        The context.

    Raises:
        ExchangeError: If a file is absent, no PEM, or its key is another's or has a password.
    """
    ca, certificate, key = credentials.ca, credentials.certificate, credentials.key
    try:
        context = ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise ExchangeError(
            f"{ca} is no certificate that can be trusted ({_reason(error)}). "
            'Give the root certificate as PEM under "ca".'
        ) from None
    if certificate is not None:
        try:
            context.load_cert_chain(certificate, key, password=lambda: "")  # never asked for
        except (OSError, ssl.SSLError) as error:
            raise ExchangeError(
                f"{certificate} and its key cannot be used ({_reason(error)}). Give both as PEM, "
                'the key without a password, under "certificate" and "key".'
            ) from None
    return context


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None)
    return str(reason or type(error).__name__).lower().replace("_", " ")
