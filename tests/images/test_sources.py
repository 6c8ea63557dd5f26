"""Images read from disk: folders, IDX files, CIFAR-10's batches; and what is wrong with them."""

import gzip
import struct

import numpy as np
import pytest
from PIL import Image

from molediff.images.idx import read_idx
from molediff.images.sources import load_images


@pytest.fixture
def pictures(tmp_path):
    """Ten images in two classes, of mixed sizes, modes and types."""
    rng = np.random.default_rng(0)
    for number in range(10):
        folder = tmp_path / ("cats" if number % 2 else "dogs")
        folder.mkdir(exist_ok=True)
        shape = [(40, 60), (60, 40, 3), (33, 33, 4)][number % 3]
        suffix = "jpg" if len(shape) == 3 and shape[2] == 3 else "png"
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(folder / f"{number}.{suffix}")
    return tmp_path


@pytest.mark.parametrize("channels", [1, 3])
def test_subfolders_are_classes_and_every_size_and_mode_is_read(pictures, channels):
    splits = load_images(pictures, 28, channels)
    assert [len(part) for part in (splits.train, splits.val, splits.test)] == [8, 1, 1]
    assert splits.train.levels.shape == (8, 28, 28, channels)
    assert splits.train.class_names == ("cats", "dogs")
    everything = np.concatenate([part.labels for part in (splits.train, splits.val, splits.test)])
    assert sorted(everything.tolist()) == [0] * 5 + [1] * 5
    assert splits.skipped == ()


def test_what_cannot_be_read_is_skipped_with_its_name(pictures):
    (pictures / "cats" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    whole = (pictures / "dogs" / "4.jpg").read_bytes()
    (pictures / "dogs" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    Image.new("L", (20, 20)).save(pictures / "outside.png")
    (pictures / "cats" / "notes.txt").write_text("not an image")
    splits = load_images(pictures, 16)
    assert [line.split(":")[0] for line in splits.skipped] == [
        "cats/broken.png",
        "dogs/cut.jpg",
        "outside.png",
    ]
    assert len(splits.train) == 8
    assert "3 files skipped" in splits.description


def test_folder_without_images_says_so(tmp_path):
    with pytest.raises(ValueError, match=r"has 0 images that can be read, 0 were skipped: give a folder"):
        load_images(tmp_path)
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"0 images that can be read, 1 were skipped \(the first: a.png"):
        load_images(tmp_path)
    with pytest.raises(ValueError, match="there is no folder"):
        load_images(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="16, 28, 32, 64 pixels, got 20"):
        load_images(tmp_path, 20)
    with pytest.raises(ValueError, match=r"channels must be 1 \(grey\) or 3"):
        load_images(tmp_path, 16, 2)


def test_a_flat_folder_has_no_classes(tmp_path):
    for level in (0, 100, 200):
        Image.new("L", (64, 32), level).save(tmp_path / f"{level}.png")
    splits = load_images(tmp_path, 16)
    assert splits.train.labels is None
    assert splits.train.num_classes == 0
    assert len(splits.train) == len(splits.val) == len(splits.test) == 1


def test_middle_square_is_kept_and_transparency_is_white(tmp_path):
    picture = np.zeros((16, 48), np.uint8)
    picture[:, 16:32] = 255
    clear = np.zeros((16, 16, 4), np.uint8)
    deep = np.full((16, 16), 32768, np.uint16)
    for name, array in (("a", picture), ("b", clear), ("c", deep)):
        Image.fromarray(array).save(tmp_path / f"{name}.png")
    splits = load_images(tmp_path, 16)
    levels = np.concatenate([part.levels for part in (splits.train, splits.val, splits.test)])
    assert sorted(levels.mean((1, 2, 3)).tolist()) == [128, 255, 255]


def write_idx(path, array):
    data = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_idx_files(tmp_path, suffix):
    images = np.arange(20 * 28 * 28, dtype=np.uint32).astype(np.uint8).reshape(20, 28, 28)
    write_idx(tmp_path / f"train-images-idx3-ubyte{suffix}", images)
    write_idx(tmp_path / f"train-labels-idx1-ubyte{suffix}", np.arange(20, dtype=np.uint8) % 10)
    splits = load_images(tmp_path, 28)
    assert [len(part) for part in (splits.train, splits.val, splits.test)] == [16, 2, 2]
    write_idx(tmp_path / f"t10k-images-idx3-ubyte{suffix}", images[:3])
    write_idx(tmp_path / f"t10k-labels-idx1-ubyte{suffix}", np.array([3, 1, 2], np.uint8))
    splits = load_images(tmp_path, 28)
    assert [len(part) for part in (splits.train, splits.val, splits.test)] == [18, 2, 3]
    assert splits.test.labels.tolist() == [3, 1, 2]
    np.testing.assert_array_equal(splits.test.levels[..., 0], images[:3])
    assert load_images(tmp_path, 32, 3).train.levels.shape == (18, 32, 32, 3)


def test_damaged_idx_file_is_named(tmp_path):
    path = tmp_path / "train-images-idx3-ubyte"
    write_idx(path, np.zeros((4, 28, 28), np.uint8))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="train-images-idx3-ubyte is damaged"):
        load_images(tmp_path, 28)
    path.write_bytes(b"hello world")
    with pytest.raises(ValueError, match="is not an IDX file of bytes"):
        read_idx(path)
    write_idx(path, np.zeros((4, 28, 28), np.uint8))
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.zeros(3, np.uint8))
    with pytest.raises(ValueError, match=r"labels of shape \(3,\) for 4 images"):
        load_images(tmp_path, 28)


def test_damaged_gzip_file_is_named(tmp_path):
    path = tmp_path / "train-images-idx3-ubyte.gz"
    write_idx(path, np.random.default_rng(0).integers(256, size=(4, 28, 28), dtype=np.uint8))
    whole = path.read_bytes()
    for damaged in (whole[:-20], whole[:20] + bytes(50) + whole[70:], b"no gzip"):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"ubyte\.gz cannot be unpacked"):
            read_idx(path)


def test_test_images_of_classes_in_folders_come_mixed(tmp_path):
    for number, name in enumerate(("cat", "dog")):
        (tmp_path / name).mkdir()
        for k in range(60):
            Image.new("RGB", (16, 16), (k, 100 * number, 0)).save(tmp_path / name / f"{k:02}.png")
    labels = load_images(tmp_path, 16, 3).test.labels
    assert len(labels) == 12
    assert set(labels[:6].tolist()) == {0, 1}
    assert (np.diff(labels) < 0).any()


def test_cifar_batches(tmp_path):
    records = np.zeros((10, 3073), np.uint8)
    records[:, 0] = np.arange(10)
    records[:, 1 : 1 + 1024] = 200  # the red plane comes first
    records.tofile(tmp_path / "data_batch_1.bin")
    records[:2].tofile(tmp_path / "test_batch.bin")
    splits = load_images(tmp_path, 32, 3)
    assert [len(part) for part in (splits.train, splits.val, splits.test)] == [9, 1, 2]
    assert splits.test.levels[0, 5, 7].tolist() == [200, 0, 0]
    assert splits.train.class_names[splits.test.labels[1]] == "automobile"
    (tmp_path / "data_batch_2.bin").write_bytes(b"x" * 100)
    with pytest.raises(ValueError, match=r"data_batch_2.bin is damaged: 100 bytes"):
        load_images(tmp_path, 32, 3)
