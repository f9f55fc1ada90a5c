import math
from dataclasses import replace

import pytest
import torch

from dlnotes.networks import metrics, models, recipe, sizes, training
from dlnotes.networks.models import ModelConfig
from dlnotes.networks.recipe import TrainConfig
from dlnotes.rng import generator
from tests import reference
from tests.networks.test_models import BY_NAME, CNN, CNN_NORM, LINEAR, LOCAL, MLP, MLP_NORM, gens
from tests.pairwise import cover


def task(config, examples, models_=3, own=True):
    """Random inputs and labels in float64, so that equality can be asked for sharply."""
    lead = (models_, examples) if own else (examples,)
    x = torch.randn(*lead, *config.input_shape, generator=generator(1, "x"), dtype=torch.float64)
    y = torch.randint(config.num_classes, lead, generator=generator(1, "y"))
    params = models.init(config, gens(models_), dtype=torch.float64)
    return params, x, y, [generator(seed, "order") for seed in range(models_)]


def noises(count=3):
    return [generator(seed, "noise") for seed in range(count)]


def same(run, i, alone, tolerance=1e-9):
    for name, p in alone.items():  # float64: rounding over a few epochs stays far below this
        torch.testing.assert_close(run.params[name][i], p[0], rtol=tolerance, atol=tolerance)


SIZES = {"one-batch": (12, 12), "even": (12, 4), "ragged": (13, 5), "small": (4, 2)}
STEPS = {
    "plain": {},
    "momentum": {"momentum": 0.9},
    "decay": {"momentum": 0.9, "weight_decay": 0.01},
}
DATA, ORDER = ("own-data", "shared-data"), ("own-order", "one-order")


@pytest.mark.parametrize(
    ("model", "sizes", "data", "order", "rates"),
    cover(BY_NAME, SIZES, DATA, ORDER, STEPS, whole=(1, 2, 3)),
)
def test_a_stack_equals_separate_runs(model, sizes, data, order, rates):
    model, (examples, batch_size), rates = BY_NAME[model], SIZES[sizes], STEPS[rates]
    own, one = data == "own-data", order == "one-order"
    params, x, y, orders = task(model, examples, own=own)
    config = TrainConfig(batch_size=batch_size, max_epochs=3, learning_rate=0.05, **rates)
    run = training.train(model, config, params, x, y, gens=orders[0] if one else orders)
    for i in range(3):
        xi, yi = (x[i], y[i]) if own else (x, y)
        gen = generator(0 if one else i, "order")
        alone, accuracies = reference.train_one(model, config, params, i, xi, yi, gen)
        same(run, i, alone)
        assert run.accuracy[i, 1:].tolist() == pytest.approx(accuracies)
    assert run.steps_per_epoch == math.ceil(examples / batch_size)
    assert run.epochs.tolist() == [3, 3, 3]
    assert not run.fitted.any()
    assert not run.diverged.any()


RATES = {
    "learning_rate": (0.02, 0.05, 0.01),
    "momentum": (0.9, 0.0, 0.5),
    "weight_decay": (0.0, 0.01, 0.1),
    "l1": (0.003, 0.0, 0.01),
    "label_smoothing": (0.1, 0.0, 0.3),
    "dropout": (0.5, 0.2, 0.0),
    "input_dropout": (0.2, 0.0, 0.3),
    "input_noise": (0.1, 0.0, 0.3),
    "weight_noise": (0.0, 0.02, 0.01),
}


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize(
    ("model", "left_out"),
    [(MLP, name) for name in (None, *recipe.NOISES, "momentum")]
    # A bias before batch normalization has gradient 0: Adam would blow up its rounding errors.
    + [(model, None) for model in (LINEAR, replace(CNN_NORM, bias=False), LOCAL)],
)
def test_models_may_differ_in_every_rate(optimizer, model, left_out):
    params, x, y, orders = task(model, 20)
    y[1] = 0  # leaves early, so that rates, state and noise have to be picked with the others
    rates = {name: rate for name, rate in RATES.items() if name != left_out}
    config = TrainConfig(
        batch_size=7, max_epochs=15, optimizer=optimizer, stop_accuracy=1.0, **rates
    )
    run = training.train(model, config, params, x, y, gens=orders, noise=noises())
    assert run.epochs[1] < run.epochs[0]
    for i in range(3):
        gen, noise = generator(i, "order"), generator(i, "noise")
        alone, accuracies = reference.train_one(
            model, config, params, i, x[i], y[i], gen, noise=noise
        )
        assert run.epochs[i] == len(accuracies)
        same(run, i, alone, 1e-7)  # Adam divides by roots of small numbers


