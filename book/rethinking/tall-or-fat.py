# ---
# jupyter:
#   dlnotes:
#     datasets:
#       smoke: []
#       cpu: [mnist]
#       gpu: [mnist, cifar10]
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
# (tall-or-fat)=
# # Deep and thin, or shallow and wide?
#
# You have weights for one network, and have to choose its shape: many thin layers, or a few wide
# ones. There is a rumor that *tall and thin beats short and fat*. In 2017 a group of students put
# it to the test. They trained networks of 20 shapes on the digits of MNIST, with true labels and
# with random ones, and 9 shapes on digits mixed with noise. Their report ends with four
# conclusions:
#
# 1. Tall, thin networks are better than short, fat ones; but no layer may be too thin.
# 2. Networks learn the pattern first, and store the noise with the capacity that is left.
# 3. The more noise, the worse the pattern that is learned, and the lower the test accuracy.
# 4. The more {term}`capacity`, the faster both go.
#
# The second is the question of a chapter of its own. Here we repeat the experiments behind the
# other three, with several seeds. Most of what they saw, we expect to see. The question is what
# it *shows*.
#
# **What we measure.** How many {term}`steps <step>` a network needs to fit its training set, true
# or random; whether it gets there at all; and what it does on test images. For shapes with the
# same number of weights, for a grid of shapes, and for training sets in which a share of the
# images is noise.
#
# **What theory predicts.** Less than one would like, but something: how large the gradient is at
# the start, for every shape. We derive it, and it will explain more than expected.
#
# **What you need.** The chain rule, and what a variance is. Linked words are explained in the
# [glossary](../glossary); profiles, [for readers](../readers).

# %% tags=["parameters"]
profile = "cpu"
device = "auto"
seeds = ""

# %% [markdown]
# ## The set-up
#
# The full grids, on all of MNIST, are profile `gpu`. Profile `cpu` keeps what matters and shrinks
# the rest: fewer images, averaged down to 7 × 7, and thinner layers. Why so few pixels? With 784
# pixels and a few hundred images a *linear* model could already fit any labels, and capacity
# would not matter. The report had 60,000 images, 77 for every pixel.
#
# The first claims and expectations were written down before any run. Pilots on seeds 9000 to
# 9007 followed. They settled sizes, budgets and the three learning rates. They showed that six
# layers, at a size that fits in a minute, are already thin, so the main race is now two layers
# against four, and six have a claim of their own; that wide networks hardly notice the noise,
# so that claim was divided; and that two limits (two thirds of the shapes; the share at which
# we look at the slope) had been set where nothing could be decided. Where an expectation did
# not survive, `claims.yml` says so. A first run on eight seeds, 0 to 7, left claims open that
# twelve decide four times in five. The twelve below had not been run before; no claim, size or
# limit was changed for them. Others are the clean check: `make book SEEDS=A-B`.

# %%
import dataclasses
import itertools
import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from dlnotes import stats
from dlnotes.rng import generator
from dlnotes.data import corruption, datasets
from dlnotes.networks import metrics, models, stacks, training
from dlnotes.lab import claims, figures, prose, records, sweeps, verdicts
from dlnotes.lab.settings import Settings

# %%
figures.style()
usual = {"smoke": "0-1", "cpu": "16-27", "gpu": "16-27"}[profile]
run = Settings(profile=profile, device=device, seeds=seeds or usual).prepare()

wanted = run.scale(smoke=["digits"], cpu=["mnist"], gpu=["mnist", "cifar10"])
TESTS = run.scale(smoke=2500, cpu=2500, gpu=10_000)  # test images of a seed
most_images = run.scale(smoke=100, cpu=500, gpu=60_000)
data, sizes, used = {}, {}, []
for train, test in (datasets.load(name, stand_in="digits") for name in wanted):
    shrink = 4 if run.profile == "cpu" and train.name == "mnist" else 1
    small = (
        dataclasses.replace(part, x=F.avg_pool2d(part.x, shrink))
        for part in (train, test)
    )
    data[train.name] = datasets.standardize(*small)
    sizes[train.name] = min(most_images, len(train))  # training examples
    used.append(train)
context = claims.Context(settings=run, data=used, needs=tuple(wanted))
context

# %% [markdown]
# Every network has $L$ hidden layers (its {term}`depth`, `depth`) of $h$ {term}`ReLU` units each
# (its {term}`width`, `h` or `width`), and starts from the usual random weights, whose variance is
# two over the number of inputs of the unit {cite:p}`he2015delving`; biases start at zero. The
# report trained all shapes with {term}`batches <batch>` of 1024 and a {term}`learning rate` of
# 0.01, and does not name its optimizer; we take
# plain {term}`SGD <stochastic gradient descent>`. At profile `cpu` the batches are small and
# the rate is larger, so that the grid takes a minute and not a day. One rate for all shapes, as
# in the report; we shall come back to that.

# %%
first = next(iter(data))
size = sizes[first]
d, num_classes = data[first][0].x[0].numel(), data[first][0].num_classes
widths = run.scale(smoke=(8, 32), cpu=(8, 16, 32, 64), gpu=(16, 128, 512, 1024))
depths = run.scale(smoke=(2, 4), cpu=(2, 4, 6), gpu=(2, 4, 6, 8, 10))
RATE = run.scale(smoke=0.1, cpu=0.1, gpu=0.01)
FITTED = 0.99  # the training accuracy that counts; training stops there
config = training.TrainConfig(
    batch_size=run.scale(smoke=20, cpu=50, gpu=1024),
    max_epochs=run.scale(smoke=20, cpu=300, gpu=300),
    learning_rate=RATE,
    stop_accuracy=FITTED,
)
config

# %% [markdown]
# ## Equal parameters
#
# "At equal {term}`parameters <parameter>`" has to be taken literally, so we count. A layer with $a$
# inputs and $b$ units has $ab$ weights and $b$ biases. With $d$ pixels and $k$ classes the number
# of parameters is
#
# $$ P(h, L) = (d + 1)\,h + (L - 1)(h + 1)\,h + (h + 1)\,k . $$


# %%
def count(h: int, depth: int, d: int, k: int) -> int:
    """Weights and biases of `depth` hidden layers of `h` units."""
    return (d + 1) * h + (depth - 1) * (h + 1) * h + (h + 1) * k


def network(h: int, depth: int, name: str = first) -> models.ModelConfig:
    shape = tuple(data[name][0].x.shape[1:])
    io = {"input_shape": shape, "num_classes": data[name][0].num_classes}
    return models.ModelConfig(kind="mlp", hidden=(h,) * depth, **io)


for h, depth in itertools.product(widths, depths):
    one = models.init(network(h, depth), [generator(0, "count")])
    assert stacks.num_parameters(one) == count(h, depth, d, num_classes)
print("the formula counts right")

# %% [markdown]
# Does the report's grid contain a fair pair: a tall network and a fat one, with parameters equal
# within ten percent?

# %%
REPORT = list(itertools.product((16, 128, 512, 1024), (2, 4, 6, 8, 10)))
weights = {shape: count(*shape, 784, 10) for shape in REPORT}
fair = [
    (tall, fat)
    for tall, fat in itertools.product(REPORT, REPORT)
    if tall[0] < fat[0] and abs(weights[tall] / weights[fat] - 1) <= 0.1
]
for tall, fat in fair:
    print(f"width {tall[0]}, depth {tall[1]}: {weights[tall]:,} parameters")
    print(f"width {fat[0]}, depth {fat[1]}: {weights[fat]:,} parameters")

# %% tags=["hide-input", "remove-output"]
prose.number("size", size, ",")
prose.number("fair-pairs", len(fair))
prose.number("seeds", len(run.seeds))
most = config.max_epochs * math.ceil(size / config.batch_size)
prose.number("max-steps", most, ",")

# %% [markdown]
# Pairs found: {glue:text}`fair-pairs`. (We cannot see the report's plots. Its text says that in the
# first comparisons the tall networks had about as many parameters or fewer; with random labels
# one with half as many did about as well.) So we make our own: fix a number of parameters and, for
# each depth, search the width that comes closest.

