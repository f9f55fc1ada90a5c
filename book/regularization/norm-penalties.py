# ---
# jupyter:
#   dlnotes:
#     datasets:
#       smoke: []
#       cpu: [mnist]
#       gpu: [mnist]
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# (norm-penalties)=
# # What do L1 and L2 do to the weights?
#
# Almost every training script has a line like `weight_decay=1e-4`. Some have an L1 penalty in its
# place. Both ask the weights to be small. Yet one of them leaves all weights in place, and the other
# sets many of them to **exactly zero**. Why? And when should you want which?
#
# :::{dropdown} Show me the answer
# {by-verdict}`l1.exact-zeros | holds: L2 shrinks every weight by a *factor*. L1 moves every weight
# by a fixed *amount*, and stops at zero: that is where its exact zeros come from. | fails: L2
# shrinks by a factor and L1 moves by an amount, yet on this page more L1 did not give more zeros. |
# undecided: L2 shrinks by a factor and L1 moves by an amount; whether more L1 gives more zeros, the
# runs of this page cannot tell. | not-run: This build did not run the experiment.`
# {by-verdict}`penalty.matches-truth | holds: Take L1 if you believe that few inputs matter, and L2
# if you believe that all matter a little. | fails: The rule "L1 if few inputs matter, L2 if all do"
# does not hold here. | undecided: Whether L1 is better where few inputs matter, and L2 where all
# do, these runs cannot tell. | not-run: Look at another build, or run it yourself.`
# :::
#
# **What is measured.** What each penalty does to the weights in one step, and where it ends. Which
# weights are exactly zero. Which penalty finds the inputs that matter, and which predicts better.
# First in linear regression, then in a network.
#
# **What theory predicts.** This part of the book follows the notes of a meetup on chapter 7 of
# {cite:t}`goodfellow2016deep`. Those notes have a table (repeated in the Summary): L1 gives exact zeros
# and so selects inputs; L2 gives small weights, never a zero, and selects nothing. What it says of L2
# needs two small corrections.
#
# **What you need.** Derivatives, matrix times vector, and enough PyTorch to recognize a training
# step.

# %% tags=["parameters", "remove-cell"]
profile = "cpu"
device = "auto"
seeds = ""

# %% tags=["hide-input"] title="Set-up: imports, sizes, data"
import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.colors import LinearSegmentedColormap
from sklearn.linear_model import Lasso, Ridge, lasso_path
from torch import Tensor

from dlnotes import rng
from dlnotes.rng import generator
from dlnotes.data import datasets
from dlnotes.networks import metrics, models, training
from dlnotes.stats import sign_flip
from dlnotes.theory import penalties
from dlnotes.lab import claims, figures, prose, records, sweeps, verdicts
from dlnotes.lab.settings import Settings

figures.style()
run = Settings(profile=profile, device=device, seeds=seeds).prepare()
side = run.scale(smoke=8, cpu=14, gpu=28)  # pixels
size = run.scale(smoke=200, cpu=1000, gpu=5000)  # training digits
tests = run.scale(smoke=200, cpu=2500, gpu=10_000)  # test images of a seed

names = run.scale(smoke=("digits",), cpu=("mnist",), gpu=("mnist",))
data = datasets.load_all(names, stand_in="digits", side=side)
((train, test),) = data.values()
size, tests = min(size, len(train)), min(tests, len(test))

made = claims.Context(settings=run, data=[], needs=())  # problems made here
claims.Context(settings=run, data=[train], needs=())

# %% [markdown]
# ## Three networks that saw the same digits
#
# Here are the weights of six hidden units of a small {term}`multilayer perceptron`, as pictures: one square a
# pixel. The three rows started from the same weights and saw the same digits in
# the same order. Only the penalty differs.

# %% tags=["hide-input"] title="How the networks with L1 and L2 are trained"
STRENGTHS = {
    "none": [0.0],
    "L2": [3e-3, 1e-2, 3e-2],
    "L1": [3e-4, 1e-3, 3e-3],
}
SHOWN = {"none": 0.0, "L2": 1e-2, "L1": 1e-3}
UNITS = 6
net = models.ModelConfig(
    kind="mlp",
    input_shape=tuple(train.x.shape[1:]),
    num_classes=train.num_classes,
    hidden=(run.scale(smoke=16, cpu=64, gpu=256),),
)
grid = [
    {"penalty": kind, "strength": a, "seed": s}
    for kind, values in STRENGTHS.items()
    for a in values
    for s in run.seeds
]


def fit(group: list[dict]) -> list[dict]:
    """Train all networks side by side; measure zeros and accuracy."""
    own, where = [c["seed"] for c in group], run.torch_device

    def rates(kind: str) -> tuple[float, ...]:
        return tuple(c["strength"] * (c["penalty"] == kind) for c in group)

    recipe = training.TrainConfig(
        batch_size=run.scale(smoke=20, cpu=50, gpu=100),
        max_epochs=run.scale(smoke=20, cpu=100, gpu=100),
        learning_rate=0.2,
        weight_decay=rates("L2"),
        l1=rates("L1"),
        curve_every=0,
    )
    parts = [
        datasets.subset(train, size, gen=gen) for gen in rng.each(own, "subset")
    ]
    x, y = (
        torch.stack([getattr(part, name) for part in parts]).to(where)
        for name in ("x", "y")
    )
    start = models.init(net, rng.each(own, "init"), device=where)
    orders = rng.each(own, "batch order")
    params = training.train(net, recipe, start, x, y, gens=orders).params
    right = tested(params, own)
    zeros = (params["dense0.weight"] == 0).flatten(1).double().mean(1)
    cuts = {
        f"cut like L1 {a:g}": cut(params, zeros, group, a)
        for a in STRENGTHS["L1"]
    }
    cut_right = {name: tested(by_hand, own) for name, by_hand in cuts.items()}
    return [
        {
            "test %": right[i],
            "zeros %": 100 * zeros[i].item(),
            "picture": params["dense0.weight"][i, :UNITS].tolist()
            if c["seed"] == run.seeds[0]
            and c["strength"] == SHOWN[c["penalty"]]
            else [],
        }
        | {name: values[i] for name, values in cut_right.items()}
        for i, c in enumerate(group)
    ]


def tested(params: dict, own: list[int]) -> list[float]:
    """Accuracy in percent of each network on test images of its seed."""
    rows = datasets.rows(test, tests, gens=rng.each(own, "test images"))
    place = run.torch_device
    seen = test.x.to(place), test.y.to(place).expand(len(own), -1)
    right = metrics.evaluate(net, params, *seen, rows=rows.to(place))[1]
    return (100 * right).tolist()


def cut(params: dict, zeros: Tensor, group: list[dict], a: float) -> dict:
    """Set each network's smallest weights to zero, as many as L1 at a has."""
    share = {
        c["seed"]: zeros[i].item()
        for i, c in enumerate(group)
        if c["penalty"] == "L1" and c["strength"] == a
    }
    weights = params["dense0.weight"]
    ranks = weights.abs().flatten(1).argsort(1).argsort(1).view_as(weights)
    count = weights.new_tensor([share[c["seed"]] for c in group])
    kept = ranks >= (count * weights[0].numel()).round()[:, None, None]
    return params | {"dense0.weight": weights * kept}


together = ("seed", "penalty", "strength")
nets = records.frame(sweeps.run(grid, fit, together=together, settings=run))


def trained(penalty: str, strength: float | None = None) -> pd.DataFrame:
    """Return the networks of one arm, by seed."""
    a = SHOWN[penalty] if strength is None else strength
    return records.pick(nets, penalty=penalty, strength=a)


# %% tags=["hide-input"] title="Code of the figure"
colors = [figures.COLORS[0], figures.PAPER, figures.COLORS[1]]
shades = LinearSegmentedColormap.from_list("weights", colors)
shades.set_bad(figures.INK)
figure, axes = plt.subplots(3, UNITS, figsize=(5.6, 3.1))
exact = {}
pictures = {
    k: np.array(trained(k).picture.iloc[0]) for k in ("none", "L2", "L1")
}
tops = np.abs(list(pictures.values())).max((0, 2))  # of a column
for line, (kind, label) in zip(
    axes, {"none": "no penalty", "L2": "L2", "L1": "L1"}.items(), strict=True
):
    weights = pictures[kind]
    exact[label] = 100 * float((weights == 0).mean())
    for axis, unit, top in zip(line, weights, tops, strict=True):
        shown = np.ma.masked_equal(unit.reshape(train.x.shape[2:]), 0)
        axis.imshow(shown, cmap=shades, vmin=-top, vmax=top)
        axis.set(xticks=[], yticks=[], frame_on=False)
    line[0].set_ylabel(label, rotation=0, ha="right", va="center")