@pytest.mark.parametrize("by_label", [True, False])
@pytest.mark.parametrize("model", [LINEAR, MLP], ids=["linear", "mlp"])
def test_squared_error(model, by_label):
    params, x, y, orders = task(model, 12)
    if not by_label:
        y = torch.randn(3, 12, model.num_classes, generator=generator(0, "t"), dtype=torch.float64)
    config = TrainConfig(batch_size=5, max_epochs=3, learning_rate=0.05, loss="squared_error")
    run = training.train(model, config, params, x, y, gens=orders)
    for i in range(3):
        gen = generator(i, "order")
        same(run, i, reference.train_one(model, config, params, i, x[i], y[i], gen)[0])
        outputs = reference.forward_one(model, run.params, i, x[i])
        target = y[i] if not by_label else torch.nn.functional.one_hot(y[i], model.num_classes)
        loss = (outputs - target).square().sum() / 24
        assert run.loss[i, -1].item() == pytest.approx(loss.item())
    assert run.accuracy.isnan().all() == (not by_label)


def test_least_squares_ends_at_the_normal_equations():
    model = ModelConfig(kind="mlp", input_shape=(3,), num_classes=1, hidden=(), bias=False)
    x = torch.randn(20, 3, generator=generator(0, "x"), dtype=torch.float64)
    y = torch.randn(20, 1, generator=generator(0, "y"), dtype=torch.float64)
    params = models.init(model, gens(2), dtype=torch.float64)
    config = TrainConfig(batch_size=20, max_epochs=500, learning_rate=0.5, loss="squared_error")
    run = training.train(model, config, params, x, y, gens=generator(0, "order"))
    best = torch.linalg.lstsq(x, y).solution.T
    for i in range(2):
        torch.testing.assert_close(run.params["dense0.weight"][i], best)


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("one_order", [True, False])
def test_each_model_trains_on_its_own_subset(own, one_order):
    params, x, y, orders = task(MLP, 20, own=own)
    rows = torch.stack([torch.randperm(20, generator=generator(i, "rows"))[:9] for i in range(3)])
    config = TrainConfig(batch_size=4, max_epochs=3, learning_rate=0.05)
    gen = orders[0] if one_order else orders
    run = training.train(MLP, config, params, x, y, gens=gen, rows=rows)
    for i in range(3):
        xi, yi = (x[i], y[i]) if own else (x, y)
        gen = generator(0 if one_order else i, "order")
        mine = rows[i]
        alone, accuracies = reference.train_one(MLP, config, params, i, xi[mine], yi[mine], gen)
        same(run, i, alone)
        assert run.accuracy[i, 1:].tolist() == pytest.approx(accuracies)


@pytest.mark.parametrize(
    ("near_bytes", "threads", "at_once"), [(1, 1, 1), (1, 2, 2), (5000, 1, 2), (10**9, 2, 5)]
)
@pytest.mark.parametrize("order", ["own-order", "one-order"])
def test_a_stack_trained_in_parts_is_the_same(monkeypatch, near_bytes, threads, at_once, order):
    monkeypatch.setattr(sizes, "NEAR_BYTES", near_bytes)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    params, x, y, orders = task(MLP, 20, models_=5)
    y[2] = 0
    gens_ = orders[0] if order == "one-order" else orders
    rates = {name: (*rate, *rate[:2]) for name, rate in RATES.items()}
    config = TrainConfig(batch_size=7, max_epochs=20, stop_accuracy=1.0, **rates)
    seen = []

    def measure(params, places):
        seen.append(len(places))
        return {"first weight": params["dense0.weight"][:, 0, 0], "place": places.double()}

    run = training.train(MLP, config, params, x, y, gens=gens_, noise=noises(5), measure=measure)
    assert max(seen) == at_once
    assert run.epochs[2] < run.epochs[0]
    assert run.measured["place"].tolist() == [[i] * len(run.points) for i in range(5)]
    weight = run.params["dense0.weight"][:, 0, 0]
    torch.testing.assert_close(run.measured["first weight"][:, -1], weight)
    for i in range(5):
        gen = generator(0 if order == "one-order" else i, "order")
        alone, accuracies = reference.train_one(
            MLP, config, params, i, x[i], y[i], gen, noise=generator(i, "noise")
        )
        same(run, i, alone)
        assert run.summary(i)["accuracy curve"][1:] == pytest.approx(accuracies)