# %%
FAT, TALL, TALLER = 2, 4, 6
LADDER = (FAT, TALL, TALLER, 10)
RICH = run.scale(smoke=4100, cpu=8000, gpu=1_800_000)
LEAN = run.scale(smoke=1500, cpu=2150, gpu=30_000)
if first == "digits":  # at profile smoke, and where they stand in for MNIST
    RICH, LEAN = 4100, 1500


def closest(depth: int, budget: int) -> int:
    """The width whose number of parameters is nearest to the budget."""
    off = [abs(count(h, depth, d, num_classes) - budget) for h in range(2000)]
    return int(np.argmin(off[1:])) + 1


rows = [
    {"budget": budget, "depth": depth, "width": closest(depth, budget)}
    for budget, depth in itertools.product((RICH, LEAN), LADDER)
]
ladder = pd.DataFrame(rows)
ladder["parameters"] = [
    count(h, depth, d, num_classes)
    for h, depth in zip(ladder.width, ladder.depth, strict=True)
]
ladder

# %% tags=["remove-cell"]
ends = ladder.groupby("budget").parameters.agg(["min", "max"])
off = float((ends["max"] / ends["min"] - 1).max())
assert off < 0.05
prose.number("spread", 100 * off, ".0f")
prose.number("rich", RICH, ",")
prose.number("lean", LEAN, ",")
prose.number("lean-width-6", closest(TALLER, LEAN))
prose.number("rich-width-2", closest(FAT, RICH))
prose.number("rich-width-4", closest(TALL, RICH))
prose.number("tallest", LADDER[-1])

# %% [markdown]
# Two budgets: a *rich* one of about {glue:text}`rich` parameters and a *lean* one of about
# {glue:text}`lean`, at which six layers have only {glue:text}`lean-width-6` units each. Within a
# budget, no two networks differ by more than {glue:text}`spread` %.
#
# ## What one step does
#
# Before we train, a calculation. Let $g$ be the gradient of a loss with respect to all parameters,
# and $\lvert g \rvert^2$ the sum of its squares. A small step with learning rate $\eta$ changes the
# parameters by $-\eta g$, and the loss falls by about $\eta \lvert g \rvert^2$. So at one learning
# rate, the network with the larger gradient goes faster, whatever its other virtues. How large is
# the gradient for each shape? The gradient of the loss is put together from those of the
# {term}`logits`. So from now on let $g$ be the gradient of one logit $f$ of a fresh network, for one
# image $x$. Let $q = \lvert x \rvert^2 / d$ be the image's mean squared pixel (about 1, after the
# set-up).
#
# *Forward.* A unit of the first layer computes $z = w \cdot x$ with weights of variance $2/d$, so
# $z$ has variance $2 \lvert x \rvert^2 / d = 2q$. The ReLU lets the positive half of the
# distribution through: its output has mean square $q$. The next layer has $h$ inputs of mean square
# $q$ and weights of variance $2/h$: again variance $2q$ and, after the ReLU, mean square $q$. And so
# on: with $a_l$ for the $h$ outputs of layer $l$ (and $a_0$ for the image), $\lvert a_l \rvert^2$ is
# $hq$ on average. (That is what the factor two is for.)
#
# *Backward.* Let $\delta_l$ be the gradient of $f$ with respect to the sums $z_l$ of layer $l$, one
# number a unit. In the last hidden layer, that number is the unit's weight to $f$, of variance
# $2/h$, if the unit is on, which is half of the time, and else 0: on average over the draw its
# square is $1/h$, and the $h$ squares add up to $\lvert \delta_L \rvert^2 = 1$. One layer down, each
# unit adds up the $h$ numbers above it, each times a weight of variance $2/h$, and again is on half
# of the time: mean square $1/h$ once more. So $\lvert \delta_l \rvert^2$ is 1 on average in every
# layer.
#
# *Together.* The gradient for a weight is $\delta$ at its output times $a$ at its input, so the
# squares of all weights of layer $l$ add up to $\lvert \delta_l \rvert^2 \lvert a_{l-1} \rvert^2$.
# On average that is $\lvert x \rvert^2 = dq$ in the first layer and $hq$ in each of the $L - 1$
# after it; at the logit it is $hq$ again. (The mean of the product is the product of the means: a
# unit is on or off with equal chances, whatever came before.) The biases of a layer add 1, since
# their input is 1, and there are $L + 1$ layers of weights:
#
# $$ \mathbb E \lvert g \rvert^2 = q\,(d + L h) + L + 1 , $$
#
# where $\mathbb E$ is the mean over the draw of the weights. With $q = 1$ this is a *headcount*, of
# the inputs of all layers, with one constant input a layer for the biases: each input is a *head*
# (`heads`). We check it on many random networks (those of the rich budget).


# %%
NETS = run.scale(smoke=100, cpu=500, gpu=100)  # random networks a seed


def squared_gradients(h: int, depth: int, x: Tensor, gen) -> Tensor:
    """|g|^2 of the first logit, for many fresh networks and one image."""
    model, fresh = network(h, depth), {}
    for layer in models.layers(model):
        draw = torch.randn(NETS, *layer.weight, generator=gen)
        fresh[f"{layer.name}.weight"] = draw * math.sqrt(2 / layer.fan_in)
        fresh[f"{layer.name}.bias"] = torch.zeros(NETS, *layer.outputs)
    leaves = [p.requires_grad_() for p in fresh.values()]
    logit = models.forward(model, fresh, x[None])[:, 0, 0].sum()
    gradients = torch.autograd.grad(logit, leaves)
    return sum(g.flatten(1).square().sum(1) for g in gradients)


def heads(h: int, depth: int) -> int:
    """Inputs of all layers, biases included: |g|^2 for q = 1."""
    return d + 1 + depth * (h + 1)


# %%
rows = []
for depth, seed in itertools.product(LADDER, run.seeds):
    h = closest(depth, RICH)
    x = data[first][0].x[seed]
    q = float(x.square().mean())
    gen = generator(seed, "gradient", depth)
    g = squared_gradients(h, depth, x, gen).double()
    tenth, most_of = (float(g.quantile(p)) for p in (0.1, 0.9))
    row = {"depth": depth, "seed": seed, "spread": most_of / tenth}
    row["measured"] = float(g.mean())
    row["predicted"] = q * (d + depth * h) + depth + 1
    rows.append(row)
steps0 = pd.DataFrame(rows)
steps0["ratio"] = steps0.measured / steps0.predicted
columns = ["predicted", "measured", "ratio", "spread"]
steps0.groupby("depth")[columns].mean().round(2)

# %% tags=["hide-input", "remove-output"]
by_depth = dict(list(steps0.groupby("depth")))
found = verdicts.all_of(
    {
        f"depth {depth}": verdicts.within(part.ratio.tolist(), 0.8, 1.25)
        for depth, part in by_depth.items()
    }
)
claims.check("tall.headcount", found, context, unit="times")
thin, wide = by_depth[LADDER[-1]].spread, by_depth[FAT].spread
factors = (thin.to_numpy() / wide.to_numpy()).tolist()
found = verdicts.above(factors, 2, scale="log")
claims.check("tall.thin-gradients", found, context, unit="times")

# %% tags=["remove-cell"]
for name, depth in (("fat", FAT), ("tall", TALL), ("tallest", LADDER[-1])):
    part = by_depth[depth]
    prose.number(f"head-{name}", heads(closest(depth, RICH), depth))
    prose.number(f"spread-{name}", part.spread.mean(), ".0f")
head = [heads(closest(depth, RICH), depth) for depth in (FAT, TALL)]
prose.number("head-ratio", head[1] / head[0], ".1f")
ours, theirs = (785 + dep * (h + 1) for h, dep in ((512, 6), (1024, 2)))
prose.number("head-report", ours / theirs, ".1f")