figures.show(
    figure,
    "weights",
    alt=f"The weights of {UNITS} units of three networks as pictures. Share of "
    f"exact zeros among the weights shown, in percent: "
    f"{figures.words(exact, '.0f')}.",
    caption="The first layer's weights of six units, one scale a column: blue is "
    "negative, brown positive. White is tiny, not zero; dark gray is exactly "
    "zero. Black pixels are not 0 after standardizing, so L1 does not remove "
    "them by itself.",
    data=pd.DataFrame(
        {"penalty": list(exact), "exact zeros %": list(exact.values())}
    ),
)

# %% [markdown]
# With L2 the weights are smaller and smoother. With L1 many are *gone*. To see why, we first go
# where everything can be computed.
#
# ## Two penalties, one scale
#
# Let $X$ be $n$ examples in rows, with $d$ inputs each (statisticians say
# *features*), and $y$ the numbers to be predicted. Linear regression takes the weights that make
# the loss small. Both penalties add a term to it:
#
# $$ \begin{aligned}
#    & J(w) = \frac{1}{2n} |X w - y|^2 , \\
#    \text{L2:}\;\; & J(w) + \frac{a}{2} \sum_j w_j^2 , \\
#    \text{L1:}\;\; & J(w) + a \sum_j |w_j| .
#    \end{aligned} $$
#
# Least squares with the L2 term is {term}`ridge regression` {cite:p}`hoerl1970ridge`; with the L1
# term it is called the {term}`Lasso` {cite:p}`tibshirani1996regression`. The number $a \ge 0$ is *the
# penalty*. Beware of the scale: PyTorch's `weight_decay` is this $a$, and so is the `alpha` of
# scikit-learn's `Lasso`; but the `alpha` of its `Ridge` is $n a$, as is the penalty on a sum in the
# {doc}`first chapter <tradeoff>`.
#
# Our problems are made here, so that the truth is known: 100 examples, 200 inputs, of which only
# 10 matter.


# %%
def problem(seed: int, relevant: int = 10) -> tuple[Tensor, Tensor, Tensor]:
    """Return inputs [100, 200], targets, and the true weights."""
    gen, kind = generator(seed, "problem"), {"dtype": torch.float64}
    x = torch.randn(100, 200, generator=gen, **kind)
    noise = torch.randn(100, generator=gen, **kind)
    signs = 2 * torch.randint(2, (200,), generator=gen).double() - 1
    truth = torch.zeros(200, **kind)
    matter = torch.randperm(200, generator=gen)[:relevant]
    truth[matter] = signs[matter] * (10 / relevant) ** 0.5
    return x, x @ truth + NOISE * noise, truth


NOISE = 2.0  # standard deviation
x, y, truth = problem(0)
print(f"true weights: {truth[truth != 0].tolist()}")

# %% [markdown]
# ## L2: smaller by a factor
#
# The derivative of $\frac{a}{2} w^2$ is $a w$. So one step of {term}`gradient descent` with
# {term}`learning rate` $\eta$ is
#
# $$ \begin{aligned}
#    w \;\leftarrow\; & w - \eta\,(\nabla J(w) + a w) \\
#    \;=\; & \underbrace{(1 - \eta a)\, w}_{\text{shrink}} - \;\eta \nabla J(w) .
#    \end{aligned} $$
#
# Every weight is first multiplied by the same number, just below one if $\eta a$ is small. So the L2
# penalty is also called {term}`weight decay`, studied by {cite:t}`krogh1991simple`. The gradient is the
# one taken *before* shrinking. This is plain gradient descent, PyTorch's `SGD`. With the penalty in
# `Adam` the step is another one; `AdamW` shrinks as here.

# %%
rate, a = 0.1, 0.5
w = torch.randn(200, generator=generator(0, "start"), dtype=torch.float64)
w.requires_grad_()


def loss(w: Tensor) -> Tensor:
    return (x @ w - y).square().mean() / 2


(plain,) = torch.autograd.grad(loss(w), w)
(whole,) = torch.autograd.grad(loss(w) + a / 2 * w.square().sum(), w)
stepped, decayed = w - rate * whole, (1 - rate * a) * w - rate * plain
print(f"they differ by {(stepped - decayed).abs().max():.0e}")

# %% tags=["remove-cell"]
shrunk = ((1 - rate * a) * w).detach().requires_grad_()
(late,) = torch.autograd.grad(loss(shrunk), shrunk)
wrong = float((shrunk - rate * late - stepped).abs().max())
assert wrong > 1e-3
torch_w = w.detach().clone().requires_grad_()
optimizer = torch.optim.SGD([torch_w], lr=rate, weight_decay=a)
loss(torch_w).backward()
optimizer.step()
errors = [stepped - decayed, torch_w - decayed]

small = models.ModelConfig(
    kind="mlp", input_shape=net.input_shape, num_classes=10, hidden=(8,)
)
start = models.init(small, [generator(0, "small")], dtype=torch.float64)
pixels, labels = train.x[:50].double(), train.y[:50]
end = {}
for decay in (0.0, a):
    one = training.TrainConfig(
        batch_size=50, max_epochs=1, learning_rate=rate, weight_decay=decay
    )
    gens = [generator(0, "one step")]
    stop = training.train(small, one, start, pixels, labels, gens=gens)
    end[decay] = stop.params
errors += [end[a][n] - (end[0.0][n] - rate * a * p) for n, p in start.items()]
error = max(float(e.detach().abs().max()) for e in errors)
found = verdicts.identity(
    error, 1e-12, reason="linear regression, torch.optim.SGD, and a network"
)
claims.check("l2.decay", found, made)
prose.number("late", wrong, ".2f")

# %% [markdown]
# {claim}`l2.decay` Checked in a small network as well. (With the gradient taken after shrinking, a
# weight here comes out wrong by up to {glue:text}`late`.)
#
# Where do these steps end? Where the gradient of the whole is zero: $X^{\top}(Xw - y)/n + a w = 0$.
# Its solution can be written down:
#
# $$ w = \Bigl(\tfrac{1}{n} X^{\top} X + a I\Bigr)^{-1} \tfrac{1}{n} X^{\top} y . $$


# %%
def ridge(x: Tensor, y: Tensor, a: float) -> Tensor:
    n, d = x.shape
    return torch.linalg.solve(
        x.T @ x / n + a * torch.eye(d, dtype=x.dtype), x.T @ y / n
    )


print(f"penalty 0.5: {(ridge(x, y, a=0.5) == 0).sum()} weights are zero")

# %% [markdown]
# ## L1: smaller by an amount
#
# The derivative of $a|w|$ is $a$ for positive and $-a$ for negative weights: *it does not get
# smaller as the weight does*. Its *pull*, the size of the derivative, is the same at 0.001 as at 10.
# And at zero it jumps from $-a$ to $a$. If the loss pulls at a weight that is zero with less than $a$,
# then leaving zero does not pay.
#
# Take one weight alone. Stay near a number $v$, but pay $a$ for each unit of distance from zero. The
# best point is the {term}`soft threshold` of $v$:
#
# $$ \begin{aligned}
#    S_a(v) \;=\; & \arg\min_w \; \tfrac{1}{2}(w - v)^2 + a|w| \\
#    \;=\; & \operatorname{sign}(v)\, \max(|v| - a,\, 0) .
#    \end{aligned} $$
#
# ```{dropdown} Why: three cases, two lines each
# If $w > 0$, the derivative $w - v + a$ is zero at $w = v - a$, which is positive only if $v > a$.
# If $w < 0$, it is $w - v - a$, which is zero at $w = v + a$, negative only if $v < -a$. If
# $|v| \le a$, neither can be, and what is left is $w = 0$.
# ```
#
# With many weights there is no formula. But for *one* weight, all others held fixed, the loss is a
# parabola in $w_j$ of curvature $s_j = |x_j|^2/n$ (with $x_j$ the $j$th column of $X$), and its
# best value without penalty is $r_j / s_j$ with $r_j = x_j^{\top}(y - \sum_{k \ne j} x_k w_k)/n$. With
# the penalty it is $S_a(r_j) / s_j$. So set each weight to that, one after another, again and
# again: {term}`coordinate descent` {cite:p}`friedman2010regularization`.


# %%
def lasso(x: np.ndarray, y: np.ndarray, a: float) -> np.ndarray:
    n, d = x.shape
    w, s, rest = np.zeros(d), (x**2).mean(0), y.copy()  # rest = y - x @ w
    before = w + 1
    while abs(w - before).max() > 1e-10:
        before = w.copy()
        for j in range(d):
            r = x[:, j] @ rest / n + s[j] * w[j]
            new = np.sign(r) * max(abs(r) - a, 0) / s[j]
            rest += x[:, j] * (w[j] - new)
            w[j] = new
    return w


