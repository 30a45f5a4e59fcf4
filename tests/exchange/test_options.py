from delineate.exchange.options import ExchangeOptions


def test_an_archive_takes_part_once_it_is_named():
    named = [
        ExchangeOptions(to="dicom://A@b"),
        ExchangeOptions(fetch="http://a"),
        ExchangeOptions(study="1"),
    ]

    assert all(options.has_peer for options in named)
    assert not ExchangeOptions().has_peer