@pytest.mark.parametrize("model", [MLP, CNN], ids=["mlp", "cnn"])
def test_a_model_that_is_done_leaves_and_the_others_do_not_notice(model):
    params, x, y, orders = task(model, 20, models_=5)
    y[2] = 0  # one class: fitted at once; the others take longer, each its own time
    config = TrainConfig(
        batch_size=7, max_epochs=300, learning_rate=0.05, momentum=0.5, stop_accuracy=0.7
    )
    run = training.train(model, config, params, x, y, gens=orders)
    assert run.fitted.all()
    assert len(set(run.epochs.tolist())) > 1
    for i in range(5):
        alone, accuracies = reference.train_one(
            model, config, params, i, x[i], y[i], generator(i, "order")
        )
        assert run.epochs[i] == len(accuracies)
        assert run.summary(i)["accuracy curve"][1:] == pytest.approx(accuracies)
        same(run, i, alone)


@pytest.mark.parametrize("order", ["own-order", "one-order"])
def test_a_model_may_leave_in_mid_epoch(order):
    params, x, y, orders = task(MLP, 20, models_=5)
    y[2] = 0
    config = TrainConfig(
        batch_size=3, max_epochs=60, learning_rate=0.05, stop_accuracy=0.6, curve_every=2
    )
    gens_ = orders[0] if order == "one-order" else orders
    run = training.train(MLP, config, params, x, y, gens=gens_)
    assert (run.steps % 7 != 0).any()  # 7 steps are an epoch
    for i in range(5):
        one = {name: p[i : i + 1] for name, p in params.items()}
        gen = orders[0] if order == "one-order" else orders[i : i + 1]
        alone = training.train(MLP, config, one, x[i : i + 1], y[i : i + 1], gens=gen)
        assert alone.steps[0] == run.steps[i]
        same(run, i, alone.params)


@pytest.mark.parametrize("rule", [{"stop_accuracy": 0.7}, {"stop_loss": 0.9}], ids=str)
@pytest.mark.parametrize("data", DATA)
def test_looking_between_the_points_stops_the_same_models_at_the_same_steps(rule, data):
    params, x, y, orders = task(MLP, 20, models_=5, own=data == "own-data")
    each = {"batch_size": 7, "max_epochs": 90, "learning_rate": 0.05, "momentum": 0.5, **rule}
    points = training.train(MLP, TrainConfig(**each), params, x, y, gens=orders)
    looks = TrainConfig(**each, curve_every=1000, stop_every=3)  # 3 steps are an epoch
    run = training.train(MLP, looks, params, x, y, gens=orders)
    assert run.fitted.all()
    assert len(set(run.steps.tolist())) > 1
    assert run.steps.tolist() == points.steps.tolist()
    assert run.points.tolist() == [0, *sorted(set(run.steps.tolist()))]
    assert torch.equal(run.loss[:, -1], points.loss[:, -1])
    for i in range(5):
        same(run, i, {name: p[i : i + 1] for name, p in points.params.items()})
        assert run.summary(i)["curve steps"][-1] == run.steps[i]


def test_two_stop_rules_must_both_be_met():
    params, x, y, orders = task(MLP, 20)
    both = {"stop_accuracy": 0.8, "stop_loss": 0.3}
    runs = {
        names: training.train(
            MLP,
            TrainConfig(
                batch_size=5, max_epochs=300, learning_rate=0.05, **{n: both[n] for n in names}
            ),
            params,
            x,
            y,
            gens=orders,
        ).steps
        for names in (("stop_accuracy",), ("stop_loss",), ("stop_accuracy", "stop_loss"))
    }
    alone = torch.stack([runs["stop_accuracy",], runs["stop_loss",]])
    assert (runs["stop_accuracy", "stop_loss"] >= alone.max(0).values).all()
    assert len(alone.unique(dim=0)) == 2


def test_the_learning_curve_has_its_points_where_asked():
    params, x, y, orders = task(MLP, 13)
    points, weights = {}, {}
    for every in (None, 0, 1, 4):
        config = TrainConfig(batch_size=5, max_epochs=3, learning_rate=0.05, curve_every=every)
        run = training.train(MLP, config, params, x, y, gens=orders)
        points[every] = run.points.tolist()
        if every == 1:
            dense = run.loss
        if every == 0:
            assert run.loss.shape == run.accuracy.shape == (3, 0)
            assert run.summary(1) == {"epochs": 3, "steps": 9, "fitted": False, "diverged": False}
            assert torch.equal(run.params["dense0.weight"], weights[None])
            continue
        weights[every] = run.params["dense0.weight"]
        assert run.loss[:, -1].tolist() == pytest.approx(
            [metrics.evaluate(MLP, run.params, x, y)[0][i].item() for i in range(3)]
        )
    assert points == {
        None: [0, 3, 6, 9], 0: [], 1: list(range(10)), 4: [0, 4, 8, 9]
    }  # fmt: skip
    torch.testing.assert_close(run.loss, dense[:, points[4]])