own = lasso(x.numpy(), y.numpy(), a=0.5)
print(f"penalty 0.5: {(own == 0).sum()} weights are zero")

# %% tags=["remove-cell"]
TRIED = (1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)


def sparse(x: Tensor, y: Tensor, a: float) -> Tensor:
    """The Lasso of scikit-learn, to high precision."""
    solver = Lasso(alpha=a, fit_intercept=False, tol=1e-12, max_iter=100_000)
    return torch.from_numpy(solver.fit(x.numpy(), y.numpy()).coef_)


differences, nonzero, dead, limits = [], [], [], []
for seed in run.seeds:
    x_, y_, _ = problem(seed)
    for a_ in (0.1, 0.5):
        other = Ridge(alpha=100 * a_, fit_intercept=False, solver="svd")
        other = torch.from_numpy(other.fit(x_.numpy(), y_.numpy()).coef_)
        differences += [ridge(x_, y_, a_) - other]
        differences += [penalties.ridge(x_, y_, a_) - other]
        differences += [sparse(x_, y_, a_) - lasso(x_.numpy(), y_.numpy(), a_)]
    ridges = torch.stack([ridge(x_, y_, a_) for a_ in TRIED])
    nonzero += ridges.abs().flatten().tolist()
    shut = x_.clone()
    shut[:, 0] = 0
    dead += [abs(float(ridge(shut, y_, a_)[0])) for a_ in TRIED]
    last = float(penalties.all_zero_from(x_, y_))
    counts = [
        int((sparse(x_, y_, last * f) != 0).sum()) for f in (1 + 1e-9, 2, 10)
    ]
    counts += [int((sparse(x_, y_, last * 0.999) != 0).sum()) - 1]
    limits += [abs(count) for count in counts]
error = max(float(e.abs().max()) for e in differences)
found = verdicts.identity(
    error, 1e-6, reason="penalties 0.1 and 0.5, all seeds"
)
claims.check("norms.agree", found, made)
zeros = sum(value == 0 for value in nonzero)
found = verdicts.identity(
    float(zeros), 0.5, reason=f"zeros among {len(nonzero)} weights"
)
claims.check("l2.no-exact-zeros", found, made)
found = verdicts.identity(max(dead), 1e-300, reason="largest weight")
claims.check("l2.dead-input", found, made)
found = verdicts.identity(
    float(max(limits)), 0.5, reason="weights too many or too few"
)
claims.check("l1.all-zero", found, made)


def zero_share(seed: int, a: float) -> float:
    """Percent of the Lasso's weights that are exactly zero."""
    x, y, _ = problem(seed)
    return 100 * float((sparse(x, y, a) == 0).double().mean())


weak, strong = ([zero_share(s, a) for s in run.seeds] for a in (0.05, 0.5))
more = [b - a for a, b in zip(weak, strong, strict=True)]
claims.check(
    "l1.exact-zeros", verdicts.above(more, 0.0), made, unit="percentage points"
)
prose.mean("zeros-weak", weak, ".0f")
prose.mean("zeros-strong", strong, ".0f")
prose.number("ridge-weights", len(nonzero), ",")
prose.number("ridge-zeros", zeros)
prose.number("grid", 30)
prose.number("all-zero", penalties.all_zero_from(x, y).item(), ".2f")

# %% [markdown]
# {claim}`norms.agree`
#
# ## Which weights are exactly zero?
#
# Turn the penalty up and watch: ridge on the left, the Lasso on the right, on the same data.

# %% tags=["hide-input"] title="Code of the figure"
FRAMES = run.scale(
    smoke=(0.1, 0.3, 10.0),
    cpu=(0.01, 0.1, 0.3, 1.0, 3.0, 30.0),
    gpu=(0.01, 0.1, 0.3, 1.0, 3.0, 30.0),
)
path = np.geomspace(0.01, 30.0, 50)
drawn = truth.nonzero().flatten().tolist()
drawn += (truth == 0).nonzero().flatten().tolist()[:25]
solvers = {"L2": penalties.ridge, "L1": sparse}
paths = {
    name: torch.stack([solve(x, y, float(a_)) for a_ in path]).numpy()
    for name, solve in solvers.items()
}
books, alts, says, rows = {}, {}, {}, []
for a_ in FRAMES:
    frame, panels = plt.subplots(1, 2, figsize=(5.6, 3.4), sharey=True)
    left = {}
    for axis, (name, solve) in zip(panels, solvers.items(), strict=True):
        now = solve(x, y, a_)
        left[name] = int((now != 0).sum())
        for matters, color, mark in (
            (False, figures.INK, "."),
            (True, figures.COLORS[1], "o"),
        ):
            mine = [j for j in drawn if bool(truth[j] != 0) == matters]
            look = {"color": color, "lw": 0.6, "alpha": 0.5}
            axis.plot(path, paths[name][:, mine], **look)
            axis.plot([a_] * len(mine), now[mine], mark, color=color, ms=4)
            rows += [(name, a_, j, matters, float(now[j])) for j in mine]
        axis.axvline(a_, color=figures.INK, linewidth=0.6)
        axis.set(xscale="log", xlim=(0.007, 43), ylim=(-1.2, 1.2))
        axis.set(
            title=f"{name}: {left[name]} of 200 not zero", xlabel="penalty a"
        )
    panels[0].set_ylabel("weight")
    books[a_] = frame
    says[a_] = (
        f"At a = {a_:g}, {left['L2']} of ridge's 200 weights are not zero, and "
        f"{left['L1']} of the Lasso's."
    )
    alts[a_] = f"Weights against the penalty, ridge and Lasso. {says[a_]}"
figures.flipbook(
    books,
    "paths",
    label="penalty a",
    alts=alts,
    says=says,
    caption="Each line is a weight; brown are the ten inputs that matter, gray "
    "25 of the others. Ridge's weights come closer and closer to zero. Those of "
    "the Lasso arrive there, one after another.",
    data=pd.DataFrame(
        rows, columns=["penalty", "a", "input", "matters", "weight"]
    ),
    default=0.3,
)

# %% [markdown]
# Four statements, checked on all seeds; a 0 counts exceptions:
#
# :::{claim-table}
# l1.exact-zeros | Lasso: at ten times the penalty, more zeros
# l1.all-zero | Lasso: all weights zero at $a \ge \max |X^{\top} y|/n$, not below
# l2.no-exact-zeros | ridge, inputs that vary: no zero at all
# l2.dead-input | ridge, an input that is always zero: a zero
# :::
#
# **The Lasso.** From a penalty of 0.05 to one of 0.5 the share of zeros goes from
# {glue:text}`zeros-weak` to {glue:text}`zeros-strong` %. From some penalty on, all weights are zero:
# a weight leaves zero only if the loss pulls at it with more than $a$, and at $w = 0$ the pulls are
# the entries of $X^{\top} y / n$. (In the flipbook the largest is {glue:text}`all-zero`.) This is the
# natural unit for an L1 penalty: start your search there, and go down.
#
# **Ridge.** The notes say that L2 does *not make weights exactly zero*. Of
# {glue:text}`ridge-weights` weights, {glue:text}`ridge-zeros` were. One small correction: take an input
# that is zero in every example (a pixel that is always black, if black is the number 0). The loss
# does not pull at its weight at all, so nothing keeps the penalty from bringing it to zero. (At the
# minimum: shrinking by a factor never quite arrives.)
#
# ## The two rules in one picture
#
# Let the loss be a separate parabola for each weight, with curvature (second derivative) $h$ and its
# lowest point at $v$. Then
#
# $$ \begin{aligned}
#    \text{L2:}\quad & w = \frac{h}{h + a}\, v , \\
#    \text{L1:}\quad & w = \operatorname{sign}(v) \max\Bigl(|v| - \frac{a}{h},\, 0\Bigr) .
#    \end{aligned} $$
#
# ```{prf:proposition} A factor, and an amount
# :label: norm-penalties-thresholds
#
# If $\frac1n X^{\top} X$ is diagonal with entries $h$, these are the minimizers.
#
# :::{symbols}
# $h$ | `curvature`, of the loss along one weight: {glue:text}`curvatures`
# $v$ | `best`, the weight of least squares
# $a$ | `a_`, the penalty: {glue:text}`axis-penalty` in the figure
# $X$ | `inputs`, with orthogonal columns
# :::
# ```
#
# ```{dropdown} The proof, in two sentences that you can skip
# The loss is $\frac{h}{2}(w - v)^2$ plus a constant, for each weight alone; with the L2 term its
# derivative $h(w - v) + a w$ is zero at the value above. With the L1 term divide by $h$: it is the
# soft threshold of $v$ at $a/h$.
# ```

