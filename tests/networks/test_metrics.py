import pytest
import torch
import torch.nn.functional as F

from dlnotes.networks import metrics, models
from dlnotes.rng import generator
from tests import reference
from tests.networks.test_models import CNN, MLP, gens


@pytest.mark.parametrize("config", [MLP, CNN], ids=["mlp", "cnn"])
@pytest.mark.parametrize("batch_size", [1, 7, 23, 1000])
@pytest.mark.parametrize("own", [True, False])
def test_evaluate_divides_by_what_it_summed(config, batch_size, own):
    params = models.init(config, gens(3))
    shape = (3, 23) if own else (23,)
    x = torch.randn(*shape, *config.input_shape, generator=generator(0, "x"))
    y = torch.randint(4, shape, generator=generator(0, "y"))
    loss, accuracy = metrics.evaluate(config, params, x, y, batch_size=batch_size)
    for i in range(3):
        xi, yi = (x[i], y[i]) if own else (x, y)
        logits = reference.forward_one(config, params, i, xi)
        assert accuracy[i].item() == pytest.approx(
            reference.accuracy_by_loop(logits.tolist(), yi.tolist())
        )
        torch.testing.assert_close(
            loss[i], F.cross_entropy(logits, yi).double(), rtol=1e-5, atol=1e-6
        )


def test_label_smoothing_equals_torch_model_by_model():
    logits = torch.randn(3, 6, 4, generator=generator(0, "x"), dtype=torch.float64)
    y = torch.randint(4, (3, 6), generator=generator(0, "y"))
    shares = torch.tensor([0.0, 0.1, 1.0], dtype=torch.float64)
    ours = metrics.cross_entropy(logits, y, label_smoothing=shares)
    for i, share in enumerate(shares.tolist()):
        theirs = F.cross_entropy(logits[i], y[i], label_smoothing=share)
        torch.testing.assert_close(ours[i], theirs)


def test_of_equal_logits_the_first_counts():
    logits = torch.zeros(1, 5, 3).mT.contiguous().mT  # laid out as the engine does
    assert metrics.accuracy(logits, torch.tensor([[0, 0, 1, 2, 1]])).tolist() == [0.4]


def test_one_class():
    logits = torch.randn(2, 5, 1, generator=generator(0, "one"))
    y = torch.zeros(2, 5, dtype=torch.int64)
    assert metrics.accuracy(logits, y).tolist() == [1, 1]
    assert metrics.cross_entropy(logits, y).tolist() == [0, 0]


def test_logits_that_are_not_finite_have_no_accuracy():
    logits = torch.zeros(2, 3, 2)
    logits[1, 2, 0] = float("nan")
    right = metrics.accuracy(logits, torch.zeros(2, 3, dtype=torch.int64))
    assert right[0] == 1
    assert right[1].isnan()


@pytest.mark.untyped
@pytest.mark.parametrize(("examples", "batch_size"), [(0, 10), (3, 0), (3, -1)])
def test_bad_input(examples, batch_size):
    params, y = models.init(MLP, gens(1)), torch.zeros(examples, dtype=torch.int64)
    with pytest.raises(ValueError, match="at least one example and batch_size >= 1"):
        metrics.evaluate(MLP, params, torch.zeros(examples, 1, 6, 6), y, batch_size=batch_size)


@pytest.mark.parametrize("model", [MLP, CNN], ids=["mlp", "cnn"])
@pytest.mark.parametrize("batch_size", [4, 100])
def test_hits_average_to_the_accuracy(model, batch_size):
    params = models.init(model, gens(3))
    x = torch.randn(11, *model.input_shape, generator=generator(0, "x"))
    y = torch.randint(model.num_classes, (11,), generator=generator(0, "y"))
    found = metrics.hits(model, params, x, y, batch_size=batch_size)
    for i in range(3):
        right = reference.forward_one(model, params, i, x).argmax(1) == y
        assert torch.equal(found[i], right)
    assert found.double().mean(1).tolist() == metrics.evaluate(model, params, x, y)[1].tolist()


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("batch_size", [1, 5, 1000])
def test_reaches_says_what_met_says_of_evaluate(own, batch_size):
    params = models.init(MLP, gens(4))
    shape = (4, 23) if own else (23,)
    x = torch.randn(*shape, *MLP.input_shape, generator=generator(0, "x"))
    y = torch.randint(4, shape, generator=generator(0, "y"))
    loss, accuracy = metrics.evaluate(MLP, params, x, y)
    limits = [(at, None) for at in loss.tolist()] + [(None, at) for at in accuracy.tolist()]
    for at_most, at_least in [*limits, (loss.median().item(), accuracy.median().item())]:
        above = None if at_most is None else at_most * (1 + 1e-6)  # batches round differently
        rule = {"at_most": above, "at_least": at_least}
        found = metrics.reaches(MLP, params, x, y, batch_size=batch_size, **rule)
        assert found.tolist() == metrics.met(loss, accuracy, **rule).tolist()
        assert found.any()


def test_reaches_ends_where_no_model_can_make_up_for_it(monkeypatch):
    params = models.init(MLP, gens(2))
    x = torch.randn(100, *MLP.input_shape, generator=generator(0, "x"))
    right = models.forward(MLP, params, x).argmax(2)
    seen = []
    forward = metrics.forward
    monkeypatch.setattr(metrics, "forward", lambda *a: seen.append(len(a[2])) or forward(*a))
    wrong = (right + 1) % 4
    assert not metrics.reaches(MLP, params, x, wrong, at_least=0.9, batch_size=4).any()
    assert sum(seen) == 12  # the eleventh error of 100 is one too many
    seen.clear()
    assert metrics.reaches(MLP, params, x, right, at_least=0.9, batch_size=4).all()
    assert sum(seen) == 100


def test_what_is_not_finite_meets_nothing():
    bad = torch.tensor([torch.nan, torch.inf, 0.1])
    assert metrics.met(bad, bad * torch.nan, at_most=1.0, at_least=None).tolist() == [0, 0, 1]
    assert not metrics.met(bad, bad * torch.nan, at_most=None, at_least=0.5).any()
