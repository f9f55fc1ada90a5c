import math

import pytest
import torch

from dlnotes import models, training
from dlnotes.rng import generator
from dlnotes.training import TrainConfig
from tests import reference
from tests.test_models import CNN, LINEAR, MLP, gens


def task(config, examples, models_=3, own=True):
    """Random inputs and labels in float64, so that equality can be asked for sharply."""
    lead = (models_, examples) if own else (examples,)
    x = torch.randn(*lead, *config.input_shape, generator=generator(1, "x"), dtype=torch.float64)
    y = torch.randint(config.num_classes, lead, generator=generator(1, "y"))
    params = {name: p.double() for name, p in models.init(config, gens(models_)).items()}
    return params, x, y, [generator(seed, "order") for seed in range(models_)]


@pytest.mark.parametrize("model", [MLP, CNN, LINEAR], ids=["mlp", "cnn", "linear"])
@pytest.mark.parametrize(
    ("examples", "batch_size"),
    [(12, 12), (12, 4), (13, 5), (3, 1)],
    ids=["one-batch", "even", "ragged", "single"],
)
@pytest.mark.parametrize("own", [True, False], ids=["own-data", "shared-data"])
@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_a_stack_equals_separate_runs(model, examples, batch_size, own, decay):
    params, x, y, orders = task(model, examples, own=own)
    config = TrainConfig(
        batch_size=batch_size, max_epochs=4, learning_rate=0.05, momentum=0.9, weight_decay=decay
    )
    run = training.train(model, config, params, x, y, gens=orders)
    for i in range(3):
        xi, yi = (x[i], y[i]) if own else (x, y)
        alone, accuracies = reference.train_one(
            model, config, params, i, xi, yi, generator(i, "order")
        )
        for name, p in alone.items():  # float64: rounding over 4 epochs stays far below 1e-10
            torch.testing.assert_close(run.params[name][i], p[0], rtol=1e-10, atol=1e-10)
        assert run.accuracy[i, 1:].tolist() == pytest.approx(accuracies)
    assert run.steps_per_epoch == math.ceil(examples / batch_size)
    assert run.epochs.tolist() == [4, 4, 4]
    assert not run.fitted.any()


@pytest.mark.parametrize("model", [MLP, CNN], ids=["mlp", "cnn"])
def test_a_model_that_is_done_leaves_and_the_others_do_not_notice(model):
    params, x, y, orders = task(model, 20, models_=5)
    y[2] = 0  # one class: fitted at once; the others take longer, each its own time
    config = TrainConfig(
        batch_size=7, max_epochs=300, learning_rate=0.05, momentum=0.5, stop_accuracy=1.0
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
        for name, p in alone.items():
            torch.testing.assert_close(run.params[name][i], p[0], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_models_may_differ_in_every_rate(optimizer):
    params, x, y, orders = task(MLP, 20)
    y[1] = 0  # leaves early, so that rates and state have to be picked with the others
    config = TrainConfig(
        batch_size=7,
        max_epochs=60,
        optimizer=optimizer,
        learning_rate=(0.02, 0.05, 0.01),
        momentum=(0.9, 0.0, 0.5),
        weight_decay=(0.0, 0.01, 0.1),
        label_smoothing=(0.1, 0.0, 0.3),
        stop_accuracy=1.0,
    )
    run = training.train(MLP, config, params, x, y, gens=orders)
    for i in range(3):
        gen = generator(i, "order")
        alone, accuracies = reference.train_one(MLP, config, params, i, x[i], y[i], gen)
        assert run.epochs[i] == len(accuracies)
        for name, p in alone.items():
            torch.testing.assert_close(run.params[name][i], p[0], rtol=1e-8, atol=1e-8)


def test_one_model_alone_and_the_input_is_left_as_it_was():
    params, x, y, orders = task(MLP, 10, models_=1)
    before = {name: p.clone() for name, p in params.items()}
    config = TrainConfig(batch_size=10, max_epochs=2, learning_rate=0.1)
    run = training.train(MLP, config, params, x, y, gens=orders)
    assert all(torch.equal(params[name], before[name]) for name in params)
    assert not torch.equal(run.params["dense0.weight"], before["dense0.weight"])
    assert not run.params["dense0.weight"].requires_grad


def test_no_epochs_return_the_start():
    params, x, y, orders = task(MLP, 10)
    config = TrainConfig(batch_size=5, max_epochs=0, learning_rate=0.1)
    run = training.train(MLP, config, params, x, y, gens=orders)
    assert all(torch.equal(run.params[name], params[name]) for name in params)
    assert run.loss.shape == (3, 1)
    assert run.summary(0)["epochs"] == 0


def test_a_run_that_diverges_has_no_accuracy():
    params, x, y, orders = task(MLP, 10)
    config = TrainConfig(batch_size=5, max_epochs=3, learning_rate=1e200)
    run = training.train(MLP, config, params, x, y, gens=orders)
    assert not run.loss[:, -1].isfinite().any()
    assert run.accuracy[:, -1].isnan().all()  # a comparison with nan would look like chance
    assert not run.fitted.any()


def test_one_class_costs_nothing():
    one = models.ModelConfig(kind="mlp", input_shape=(9,), num_classes=1, hidden=(3,))
    params, x, y, orders = task(one, 6)
    run = training.train(
        one, TrainConfig(batch_size=6, max_epochs=1, learning_rate=1.0), params, x, y, gens=orders
    )
    assert run.loss.abs().max() == 0
    assert (run.accuracy == 1).all()


def test_equal_inputs_give_equal_bytes():
    config = TrainConfig(batch_size=5, max_epochs=3, learning_rate=0.1, momentum=0.9)
    runs = []
    for _ in range(2):
        params, x, y, orders = task(CNN, 11)
        runs.append(training.train(CNN, config, params, x, y, gens=orders))
    assert torch.equal(runs[0].loss, runs[1].loss)
    assert all(torch.equal(runs[0].params[name], p) for name, p in runs[1].params.items())


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
    ],
)
def test_bad_config(field, value, match):
    with pytest.raises(ValueError, match=match):
        TrainConfig(**{"batch_size": 1, "max_epochs": 1, "learning_rate": 1.0} | {field: value})


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