# %% tags=["remove-cell"]
CURVATURES = (0.25, 1.0, 4.0)
AXIS_PENALTY = 0.5
best = torch.linspace(-3, 3, 61, dtype=torch.float64)  # v
gen = generator(0, "orthogonal")
columns = torch.linalg.qr(
    torch.randn(200, 61, generator=gen, dtype=torch.float64)
)[0]
axis_rows, axis_errors = [], []
for curvature, a_ in itertools.product(CURVATURES, (0.1, AXIS_PENALTY, 2.0)):
    inputs = columns * (200 * curvature) ** 0.5  # X'X/n = curvature I
    aims = inputs @ best
    rule = {
        "L2": curvature / (curvature + a_) * best,
        "L1": penalties.soft_threshold(best, a_ / curvature),
    }
    for name, solve in solvers.items():
        solved = solve(inputs, aims, a_)
        axis_errors.append(float((solved - rule[name]).abs().max()))
        if a_ == AXIS_PENALTY:
            axis_rows += [
                (name, curvature, *three)
                for three in zip(
                    best.tolist(),
                    rule[name].tolist(),
                    solved.tolist(),
                    strict=True,
                )
            ]
found = verdicts.identity(
    max(axis_errors), 1e-9, reason="ridge's equation, and coordinate descent"
)
claims.check("shrink.thresholds", found, made)
prose.number("curvatures", ", ".join(f"{h:g}" for h in CURVATURES))
prose.number("axis-penalty", AXIS_PENALTY)

# %% tags=["hide-input"] title="Code of the figure"
alone = pd.DataFrame(
    axis_rows, columns=["penalty", "curvature", "v", "rule", "solved"]
)
figure, panels = plt.subplots(1, 2, figsize=(5.6, 3.4), sharey=True)
for axis, name in zip(panels, ("L2", "L1"), strict=True):
    axis.plot([-3, 3], [-3, 3], ":", color=figures.INK, label="no penalty")
    for i, curvature in enumerate(CURVATURES):
        part = records.pick(
            alone.assign(seed=0), penalty=name, curvature=curvature
        )
        color = figures.COLORS[i]
        axis.plot(part.v, part.rule, color=color, label=f"h = {curvature:g}")
        every = part.iloc[::6]
        axis.plot(every.v, every.solved, figures.MARKERS[i], color=color, ms=4)
    axis.set(title=name, xlabel="weight without penalty, v")
panels[0].set_ylabel("weight with penalty")
figures.legend_below(figure, panels)
gone = alone[(alone.penalty == "L1") & (alone.solved == 0)]
spans = gone.groupby("curvature").v.max()
figures.show(
    figure,
    "rules",
    alt="Weight with penalty against weight without, L2 and L1, at three "
    "curvatures. L2 gives straight lines through zero. L1 gives exactly zero "
    "up to a weight of "
    + figures.words({f"{spans[h]:.1f} at h =": h for h in spans.index}, "g")
    + ".",
    caption=f"Lines are the two rules, marks are solved problems, a = "
    f"{AXIS_PENALTY:g}. L2 makes every line flatter and keeps it through zero; L1 "
    "moves each weight toward zero by a/h and leaves a flat piece. Where the loss "
    "is flat (small h), both do more.",
    data=alone,
)

# %% [markdown]
# {claim}`shrink.thresholds` Note the role of $h$: **of two weights with equal $v$, both penalties spare
# the one that the loss cares about more**. L2 pulls at a small weight only a little, so it stays;
# L1 as hard as at a large one, so it arrives.
#
# ## Why corners catch
#
# Instead of paying for size, forbid it: minimize the loss over all weights with $\sum_j |w_j| \le 1$, or over those with $\sum_j w_j^2 \le 1$. In two dimensions the
# first region is a diamond, the second a disk; both are called *balls*. ({doc}`The next chapter <priors-and-constraints>` shows that each $a$ belongs to a radius.) Think of the loss as a valley whose lowest point is
# outside. Its minimum on the region is where a *contour*, a line of equal loss, first touches. A
# diamond is pointed where one weight is zero.

# %% tags=["hide-input"] title="How losses are drawn and minimized on the diamond and on the disk"
LOSSES = run.scale(smoke=200, cpu=2000, gpu=2000)  # a seed
DIAMOND = torch.tensor([[1, 0], [0, 1], [-1, 0], [0, -1]], dtype=torch.float64)


def losses(seed: int) -> tuple[Tensor, Tensor]:
    """Return Hessians [losses, 2, 2] and minima outside the disk [losses, 2]."""
    gen, kind = generator(seed, "losses"), {"dtype": torch.float64}
    a = torch.randn(2 * LOSSES, 2, 2, generator=gen, **kind)
    low = 2 * torch.randn(2 * LOSSES, 2, generator=gen, **kind)
    outside = low.norm(dim=1) > 1
    return (a @ a.mT)[outside][:LOSSES], low[outside][:LOSSES]


def value(h: Tensor, low: Tensor, w: Tensor) -> Tensor:
    return torch.einsum("ni,nij,nj->n", w - low, h, w - low) / 2


def on_square(h: Tensor, low: Tensor, corners: Tensor) -> tuple[Tensor, Tensor]:
    """Minimize on the edges between corners; say who ends at a corner."""
    ways, stops = [], []
    for first, second in zip(corners, corners.roll(-1, 0), strict=True):
        edge = second - first
        pull = torch.einsum("i,nij,nj->n", edge, h, low - first)
        share = pull / torch.einsum("i,nij,j->n", edge, h, edge)
        share = share.clamp(0, 1)
        ways.append(first + share[:, None] * edge)
        stops.append((share == 0) | (share == 1))
    pick = torch.stack([value(h, low, w) for w in ways]).argmin(0)
    each = torch.arange(len(low))
    return torch.stack(ways)[pick, each], torch.stack(stops)[pick, each]


def on_disk(h: Tensor, low: Tensor) -> Tensor:
    """Minimize on the disk: the multiplier that makes the norm 1, halving."""
    bends, axes = torch.linalg.eigh(h)
    aim = bends * torch.einsum("nij,ni->nj", axes, low)
    below, above = torch.zeros(len(low)), aim.norm(dim=1)
    for _ in range(200):
        middle = (below + above) / 2
        small = (aim / (bends + middle[:, None])).norm(dim=1) < 1
        above = torch.where(small, middle, above)
        below = torch.where(small, below, middle)
    inside = aim / (bends + above[:, None])
    return torch.einsum("nij,nj->ni", axes, inside)


# %% tags=["remove-cell"]
corner_share, at_axis, turned_share, turned_zeros = [], 0, [], 0
round_share = []
half = 0.5**0.5
TURN = torch.tensor([[half, half], [-half, half]], dtype=torch.float64)
for seed in run.seeds:
    h_, low_ = losses(seed)
    w_, stopped = on_square(h_, low_, DIAMOND)
    pull = torch.einsum("nij,nj->ni", h_, low_ - w_)  # what the loss wants
    large = (pull.abs() * w_.abs()).sum(1) >= pull.abs().amax(1) - 1e-9
    assert (stopped == (w_ == 0).any(1)).all()
    assert large[stopped].all()
    corner_share.append(100 * float(stopped.double().mean()))
    disk = on_disk(h_, low_)
    assert (disk.norm(dim=1) - 1).abs().max() < 1e-9
    at_axis += int((disk.abs().amin(1) < 1e-9).sum())
    turned, stopped = on_square(h_, low_, DIAMOND @ TURN)
    turned_share.append(100 * float(stopped.double().mean()))
    turned_zeros += int((turned == 0).any(1).sum())
    round_ = torch.eye(2, dtype=torch.float64).expand_as(h_)
    stopped = on_square(round_, low_, DIAMOND)[1]
    round_share.append(100 * float(stopped.double().mean()))
corner = {
    "corner of the L1 ball": verdicts.above(corner_share, 20.0),
    "axis point of the L2 ball": verdicts.identity(
        float(at_axis), 0.5, reason="losses minimized at an axis point"
    ),
}
claims.check("geometry.corners", verdicts.all_of(corner), made, unit="%")
prose.mean("corner", corner_share, ".0f")
prose.mean("turned", turned_share, ".0f")
prose.number("turned-zeros", turned_zeros)
prose.mean("round", round_share, ".0f")
prose.number("losses", LOSSES * len(run.seeds), ",")