def test_one_model_alone_and_the_inputs_are_left_as_they_were():
    params, x, y, orders = task(MLP, 10, models_=1)
    before = {name: p.clone() for name, p in params.items()}
    state = orders[0].get_state()
    config = TrainConfig(batch_size=10, max_epochs=2, learning_rate=0.1)
    run = training.train(MLP, config, params, x, y, gens=orders)
    assert all(torch.equal(params[name], before[name]) for name in params)
    assert torch.equal(orders[0].get_state(), state)
    assert not torch.equal(run.params["dense0.weight"], before["dense0.weight"])
    assert not run.params["dense0.weight"].requires_grad


def test_no_epochs_return_the_start():
    params, x, y, orders = task(MLP, 10)
    config = TrainConfig(batch_size=5, max_epochs=0, learning_rate=0.1)
    run = training.train(MLP, config, params, x, y, gens=orders)
    assert all(torch.equal(run.params[name], params[name]) for name in params)
    assert run.loss.shape == (3, 1)
    assert run.summary(0)["epochs"] == 0


@pytest.mark.parametrize("stop", [None, 1.0])
def test_a_run_that_diverges_says_so_and_has_no_accuracy(stop):
    params, x, y, orders = task(MLP, 10)
    config = TrainConfig(
        batch_size=5, max_epochs=30, learning_rate=(0.1, 1e200, 0.1), stop_accuracy=stop
    )
    run = training.train(MLP, config, params, x, y, gens=orders)
    assert run.diverged.tolist() == [False, True, False]
    assert run.summary(1)["diverged"]
    assert run.accuracy[:, -1].isnan().tolist() == [False, True, False]
    assert not run.fitted[1]
    assert run.epochs[1] == (30 if stop is None else 1)  # with a stop rule it leaves at once


def test_one_class_costs_nothing():
    one = models.ModelConfig(kind="mlp", input_shape=(9,), num_classes=1, hidden=(3,))
    params, x, y, orders = task(one, 6)
    run = training.train(
        one, TrainConfig(batch_size=6, max_epochs=1, learning_rate=1.0), params, x, y, gens=orders
    )
    assert run.loss.abs().max() == 0
    assert (run.accuracy == 1).all()


@pytest.mark.parametrize("model", [MLP, CNN], ids=["mlp", "cnn"])
def test_equal_inputs_give_equal_bytes(model):
    config = TrainConfig(batch_size=5, max_epochs=3, learning_rate=0.1, momentum=0.9, dropout=0.1)
    runs = []
    for _ in range(2):
        params, x, y, orders = task(model, 11)
        runs.append(training.train(model, config, params, x, y, gens=orders, noise=noises()))
    assert torch.equal(runs[0].loss, runs[1].loss)
    assert all(torch.equal(runs[0].params[name], p) for name, p in runs[1].params.items())


@pytest.mark.parametrize("models_", [1, 4])
def test_memory_counts_every_tensor(models_):
    # by hand: 36 x 7, 7 x 5 and 5 x 4 weights and 16 biases; units 7 + 5 are kept, logits and
    # their derivative twice the larger of the last two layers; inputs once
    parameters, kept = 36 * 7 + 7 * 5 + 5 * 4 + 16, 10 * (7 + 5 + 2 * 5)
    config = TrainConfig(batch_size=10, max_epochs=1, learning_rate=1.0)
    counted = sizes.memory(MLP, config, models_)
    assert counted == 4 * (models_ * (parameters + kept) + 10 * 36)
    momentum = sizes.memory(MLP, replace(config, momentum=0.5), models_)
    assert momentum - counted == 4 * models_ * parameters
    adam = sizes.memory(MLP, replace(config, optimizer="adam"), models_)
    assert adam - counted == 3 * 4 * models_ * parameters
    noisy = sizes.memory(MLP, replace(config, input_noise=0.1), models_)  # inputs of its own
    assert noisy - counted == 4 * (models_ - 1) * 10 * 36
    actual = sum(p[0].numel() for p in models.init(MLP, gens(1)).values())
    assert actual == parameters


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("model", [MLP, CNN], ids=["mlp", "cnn"])
def test_the_gpu_agrees_with_the_cpu(model):
    params, x, y, orders = task(model, 13)
    config = TrainConfig(
        batch_size=5, max_epochs=200, learning_rate=0.05, momentum=0.5, stop_accuracy=1.0
    )
    cpu = training.train(model, config, params, x, y, gens=orders)
    there = {name: p.cuda() for name, p in params.items()}
    gpu = training.train(model, config, there, x.cuda(), y.cuda(), gens=task(model, 13)[3])
    assert torch.equal(cpu.epochs, gpu.epochs.cpu())
    assert gpu.fitted.all()
    for name, p in cpu.params.items():  # float64 on both sides, other order of summation
        torch.testing.assert_close(gpu.params[name].cpu(), p, rtol=1e-8, atol=1e-8)


