"""Data sets against published facts, other readers, and files made by hand."""

import gzip
import hashlib
import os
import pickle
import random
import struct

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from dlnotes.data import datasets, files, formats, registry
from dlnotes.rng import generator


def tiny(x=None, y=None, **changes):
    """Six examples of two channels and three pixels, in three classes."""
    x = torch.arange(36.0).reshape(6, 2, 3) if x is None else x
    y = torch.tensor([0, 1, 2, 0, 1, 2]) if y is None else y
    fields = {"num_classes": 3, "name": "tiny", "source": "this test"} | changes
    return datasets.Dataset(x=x, y=y, **fields)


# -- Dataset -----------------------------------------------------------------------------------


def test_len_counts_examples():
    assert len(tiny()) == 6
    assert len(tiny(torch.zeros(1, 1), torch.tensor([2]))) == 1


@pytest.mark.untyped
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y": torch.tensor([0, 1, 2])}, r"got shapes \[6, 2, 3\] and \[3\]"),
        ({"y": torch.zeros(6, 1, dtype=torch.int64)}, r"got shapes"),
        ({"x": torch.zeros(6)}, r"x must be \[examples, channels"),
        ({"x": torch.zeros(0, 2), "y": torch.zeros(0, dtype=torch.int64)}, "one example or more"),
        ({"y": torch.tensor([0, 1, 2, 0, 1, 3])}, r"labels must lie in 0\.\.2, got 0\.\.3"),
        ({"y": torch.tensor([0, 1, 2, 0, 1, -1])}, r"got -1\.\.2"),
        ({"num_classes": 2}, r"0\.\.1"),
    ],
)
def test_parts_that_disagree_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        tiny(**changes)


@pytest.mark.untyped
@pytest.mark.parametrize("changes", [{"x": torch.zeros(6, 2).byte()}, {"y": torch.zeros(6).int()}])
def test_other_types_of_numbers_are_refused(changes):
    with pytest.raises(TypeError, match=r"x must be float and y int64.*\.long"):
        tiny(**changes)


# -- embedded sets -----------------------------------------------------------------------------


def test_digits_are_those_of_sklearn():
    train, test = datasets.load("digits")
    pixels, labels = load_digits(return_X_y=True)
    assert (len(train), len(test)) == (1297, 500)
    assert train.x.dtype == torch.float32
    assert (float(train.x.min()), float(train.x.max())) == (0.0, 1.0)
    known = sorted((*image.tolist(), label) for image, label in zip(pixels, labels, strict=True))
    ours = [
        (*(image.flatten() * 16).tolist(), int(label))
        for part in (train, test)
        for image, label in zip(part.x, part.y, strict=True)
    ]
    assert sorted(ours) == known, "every example once, each with its label"


def test_digits_split_is_fixed_and_stratified():
    train, test = datasets.load("digits")
    again, _ = datasets.load("digits")
    assert torch.equal(train.x, again.x)
    assert test.y.bincount().tolist() == [50] * 10
    digest = hashlib.sha256(train.y.numpy().astype("<i8").tobytes()).hexdigest()
    assert digest.startswith("2b4bb0e6fc589692")


@pytest.fixture(scope="module")
def loading():
    """Both embedded sets, loaded once, and what NumPy draws next where seed 7 came before it."""
    np.random.seed(7)  # noqa: NPY002
    sets = {name: datasets.load(name) for name in datasets.EMBEDDED}
    return sets, np.random.rand()  # noqa: NPY002


@pytest.fixture
def embedded(loading):
    return loading[0]


def test_mnist1d_is_what_its_authors_made(embedded):
    train, test = embedded["mnist1d"]
    assert (list(train.x.shape), list(test.x.shape)) == ([4000, 1, 40], [1000, 1, 40])
    labels = torch.cat([train.y, test.y])
    assert labels.bincount().tolist() == [500] * 10
    digest = hashlib.sha256(labels.numpy().astype("<i8").tobytes()).hexdigest()
    assert digest == "6feec4a017698c7fe237c8854cbd2e338c6dd5c16240f6fa79daefaaa129e169"
    x = torch.cat([train.x, test.x]).double()
    assert abs(float(x.mean())) < 1e-6  # standardized by its authors, then rounded to float32
    assert abs(float(x.std(correction=0)) - 1) < 1e-6