# %% [markdown]
# {claim}`tall.headcount` Why does the headcount grow with depth at equal parameters? Roughly, most
# weights are in $L$ layers of about $h^2$ each, so $P \approx L h^2$ and $L h \approx \sqrt{P L}$.
# Here the network with {glue:text}`tallest` layers has {glue:text}`head-tallest` heads, and the one
# with two has {glue:text}`head-fat`. For the report's pair it is {glue:text}`head-report` times as
# many in the tall one. **At one learning rate, the tall network starts with the longer steps**,
# before anybody asks which shape is better.
#
# {claim}`tall.thin-gradients` The last column shows the other side: how much $\lvert g \rvert^2$
# varies from one draw of the weights to the next, as the ratio of the value that nine in ten
# draws stay below to the one that one in ten stays below. With two wide layers it is
# {glue:text}`spread-fat`, with {glue:text}`tallest` thin ones {glue:text}`spread-tallest`. This
# is known exactly: the variance grows exponentially with the sum of one over the widths, $L/h$
# {cite:p}`hanin2018which`. The report says that layers with too few units make the gradient
# unstable. For the start of training, that is right, and it has a number.
#
# ## Who is faster?
#
# :::{admonition} Predict
# :class: tip
# Two layers of {glue:text}`rich-width-2` units against four of {glue:text}`rich-width-4`, about
# {glue:text}`rich` parameters each. Which fits true labels first? And random labels? What if each
# network may choose the best of three learning rates? And what becomes of six layers with
# {glue:text}`lean` parameters?
# :::
#
# One run: a training set, a network, a learning rate. *How long* is the number of steps until
# {glue:text}`size` examples are fitted to 99 %, or "more than {glue:text}`max-steps`" for a
# {term}`censored run`. All runs of one shape are trained side by side; a seed has the same images
# and initial weights in all of them. *Best of three* is the fewest steps of a seed at any of three
# rates, the one rate and two and three times that.


# %%
def training_set(c: dict) -> tuple[Tensor, Tensor]:
    """Images and labels: random labels, or a share of Gaussian images."""
    (train, _), seed = data[c["data"]], c["seed"]
    n = c.get("images", sizes[c["data"]])
    part = datasets.subset(train, n, gen=generator(seed, "subset"))
    x, y, noisy = part.x.clone(), part.y, round(c["share"] * n)
    if c["task"] == "random labels":
        gen = generator(seed, "labels")
        kind = {"rate": 1.0, "num_classes": part.num_classes}
        y = corruption.random_labels(y, **kind, gen=gen).y
    gen = generator(seed, "noise")
    noise = corruption.gaussian_pixels(x, mean=0.0, std=1.0, gen=gen)
    x[:noisy] = noise[:noisy]
    return (x[noisy:], y[noisy:]) if c["task"] == "real only" else (x, y)


def fit(group: list[dict]) -> list[dict]:
    """Train one stack: all runs of one shape."""
    where, c = run.torch_device, group[0]
    model, (_, test) = (
        network(c["width"], c["depth"], c["data"]),
        data[c["data"]],
    )
    pairs = zip(*map(training_set, group), strict=True)
    x, y = (torch.stack(part).to(where) for part in pairs)
    start = models.init(model, [generator(c["seed"], "init") for c in group])
    start = {name: p.to(where) for name, p in start.items()}
    now = dataclasses.replace(
        config,
        learning_rate=tuple(c["rate"] for c in group),
        batch_size=min(config.batch_size, y.shape[1]),
        max_epochs=config.max_epochs * sizes[c["data"]] // y.shape[1],
    )
    gen = generator(min(run.seeds), "batches", c["width"], c["depth"])
    done = training.train(model, now, start, x, y, gens=gen)
    mine = datasets.rows(
        test,
        min(TESTS, len(test)),
        gens=[generator(c["seed"], "test images") for c in group],
    )
    new = (test.x.to(where), test.y.to(where))
    tests = metrics.evaluate(model, done.params, *new, rows=mine.to(where))
    found = [done.summary(i) for i in range(len(group))]
    keep = ("steps", "fitted", "train accuracy")
    return [
        {k: f[k] for k in keep} | {"test %": 100 * float(a)}
        for f, a in zip(found, tests[1], strict=True)
    ]


# %%
BOTH = ["true labels", "random labels"]
RATES = (RATE, 2 * RATE, 3 * RATE)
grid = [
    {"data": first, "width": closest(depth, budget), "depth": depth} | rest
    for budget, tasks in ((RICH, BOTH), (LEAN, BOTH[:1]))
    for depth in (LADDER[:3] if budget == RICH else LADDER)
    for rest in sweeps.grid(task=tasks, share=[0.0], rate=RATES, seed=run.seeds)
]
STACK = run.scale(smoke=None, cpu=None, gpu=20)  # fits into the memory
freely = {"together": ("task", "share", "rate", "seed"), "stack": STACK}
table = records.frame(sweeps.run(grid, fit, **freely, settings=run))
table["time"] = table.steps.where(table.fitted, math.inf)
print(f"{len(table)} networks trained, {sum(~table.fitted)} censored")


# %% tags=["hide-input"]
def times(budget: int, task: str, depth: int, rate: float | None) -> np.ndarray:
    """Steps to fit, seed by seed; rate None: the best of the three."""
    part = table[(table.task == task) & (table.depth == depth)]
    part = part[part.width == closest(depth, budget)]
    if rate is not None:
        part = part[part.rate == rate]
    return part.groupby("seed").time.min().to_numpy()


def faster(one: np.ndarray, other: np.ndarray) -> verdicts.Finding:
    """Judge "in most seeds `one` fits first"; inf is a censored run."""
    return verdicts.mostly(verdicts.sooner(one, other))


RACES = {
    f"{RICH:,} parameters, true": (RICH, BOTH[0], LADDER[:3]),
    f"{RICH:,} parameters, random": (RICH, BOTH[1], LADDER[:3]),
    f"{LEAN:,} parameters, true": (LEAN, BOTH[0], LADDER),
}
HOW = {"one rate": RATE, "best of three": None}


def step_ticks(axis: plt.Axes) -> None:
    """Write steps as plain numbers on a log axis."""
    low, high = axis.get_ylim()
    every = [m * 10**k for k in range(7) for m in (1, 2, 5)]
    ticks = [t for t in every if low <= t <= high]
    axis.set_yticks(ticks, [f"{t:,}" for t in ticks])
    axis.yaxis.minorticks_off()


shown = {}
for (name, rate), kind in itertools.product(HOW.items(), RACES):
    budget, task, ladder_depths = RACES[kind]
    shown[name, kind] = {}
    for dep in ladder_depths:
        value = np.median(times(budget, task, dep, rate))
        text = f"{value:,.0f}" if value < math.inf else "censored"
        shown[name, kind][dep] = text
pd.DataFrame(shown).fillna("").rename_axis(index="depth").T


# %% tags=["hide-input", "remove-output"]
def race(depth: int, rate: float | None) -> verdicts.Finding:
    """Judge "that many layers fit before two do", for both kinds of labels."""
    return verdicts.all_of(
        {
            task: faster(
                times(RICH, task, depth, rate), times(RICH, task, FAT, rate)
            )
            for task in BOTH
        }
    )


unit = "% of seeds"
claims.check("tall.better", race(TALL, RATE), context, unit=unit)
claims.check("tall.better-six", race(TALLER, RATE), context, unit=unit)
claims.check("tall.better-tuned", race(TALL, None), context, unit=unit)
found = verdicts.all_of(
    {
        name: faster(
            times(LEAN, BOTH[0], FAT, rate), times(LEAN, BOTH[0], TALLER, rate)
        )
        for name, rate in HOW.items()
    }
)
claims.check("tall.too-thin-loses", found, context, unit=unit)