# %% tags=["hide-input"] title="Code of the figure"
h_one = torch.tensor([[1.0, 0.5], [0.5, 0.8]], dtype=torch.float64)
one = torch.tensor([[1.9, 0.9]], dtype=torch.float64)
SIDE = 241
reach = torch.linspace(-3.2, 3.2, SIDE, dtype=torch.float64)
mesh = torch.cartesian_prod(reach, reach)
same = h_one.expand(len(mesh), 2, 2)
height = value(same, one, mesh).view(SIDE, SIDE).T
angle = torch.linspace(0, 2 * torch.pi, 200)
outline = {
    "L1": torch.cat([DIAMOND, DIAMOND[:1]]).T,
    "L2": torch.stack([angle.cos(), angle.sin()]),
}
outside = {"L1": mesh.abs().sum(1) > 1, "L2": mesh.norm(dim=1) > 1}
ends = {"L1": on_square(same, mesh, DIAMOND)[0], "L2": on_disk(same, mesh)}
points = {
    "L1": on_square(h_one[None], one, DIAMOND)[0],
    "L2": on_disk(h_one[None], one),
}
figure, panels = plt.subplots(1, 2, figsize=(5.6, 3.3), sharey=True)
rows, touched = [], {}
for axis, (name, point) in zip(panels, points.items(), strict=True):
    caught = outside[name] & (ends[name].abs().amin(1) < 1e-9)
    touched[name] = 100 * float(caught[outside[name]].double().mean())
    shade = caught.view(SIDE, SIDE).T.double()
    paint = {"colors": [figures.COLORS[1]], "alpha": 0.3}
    if caught.any():
        axis.contourf(reach, reach, shade, [0.5, 1.5], **paint)
    first = float(value(h_one[None], one, point))
    levels = [first / 9, first / 2.5, first]
    look = {"colors": figures.COLORS[0], "linewidths": 1}
    axis.contour(reach, reach, height, levels, **look)
    axis.plot(*outline[name], color=figures.INK, linewidth=2)
    axis.plot(*one.T, "+", color=figures.COLORS[0], ms=8)
    axis.plot(*point.T, "*", color=figures.COLORS[2], ms=11)
    axis.set(title=f"{name} ball", xlabel="weight 1", aspect="equal")
    axis.set(xlim=(-3.2, 3.2), ylim=(-3.2, 3.2), xticks=(-2, 0, 2))
    rows.append((name, *point[0].tolist(), touched[name]))
panels[0].set_ylabel("weight 2")
figures.show(
    figure,
    "corners",
    alt="The contours of one loss around its lowest point, and the ball that they "
    "touch: a diamond at its right corner, a disk off the axes. Shaded around the "
    "diamond are four wide sectors of lowest points whose loss ends at a corner; "
    f"share of the plane outside, in percent: {figures.words(touched, '.0f')}.",
    caption="Blue: a loss with its lowest point (cross), out to the contour that "
    "touches the ball (star). If the lowest point of a loss of this shape lies in "
    "a shaded part, one weight ends at exactly zero. Around the disk there are "
    "only single lines of such points.",
    data=pd.DataFrame(
        rows, columns=["ball", "weight 1", "weight 2", "shaded %"]
    ),
)

# %% [markdown]
# {claim}`geometry.corners` Of {glue:text}`losses` losses, each with a shape of its own,
# {glue:text}`corner` % end at a corner of the diamond. {by-verdict}`geometry.corners | holds: To be
# caught by a corner you need not aim at it; to hit an axis point of the circle you would have to aim
# exactly. | fails: So corners explain less than the usual picture promises. | undecided: Whether
# corners catch as many as stated stays open.`
#
# ## Who finds the inputs that matter?
#
# Now the promise of the notes' table: L1 *selects*, L2 does not. For every seed there is a new problem.
# Both penalties are tuned in the same way, by {term}`cross-validation`: leave out a tenth of the
# examples, fit the rest at each of {glue:text}`grid` penalties, predict the left-out ones; ten times,
# each example left out once. Take the penalty with the smallest error.
#
# :::{predict}
# :guess: ridge
# :kind: number
# :unit: inputs
# Rank the 200 inputs by the size of *ridge's* weight, none of which is zero. How many of the ten that
# matter are among the ten largest? (A random order finds one half of an input on average.)
# :::
#
# :::{predict}
# :guess: kept
# :kind: number
# :unit: inputs
# And the Lasso with its tuned penalty: how many of its 200 weights are not zero, if ten matter?
# :::

# %% tags=["hide-input"] title="How both penalties are tuned by cross-validation"
RELEVANT = run.scale(
    smoke=(10, 200), cpu=(5, 10, 25, 75, 200), gpu=(5, 10, 25, 75, 200)
)
GRID = 30  # penalties


def ridge_path(x: np.ndarray, y: np.ndarray, a: np.ndarray) -> np.ndarray:
    """Ridge's weights [inputs, penalties], by the singular values of x."""
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    scale = s[:, None] / (s[:, None] ** 2 + len(x) * a)
    return vt.T @ (scale * (u.T @ y)[:, None])


def sparse_path(x: np.ndarray, y: np.ndarray, a: np.ndarray) -> np.ndarray:
    """The Lasso's weights [inputs, penalties]."""
    return lasso_path(x, y, alphas=a)[1]


def left_out(path, x: np.ndarray, y: np.ndarray, a: np.ndarray) -> np.ndarray:
    """Mean squared error on left-out tenths, one a penalty."""
    error, tenth = np.zeros(len(a)), np.arange(len(x)) % 10
    for i in range(10):
        w = path(x[tenth != i], y[tenth != i], a)
        error += ((x[tenth == i] @ w - y[tenth == i, None]) ** 2).sum(0)
    return error / len(x)


def compare(group: list[dict]) -> list[dict]:
    """Tune both penalties on each problem, and judge them by the truth."""
    return [judged(c["relevant"], c["seed"]) for c in group]


def judged(relevant: int, seed: int) -> dict:
    x, y, truth = (t.numpy() for t in problem(seed, relevant))
    pulls = np.abs(x.T @ y) / len(x)
    order = torch.rand(200, generator=generator(seed, "random order"))
    ranked = {"correlation": pulls, "random order": order.numpy()}
    found = {}
    tries = {
        "L1": (sparse_path, pulls.max() * np.geomspace(1, 0.01, GRID)),
        "L2": (ridge_path, np.geomspace(100, 0.001, GRID)),
    }
    for name, (path, a) in tries.items():
        errors, whole = left_out(path, x, y, a), path(x, y, a)
        w = ranked[name] = whole[:, errors.argmin()]
        found[f"{name} penalty"] = float(a[errors.argmin()])
        found[f"{name} kept"] = int((w != 0).sum())
        found[f"{name} error"] = float(((w - truth) ** 2).sum() + NOISE**2)
        found[f"{name} curve"] = errors.tolist()
        found[f"{name} counts"] = (whole != 0).sum(0).tolist()
    kept = (ranked["L1"] != 0) & (truth != 0)
    found["L1 kept, matter"] = int(kept.sum())
    for name, w in ranked.items():
        ten = np.argsort(-np.abs(w))[:10]
        found[f"{name} found"] = int((truth[ten] != 0).sum())
    return found


# %%
grid = sweeps.grid(relevant=RELEVANT, seed=run.seeds)
table = records.frame(sweeps.run(grid, compare, settings=run))
few = records.pick(table, relevant=10)
print(few[["L1 found", "L2 found", "L1 kept"]].mean().to_string())

# %% tags=["hide-input"] title="Code of the figure"
ARMS = {
    "Lasso": "L1",
    "ridge": "L2",
    "correlation": "correlation",
    "random order": "random order",
}
ranks = {arm: few[f"{name} found"].tolist() for arm, name in ARMS.items()}
figure, axis = plt.subplots(figsize=(5.6, 2.6))
figures.seed_rows(axis, ranks)
axis.set(
    xlabel="inputs that matter among the ten ranked highest", xlim=(-0.3, 10.3)
)
means = {arm: sum(v) / len(v) for arm, v in ranks.items()}
figures.show(
    figure,
    "found",
    alt="How many of the ten inputs that matter are among the ten ranked highest; "
    f"means: {figures.words(means, '.1f')}.",
    caption="Four ways to rank 200 inputs. A dot is a problem (equal counts lie on "
    "top of each other), the bar a 95 % interval of the mean. Ridge has no zeros; "
    "compare it with the last row.",
    data=pd.DataFrame(
        [(k, v) for k, vs in ranks.items() for v in vs],
        columns=["rank", "found"],
    ),
)

# %% tags=["remove-cell"]
found = verdicts.above((few["L1 found"] - few["L2 found"]).tolist(), 0.0)
claims.check("l1.finds-the-features", found, made, unit="features")
found = verdicts.ratio((few["L1 kept"] / 10).tolist(), 2.0)
claims.check("l1.selects-too-many", found, made, unit="times")
for arm, name in (("lasso", "L1"), ("ridge", "L2"), ("random", "random order")):
    prose.mean(f"found-{arm}", few[f"{name} found"].tolist())