def test_loading_leaves_the_global_random_state_alone(loading):
    np.random.seed(7)  # noqa: NPY002
    assert np.random.rand() == loading[1]  # noqa: NPY002
    state = random.getstate()
    with datasets._global_state_kept():
        random.seed(7)
    assert random.getstate() == state


def test_every_embedded_set_tells_its_source(embedded):
    for name, parts in embedded.items():
        for part in parts:
            assert part.name == name
            assert len(part.source) > 20
            assert part.stand_in_for is part.note is None


# -- names and stand-ins -----------------------------------------------------------------------


@pytest.fixture
def nothing_here(tmp_path, monkeypatch):
    """No data folder, an empty cache, and no downloads."""
    monkeypatch.delenv("DLNOTES_DATA", raising=False)
    monkeypatch.setenv("DLNOTES_OFFLINE", "1")
    monkeypatch.setattr(files.pooch, "os_cache", lambda name: tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_misspelt_name_lists_the_valid_ones():
    with pytest.raises(
        ValueError, match=r"'cifar-10'; did you mean 'cifar10'. Valid: digits, mnist1d, mnist"
    ):
        datasets.load("cifar-10")


def test_stand_in_must_be_embedded():
    with pytest.raises(ValueError, match=r"unknown stand-in 'mnist'.* Valid: digits, mnist1d"):
        datasets.load("cifar10", stand_in="mnist")


def test_missing_set_without_stand_in_raises(nothing_here):
    with pytest.raises(files.MissingData, match="mnist is not on this machine"):
        datasets.load("mnist")
    with pytest.raises(files.MissingData, match="run: dlnotes data fetch mnist"):
        datasets.load("mnist", download=False)


def test_stand_in_says_what_it_replaces_and_why(nothing_here):
    for part, plain in zip(
        datasets.load("mnist", stand_in="digits"), datasets.load("digits"), strict=True
    ):
        assert torch.equal(part.x, plain.x)
        assert (part.name, part.stand_in_for) == ("digits", "mnist")
        assert "mnist is not on this machine" in part.note


def test_stand_in_never_hides_a_damaged_file(nothing_here):
    for entry in registry.info("mnist").files:
        target = nothing_here / "dlnotes" / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"not MNIST")
    with pytest.raises(files.DamagedData, match=r"train-images-idx3-ubyte\.gz is damaged"):
        datasets.load("mnist", stand_in="digits")


def test_no_byte_of_an_unverified_pickle_is_read(nothing_here, monkeypatch):
    for entry in registry.info("cifar10").files:
        target = nothing_here / "dlnotes" / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(pickle.dumps({"data": 1}))
    monkeypatch.setattr(formats, "read_batch", lambda content: pytest.fail("it was read"))
    with pytest.raises(files.DamagedData, match="data_batch_1 is damaged"):
        datasets.load("cifar10")


# -- subsets and scales ------------------------------------------------------------------------


def test_subset_draws_without_replacement():
    data = tiny()
    part = datasets.subset(data, 4, gen=generator(0, "subset"))
    rows = [data.x.tolist().index(row) for row in part.x.tolist()]
    assert len(set(rows)) == 4
    assert part.y.tolist() == data.y[rows].tolist()
    assert (part.name, part.num_classes) == ("tiny", 3)
    whole = datasets.subset(data, 6, gen=generator(0, "subset"))
    assert sorted(whole.x.flatten().tolist()) == data.x.flatten().tolist()
    assert torch.equal(whole.x[:4], part.x), "a smaller subset is part of a larger one"


