import pytest
import torch

from dlnotes.rng import each, generator


def draw(*args):
    return torch.randint(1 << 30, (4,), generator=generator(*args)).tolist()


def test_equal_names_give_equal_streams_and_different_ones_different():
    streams = [(0, "a"), (1, "a"), (0, "b"), (0, "a", "b"), (0, "ab"), (0, "a", 1), (0, "a", "1")]
    draws = [draw(*stream) for stream in streams]
    assert draws == [draw(*stream) for stream in streams]
    assert len({tuple(d) for d in draws}) == len(streams)


def test_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    draw(3, "labels")
    assert torch.equal(torch.get_rng_state(), before)


def test_the_stream_is_the_same_on_every_machine():
    # the first draws of one stream; another value would change every result of the book
    assert draw(0, "labels") == [237051010, 174179225, 501282333, 625746459]


@pytest.mark.untyped
@pytest.mark.parametrize(
    ("args", "error", "match"),
    [
        ((-1, "a"), ValueError, "seed must be >= 0, got -1"),
        ((0,), ValueError, "needs a name"),
        ((1.0, "a"), TypeError, "got 1.0"),
        ((True, "a"), TypeError, "got True"),
        ((0, 1.5), TypeError, "names must be str or int"),
    ],
)
def test_bad_input(args, error, match):
    with pytest.raises(error, match=match):
        generator(*args)


def test_each_gives_every_seed_its_own_stream():
    drawn = [torch.rand(3, generator=gen) for gen in each((5, 2), "init", 1)]
    alone = [torch.rand(3, generator=generator(seed, "init", 1)) for seed in (5, 2)]
    assert all(torch.equal(a, b) for a, b in zip(drawn, alone, strict=True))