prose.mean("found-correlation", few["correlation found"].tolist())
lead = few["L1 found"] - few["L2 found"]
prose.number("ties", int((lead == 0).sum()))
prose.number("wins", int((lead > 0).sum()))
prose.number("untied", int((lead != 0).sum()))
prose.number("luck", 100 * sign_flip(lead.tolist())[0], ".1f")
prose.mean("kept", few["L1 kept"].tolist(), ".0f")
prose.mean("kept-matter", few["L1 kept, matter"].tolist())

# %% [markdown]
# {predicted}`ridge <found-ridge>` {claim}`l1.finds-the-features` The Lasso finds
# {glue:text}`found-lasso` of ten on average, ridge {glue:text}`found-ridge`.
# {by-verdict}``l1.finds-the-features | holds: So L1 is the better finder. | fails: So L1 is not the
# better finder. | undecided: That looks like a win for L1. But {glue:text}`ties` of
# {glue:text}`seeds` problems are ties; of the others {glue:text}`wins` of {glue:text}`untied` favour L1,
# and luck alone does as well in {glue:text}`luck` % of cases. Our rule asks for an interval above zero
# *and* for 2.5 % at most here.`` And "L2 has no ability to select features", as the notes say, needs
# its second correction: L2 does not make the *cut*, but the sizes of its weights rank the inputs. (The
# correlation of each input with $y$, without any model, finds {glue:text}`found-correlation`.)
#
# {predicted}`kept <kept>` {claim}`l1.selects-too-many` It keeps {glue:text}`kept` on average (the factor
# beside the claim is a geometric mean, so lower), and {glue:text}`kept-matter` of the ten that
# matter are among them. Why so many? Because
# cross-validation was asked for good *predictions*. A penalty that removes the last wrong input would
# also shrink the right weights. Some useless inputs with tiny weights cost less.

# %% tags=["hide-input"] title="Code of the figure"
figure, axis = plt.subplots(figsize=(5.6, 3.4))
rows = []
for i in range(len(few)):
    record = few.iloc[i]
    counts, errors = np.array(record["L1 counts"]), np.array(record["L1 curve"])
    axis.plot(counts, errors, color=figures.COLORS[0], linewidth=0.8, alpha=0.6)
    best_ = errors.argmin()
    axis.plot(counts[best_], errors[best_], "o", color=figures.COLORS[1], ms=5)
    rows += [
        (record.seed, int(c), float(e), n == best_)
        for n, (c, e) in enumerate(zip(counts, errors, strict=True))
    ]
axis.axvline(10, color=figures.INK, linestyle=(0, (2, 2)), linewidth=1)
axis.annotate(
    "ten matter",
    (10, 0.97),
    xycoords=("data", "axes fraction"),
    va="top",
    xytext=(4, 0),
    textcoords="offset points",
    color=figures.INK,
    fontsize=9.5,
)
axis.set(xlabel="weights of the Lasso that are not zero", xlim=(0, 100))
axis.set(ylabel="squared error, left-out examples", ylim=(0, None))
figures.show(
    figure,
    "kept",
    alt="Squared error on left-out examples against the number of weights that "
    "are not zero, one line a problem. The smallest error is at these numbers of "
    f"weights: {', '.join(str(v) for v in few['L1 kept'])}.",
    caption="One line a problem, from large penalties (left) to small ones; the "
    "dot is the penalty that cross-validation takes. The best prediction wants "
    "more inputs than matter.",
    data=pd.DataFrame(rows, columns=["seed", "not zero", "error", "chosen"]),
)

# %% [markdown]
# ## Which one predicts better?
#
# Few inputs that matter suit L1. Now let more and more inputs matter, up to all 200, each less: the
# sum of the squared true weights stays the same. The error is the expected squared error on a new
# example, noise included, computed from the true weights.

# %% tags=["hide-input"] title="Code of the figure"
table["ratio"] = table["L1 error"] / table["L2 error"]
figure, axis = plt.subplots(figsize=(5.6, 3.4))
figures.seed_points(
    axis, table.assign(arm="Lasso / ridge"), x="relevant", y="ratio", hue="arm"
)
axis.set(xscale="log", yscale="log", ylabel="error of the Lasso / of ridge")
axis.set_xticks(RELEVANT, [str(k) for k in RELEVANT])
axis.set_yticks((0.5, 0.7, 1.0, 1.4), ("0.5", "0.7", "1", "1.4"))
axis.minorticks_off()
axis.set(xlabel="how many of the 200 inputs matter")
figures.baseline(axis, 1, "equally good", side="left")
means = table.groupby("relevant").ratio.mean()
spoken = {f"{k} matter": v for k, v in means.items()}
figures.show(
    figure,
    "truth",
    alt="Error of the Lasso over error of ridge, by the number of inputs that "
    f"matter; means: {figures.words(spoken, '.2f')}.",
    caption="Below the line the Lasso predicts better, above it ridge. Dots are "
    "problems, bars 95 % intervals. Both penalties are tuned. {by-verdict}"
    "`penalty.matches-truth | holds: Which penalty is better depends on the truth. "
    "| fails: The two ends are not as the textbook has them. | undecided: One of "
    "the two ends is not decided.`",
    data=table[["relevant", "seed", "L1 error", "L2 error"]],
)

# %% tags=["remove-cell"]
all_ = records.pick(table, relevant=200)
few_ratio = (few["L2 error"] / few["L1 error"]).tolist()
all_ratio = (all_["L1 error"] / all_["L2 error"]).tolist()
parts = {
    "10 of 200 matter, ridge / Lasso": verdicts.ratio(few_ratio, 1),
    "all 200 matter, Lasso / ridge": verdicts.ratio(all_ratio, 1),
}
claims.check(
    "penalty.matches-truth", verdicts.all_of(parts), made, unit="times"
)
prose.ratio("ratio-few", few_ratio, ".2f")
prose.ratio("ratio-all", all_ratio, ".2f")

# %% [markdown]
# {claim}`penalty.matches-truth` With ten that matter, ridge's error is {glue:text}`ratio-few` times
# the Lasso's; with all 200, the Lasso's is {glue:text}`ratio-all` times ridge's.
# {by-verdict}`penalty.matches-truth | holds: **A penalty is a guess about the truth**, and the
# better guess wins. L1 says "few", L2 says "many, all small". | fails: So the rule of thumb does not
# carry over to this setting. | undecided: At one of the two ends the seeds disagree.`
#
# ## Back to the network
#
# A network has no formula for its minimum, so L1 comes as a step: after each gradient step every
# weight goes through the soft threshold, with threshold learning rate × penalty (a *proximal* step).
# Each seed trains networks on {glue:text}`digits` digits without penalty, with three strengths of L2,
# and with three of L1. And a control: take the network trained with L2 of middle strength and set its
# *smallest* first-layer weights to zero **by hand**, as many as L1 has made.

# %% tags=["hide-input"] title="Code of the figure"
figure, axis = plt.subplots(figsize=(5.6, 3.6))
rows = []
arms = {
    "no penalty": [
        (trained("none", 0.0)["zeros %"], trained("none", 0.0)["test %"])
    ],
    "L2": [
        (part["zeros %"], part["test %"])
        for a_ in STRENGTHS["L2"]
        for part in (trained("L2", a_),)
    ],
    "L1": [
        (part["zeros %"], part["test %"])
        for a_ in STRENGTHS["L1"]
        for part in (trained("L1", a_),)
    ],
    "L2, cut by hand": [
        (trained("L1", a_)["zeros %"], trained("L2")[f"cut like L1 {a_:g}"])
        for a_ in STRENGTHS["L1"]
    ],
}
shift = {"no penalty": -2.5, "L2": 0.0, "L1": 0.0, "L2, cut by hand": 0.0}
for i, (arm, points) in enumerate(arms.items()):
    look = {"color": figures.COLORS[i], "marker": figures.MARKERS[i]}
    for zeros, right in points:
        axis.scatter(
            zeros + shift[arm], right, s=18, alpha=0.6, linewidths=0, **look
        )
        rows += [
            (arm, float(z), float(t)) for z, t in zip(zeros, right, strict=True)
        ]
    at = [(z.mean() + shift[arm], t.mean()) for z, t in points]
    line = "-" if arm in ("L1", "L2, cut by hand") else ""
    axis.plot(*zip(*at, strict=True), linestyle=line, ms=7, label=arm, **look)
for a_, (zeros, right) in zip(STRENGTHS["L2"], arms["L2"], strict=True):
    place = (zeros.mean(), right.mean())
    apart = {0.003: 6, 0.01: -6}.get(a_, 0)  # their means are close
    axis.annotate(
        f"{a_:g}",
        place,
        xytext=(7, apart),
        textcoords="offset points",
        va="center",
        color=figures.COLORS[1],
        fontsize=9.5,
    )