def test_subset_is_uniform():
    gen = generator(0, "subset")
    drawn = torch.zeros(6)
    for _ in range(2000):
        drawn += torch.isin(torch.arange(6), datasets.subset(tiny(), 2, gen=gen).x[:, 0, 0] // 6)
    assert (drawn / 2000 - 1 / 3).abs().max() < 0.05  # 4.7 standard errors of 0.0105


@pytest.mark.parametrize("size", [0, -1, 7])
def test_subset_of_impossible_size_is_refused(size):
    with pytest.raises(ValueError, match=rf"size must lie in 1\.\.6 for tiny, got {size}"):
        datasets.subset(tiny(), size, gen=generator(0, "subset"))


def test_standardize_uses_the_training_set_only():
    train, test = tiny(), tiny(torch.ones(6, 2, 3))
    new_train, new_test = datasets.standardize(train, test)
    pixels = np.arange(36.0)
    np.testing.assert_allclose(
        new_train.x.flatten().numpy(), (pixels - pixels.mean()) / pixels.std(), rtol=1e-6
    )
    np.testing.assert_allclose(
        new_test.x.numpy(), (1 - pixels.mean()) / pixels.std() * np.ones((6, 2, 3)), rtol=1e-6
    )
    assert torch.equal(train.x, tiny().x), "the data given stay as they are"


def test_standardize_refuses_constant_images():
    with pytest.raises(ValueError, match="pixels of tiny must differ"):
        datasets.standardize(tiny(torch.ones(6, 2, 3)))


# -- formats -----------------------------------------------------------------------------------


def test_idx_reads_what_the_format_says():
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    content = struct.pack(">HBBIII", 0, 8, 3, 2, 3, 4) + images.tobytes()
    np.testing.assert_array_equal(formats.read_idx(content), images)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must start with 00 00 08"),
        (b"\0\0\x08", "must start with 00 00 08"),
        (b"\0\0\x08\0", "must start with 00 00 08"),
        (b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0", "got 00 00 0d 01"),  # floats
        (b"\x1f\x8b\x08\x01\0\0\0\x01", "got 1f 8b"),  # still compressed
        (b"\0\0\x08\x03\0\0\0\x01", "each dimension"),  # a header cut short
        (b"\0\0\x08\x01\0\0\0\x02\x07", r"shape \[2\] must hold 2 bytes after its header, got 1"),
        (b"\0\0\x08\x01\0\0\0\x01\x07\x07", r"must hold 1 bytes after its header, got 2"),
        (b"\0\0\x08\x04" + b"\xff" * 16, "got 0"),  # dimensions that no memory holds
    ],
)
def test_idx_refuses_everything_else(content, message):
    with pytest.raises(ValueError, match=message):
        formats.read_idx(content)


def batch(data, labels):
    """A pickle as the authors of CIFAR-10 wrote it, with the module names of that time."""
    content = pickle.dumps({"data": data, "labels": labels}, protocol=3)
    return content.replace(b"cnumpy._core.multiarray", b"cnumpy.core.multiarray")


def test_batch_of_cifar10_is_read():
    data = np.arange(2 * 3072, dtype=np.uint64).astype(np.uint8).reshape(2, 3072)
    pixels, labels = formats.read_batch(batch(data, [3, 9]))
    assert labels.tolist() == [3, 9]
    for channel, row, column in [(0, 0, 0), (1, 2, 3), (2, 31, 31)]:
        assert pixels[1, channel, row, column] == data[1, channel * 1024 + row * 32 + column]


class Evil:
    def __reduce__(self):
        return os.system, ("touch evil",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps(Evil()), r"posix\.system is not allowed"),
        (pickle.dumps({"data": Evil(), "labels": []}), "is not allowed"),
        (pickle.dumps([1, 2]), "must be a dict with data and labels"),
        (b"", "not a batch of CIFAR-10"),
        (batch(np.zeros((2, 3072), np.uint8), [1]), r"must hold 1 rows.*\(2, 3072\)"),
        (batch(np.zeros((1, 3071), np.uint8), [1]), r"\(1, 3071\)"),
    ],
)
def test_any_other_pickle_is_refused(content, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        formats.read_batch(content)
    assert list(tmp_path.iterdir()) == []


def test_rows_are_those_of_the_subsets_of_each_generator():
    train, _ = datasets.load("digits")
    seeds = (3, 4)
    drawn = datasets.rows(train, 20, gens=[generator(seed, "rows") for seed in seeds])
    for seed, mine in zip(seeds, drawn, strict=True):
        part = datasets.subset(train, 20, gen=generator(seed, "rows"))
        assert torch.equal(train.x[mine], part.x)
        assert torch.equal(train.y[mine], part.y)
    with pytest.raises(ValueError, match=r"size must lie in 1\.\.1297 for digits, got 1298"):
        datasets.rows(train, 1298, gens=[generator(0, "rows")])


# -- the real sets -----------------------------------------------------------------------------


@pytest.fixture
def given():
    """Skip unless the reader's copies are there; return a function that finds a file."""
    if "DLNOTES_DATA" not in os.environ:
        pytest.skip("DLNOTES_DATA is not set")
    return lambda name, file: files.contents(registry.info(name))[file]


@pytest.mark.data
def test_mnist_agrees_with_what_is_published(given):
    train, test = datasets.load("mnist", download=False)
    assert list(train.x.shape) == [60000, 1, 28, 28]
    assert list(test.x.shape) == [10000, 1, 28, 28]
    assert train.y[:5].tolist() == [5, 0, 4, 1, 9]
    assert test.y[:5].tolist() == [7, 2, 1, 0, 4]
    assert train.y.bincount().tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949
    ]  # fmt: skip
    assert test.y.bincount().tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert abs(float(train.x.mean()) - 0.1307) < 5e-5  # the constants of every tutorial
    assert abs(float(train.x.std()) - 0.3081) < 5e-5
    raw = gzip.decompress(given("mnist", "t10k-images-idx3-ubyte.gz"))
    by_hand = np.frombuffer(raw, np.uint8)[16:].reshape(10000, 28, 28) / 255
    np.testing.assert_allclose(test.x[:, 0].numpy(), by_hand, rtol=1e-6)
    assert train.sha256[0].startswith("440fcabf")