# %% tags=["hide-input"]
figure, panels = plt.subplots(1, 2, figsize=(7.4, 3.9), sharey=True)
drawn = []
for axis, (title, rate) in zip(panels, HOW.items(), strict=True):
    for i, (kind, (budget, task, ladder_depths)) in enumerate(RACES.items()):
        line, color = [], figures.COLORS[i]
        for dep in ladder_depths:
            now = np.minimum(times(budget, task, dep, rate), 1.3 * most)
            line.append(np.median(now))
            look = {"s": 18, "alpha": 0.5, "linewidths": 0, "color": color}
            axis.scatter([dep * (0.97 + 0.03 * i)] * len(now), now, **look)
            drawn += [(title, kind, dep, t) for t in now]
        look = {"marker": figures.MARKERS[i], "markersize": 5, "label": kind}
        dash = figures.DASHES[i]
        look["linestyle"] = (0, dash) if dash else "-"
        axis.plot(ladder_depths, line, color=color, **look)
    axis.set(title=title, xlabel="hidden layers", yscale="log", xscale="log")
    axis.set(xticks=LADDER, xticklabels=LADDER)
    axis.xaxis.minorticks_off()
    figures.baseline(axis, most, "limit; above: censored", side="left")
panels[0].set(ylabel="steps to fit 99 %")
step_ticks(panels[0])
handles = panels[0].get_legend_handles_labels()
figure.legend(*handles, loc="outside lower center", ncols=3, fontsize=9)
said = "; ".join(
    f"{name}, {kind}, depth {dep}: {value}"
    for (name, kind), values in shown.items()
    for dep, value in values.items()
)
race_one = next(iter(RACES))
pair = {
    name: " and ".join(shown[name, race_one][dep] for dep in (FAT, TALL))
    for name in HOW
}
figures.show(
    figure,
    "tall-or-fat",
    alt=f"Steps to fit against depth. Medians: {said}.",
    caption="Steps to fit at equal parameters, by depth. Dots are seeds, lines "
    "join medians. Left: one learning rate for all, as in the report. Right: "
    f"each network at the best of three. With {RICH:,} parameters and true labels, "
    f"two and four layers take {pair['one rate']} steps on the left, "
    f"{pair['best of three']} on the right (medians).",
    data=pd.DataFrame(drawn, columns=["panel", "race", "depth", "steps"]),
)


# %% tags=["hide-input", "remove-output"]
def middle(values: np.ndarray) -> str:
    value = float(np.median(values))
    return f"{value:,.0f}" if value < math.inf else "more than the limit"


for short, task in zip(("true", "random"), BOTH, strict=True):
    for name, rate in (("one", RATE), ("best", None)):
        fat = times(RICH, task, FAT, rate)
        prose.number(f"fat-{name}-{short}", middle(fat))
        for shape, dep in (("tall", TALL), ("taller", TALLER)):
            tall = times(RICH, task, dep, rate)
            prose.number(f"{shape}-{name}-{short}", middle(tall))
            prose.number(
                f"{shape}-wins-{name}-{short}", int((tall < fat).sum())
            )
for shape, dep in (("fat", FAT), ("taller", TALLER)):
    value = middle(times(LEAN, BOTH[0], dep, None))
    prose.number(f"lean-{shape}", value)
tallest = table[table.depth == LADDER[-1]]
prose.number("tallest-fitted", int(tallest.fitted.sum()))
prose.number("tallest-runs", len(tallest))

# %% [markdown]
# {claim}`tall.better` With true labels two layers take {glue:text}`fat-one-true` steps, four
# {glue:text}`tall-one-true` (medians), and the four win in {glue:text}`tall-wins-one-true` of
# {glue:text}`seeds` seeds; with random labels it is {glue:text}`fat-one-random` against
# {glue:text}`tall-one-random`, and {glue:text}`tall-wins-one-random` of {glue:text}`seeds`. (Our
# rule is strict: a few seeds that disagree leave the verdict open.)
#
# {claim}`tall.better-six` Six layers take {glue:text}`taller-one-true` steps for true labels and
# {glue:text}`taller-one-random` for random ones, and win against two in
# {glue:text}`taller-wins-one-true` and {glue:text}`taller-wins-one-random` seeds.
#
# {claim}`tall.better-tuned` Now two layers take {glue:text}`fat-best-true` steps for true labels,
# four {glue:text}`tall-best-true`, six {glue:text}`taller-best-true`; for random ones
# {glue:text}`fat-best-random`, {glue:text}`tall-best-random` and {glue:text}`taller-best-random`.
# Compare with the numbers at one rate: what each shape gains is what that rate had kept from it.
# The headcount had warned us. The fat network takes the shorter steps at one rate, so it may bear a
# larger one. *Better shape* and *longer steps* look the same as long as everybody gets the same
# learning rate. Nor would a win of the two layers make fat better than tall: it would be a win at
# this size, with these three rates (the best may lie beyond them), and that is all.
#
# {claim}`tall.too-thin-loses` With {glue:text}`lean` parameters, six layers have
# {glue:text}`lean-width-6` units each: {glue:text}`lean-taller` steps at the best rate, where two
# layers take {glue:text}`lean-fat`. Ten layers: {glue:text}`tallest-fitted` of
# {glue:text}`tallest-runs` runs got there at all.
#
# ## The grid
#
# Now the report's first grid: every width with every depth, true and random labels, one rate. It
# had widths 16, 128, 512 and 1024 and depths 2, 4, 6, 8 and 10. Here we have widths
# {glue:text}`grid-widths` and depths {glue:text}`grid-depths`. In the same go we train the second
# grid, in which a share of the images is replaced by Gaussian noise, with the mean and variance of
# the pixels, while the labels stay as they are.

# %% tags=["remove-cell"]
prose.number("grid-widths", ", ".join(map(str, widths)))
prose.number("grid-depths", ", ".join(map(str, depths)))

# %%
SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
widths2 = run.scale(smoke=(8, 32), cpu=(8, 16, 64), gpu=(16, 512, 1024))
depths2 = run.scale(smoke=(2,), cpu=(2, 4), gpu=(2, 4, 8))
WIDE, THIN = widths[-1], widths[0]
MIDDLE = run.scale(smoke=8, cpu=16, gpu=512)
QUARTER = run.scale(smoke=8, cpu=16, gpu=128)
FOUR, SIX = run.scale(smoke=(2, 4), cpu=(4, 6), gpu=(4, 6))
NEAR = run.scale(smoke=0.9, cpu=0.96, gpu=0.99)
LATE = run.scale(smoke=(0.9,), cpu=(0.9, 0.96, 0.98), gpu=(0.95, 0.99, 0.998))

base = {"rate": [RATE], "seed": run.seeds}
shapes = {"width": widths, "depth": depths}
shapes2 = {"data": list(data), "width": widths2, "depth": depths2}
grid = sweeps.grid(data=[first], **shapes, task=BOTH, share=[0.0], **base)
more = sweeps.grid(**shapes2, task=["Gaussian"], share=SHARES, **base)
one = {"data": [first], "width": [WIDE], "depth": [2]}
more += sweeps.grid(**one, task=["Gaussian"], share=LATE, **base)
IMAGES = run.scale(
    smoke=(50, 100), cpu=(125, 500, 1000), gpu=(3750, 15_000, 60_000)
)
some = {"task": ["Gaussian"], "share": [0.0, 1.0], "images": IMAGES}
table = records.frame(sweeps.run(grid + more, fit, **freely, settings=run))
counted = records.frame(
    sweeps.run(sweeps.grid(**one, **some, **base), fit, **freely, settings=run)
)
for frame in (table, counted):
    frame["time"] = frame.steps.where(frame.fitted, math.inf)
print(f"{len(table)} networks trained, {sum(~table.fitted)} censored")


# %% tags=["hide-input"]
def runs(task: str, width: int, depth: int, share=0.0, name=first):
    here = {"task": task, "width": width, "depth": depth, "share": share}
    mask = table["data"] == name
    for column, value in here.items():
        mask &= table[column] == value
    return table[mask].sort_values("seed")


def cell(r: pd.DataFrame) -> str:
    """Median steps, or the mean accuracy reached if most are censored."""
    if r.fitted.mean() > 0.5:
        return f"{r.time.median():,.0f}"
    return f"({100 * r['train accuracy'].mean():.0f} %)"


