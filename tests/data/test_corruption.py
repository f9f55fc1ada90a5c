import pytest
import torch
from scipy import stats

from dlnotes.data import corruption
from dlnotes.rng import generator

Y = torch.arange(100_000) % 10


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_shares_of_redrawn_and_wrong_labels(rate):
    noisy = corruption.random_labels(Y, rate=rate, num_classes=10, gen=generator(1, "labels"))
    for count, share in (
        (int(noisy.redrawn.sum()), rate),
        (int((noisy.y != noisy.y_clean).sum()), 0.9 * rate),
    ):
        ends = stats.binomtest(count, len(Y)).proportion_ci(0.9999)
        assert ends.low <= share <= ends.high
    assert torch.equal(noisy.y[~noisy.redrawn], Y[~noisy.redrawn])


def test_rate_zero_is_the_identity_and_rate_one_redraws_all():
    none = corruption.random_labels(Y, rate=0.0, num_classes=10, gen=generator(0, "a"))
    everything = corruption.random_labels(Y, rate=1.0, num_classes=10, gen=generator(0, "a"))
    assert torch.equal(none.y, Y)
    assert not none.redrawn.any()
    assert everything.redrawn.all()
    counts = everything.y.bincount()
    assert stats.chisquare(counts.numpy()).pvalue > 1e-4


def test_random_labels_are_independent_of_the_true_ones():
    noisy = corruption.random_labels(Y, rate=1.0, num_classes=10, gen=generator(2, "labels"))
    table = torch.zeros(10, 10).index_put_((Y, noisy.y), torch.ones(()), accumulate=True)
    assert stats.chi2_contingency(table.numpy()).pvalue > 1e-4


def test_no_examples():
    empty = torch.zeros(0, dtype=torch.int64)
    assert (
        len(corruption.random_labels(empty, rate=0.5, num_classes=2, gen=generator(0, "a")).y) == 0
    )


def test_shuffle_is_one_permutation_for_all_and_can_be_undone():
    x = torch.rand(5, 2, 3, 4, generator=generator(0, "x"))
    order = corruption.pixel_permutation(x, gen=generator(0, "order"))
    mixed = corruption.shuffle_pixels(x, order)
    assert sorted(order.tolist()) == list(range(24))
    assert not torch.equal(mixed, x)
    assert torch.equal(corruption.shuffle_pixels(mixed, order.argsort()), x)


def test_random_pixels_keep_each_image_and_differ_between_images():
    x = torch.arange(784.0).repeat(300, 1).view(300, 1, 28, 28)
    mixed = corruption.random_pixels(x, gen=generator(0, "pixels"))
    assert torch.equal(mixed.flatten(1).sort(1).values, x.flatten(1))
    assert len(mixed.flatten(1).unique(dim=0)) == 300
    # every pixel lands anywhere equally often: its mean place is that of a uniform draw
    error = (mixed.flatten(1).mean(0) - 391.5).abs().max()
    assert error < 5 * 784 / 12**0.5 / 300**0.5


def test_gaussian_pixels_have_the_mean_and_deviation_asked_for():
    noise = corruption.gaussian_pixels(
        torch.zeros(1000, 1, 10, 10), mean=2.0, std=3.0, gen=generator(0, "g")
    )
    assert noise.mean().item() == pytest.approx(2.0, abs=5 * 3 / 1e5**0.5)
    assert noise.std().item() == pytest.approx(3.0, rel=0.02)
    assert stats.kstest(noise.flatten().numpy(), "norm", (2.0, 3.0)).pvalue > 1e-4


@pytest.mark.untyped
@pytest.mark.parametrize(
    ("call", "match"),
    [
        (
            lambda g: corruption.random_labels(Y, rate=1.5, num_classes=10, gen=g),
            "probability in .0, 1., got 1.5",
        ),
        (
            lambda g: corruption.random_labels(Y, rate=0.5, num_classes=9, gen=g),
            r"lie in \[0, 9\), got 0 to 9",
        ),
        (
            lambda g: corruption.shuffle_pixels(torch.zeros(2, 3), torch.arange(4)),
            "got 4 for 3 pixels",
        ),
        (
            lambda g: corruption.gaussian_pixels(torch.zeros(1, 1), mean=0, std=-1, gen=g),
            "std must be >= 0",
        ),
    ],
)
def test_bad_input(call, match):
    with pytest.raises(ValueError, match=match):
        call(generator(0, "bad"))