axis.set(xlabel="first-layer weights that are exactly zero (%)", xlim=(-6, 100))
axis.set(ylabel="test accuracy (%)")
axis.legend(loc="lower left")
spoken = {
    f"{arm}, {z.mean():.0f} % zeros": t.mean()
    for arm, points in arms.items()
    for z, t in points
}
figures.show(
    figure,
    "network",
    alt="Test accuracy against the share of exact zeros; means: "
    f"{figures.words(spoken, '.1f')}.",
    caption=f"Networks on {train.name.replace('mnist', 'MNIST')}; small marks are "
    "seeds, large ones means. Without penalty (moved to the left a little) and with "
    "L2 (penalty beside the mean) there is not one exact zero. L1 makes many, and "
    "so does cutting by hand.",
    data=pd.DataFrame(rows, columns=["arm", "zeros %", "test %"]),
)

# %% tags=["remove-cell"]
strongest = STRENGTHS["L1"][-1]
prose.number("digits", size, ",")
prose.mean("net-none", trained("none")["test %"].tolist())
prose.mean("net-l2", trained("L2")["test %"].tolist())
prose.mean("net-l1", trained("L1", strongest)["test %"].tolist())
prose.number("net-l1-worst", trained("L1", strongest)["test %"].min(), ".1f")
largest = trained("L2", STRENGTHS["L2"][-1])["test %"]
prose.mean("net-l2-large", largest.tolist())
prose.mean("net-zeros", trained("L1", strongest)["zeros %"].tolist(), ".0f")
by_hand = trained("L2")[f"cut like L1 {strongest:g}"]
prose.mean("net-cut", by_hand.tolist())
plain_cut = trained("none")[f"cut like L1 {strongest:g}"]
prose.mean("net-cut-none", plain_cut.tolist())
l2_zeros = nets[nets.penalty == "L2"]["zeros %"]
prose.number("net-l2-zeros", l2_zeros.max(), "g")

# %% [markdown]
# With the largest L1 penalty {glue:text}`net-zeros` % of the first layer's weights are exactly zero
# and {glue:text}`net-l1` % of the test images are right (the worst seed: {glue:text}`net-l1-worst` %),
# against {glue:text}`net-none` % without penalty. With L2 of middle strength it is
# {glue:text}`net-l2` %, with the largest {glue:text}`net-l2-large` %; the largest share of exact zeros
# with L2 is {glue:text}`net-l2-zeros` %. Cut by hand to as many zeros as the largest L1 penalty
# makes, the network trained with L2 still gets {glue:text}`net-cut` % right; the one trained without
# penalty, cut alike, {glue:text}`net-cut-none` %. No claim was fixed beforehand for this figure. In a network, too, the *sizes* that L2 leaves say which weights can go.
#
# ## How this can mislead
#
# - **Zeros come from the method, too.** Minimize the same Lasso by plain descent, adding
#   $a \operatorname{sign}(w)$ to the gradient as automatic differentiation does. After
#   {glue:text}`steps` steps {glue:text}`sub-zeros` of 200 weights are exactly zero; with the soft
#   threshold in each step, {glue:text}`prox-zeros`. A loss with `w.abs().sum()` in it gives you
#   *small* weights that jump around zero.
# - **Corners alone do nothing.** Turn the diamond by 45 degrees. It catches {glue:text}`turned` % of
#   the losses at its corners, as before, and {glue:text}`turned-zeros` of the solutions have a zero.
#   What counts is that the corners are *on the axes*. And the share is that of *our* losses: where all
#   valleys are round, it is {glue:text}`round` %.
# - **Units matter.** Measure one relevant input in other units, so that its numbers are a hundredth,
#   and the Lasso at the same penalty drops it in {glue:text}`dropped` of {glue:text}`seeds` problems
#   (in the old units, in {glue:text}`dropped-before`). Standardize the inputs before you penalize.
# - **Kept is not caused.** Add a near copy of a relevant input (correlation
#   {glue:text}`twin-alike`). In {glue:text}`twin-wrong` of {glue:text}`seeds` problems (a coin would
#   say half) the *copy* gets the larger weight: the Lasso reports inputs that predict, not that act.
# - **One kind of data.** Inputs here are independent and normal, and the truth was drawn by us. The
#   intervals say what other seeds would give, not what your data will do.

# %% tags=["remove-cell"]
STEPS = run.scale(smoke=500, cpu=5000, gpu=5000)
a_ = 0.5
top = float(torch.linalg.eigvalsh(x.T @ x / 100)[-1])
ways = {"sub": torch.zeros_like(truth), "prox": torch.zeros_like(truth)}
for _ in range(STEPS):
    for way, now in ways.items():
        slope = x.T @ (x @ now - y) / 100
        if way == "sub":
            ways[way] = now - (slope + a_ * now.sign()) / top
        else:
            ways[way] = penalties.soft_threshold(now - slope / top, a_ / top)
for way, now in ways.items():
    prose.number(f"{way}-zeros", int((now == 0).sum()))
prose.number("steps", STEPS, ",")

dropped, before, twin_wrong, twin_alike = 0, 0, 0, []
for seed in run.seeds:
    x_, y_, truth_ = problem(seed)
    j = int(truth_.abs().argmax())
    before += int(sparse(x_, y_, 0.1)[j] == 0)
    scaled = x_.clone()
    scaled[:, j] /= 100
    dropped += int(sparse(scaled, y_, 0.1)[j] == 0)
    other = torch.randn(
        100, generator=generator(seed, "twin"), dtype=torch.float64
    )
    twin = 0.98 * x_[:, j] + (1 - 0.98**2) ** 0.5 * other
    both = sparse(torch.cat([x_, twin[:, None]], 1), y_, 0.1)
    twin_wrong += int(both[-1].abs() > both[j].abs())
    twin_alike.append(
        float(torch.corrcoef(torch.stack([x_[:, j], twin]))[0, 1])
    )
prose.number("dropped", dropped)
prose.number("dropped-before", before)
prose.number("twin-wrong", twin_wrong)
prose.number("twin-alike", sum(twin_alike) / len(twin_alike), ".2f")
prose.number("seeds", len(run.seeds))

# %% [markdown]
# ## Summary
#
# {by-verdict}`l1.exact-zeros | holds: **L2 makes every weight smaller by a factor and so keeps it; L1
# takes a fixed amount and so ends many at exactly zero.** | fails: **The rules are as written, but
# the zeros did not grow with the penalty here.** | undecided: **Whether zeros grow with the penalty
# was not settled here.** | not-run: **This build did not run the experiment.**`
#
# The comparison in the notes, with what was measured added:
#
# | | L1 (Lasso) | L2 (ridge, weight decay) |
# | --- | --- | --- |
# | the term | $a \sum_j \lvert w_j \rvert$ | $\frac{a}{2} \sum_j w_j^2$ |
# | it pulls | at every weight with $a$ | at each with $a$ times its size |
# | one weight alone | minus $a/h$, stops at zero | times $h/(h+a)$ |
# | the solution | {by-verdict}`l1.exact-zeros | holds: sparse: more penalty, more zeros | fails: some zeros, not more with more penalty | undecided: zeros; whether more with more penalty is open` | small weights; a zero only for a dead input |
# | selecting inputs | {by-verdict}`l1.selects-too-many | holds: cuts; keeps too many if tuned to predict | fails: cuts, and keeps not many too many | undecided: cuts; how many too many is open` | no cut; its sizes rank the inputs |
# | the ball | a diamond, corners on the axes | a disk, no corners |
# | better if | {by-verdict}`penalty.matches-truth | holds: few inputs matter | fails: not as the rule says | undecided: not decided here` | {by-verdict}`penalty.matches-truth | holds: all matter a little | fails: not as the rule says | undecided: not decided here` |
# | as a belief | Laplace prior (next chapter) | Gaussian prior (next chapter) |
#
# :::{claim-table}
# l2.decay | L2 in one step
# shrink.thresholds | one weight alone: a factor, an amount
# l1.exact-zeros | L1: more penalty, more zeros
# l2.no-exact-zeros | L2: no zeros
# l2.dead-input | L2: but for dead inputs
# l1.finds-the-features | L1 ranks the inputs better than L2
# l1.selects-too-many | L1 keeps too many
# geometry.corners | corners catch, circles do not
# penalty.matches-truth | L1 for few, L2 for all
# :::
#
# - Of ten inputs that matter the Lasso's ten largest weights found {glue:text}`found-lasso`, ridge's
#   {glue:text}`found-ridge`. Tuned to predict, the Lasso kept {glue:text}`kept`.
#
# **If you train networks:** use weight decay to keep weights small. If you want exact zeros, use a
# {term}`proximal step` (or cut small weights by hand), not `w.abs().sum()` in the loss. Do not read a list
# of kept inputs as a list of causes.
#
# **Open.** A penalty is a guess about the truth. Can that be made precise? **Next:** {doc}`is a penalty
# a belief, or a fence? <priors-and-constraints>`