pd.DataFrame(
    {
        (task, f"depth {dep}"): {h: cell(runs(task, h, dep)) for h in widths}
        for task, dep in itertools.product(BOTH, depths)
    }
).rename_axis(index="width")

# %% tags=["hide-input", "remove-output"]
everything = table.task.isin(BOTH)
share = 100 * table[everything].groupby(["task", "seed"]).fitted.mean()
true_share, random_share = (share[task].tolist() for task in BOTH)
thin_fits = [
    not table[everything & (table.seed == s)]
    .query("task == 'random labels' and width == @THIN")
    .fitted.any()
    for s in run.seeds
]
wide_fits = runs("random labels", WIDE, SIX).fitted.tolist()
found = verdicts.above(
    true_share, 200 / 3, reason="% of the shapes fit true labels"
)
claims.check("tall.true-labels-fit", found, context, unit="% of shapes")
random_cap = verdicts.below(random_share, 200 / 3, unit="% of shapes")
found = verdicts.all_of(
    {
        "random labels are too much for many shapes": random_cap,
        "the thinnest never fit": verdicts.mostly(thin_fits),
        "a wide one fits": verdicts.mostly(wide_fits),
    }
)
claims.check("tall.random-needs-capacity", found, context, unit="%")

# %% tags=["hide-input", "remove-output"]
DEEP = depths[-1]


def gained(task: str, width: int) -> list[float]:
    deep, flat = (
        100 * runs(task, width, dep)["train accuracy"].to_numpy()
        for dep in (DEEP, 2)
    )
    return (deep - flat).tolist()


found = verdicts.all_of(
    {task: verdicts.below(gained(task, THIN), 2.0) for task in BOTH}
)
claims.check("tall.not-too-thin", found, context, unit="percentage points")

parts = {
    f"{task}, depth {dep}": faster(
        runs(task, WIDE, dep).time.to_numpy(),
        runs(task, QUARTER, dep).time.to_numpy(),
    )
    for task, dep in itertools.product(BOTH, (FOUR, SIX))
}
found = verdicts.all_of(parts)
claims.check("tall.capacity-speeds", found, context, unit="% of seeds")
parts = {
    task: faster(
        runs(task, WIDE, SIX).time.to_numpy(),
        runs(task, WIDE, 2).time.to_numpy(),
    )
    for task in BOTH
}
found = verdicts.all_of(parts)
claims.check("tall.depth-speeds", found, context, unit="% of seeds")

# %% tags=["remove-cell"]
prose.number("share-true", np.mean(true_share), ".0f")
prose.number("share-random", np.mean(random_share), ".0f")
prose.number("shapes", len(widths) * len(depths))
prose.number("wide", WIDE)
prose.number("quarter", QUARTER)
prose.number("deep", DEEP)
prose.number("thin-weights", count(THIN, 2, d, num_classes) / size, ".1f")
for short, task in zip(("true", "random"), BOTH, strict=True):
    for name, dep in (("flat", 2), ("deep", DEEP)):
        value = 100 * runs(task, THIN, dep)["train accuracy"].mean()
        prose.number(f"thin-{name}-{short}", value, ".0f")

# %% [markdown]
# The table gives the median number of steps; in brackets, where most runs were censored, the
# accuracy they reached.
#
# {claim}`tall.true-labels-fit` On average over seeds it is {glue:text}`share-true` % of the
# {glue:text}`shapes` shapes. {claim}`tall.random-needs-capacity` It is {glue:text}`share-random` %.
# Look at the thinnest networks with two layers. They have {glue:text}`thin-weights` weights for
# every label; they get {glue:text}`thin-flat-true` % of the true labels right, and
# {glue:text}`thin-flat-random` % of the random ones. The report saw such a gap in its thinnest
# networks, and concluded: with a pattern to learn, few weights go far; without one, there is only
# storing, and storing takes room. We read it in the same way. (Whether the labels do not *fit in*,
# or are not *found*, the runs cannot tell; see {doc}`the chapter on expressivity <expressivity>`.)
#
# {claim}`tall.not-too-thin` From two layers to {glue:text}`deep`, these thin networks go from
# {glue:text}`thin-flat-true` to {glue:text}`thin-deep-true` % of the true labels, and from
# {glue:text}`thin-flat-random` to {glue:text}`thin-deep-random` % of the random ones. This was the
# question of the report's third plot.
#
# {claim}`tall.capacity-speeds` To see it, go down a column of the table (at four and six layers,
# {glue:text}`quarter` units against {glue:text}`wide`).
#
# {claim}`tall.depth-speeds` For this one, go along the last row. Both together are the report's
# fourth conclusion. But width and depth add capacity *and heads*. Which of the two is it? Here is a
# control that can tell: the widest network with four layers, at a learning rate lowered by the
# ratio of the headcounts. Now its first steps change a logit no more than those of the thin one.

# %%
grid = sweeps.grid(
    data=[first],
    task=BOTH,
    share=[0.0],
    width=[WIDE],
    depth=[FOUR],
    rate=[RATE * heads(QUARTER, FOUR) / heads(WIDE, FOUR)],
    seed=run.seeds,
)
matched = records.frame(sweeps.run(grid, fit, **freely, settings=run))
matched["time"] = matched.steps.where(matched.fitted, math.inf)
for task in BOTH:
    wide = matched[matched.task == task].sort_values("seed").time
    thin = runs(task, QUARTER, FOUR).time
    print(f"{task}: wide {wide.median():,.0f}, thin {thin.median():,.0f} steps")

# %% tags=["hide-input", "remove-output"]
found = faster(
    matched[matched.task == "random labels"]
    .sort_values("seed")
    .time.to_numpy(),
    runs("random labels", QUARTER, FOUR).time.to_numpy(),
)
claims.check("tall.capacity-not-step", found, context, unit="% of seeds")
prose.number("rate-ratio", heads(WIDE, FOUR) / heads(QUARTER, FOUR), ".1f")
for short, task in zip(("true", "random"), BOTH, strict=True):
    for name, part in (
        ("free", runs(task, WIDE, FOUR)),
        ("matched", matched[matched.task == task]),
        ("thin", runs(task, QUARTER, FOUR)),
    ):
        value = part.time.median()
        text = f"{value:,.0f}" if value < math.inf else "more than the limit"
        prose.number(f"{name}-{short}", text)

# %% [markdown]
# With true labels the thin network takes {glue:text}`thin-true` steps, the wide one
# {glue:text}`free-true`; at the rate divided by {glue:text}`rate-ratio` it takes
# {glue:text}`matched-true`. The difference of the last two is the part of its lead that was the
# length of its steps.
#
# {claim}`tall.capacity-not-step` With random labels the thin one takes {glue:text}`thin-random`
# steps, the wide one {glue:text}`free-random`, and {glue:text}`matched-random` at the lower rate.
# If the claim holds, the thin one lacks more than long steps: most likely room. So "more capacity
# is faster" is two sentences, one about capacity and one about the length of steps.
#
# ## Noise for images
#
# The second grid. A share of the images is replaced by noise, and the labels remain.
#
# :::{admonition} Predict
# :class: tip
# From share 0 to share 1: does it take longer and longer to fit the training set? What happens to
# the test accuracy between 0 and 0.8, and what between 0.8 and 1?
# :::
#
# The sources disagree on the first question. The report quotes the paper that it follows
# {cite:p}`krueger2017deep`: with random labels convergence takes longer, but with random *inputs*
# it takes less time. Its own conclusion from its own runs is that more noise always takes longer,
# on MNIST and on CIFAR-10 alike (profile `gpu` has both).

