import pytest
import torch
from torch.func import hessian

from dlnotes.measures import curvature
from dlnotes.networks import models, stacks
from dlnotes.networks.models import ModelConfig
from dlnotes.rng import generator
from tests import reference

# torch.func looks up its rules by torch.jit, which warns about itself.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")

SHAPES = {
    "mlp": ModelConfig(kind="mlp", input_shape=(3,), num_classes=3, hidden=(4, 3)),
    "batch norm": ModelConfig(
        kind="mlp", input_shape=(3,), num_classes=3, hidden=(4,), batch_norm=True
    ),
    "cnn": ModelConfig(
        kind="cnn", input_shape=(1, 3, 3), num_classes=3, hidden=(3,), channels=(2,), kernel_size=3
    ),
}
LINEAR = ModelConfig(kind="mlp", input_shape=(4,), num_classes=3, hidden=())
CHAIN = ModelConfig(kind="mlp", input_shape=(1,), num_classes=1, hidden=(1, 1), bias=False)


def draw(*shape, name="x"):
    return torch.randn(*shape, generator=generator(0, "curvature test", name)).double()


def stack(config, num_models=2):
    """Random models, none of whose parameters is zero; running averages are not 0 and 1 either."""
    start = models.init(config, [generator(i, "curvature test") for i in range(num_models)])
    start = {n: p.double() + 0.1 * draw(*p.shape, name=n) for n, p in start.items()}
    return {n: p.abs() + 0.5 if n.endswith("running_var") else p for n, p in start.items()}


def examples(config, num_models=2):
    """Inputs and labels of its own for each model."""
    x = draw(num_models, 7, *config.input_shape)
    y = torch.randint(config.num_classes, (num_models, 7), generator=generator(0, "curvature y"))
    return x, y


def dense(config, stacked, i, x, y, loss="cross_entropy"):
    """The Hessian of model i as a matrix, by torch.func, from the single-model reference."""
    one = {n: p[i] for n, p in stacked.items()}
    free = stacks.trained(one)
    sizes = [p.numel() for p in free.values()]

    def loss_at(flat):
        parts = zip(free, flat.split(sizes), strict=True)
        now = one | {n: p.view(free[n].shape) for n, p in parts}
        now = {n: p[None] for n, p in now.items()}
        outputs = reference.forward_one(config, now, 0, x)
        if loss == "squared_error":
            return (outputs - y).square().sum() / (2 * len(x))
        return torch.nn.functional.cross_entropy(outputs, y)

    return hessian(loss_at)(torch.cat([p.flatten() for p in free.values()]))


def flat(stacked, i):
    return torch.cat([p[i].flatten() for p in stacks.trained(stacked).values()])


@pytest.mark.parametrize("config", SHAPES.values(), ids=SHAPES)
def test_products_and_eigenvalues_equal_those_of_the_dense_hessian(config):
    stacked, (x, y) = stack(config), examples(config)
    vectors = {n: draw(*p.shape, name=f"v {n}") for n, p in stacks.trained(stacked).items()}
    products = curvature.hessian_product(config, stacked, vectors, x, y)
    found = curvature.largest_eigenvalues(config, stacked, x, y, count=3, tolerance=1e-10)
    for i in range(2):
        matrix = dense(config, stacked, i, x[i], y[i])
        torch.testing.assert_close(flat(products, i), matrix @ flat(vectors, i))
        exact = torch.linalg.eigvalsh(matrix).flip(0)[:3]
        torch.testing.assert_close(found.values[i], exact, rtol=1e-8, atol=1e-8)
    assert (found.errors < 1e-6).all()


def test_relative_products_and_eigenvalues_scale_rows_and_columns_by_the_weights():
    config = SHAPES["mlp"]
    stacked, (x, y) = stack(config), examples(config)
    vectors = {n: draw(*p.shape, name=f"v {n}") for n, p in stacked.items()}
    products = curvature.hessian_product(config, stacked, vectors, x, y, relative=True)
    found = curvature.largest_eigenvalues(config, stacked, x, y, relative=True, tolerance=1e-10)
    for i in range(2):
        scale = flat(stacked, i).abs()
        matrix = dense(config, stacked, i, x[i], y[i]) * scale * scale[:, None]
        torch.testing.assert_close(flat(products, i), matrix @ flat(vectors, i))
        assert found.values[i].item() == pytest.approx(torch.linalg.eigvalsh(matrix)[-1].item())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_least_squares_has_the_eigenvalues_of_its_inputs_each_once_an_output(dtype):
    """Half the mean squared distance of a linear model: H is X'X / n for each of three outputs."""
    x, targets = draw(20, 4), draw(20, 3, name="targets")
    inputs = torch.cat([x, torch.ones(20, 1).double()], 1)  # the bias sees a one
    exact = torch.linalg.eigvalsh(inputs.T @ inputs / 20).flip(0)
    found = curvature.largest_eigenvalues(
        LINEAR,
        {n: p.to(dtype) for n, p in stack(LINEAR).items()},
        x.to(dtype),
        targets.to(dtype),
        count=4,
        loss="squared_error",
        tolerance=1e-5,
    )
    expected = exact[[0, 0, 0, 1]].expand(2, 4)
    torch.testing.assert_close(found.values, expected, rtol=1e-4, atol=0)
    assert (found.errors <= 1e-3 * found.values).all()


