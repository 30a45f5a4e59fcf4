"""U-Net on an encoder: published size and the grid of the image."""

import pytest
import torch

from delineate.models.unet_encoder import UNetOnEncoder


@pytest.mark.parametrize(
    ("encoder", "classes", "known"), [("resnet34", 4, 24_436_804), ("mit_b2", 6, 27_477_734)]
)
def test_known_number_of_parameters(encoder, classes, known):
    with torch.device("meta"):
        model = UNetOnEncoder(3, classes, 2, encoder=encoder)

    # The known one has a 3x3 head; this one's is 1x1.
    total = sum(value.numel() for value in model.parameters())
    assert total == known - 8 * 16 * classes


def test_decoder_gives_the_grid_of_the_image():
    model = UNetOnEncoder(1, 2, 2, width=0.125, features=(8, 8, 8, 4, 4))

    pyramid = model.encoder(torch.randn(2, 1, 64, 32))

    assert model.decoder(pyramid).shape == (2, 4, 64, 32)


def test_thin_axis_stays_unhalved():
    strides = [[1, 2, 2], [1, 2, 2], [1, 2, 2], [2, 2, 2], [2, 2, 2]]
    model = UNetOnEncoder(1, 2, 3, width=0.125, features=(8, 8, 8, 4, 4), strides=strides).eval()

    assert model(torch.randn(1, 1, 6, 33, 40))[0].shape == (1, 2, 6, 33, 40)
