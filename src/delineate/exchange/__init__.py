"""To and from archives: studies fetched by DICOMweb, results sent by DICOMweb or C-STORE."""

from delineate.exchange.courier import relay
from delineate.exchange.options import ExchangeOptions

__all__ = ["ExchangeOptions", "relay"]