# %% [markdown]
# ## Exercises
#
# For the first three you need only the imports of the set-up.
#
# ```{exercise} Both penalties at once: 10 minutes
# :label: norm-penalties-ex-both
#
# The *elastic net* uses both penalties. For one weight, it minimizes
# $\frac12 (w - v)^2 + a|w| + \frac{b}{2} w^2$. Complete `both`, which returns the minimizer for each
# number in `v`. Hand in: the function, and one sentence on which of the two penalties decides
# *whether* a weight is zero.
# ```


# %% tags=["exercise"]
def both(v: Tensor, a: float, b: float) -> Tensor:
    """Return the minimizer for each number of v; a is L1, b is L2, both >= 0."""
    ### BEGIN SOLUTION
    return v.sign() * (v.abs() - a).clamp(min=0) / (1 + b)
    ### END SOLUTION


# %% tags=["check"]
points = 3 * torch.randn(
    50, generator=generator(0, "both"), dtype=torch.float64
)
for a, b in ((0.0, 0.0), (0.7, 0.0), (0.0, 1.5), (1.2, 0.4), (0.3, 3.0)):
    given = points.clone()
    w = both(given, a, b)
    at = f"for a = {a} and b = {b}"
    assert w is not None, "nothing is returned yet: write the body"
    assert torch.equal(given, points), "leave the numbers you get unchanged"
    assert w.shape == points.shape, f"one weight a number {at}"

    def cost(w: Tensor, a: float = a, b: float = b) -> Tensor:
        return (w - points) ** 2 / 2 + a * w.abs() + b / 2 * w**2

    for other in (0 * w, w + 1e-3, w - 1e-3, points, -w):
        better = cost(other) < cost(w) - 1e-9
        assert not better.any(), f"another weight costs less {at}"
print("Exercise 1: all checks passed")

# %% [markdown]
# ```{exercise} Is it the minimum? 20 minutes
# :label: norm-penalties-ex-optimal
#
# A solver says that `w` is the Lasso's solution. You can check it without solving anything. At the
# minimum the loss pulls at a weight that is not zero exactly as hard as the penalty, in the opposite
# direction; at a weight that is zero it pulls at most as hard as $a$. Complete `violation`: the
# largest amount by which any weight breaks its condition. Hand in: the function, and what it says of
# the Lasso solved with `tol=1e-2` and with `tol=1e-12`.
# ```


# %% tags=["exercise"]
def violation(x: Tensor, y: Tensor, w: Tensor, a: float) -> float:
    """Return by how much w misses the minimum's conditions, at most; >= 0."""
    ### BEGIN SOLUTION
    g = x.T @ (x @ w - y) / len(x)
    kept = (g + a * w.sign()).abs()
    zero = (g.abs() - a).clamp(min=0)
    return float(torch.where(w != 0, kept, zero).max())
    ### END SOLUTION


# %% tags=["check"]
gen = generator(1, "violation")
x = torch.randn(40, 15, generator=gen, dtype=torch.float64)
x *= torch.linspace(0.3, 2, 15, dtype=torch.float64)
y = 2 * x[:, 14] - 3 * x[:, 0] + torch.randn(40, generator=gen).double()
for a in (0.05, 0.3):
    solver = Lasso(alpha=a, fit_intercept=False, tol=1e-13, max_iter=100_000)
    solved = torch.from_numpy(solver.fit(x.numpy(), y.numpy()).coef_)
    assert (solved == 0).any()
    assert (solved != 0).any()
    seen = violation(x, y, solved, a)
    assert seen is not None, "nothing is returned yet: write the body"
    assert abs(seen) < 1e-5, f"the solution of the Lasso at a = {a} is refused"
    nothing = violation(x, y, torch.zeros(15).double(), a)
    assert nothing > 0.01, f"zero is not the solution at a = {a}"
    off = float(penalties.all_zero_from(x, y)) - a
    assert abs(nothing - off) < 1e-9, "at w = 0 the amount is not right"
    for j in range(15):  # a parabola of known curvature along each weight
        for by in (0.2, -0.2):
            moved = solved.clone()
            moved[j] += by
            seen = violation(x, y, moved, a)
            assert seen > 0.01, "a moved solution must be seen"
            bend = float((x[:, j] ** 2).mean())
            flips = solved[j] == 0 or solved[j] * moved[j] < 0
            assert seen >= abs(by) * bend - 1e-6 or flips, "too small an amount"
    least = torch.linalg.lstsq(x, y[:, None]).solution[:, 0]
    assert abs(violation(x, y, least, a) - a) < 1e-6, (
        "at least squares, with no zeros, nothing is left but the penalty's pull"
    )
high = 1.5 * float(penalties.all_zero_from(x, y))
seen = violation(x, y, torch.zeros(15).double(), high)
assert seen == 0, "at a large penalty, w = 0 breaks no condition"
print("Exercise 2: all checks passed")

# %% [markdown]
# ```{exercise} Copies: 20 minutes
# :label: norm-penalties-ex-copies
#
# The column $u$ of an input is orthogonal to all others, with $s = |u|^2/n$ and $r = u^{\top} y/n$. By
# mistake it was put into the table $m$ times. Complete `copy_weight`: ridge's weight for *each* of the
# $m$ equal columns. Hand in: the function; what the $m$ weights add up to as $m$ grows, and why; and
# what the Lasso's solutions are for $m = 2$.
# ```


# %% tags=["exercise"]
def copy_weight(r: float, s: float, a: float, m: int) -> float:
    """Return ridge's weight for each of m copies of a column."""
    ### BEGIN SOLUTION
    return r / (m * s + a)
    ### END SOLUTION


# %% tags=["check"]
assert copy_weight(1.0, 2.0, 0.5, 1) is not None, (
    "nothing is returned yet: write the body"
)
basis = torch.linalg.qr(
    torch.randn(30, 4, generator=generator(0, "copies"), dtype=torch.float64)
)[0]
for scale, a, m in ((1.0, 0.1, 1), (6.0, 0.5, 2), (3.0, 2.0, 5)):
    column = scale * basis[:, 0]
    y = 3 * basis[:, 0] - basis[:, 1] + basis[:, 2]
    x = torch.cat([column[:, None]] * m + [basis[:, 1:3]], 1)
    each = penalties.ridge(x, y, a)[:m]
    r, s = float(column @ y) / 30, float(column @ column) / 30
    told = copy_weight(r, s, a, m)
    at = f"for m = {m} and a = {a}"
    assert told <= float(each.min()) + 1e-9, f"too large a weight {at}"
    assert told >= float(each.max()) - 1e-9, f"too small a weight {at}"
print("Exercise 3: all checks passed")

# %% [markdown]
# ```{exercise} When the inputs are alike: open, two hours, needs the run
# :label: norm-penalties-ex-open
#
# In `problem`, let neighboring columns have a correlation of 0, 0.5 and 0.9. Fix seeds and sizes
# before you look. Who ranks the inputs better, how many does the Lasso keep, who predicts better?
# Hand in: one figure with every seed visible, and one sentence a finding. Then find a rule that keeps
# fewer wrong inputs, and say what it costs.
# ```
#
# ## How this was fixed
#
# :::{dropdown} Pilots, seeds, and what changed after looking
# The claims of this page and their predictions were committed before it was written. Pilots on seeds
# 9000 to 9007 settled three things. First, the noise: with a standard deviation of 1 the Lasso found
# all ten inputs in every problem, and a number at its ceiling tells little; with 1.5 eight seeds would
# have decided the comparison with ridge only four times in five; so it is 2. Second, the strengths of
# the penalties in the networks, such that L1 makes from a quarter to three quarters of the weights
# zero. Third, the loop of the Lasso: at first it went over the weights 100 times, which was not always
# enough, so that `norms.agree` failed by some hundred-thousandths; now it goes on until nothing
# moves. No prediction failed in the pilots, and the page then ran on the usual seeds, once. There the
# pilots had promised too much for `l1.finds-the-features`: a count out of ten ties more often than
# they showed, and the exact sign test sees only problems without a tie. Seeds were not added after
# looking; the clean next look is a run on others, `make book SEEDS=A-B`.
# :::
#
# ## Sources
#
# ```{bibliography}
# :filter: docname in docnames
# ```