@pytest.mark.untyped
@pytest.mark.parametrize(
    ("field", "value", "match"),
    [
        ("batch_size", 0, "batch_size >= 1"),
        ("learning_rate", 0.0, "0 < learning_rate"),
        ("learning_rate", math.inf, "learning_rate < inf"),
        ("momentum", 1.0, "0 <= momentum < 1"),
        ("weight_decay", -1.0, "weight_decay >= 0"),
        ("stop_accuracy", 99.9, "stop_accuracy <= 1"),
        ("max_epochs", -1, "max_epochs >= 0"),
        ("optimizer", "rmsprop", "optimizer in .'sgd', 'adam', 'adamw'."),
        ("l1", (0.0, -1.0), "l1 >= 0"),
        ("label_smoothing", 1.5, "label_smoothing <= 1"),
        ("dropout", 1.0, "dropout < 1"),
        ("input_dropout", 1.0, "input_dropout < 1"),
        ("input_noise", -0.1, "input_noise >= 0"),
        ("weight_noise", (0.0, -0.1), "weight_noise >= 0"),
        ("loss", "hinge", "loss in .'cross_entropy', 'squared_error'."),
        ("curve_every", -1, "curve_every >= 0"),
        ("curve_every", 0, "curve_every > 0 for stop_accuracy"),
        ("stop_loss", 0.0, "0 < stop_loss"),
        ("stop_every", 0, "stop_every > 0"),
    ],
)
def test_bad_config(field, value, match):
    good = {"batch_size": 1, "max_epochs": 1, "learning_rate": 1.0, "stop_accuracy": 0.5}
    with pytest.raises(ValueError, match=match):
        TrainConfig(**good | {field: value})


def test_looking_for_no_stop_rule_is_refused():
    with pytest.raises(ValueError, match="stop_accuracy or stop_loss for stop_every"):
        TrainConfig(batch_size=1, max_epochs=1, learning_rate=1.0, stop_every=1)


@pytest.mark.untyped
def test_bad_input_is_refused_before_any_work():
    params, x, y, orders = task(MLP, 10)
    config = TrainConfig(batch_size=5, max_epochs=1, learning_rate=0.1)
    for bad, match in (
        ({"gens": orders[:2]}, "3 models needs a generator, got 2"),
        ({"x": x[:, :9]}, "must hold 10 examples"),
        ({"x": x[..., :5]}, "shape .1, 6, 6."),
        ({"y": y + 1}, r"lie in \[0, 4\), got 1 to 4"),
        ({"y": y[:2]}, r"3 models, examples\], got \(2, 10\)"),
        ({"y": y.double()}, "labels must be int64"),
        (
            {"noise": noises(2), "config": replace(config, dropout=0.5)},
            "dropout need .noise.*got 2",
        ),
        ({"rows": torch.tensor([[0, 10]] * 3)}, r"rows must lie in \[0, 10\), got 0 to 10"),
        ({"rows": torch.zeros(2, 5, dtype=torch.int64)}, r"\[3 models, rows\], got .* \(2, 5\)"),
        ({"rows": torch.zeros(3, 4, dtype=torch.int64)}, "got 5 > 4"),
        ({"config": replace(config, batch_size=3), "model": MLP_NORM}, "at least 2 examples"),
        (
            {"config": replace(config, loss="squared_error"), "y": torch.zeros(10, 3).double()},
            "4 outputs .num_classes., got 3",
        ),
        ({"params": {n: p[:0] for n, p in params.items()}}, "at least one model, got 0"),
        (
            {"config": TrainConfig(batch_size=5, max_epochs=1, learning_rate=(0.1, 0.2))},
            "learning_rate must be one number or one for each of the 3 models, got 2",
        ),
        (
            {"x": x.float()},
            "inputs torch.float64 like the parameters, got torch.int64 and torch.fl",
        ),
        ({"config": TrainConfig(batch_size=11, max_epochs=1, learning_rate=0.1)}, "got 11 > 10"),
    ):
        args = {
            "model": MLP,
            "config": config,
            "params": params,
            "x": x,
            "y": y,
            "gens": orders,
        } | bad
        with pytest.raises(ValueError, match=match):
            training.train(**args)