# %% tags=["hide-input"]
mixed = table[table.task == "Gaussian"].copy()
mixed = mixed[mixed.share.isin(SHARES)]
mixed["shape"] = [
    f"{w} wide, {dep} deep" if len(data) == 1 else f"{n} {w} × {dep}"
    for n, w, dep in zip(mixed["data"], mixed.width, mixed.depth, strict=True)
]
few_shapes = [
    name for name in mixed["shape"].unique() if name.endswith("2 deep")
][:3] or list(mixed["shape"].unique())[:4]
figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.8))
for i, name in enumerate(few_shapes):
    part = mixed[mixed["shape"] == name]
    capped = np.minimum(part.time, 1.25 * most)
    look = {"color": figures.COLORS[i], "alpha": 0.5, "s": 18, "linewidths": 0}
    left.scatter(part.share, capped, **look)
    line = capped.groupby(part.share).median()
    look = {"marker": figures.MARKERS[i], "markersize": 5, "label": name}
    dash = figures.DASHES[i]
    look["linestyle"] = (0, dash) if dash else "-"
    left.plot(line, color=figures.COLORS[i], **look)
left.set(yscale="log", ylabel="steps to fit 99 %")
left.set(xlabel="share of Gaussian images")
left.legend(fontsize=9)
step_ticks(left)
figures.baseline(left, most, "limit; above: censored", side="right")
part = mixed[mixed["shape"].isin(few_shapes)]
figures.seed_points(right, part, x="share", y="test %", hue="shape")
right.set(xlabel="share of Gaussian images", ylabel="test accuracy (%)")
right.set(ylim=(0, 100))
figures.baseline(right, 10, "chance", side="left")
means = part.groupby(["shape", "share"])["test %"].mean()
figures.show(
    figure,
    "noise-for-images",
    alt="Left: steps to fit against the share of noise. Right: test accuracy; "
    "means in percent: "
    + "; ".join(f"{n}, share {s:g}: {v:.0f}" for (n, s), v in means.items()),
    caption="Left: steps to fit; lines join medians. Right: test accuracy at "
    "shares of 0, 0.8 and 1: "
    + "; ".join(
        f"{name}: " + ", ".join(f"{means[name, s]:.0f} %" for s in (0, 0.8, 1))
        for name in few_shapes
    )
    + ". Bars are 95 % t intervals. Dots are seeds.",
    data=mixed[["shape", "share", "seed", "time", "test %"]],
)


# %% tags=["hide-input", "remove-output"]
def noisy(share: float, column: str, name: str, w: int, dep: int) -> np.ndarray:
    return runs("Gaussian", w, dep, share, name)[column].to_numpy()


def slower(time, other, bound: float) -> verdicts.Finding:
    """Judge "`time` is longer by more than this factor"; inf is censored."""
    with np.errstate(invalid="ignore"):
        ratio = np.asarray(time) / np.asarray(other)
    known = np.isfinite(ratio) & (ratio > 0)
    ends = np.where(known, ratio, 0), np.where(known, ratio, math.inf)
    return verdicts.above_censored(*ends, bound)


all2 = list(itertools.product(data, widths2, depths2))
later, last, wide = {}, {}, {}
for shape in all2:
    time = {s: noisy(s, "time", *shape) for s in (0.0, 0.8, 1.0)}
    label = f"{shape[1]} x {shape[2]}"
    if shape[1] == MIDDLE:
        later[label] = faster(time[0.0], time[0.8])
        last[label] = faster(time[0.8], time[1.0])
    if shape[1] == widths2[-1]:
        wide[label] = slower(time[0.8], time[0.0], 1.25)
unit = "% of seeds"
claims.check("tall.noise-slows", verdicts.all_of(later), context, unit=unit)
claims.check(
    "tall.all-noise-slowest", verdicts.all_of(last), context, unit=unit
)
found = verdicts.all_of(wide)
claims.check("tall.noise-slows-wide", found, context, unit="times")

ratios = {}
for n in IMAGES:
    part = counted[counted.images == n].sort_values("seed")
    noise, real = (part[part.share == s].time.to_numpy() for s in (1.0, 0.0))
    ratios[n] = noise / real
found = slower(ratios[IMAGES[-1]], ratios[IMAGES[0]], 1)
claims.check("tall.noise-slows-many", found, context, unit="times")

falls, jumps, gap = {}, {}, {}
for shape in all2:
    at = {s: noisy(s, "test %", *shape) for s in SHARES}
    label = f"{shape[1]} x {shape[2]}"
    falls[label] = verdicts.above((at[0.0] - at[0.8]).tolist(), 0.0)
    jump = (at[0.8] - at[1.0]) - (at[0.0] - at[0.8])
    jumps[label] = verdicts.above(jump.tolist(), 0.0)
    gap[f"{label} at 0.8"] = verdicts.above(at[0.8].tolist(), 20.0)
averaged = np.mean([noisy(1.0, "test %", *shape) for shape in all2], axis=0)
gap["all shapes at 1"] = verdicts.within(averaged, 5, 15)
unit = "percentage points"
claims.check(
    "tall.noise-lowers-test", verdicts.all_of(falls), context, unit=unit
)
found = verdicts.all_of(gap)
claims.check("tall.all-noise-gap", found, context, unit="% accuracy")
found = verdicts.all_of(jumps)
claims.check("tall.last-fifth", found, context, unit=unit)

# %% tags=["remove-cell"]
top = (first, WIDE, 2)
for name, s in (("0", 0.0), ("8", 0.8), ("1", 1.0)):
    prose.number(f"test-{name}", noisy(s, "test %", *top).mean(), ".0f")
    prose.number(f"steps-{name}", middle(noisy(s, "time", *top)))
    tight = (first, MIDDLE, 2)
    prose.number(f"tight-steps-{name}", middle(noisy(s, "time", *tight)))
    value = noisy(s, "test %", first, THIN, 2).mean()
    prose.number(f"thin-test-{name}", value, ".0f")
for name, n in zip(("few", "many"), (IMAGES[0], IMAGES[-1]), strict=True):
    prose.number(f"images-{name}", n, ",")
    value = float(np.median(ratios[n]))
    text = f"{value:.2f}" if value < math.inf else "more than measured"
    prose.number(f"noise-ratio-{name}", text)
    prose.number(f"per-pixel-{name}", n / d, ".0f")
prose.number("middle-width", MIDDLE)
prose.number("real-left", round(0.2 * size), ",")
prose.number("report-left", 12_000, ",")
prose.interval("chance", stats.mean_interval(averaged))

# %% [markdown]
# **Slower?** {claim}`tall.noise-slows` With {glue:text}`middle-width` units and two layers the
# median goes from {glue:text}`tight-steps-0` steps without noise to {glue:text}`tight-steps-8` at a
# share of 0.8. {claim}`tall.all-noise-slowest` Pure noise: {glue:text}`tight-steps-1`.
# {claim}`tall.noise-slows-wide` With {glue:text}`wide` units and two layers the medians are
# {glue:text}`steps-0`, {glue:text}`steps-8` and {glue:text}`steps-1` steps at shares 0, 0.8 and 1.
#
# If networks that are short of capacity are slowed and wide ones are not, both the report and the
# paper it quotes can be right. An earlier chapter met {doc}`the same riddle <random-data>`, and a
# likely reason: noise images are nearly orthogonal to one another, so each can be stored without
# disturbing the others, as long as there are not many more of them than pixels. If so, the *number*
# of images should matter. {claim}`tall.noise-slows-many` With {glue:text}`images-few` images,
# {glue:text}`per-pixel-few` for every pixel, our widest network takes
# {glue:text}`noise-ratio-few` times as many steps for pure noise as for real images (median); with
# {glue:text}`images-many`, it takes {glue:text}`noise-ratio-many` times as many. We expect the
# second to be the larger; the badge says whether it is, by more than luck. The report had 77 images
# for every pixel.
#
# **Lower test accuracy?** {claim}`tall.noise-lowers-test` See the right panel.
#
# {claim}`tall.all-noise-gap` Averaged over the shapes it is {glue:text}`chance` % at share
# 1 (interval {glue:text}`chance-interval`). Averaged over all draws of the noise it would be about
# one in ten; should the interval just miss that, it is luck.
#
# {claim}`tall.last-fifth` The widest networks with two layers go from {glue:text}`test-0` % over
# {glue:text}`test-8` to {glue:text}`test-1`, the thinnest from {glue:text}`thin-test-0` over
# {glue:text}`thin-test-8` to {glue:text}`thin-test-1`. Where there is little room, noise seems to
# crowd the real images out. In the report's words, networks with few parameters have hardly any
# resistance to noise.
#
# The report makes much of the gap between 0.8 and 1. Let us look at it closely.
#
# ## How this can mislead
#
# **A share is not a quantity.** At a share of 0.8 there are still {glue:text}`real-left` real
# images; in the report there were {glue:text}`report-left`. Two controls. First, *zoom in* between
# 0.8 and 1. Second, *leave the noise out*: train on the same real images and nothing else. The
# difference is what the noise does.
#
# **A gap proves no pattern.** The report argues: if networks worked by brute force, one could
# not explain why the last 20 % of noise cost so much. Let us ask a learner that does nothing
# but brute force. The {term}`nearest neighbor rule` stores the training set, noise and all, and
# answers with the label of the stored image that is closest.