@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
@pytest.mark.parametrize("config", [SHAPES["mlp"], LINEAR, CHAIN], ids=["mlp", "linear", "chain"])
def test_the_trace_is_that_of_the_dense_hessian(config, loss):
    stacked, (x, y) = stack(config), examples(config)
    found = curvature.trace(config, stacked, x, loss=loss, batch_size=3)
    for i in range(2):
        targets = torch.nn.functional.one_hot(y[i], config.num_classes).double()
        labels = targets if loss == "squared_error" else y[i]
        exact = dense(config, stacked, i, x[i], labels, loss=loss).trace()
        torch.testing.assert_close(found[i], exact, rtol=1e-10, atol=1e-12)


def test_the_trace_may_share_its_inputs_and_needs_a_plain_mlp():
    config = SHAPES["mlp"]
    stacked, (x, _) = stack(config), examples(config)
    shared = curvature.trace(config, stacked, x[0])
    torch.testing.assert_close(shared, curvature.trace(config, stacked, x[[0, 0]]))
    with pytest.raises(ValueError, match="needs an MLP without batch normalization"):
        curvature.trace(SHAPES["cnn"], stack(SHAPES["cnn"]), examples(SHAPES["cnn"])[0])
    with pytest.raises(ValueError, match="batch_size >= 1"):
        curvature.trace(config, stacked, x, batch_size=0)


def chain(target):
    """The loss (a b c - target)^2 / 2 at a = b = c = 1, whose Hessian is known.

    It is 1 + r off the diagonal and 1 on it, with r = 1 - target: eigenvalues 3 + 2 r, -r and -r.
    """
    ones = {f"dense{i}.weight": torch.ones(1, 1, 1).double() for i in range(3)}
    return CHAIN, ones, torch.ones(1, 1).double(), torch.full((1, 1), target).double()


@pytest.mark.parametrize(
    ("which", "count", "expected"),
    [
        ("algebraic", 1, [9.0]),
        ("algebraic", 2, [9.0, 9.0]),
        ("magnitude", 1, [-15.0]),
        ("magnitude", 2, [-15.0, 9.0]),
    ],
)
def test_a_negative_eigenvalue_counts_by_its_sign_or_by_its_size(which, count, expected):
    options = {"which": which, "count": count, "loss": "squared_error", "tolerance": 1e-10}
    found = curvature.largest_eigenvalues(*chain(10.0), **options)
    assert found.values[0].tolist() == pytest.approx(expected, rel=1e-8)


def test_equal_inputs_give_equal_eigenvalues_whatever_the_neighbors():
    config = SHAPES["mlp"]
    stacked, (x, y) = stack(config), examples(config)
    both = curvature.largest_eigenvalues(config, stacked, x, y)
    alone = curvature.largest_eigenvalues(config, stacks.select(stacked, 1), x[1:], y[1:])
    torch.testing.assert_close(both.values[1:], alone.values, rtol=1e-12, atol=0)
    assert torch.equal(curvature.largest_eigenvalues(config, stacked, x, y).values, both.values)


def rescaled(stacked, by):
    """Multiply what enters each unit of the first hidden layer, divide what leaves it."""
    moved = dict(stacked)
    moved["dense0.weight"] = stacked["dense0.weight"] * by[:, None]
    moved["dense0.bias"] = stacked["dense0.bias"] * by
    moved["dense1.weight"] = stacked["dense1.weight"] / by
    return moved


def test_the_relative_measures_do_not_see_a_rescaling_of_units():
    config = SHAPES["mlp"]
    stacked, (x, y) = stack(config), examples(config)
    moved = rescaled(stacked, torch.tensor([0.01, 0.5, 3.0, 200.0]).double())
    assert torch.allclose(models.forward(config, moved, x), models.forward(config, stacked, x))

    def both(measure, **options):
        return [measure(config, at, x, y, **options) for at in (stacked, moved)]

    before, after = both(curvature.largest_eigenvalues, relative=True, tolerance=1e-10)
    torch.testing.assert_close(after.values, before.values, rtol=1e-7, atol=0)
    plain, sharper = both(curvature.largest_eigenvalues)
    assert (sharper.values > 100 * plain.values).all()
    gens = [generator(i, "perturb") for i in range(2)]
    before, after = both(curvature.perturbation_cost, size=0.3, gens=gens)
    torch.testing.assert_close(after, before)