@pytest.mark.data
def test_cifar10_agrees_with_what_is_published(given):
    train, test = datasets.load("cifar10", download=False)
    assert list(train.x.shape) == [50000, 3, 32, 32]
    assert train.y.bincount().tolist() == [5000] * 10
    assert test.y.bincount().tolist() == [1000] * 10
    assert train.y[:5].tolist() == [6, 9, 9, 4, 1]
    means = train.x.mean(dim=(0, 2, 3)).tolist()
    assert np.allclose(
        means, [0.4914, 0.4822, 0.4465], atol=5e-5
    )  # the constants of every tutorial
    assert len(train.sha256) == 5
    content = given("cifar10", "test_batch")
    image = np.frombuffer(content, np.uint8, 3072, content.index(bytes([158, 159, 165])))
    assert np.allclose(test.x[0].flatten().numpy(), image / 255)


def test_shrink_takes_the_means_of_blocks():
    images = torch.arange(2 * 3 * 4 * 4.0).view(2, 3, 4, 4)
    made = tiny(images, torch.tensor([0, 1]))
    blocks = images.unfold(2, 2, 2).unfold(3, 2, 2).mean((4, 5))
    assert torch.equal(datasets.shrink(made, 2).x, blocks)
    assert datasets.shrink(made, 4) is made
    assert datasets.shrink(made, 9) is made


def test_shrink_where_the_side_does_not_divide_covers_every_pixel():
    spots = torch.eye(25).view(25, 1, 5, 5)
    small = datasets.shrink(tiny(spots, torch.zeros(25, dtype=torch.int64)), 2).x
    assert (small.sum((1, 2, 3)) > 0).all()
    flat = datasets.shrink(tiny(torch.ones_like(spots), torch.zeros(25, dtype=torch.int64)), 2)
    assert torch.equal(flat.x, torch.ones(25, 1, 2, 2))


@pytest.mark.parametrize(("shape", "side"), [((2, 1, 4, 4), 0), ((2, 1, 40), 7)])
def test_shrink_refuses_what_is_no_image(shape, side):
    with pytest.raises(ValueError, match="need side >= 1 and images"):
        datasets.shrink(tiny(torch.ones(shape), torch.tensor([0, 1])), side)


def test_gray_is_the_mean_of_the_channels():
    colored = torch.rand(4, 3, 2, 2, generator=generator(0, "colors"))
    made = datasets.grayscale(tiny(colored, torch.zeros(4, dtype=torch.int64)))
    torch.testing.assert_close(made.x[:, 0], sum(colored[:, c] for c in range(3)) / 3)


def test_load_all_standardizes_each_by_its_training_part():
    loaded = datasets.load_all(["digits", "mnist1d"])
    for name, (train, test) in loaded.items():
        expected = datasets.standardize(*datasets.load(name))
        assert torch.equal(train.x, expected[0].x)
        assert torch.equal(test.x, expected[1].x)
    small = datasets.load_all(["digits"], side=4)["digits"]
    by_hand = [datasets.shrink(part, 4) for part in datasets.load("digits")]
    assert torch.equal(small[1].x, datasets.standardize(*by_hand)[1].x)
    assert torch.equal(datasets.load_all(["digits"], side=4, gray=True)["digits"][1].x, small[1].x)


def test_load_all_has_a_stand_in_for_two_sets_once(nothing_here):
    loaded = datasets.load_all(["mnist", "cifar10"], stand_in="digits")
    assert list(loaded) == ["digits"]
    with pytest.raises(ValueError, match="at least one data set, got none"):
        datasets.load_all([])