# %%
def nearest(x: Tensor, y: Tensor, new: Tensor) -> Tensor:
    """Label each new image like the training image nearest to it."""
    distances = torch.cdist(new.flatten(1), x.flatten(1))
    return y[distances.argmin(dim=1)]


few_left = (*SHARES, *LATE)
rows, (_, test) = [], data[first]
for share, seed in itertools.product(few_left, run.seeds):
    c = {"data": first, "task": "Gaussian", "share": share, "seed": seed}
    few = min(2500, len(test))
    part = datasets.subset(test, few, gen=generator(seed, "test images"))
    right = (nearest(*training_set(c), part.x) == part.y).double().mean().item()
    rows.append({"share": share, "seed": seed, "test %": 100 * right})
stored = pd.DataFrame(rows)

# %%
partly = [s for s in few_left if 0 < s < 1]
grid = sweeps.grid(**one, task=["real only"], share=partly, **base)
alone = records.frame(sweeps.run(grid, fit, settings=run))
print(f"{len(alone)} networks trained on real images only")

# %% tags=["hide-input"]
kinds = {
    "network, real images and noise": table.query(
        "task == 'Gaussian' and width == @WIDE and depth == 2 and share < 1"
    )[lambda f: f["data"] == first],
    "network, the same real images only": alone,
    "nearest neighbor, real images and noise": stored.query("share < 1"),
}
ramp = pd.concat(
    part.assign(kind=kind)[["kind", "share", "seed", "test %"]]
    for kind, part in kinds.items()
)
ramp["real"] = (size - (ramp.share * size).round()).astype(int)
figure, axis = plt.subplots(figsize=(7.0, 4.0))
figures.seed_points(axis, ramp, x="real", y="test %", hue="kind")
ticks, real8 = sorted(ramp.real.unique()), size - round(0.8 * size)
axis.set(xscale="log", ylim=(0, 100), xlabel="real images in the training set")
axis.set(ylabel="test accuracy (%)", xticks=ticks, xticklabels=ticks)
axis.minorticks_off()
axis.legend(fontsize=9, loc="lower right", bbox_to_anchor=(1, 0.13))
figures.baseline(axis, 10, "chance", side="left")
means = ramp.groupby(["kind", "real"], sort=False)["test %"].mean()
figures.show(
    figure,
    "real-images-left",
    alt="Test accuracy against the number of real images left, on a log scale. "
    + "; ".join(f"{k}, {n} real: {v:.0f} %" for (k, n), v in means.items()),
    caption=f"The same training sets of {size:,}, by the number of real images "
    f"that are left. With {ticks[0]}, {real8} and {size:,} of them: "
    + "; ".join(
        f"{k}: "
        + ", ".join(f"{means[k, n]:.0f} %" for n in (ticks[0], real8, size))
        for k in kinds
        if "only" not in k
    )
    + ". Dots are seeds; bars are 95 % t intervals.",
    data=ramp,
)


# %% tags=["hide-input", "remove-output"]
def column(part: pd.DataFrame, share: float) -> np.ndarray:
    return part[part.share == share].sort_values("seed")["test %"].to_numpy()


net = kinds["network, real images and noise"]
clean, at8 = column(net, 0.0), column(net, 0.8)
fewer, total = clean - column(alone, 0.8), clean - at8
found = verdicts.above((2 * fewer - total).tolist(), 0.0)
claims.check("tall.fewer-not-noisier", found, context, unit="percentage points")
late = column(net, NEAR)
found = verdicts.all_of(
    {
        "below the accuracy at 0.8": verdicts.above(
            (at8 - late).tolist(), 10.0
        ),
        "above chance": verdicts.above(late.tolist(), 15.0),
    }
)
claims.check("tall.gap-is-a-slope", found, context, unit="percentage points")
nn = {s: column(stored, s) for s in (0.0, 0.8, 1.0)}
jump = (nn[0.8] - nn[1.0]) - (nn[0.0] - nn[0.8])
found = verdicts.above(jump.tolist(), 0.0)
claims.check("tall.memorizer-too", found, context, unit="percentage points")

# %% tags=["remove-cell"]
prose.number("late-share", NEAR)
prose.number("late-real", size - round(NEAR * size), ",")
prose.number("late-test", late.mean(), ".0f")
prose.number("alone-8", column(alone, 0.8).mean(), ".0f")
prose.number("fewer", fewer.mean(), ".0f")
prose.number("total", total.mean(), ".0f")
for name, s in (("0", 0.0), ("8", 0.8), ("1", 1.0)):
    prose.number(f"nn-{name}", nn[s].mean(), ".0f")
prose.number("nn-late", column(stored, NEAR).mean(), ".0f")
picked = []
for seed in run.seeds:
    c = {"data": first, "task": "Gaussian", "share": NEAR, "seed": seed}
    stored_x, _ = training_set(c)
    part = datasets.subset(test, few, gen=generator(seed, "test images"))
    new = part.x.flatten(1)
    closest_one = torch.cdist(new, stored_x.flatten(1)).argmin(dim=1)
    real = closest_one >= round(NEAR * size)
    picked.append(100 * real.double().mean().item())
prose.number("nn-real", np.mean(picked), ".0f")

# %% [markdown]
# {claim}`tall.gap-is-a-slope` At a share of {glue:text}`late-share`, with
# {glue:text}`late-real` real images left, it is {glue:text}`late-test` %. If the claim holds, there
# is no jump, only a slope, and the jump came from the spacing of the shares: each of the first four
# steps leaves real images to learn from, and the fifth leaves none.
#
# {claim}`tall.fewer-not-noisier` A share of 0.8 costs {glue:text}`total` percentage points of test
# accuracy; {glue:text}`fewer` of these are also lost without any noise, by a network that sees the
# same {glue:text}`real-left` real images and nothing else ({glue:text}`alone-8` %). As far as the
# two numbers agree, "the more noise, the worse the pattern" means *the fewer examples, the worse
# the pattern*.
#
# {claim}`tall.memorizer-too` It goes from {glue:text}`nn-0` % over {glue:text}`nn-8` to
# {glue:text}`nn-1`. Noise is far from every digit, so the nearest neighbor of a digit is likely to
# be a digit, as long as one is stored: with {glue:text}`late-real` real images left, it is one for
# {glue:text}`nn-real` % of the test images. With these the rule has {glue:text}`nn-late` %, the
# network {glue:text}`late-test`. If the claim holds, a learner that only stores shows the very gap
# which was to prove that networks do not only store. The conclusion may still be true, and other
# chapters of this part look for evidence that can tell the two apart, such as the order in which
# examples are learned. This gap cannot.
#
# **One limit, one threshold.** "Fits" means 99 % within {glue:text}`max-steps` steps. A censored
# run needs more; we never count it as taking just the limit, only as slower than one that got
# there. Two censored runs count as undecided, hence not as a win.
#
# **Steps are not seconds.** At equal parameters a step costs about the same number of
# multiplications in both shapes, but those of six layers have to wait for one another.
#
# **What the intervals cover.** A seed draws the images, labels, noise and initial weights. The
# order of the batches is the same for all networks of one shape, and each seed has test images of
# its own. "Most seeds" means that the interval of their share lies above one half.
#
# **Plain networks.** Without normalization or shortcuts between layers. With shortcuts, the verdict
# on thin and deep was given at another scale: a residual network of 16 *wide* layers outperformed
# thin ones with a thousand layers, in accuracy and in efficiency {cite:p}`zagoruyko2016wide`. And
# another task may prefer another shape: the report begins its experiments with the
# {term}`no-free-lunch theorem <no-free-lunch theorem>`, and is right to.
#
# ## The report's conclusions, one by one
#
# | The report | What its design could not tell apart | What we added |
# | --- | --- | --- |
# | At equal parameters, tall beats fat | shape, or longer steps; one pair of its grid is comparable | equal parameters; three learning rates |
# | but not if too thin | | a second budget; the spread of the gradient |
# | Random labels need capacity | needed, or not found | (left open here) |
# | More noise, slower | noise, or how many images | other numbers of images |
# | More noise, lower test accuracy | noise, or fewer real images | the real images alone |
# | Only nothing but noise leaves nothing; so a pattern is learned | a pattern, or stored examples | a rule that only stores |
# | More capacity, faster | capacity, or longer steps | steps of equal length |
#
# And for every row: the report mentions no repetition, so one cannot tell what a second run would
# have shown. It was a course project on one graphics card; it asked the right questions, kept all
# settings fixed, and wrote down what it saw.