def test_the_cost_of_a_perturbation_of_a_quadratic_is_half_its_relative_trace():
    x, targets, size = draw(20, 4), draw(20, 3, name="targets"), 0.1
    stacked = stack(LINEAR)
    gens, options = [generator(i, "perturb") for i in range(2)], {"loss": "squared_error"}
    cost = curvature.perturbation_cost(
        LINEAR, stacked, x, targets, size=size, gens=gens, draws=4000, **options
    )
    for i in range(2):
        matrix = dense(LINEAR, stacked, i, x, targets, loss="squared_error")
        exact = size**2 / 2 * (matrix.diagonal() * flat(stacked, i) ** 2).sum()
        error = cost[i].std() / len(cost[i]) ** 0.5
        assert abs(cost[i].mean() - exact) < 4 * error  # 4 standard errors: 1 in 16,000 by chance


def test_a_perturbation_depends_on_the_models_own_generator_and_leaves_it():
    config = SHAPES["batch norm"]
    stacked, (x, y) = stack(config), examples(config)
    gens = [generator(i, "perturb") for i in range(2)]
    options = {"size": 0.1, "draws": 3}
    both = curvature.perturbation_cost(config, stacked, x, y, gens=gens, **options)
    one = stacks.select(stacked, 1)
    alone = curvature.perturbation_cost(config, one, x[1:], y[1:], gens=gens[1:], **options)
    torch.testing.assert_close(both[1:], alone)
    assert both.shape == (2, 3)
    options["size"] = 0.0
    still = curvature.perturbation_cost(config, stacked, x, y, gens=gens, **options)
    assert still.abs().max() == 0


def test_labels_and_inputs_may_be_shared():
    config = SHAPES["mlp"]
    stacked, (x, y) = stack(config), examples(config)
    shared = curvature.largest_eigenvalues(config, stacked, x[0], y[0])
    own = curvature.largest_eigenvalues(config, stacked, x[[0, 0]], y[[0, 0]])
    torch.testing.assert_close(shared.values, own.values)


def test_eigenvalues_equal_those_of_curvlinops():
    """An independent library. It is no test dependency: it would bring torchvision along."""
    library = pytest.importorskip("curvlinops", exc_type=ImportError)
    config = SHAPES["mlp"]
    stacked, (x, y) = stack(config), examples(config)
    layers = []
    for i in range(3):
        weight, bias = (stacked[f"dense{i}.{part}"][0] for part in ("weight", "bias"))
        layer = torch.nn.Linear(weight.shape[1], weight.shape[0], dtype=torch.float64)
        layer.weight.data, layer.bias.data = weight.clone(), bias.clone()
        layers += [layer, torch.nn.ReLU()]
    net, loss = torch.nn.Sequential(*layers[:-1]), torch.nn.CrossEntropyLoss()
    weights = [p for p in net.parameters() if p.requires_grad]
    operator = library.HessianLinearOperator(net, loss, weights, [(x[0], y[0])])
    size = stacks.num_parameters(stacked)
    matrix = operator @ torch.eye(size, dtype=torch.float64)
    exact = torch.linalg.eigvalsh(matrix.detach()).flip(0)[:2]
    one = stacks.select(stacked, 0)
    found = curvature.largest_eigenvalues(config, one, x[:1], y[:1], count=2, tolerance=1e-10)
    torch.testing.assert_close(found.values[0], exact)


@pytest.mark.untyped
def test_bad_values_are_refused():
    config = SHAPES["mlp"]
    stacked, (x, y) = stack(config), examples(config)
    with pytest.raises(ValueError, match=r"vectors must have the names and shapes"):
        curvature.hessian_product(config, stacked, {"dense0.bias": torch.zeros(2, 4)}, x, y)
    for options in ({"count": 0}, {"count": 43}, {"which": "largest"}, {"tolerance": 0.0}):
        with pytest.raises(ValueError, match="need 1 <= count < 43"):
            curvature.largest_eigenvalues(config, stacked, x, y, **options)
    with pytest.raises(ValueError, match=r"1 <= count < 43 \(parameters of a model\)"):
        curvature.largest_eigenvalues(config, stacked, x, y, count=43)
    broken = stacked | {"dense0.bias": torch.full((2, 4), torch.nan).double()}
    with pytest.raises(ValueError, match=r"parameters must be finite.*dense0\.bias"):
        curvature.largest_eigenvalues(config, broken, x, y)
    gens = [generator(0, "perturb")]
    with pytest.raises(ValueError, match=r"each of the 2 models, got 0\.1, 10 and 1 gen"):
        curvature.perturbation_cost(config, stacked, x, y, size=0.1, gens=gens)
