"""Pictures of every mode: what is grey, what is a label, what was left out."""

import numpy as np
import pytest
from PIL import Image as Picture

from delineate.core.errors import FileError, LabelError
from delineate.readers.picture import grey_of_colours, indices, is_grey, open_picture, pixels

GREYS = np.arange(12, dtype=np.uint8).reshape(3, 4)


def saved(tmp_path, picture, name="a.png", **options):
    picture.save(tmp_path / name, **options)
    return tmp_path / name


def palette(colours):
    picture = Picture.fromarray(GREYS % len(colours), mode=None).convert("P")
    picture.putpalette([part for colour in colours for part in colour])
    return picture


def test_grey_picture_has_one_channel(tmp_path):
    content = open_picture(saved(tmp_path, Picture.fromarray(GREYS)), as_mask=False)

    assert content.channels == ("grey",)
    assert np.array_equal(content.image().array[0], GREYS)


def test_alpha_is_dropped_with_a_note(tmp_path):
    content = open_picture(
        saved(tmp_path, Picture.new("RGBA", (4, 3), (1, 2, 3, 9))), as_mask=False
    )

    assert content.image().array[:, 0, 0].tolist() == [1, 2, 3]
    assert "alpha" in content.notes[0]


def test_palette_of_greys_is_grey_and_of_colours_is_not():
    assert is_grey(palette([(0, 0, 0), (9, 9, 9)]))
    assert not is_grey(palette([(0, 0, 0), (9, 0, 0)]))
    assert pixels(palette([(0, 0, 0), (9, 0, 0)])).shape == (3, 4, 3)


def test_palette_indices_are_the_labels():
    assert set(np.unique(indices(palette([(0, 0, 0), (9, 0, 0), (0, 9, 0)]), "x"))) == {0, 1, 2}


def test_equal_channels_are_one_label_channel_and_unequal_are_refused():
    grey = np.repeat(GREYS[..., None], 3, axis=-1)

    assert np.array_equal(grey_of_colours(grey, "x"), GREYS)
    with pytest.raises(LabelError, match="x is a coloured picture"):
        grey_of_colours(grey * np.array([1, 0, 0]), "x")


def test_animation_is_refused(tmp_path):
    frames = [Picture.fromarray(GREYS + step) for step in (0, 50)]
    path = saved(tmp_path, frames[0], "a.gif", save_all=True, append_images=frames[1:])

    with pytest.raises(FileError, match="2 frames"):
        open_picture(path, as_mask=False)


def test_jpeg_that_blurred_its_labels_is_refused(tmp_path):
    noise = np.random.default_rng(0).integers(0, 5, (16, 16)).astype(np.uint8) * 40
    path = saved(tmp_path, Picture.fromarray(noise), "a.jpg", quality=30)

    with pytest.raises(LabelError, match="JPEG"):
        _ = open_picture(path, as_mask=True).mask().array