# %% [markdown]
# ## Exercises
#
# For the first two you need only the imports at the top.
#
# ```{exercise} Any widths
# :label: tall-or-fat-ex-heads
#
# The hidden layers need not be equally wide. Complete `expected_square`: the expected squared
# gradient of one logit of a network whose layers have the sizes `sizes` (first the pixels, last
# the logits), for an image of mean squared pixel `q`; biases included. Hand in: the function, and
# one sentence on what a *bottleneck*, one thin layer among wide ones, does to this number, and
# what it does to the spread.
# ```


# %% tags=["exercise"]
def expected_square(q: float, sizes: tuple[int, ...]) -> float:
    """Return the mean of |g|^2 over the draw of the weights."""
    ### BEGIN SOLUTION
    inputs = sizes[:-1]
    return q * sum(inputs) + len(inputs)
    ### END SOLUTION


# %% tags=["check"]
assert expected_square(1.0, (3, 2)) is not None, (
    "nothing is returned yet: write the body"
)
for q_try, sizes_try in (
    (0.25, (6, 9, 5, 12, 3)),
    (2.0, (5, 8, 2)),
    (0.5, (7, 4)),
):
    io = {"input_shape": sizes_try[:1], "num_classes": sizes_try[-1]}
    shape = models.ModelConfig(kind="mlp", hidden=sizes_try[1:-1], **io)
    gen, draws = generator(len(sizes_try), "exercise"), 20_000
    leaves = {}
    for layer in models.layers(shape):
        draw = torch.randn(draws, *layer.weight, generator=gen)
        leaves[f"{layer.name}.weight"] = draw * math.sqrt(2 / layer.fan_in)
        leaves[f"{layer.name}.bias"] = torch.zeros(draws, *layer.outputs)
    tensors = [p.requires_grad_() for p in leaves.values()]
    image = torch.full((1, sizes_try[0]), math.sqrt(q_try))
    logit = models.forward(shape, leaves, image)[:, 0, 0].sum()
    parts = torch.autograd.grad(logit, tensors)
    seen = float(sum(g.flatten(1).square().sum(1) for g in parts).mean())
    at = f"for q = {q_try} and layers {sizes_try}; {draws:,} networks disagree"
    assert expected_square(q_try, sizes_try) > 0.93 * seen, f"too small {at}"
    assert expected_square(q_try, sizes_try) < 1.07 * seen, f"too large {at}"
print("Exercise 1: all checks passed")

# %% [markdown]
# ```{exercise} Who was faster?
# :label: tall-or-fat-ex-censored
#
# Two networks were trained, perhaps with different limits. Of each you know its steps and whether
# it fitted (then it did so after exactly these steps; if not, it was stopped there and needs
# *more*). Complete `first_to_fit`: `"a"` or `"b"` if that one is certainly the faster, `"tie"` if
# both certainly took the same, else `"unknown"`. Hand in: the function, and one sentence on what
# happens to a table in which every unknown is counted as a tie.
# ```


# %% tags=["exercise"]
def first_to_fit(a: int, a_fitted: bool, b: int, b_fitted: bool) -> str:
    """Return "a", "b", "tie" or "unknown"."""
    ### BEGIN SOLUTION
    if a_fitted and b_fitted and a == b:
        return "tie"
    if a_fitted and (a < b or (a == b and not b_fitted)):
        return "a"
    if b_fitted and (b < a or (a == b and not a_fitted)):
        return "b"
    return "unknown"
    ### END SOLUTION


# %% tags=["check"]
assert first_to_fit(1, True, 2, True) is not None, (
    "nothing is returned yet: write the body"
)
for a, b in itertools.product(range(1, 5), repeat=2):
    for a_fits, b_fits in itertools.product((True, False), repeat=2):
        said = first_to_fit(a, a_fits, b, b_fits)
        assert said in ("a", "b", "tie", "unknown"), f"no such answer: {said!r}"
        possible = {
            "a" if one < two else "b" if two < one else "tie"
            for one in ([a] if a_fits else range(a + 1, 9))
            for two in ([b] if b_fits else range(b + 1, 9))
        }
        case = f"a: {a} steps, fitted {a_fits}; b: {b} steps, fitted {b_fits}"
        if len(possible) > 1:
            assert said == "unknown", f"this cannot be known ({case})"
        else:
            assert said in possible, f"this is certain, and not so ({case})"
print("Exercise 2: all checks passed")

# %% [markdown]
# ```{exercise} A fair race: an open question
# :label: tall-or-fat-ex-open
#
# "Which shape is better" needs a currency. Steps are one; you could also count multiplications,
# seconds, or test accuracy at a fixed cost. Choose one, fix parameters, depths, learning rates,
# seeds and limit before you look, and run the race of this lecture again on `digits`. Hand in:
# one figure with every seed visible; your answer with an interval; and two sentences. Does the
# answer depend on the currency? Does it survive if each shape chooses its learning rate on seeds
# that are not used for the race?
# ```

# %% [markdown]
# ## Summary
#
# - At the start, the squared gradient of a logit is on average about the number of inputs of all
#   layers. At equal parameters, depth raises it: with {glue:text}`rich` parameters, four layers have
#   {glue:text}`head-ratio` times the heads of two. One learning rate for all is no level field.
# - At that one rate four layers needed {glue:text}`tall-one-true` steps for true labels, two
#   {glue:text}`fat-one-true`. At the best of three rates it was {glue:text}`tall-best-true` against
#   {glue:text}`fat-best-true`.
# - Of {glue:text}`shapes` shapes, {glue:text}`share-true` % fitted true labels and
#   {glue:text}`share-random` % random ones. Going from two layers to {glue:text}`deep` took the
#   thinnest from {glue:text}`thin-flat-random` to {glue:text}`thin-deep-random` % of random labels.
# - A share of 0.8 noise images took a network of {glue:text}`middle-width` units from
#   {glue:text}`tight-steps-0` to {glue:text}`tight-steps-8` steps, one of {glue:text}`wide` units
#   from {glue:text}`steps-0` to {glue:text}`steps-8`.
# - Between a share of 0.8 and 1 the network fell from {glue:text}`test-8` to {glue:text}`test-1` % on
#   test images, a rule that only stores from {glue:text}`nn-8` to {glue:text}`nn-1` %. That gap is
#   no evidence against storing.
#
# **Open.** What would a *fair* race between shapes be: equal parameters, equal time, equal
# effort in tuning? And if stored examples explain the gap, what is the evidence for a pattern?
#
# ```{bibliography}
# :filter: docname in docnames
# ```
