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
# (explicit-regularization)=
# # Is regularization why they generalize?
#
# A network with room for {doc}`pure noise <random-data>` does not use that room on real data. Ask
# around why, and the first answer is: because we hold it back. We move the training images about,
# we pull the weights toward zero, we switch units off at random. These are the classical
# remedies against {term}`overfitting`, and nearly every network that is used in earnest has been
# trained with some of them. Are they *the reason* why networks generalize?
#
# The question has a simple test: take them away. Zhang et al. {cite:p}`zhang2017understanding`
# did so in 2017. This lecture repeats it with every combination of three remedies, on true labels
# and on random ones, over several seeds.
#
# **What we measure.** For each combination: the accuracy on test images after training on true
# labels, and the accuracy on the *training* images after training on labels drawn by lot.
#
# **What theory predicts.** In the classical picture a remedy shrinks the {term}`hypothesis space`
# in which training searches: fewer functions, less to choose from, less to get wrong. If this is
# how it works, two things follow. Without any remedy, a large network should generalize badly.
# And with one that works, it should no longer be able to fit random labels.
#
# **What you need.** Calculus, and enough PyTorch to recognize a training loop. Linked words are
# explained in the [glossary](../glossary).

# %% tags=["parameters"]
profile = "cpu"
device = "auto"
seeds = ""

# %% [markdown]
# ## The set-up
#
# Sizes, strengths and limits were settled in a pilot on seeds 9000 to 9009, whose networks were
# tested on images from the *training* part of the data. The test images were first looked at with
# the seeds below.

# %%
import dataclasses
import itertools

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
usual = {"smoke": "0-1", "cpu": "0-7", "gpu": "0-9"}[profile]
run = Settings(profile=profile, device=device, seeds=seeds or usual).prepare()

wanted = run.scale(smoke=["digits"], cpu=["mnist"], gpu=["mnist", "cifar10"])
size = run.scale(smoke=80, cpu=500, gpu=10_000)  # training images
tests = run.scale(smoke=200, cpu=5000, gpu=10_000)  # test images of a seed
data = {}
for train, test in (datasets.load(name, stand_in="digits") for name in wanted):
    tests = min(tests, len(test))
    if profile == "cpu" and train.name == "mnist":  # 28 x 28 to 14 x 14 pixels
        train, test = (
            dataclasses.replace(part, x=F.avg_pool2d(part.x, 2))
            for part in (train, test)
        )
    data[train.name] = datasets.standardize(train, test)

used = [train for train, _ in data.values()]
context = claims.Context(settings=run, data=used, needs=tuple(wanted))
context

# %% tags=["remove-cell"]
prose.number("size", size, ",")
prose.number("tests", tests, ",")
prose.number("side", used[0].x.shape[-1])

# %% [markdown]
# ## Four ways to hold a network back
#
# Write $\theta$ for all {term}`parameters <parameter>` of a network, $L(\theta)$ for its loss on a
# {term}`batch`, and $(x_i, y_i)$ for a training image with its label.
#
# | | what is done |
# | --- | --- |
# | {term}`data augmentation` (`shifts`) | train on $(T x_i, y_i)$ in place of $(x_i, y_i)$, with $T$ a change that leaves the label right: here a shift by up to one pixel |
# | {term}`weight decay` (`decay`) | add $\frac{\lambda}{2} \lVert \theta \rVert^2$ to the loss; its gradient $\lambda \theta$ pulls every parameter toward zero in each step |
# | {term}`dropout` (`dropout`) | in each step, set every hidden unit to 0 with probability $p$ and divide the others by $1 - p$ |
# | {term}`batch normalization` (`norm`) | shift and scale each hidden unit to mean 0 and deviation 1 over the batch, then by two trained numbers |
#
# (In parentheses: the name in the code.) The first three are {term}`explicit regularization`: put
# there on purpose, against overfitting. The fourth was invented to ease training, and is said to
# regularize on the side {cite:p}`ioffe2015batch`. It has a section of its own in the chapter on
# {doc}`implicit regularization <implicit-regularization>`, so here it gets one line of the table.
#
# **Why the classical picture is so persuasive.** Take weight decay. Let $\theta^{*}$ minimize
# $L(\theta) + \frac{\lambda}{2} \lVert \theta \rVert^2$. Then $\theta^{*}$ also minimizes $L$
# alone among all $\theta$ with $\lVert \theta \rVert \le \lVert \theta^{*} \rVert$: anything in
# that ball with a smaller $L$ would have a smaller sum, too. So a penalty *is* a smaller
# hypothesis space, a ball whose radius shrinks as $\lambda$ grows
# {cite:p}`krogh1991simple`. In a linear model with fewer examples than weights, this penalty is what
# makes the solution unique. Dropout and augmentation have stories like it: a unit that may vanish
# at any time cannot be relied on alone {cite:p}`srivastava2014dropout`, and a network that has
# seen a digit in nine places cannot tie its answer to one pixel {cite:p}`simard2003best`.
#
# All true. The question is what it explains.
#
# Two of the three change a training step. Here they are, written out for a network with one
# hidden layer `h`; the penalty is added literally, with `decay` for $\lambda$ and `rate` for $p$.


# %%
def loss_by_hand(weights, x, y, decay, rate, gen) -> Tensor:
    """Loss of a two-layer network with dropout and weight decay."""
    inner, inner_bias, outer, outer_bias = weights
    h = F.relu(x @ inner.T + inner_bias)
    kept = torch.rand(h.shape, generator=gen) >= rate
    h = kept * h / (1 - rate)  # dropout
    logits = h @ outer.T + outer_bias
    penalty = sum(w.square().sum() for w in weights)
    return F.cross_entropy(logits, y) + decay / 2 * penalty


# %% [markdown]
# Two {term}`epochs <epoch>` with it, and two with the package, which keeps no penalty but adds
# $\lambda \theta$ to the gradient:

# %%
train, _ = next(iter(data.values()))
x, y = train.x[:60].flatten(1), train.y[:60]
io = {"input_shape": x.shape[1:], "num_classes": 10}
small = models.ModelConfig(kind="mlp", hidden=(16,), **io)
names = ("dense0.weight", "dense0.bias", "dense1.weight", "dense1.bias")
brief = training.TrainConfig(
    batch_size=20,
    max_epochs=2,
    learning_rate=0.1,
    momentum=0.9,
    weight_decay=0.05,
    dropout=0.5,
)
start = models.init(small, [generator(0, "small")])
streams = {"gens": generator(0, "order"), "noise": [generator(0, "dropout")]}
package = training.train(small, brief, start, x, y, **streams).params

# %%
weights = [start[name][0].clone().requires_grad_() for name in names]
optimizer = torch.optim.SGD(weights, lr=0.1, momentum=0.9)
order, noise = generator(0, "order"), generator(0, "dropout")
for _ in range(2):
    for rows in torch.randperm(60, generator=order).split(20):
        loss = loss_by_hand(weights, x[rows], y[rows], 0.05, 0.5, noise)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

pairs = zip(weights, names, strict=True)
apart = [(w.detach() - package[name][0]).abs().max() for w, name in pairs]
error = float(max(apart))
assert error < 1e-5
print(f"largest difference of a weight: {error:.0e}")

# %% [markdown]
# The same, to rounding. From here on `training.train` does the work. The third remedy needs no
# change of the training step, only more images: each one as it is, and moved by one pixel in each
# of eight directions. What is uncovered at the edge gets the darkest value.

# %%
STEPS = sorted(
    itertools.product((-1, 0, 1), repeat=2), key=lambda s: s != (0, 0)
)


def all_shifts(x: Tensor) -> Tensor:
    """Return the images, then eight shifted copies of all, [9 * images, ...]."""
    height, width = x.shape[-2:]
    framed = F.pad(x, (1, 1, 1, 1), value=float(x.min()))
    moved = [
        framed[..., 1 + a : 1 + a + height, 1 + b : 1 + b + width]
        for a, b in STEPS
    ]
    return torch.cat(moved)


# %% tags=["hide-input"]
shown = all_shifts(train.x[:2]).unflatten(0, (len(STEPS), 2))
titles = [f"{a:+d}, {b:+d}".replace("-", "−") for a, b in STEPS]
figures.show(
    figures.image_rows(
        {f"a {train.y[i]}": shown[:, i].numpy() for i in (0, 1)},
        titles,
        size=0.72,
    ),
    "nine-shifts",
    alt=f"Two images of {train.name}, a {train.y[0]} and a {train.y[1]}, each as "
    "it is and moved by one pixel in eight directions. They look alike.",
    caption="Data augmentation: two images, each as it is (left) and shifted by "
    f"one of its {train.x.shape[-1]} rows or columns of pixels or both (numbers: rows "
    "up, columns to the left). Nobody would change the label.",
    data=pd.DataFrame({"digit": [0, 1], "label": train.y[:2].tolist()}),
)

# %% [markdown]
# ## The experiment
#
# One network, ordinary on purpose. It is trained for a fixed number of steps, the same for every
# combination, rather than until the training set is fitted: otherwise those that fit more slowly
# would also train longer. For the same reason every image is shown equally often. With shifts, an
# image comes nine times in each pass over the data, in nine places; without, it comes nine times
# in the same place.

# %%
hidden = run.scale(smoke=(64,), cpu=(128,), gpu=(512, 512))
channels = run.scale(smoke=(8,), cpu=(8, 16), gpu=(64, 128))
kinds = run.scale(smoke=["MLP"], cpu=["MLP"], gpu=["MLP", "CNN"])
OFF = {"shifts": False, "decay": 0.0, "dropout": 0.0}
ON = {"shifts": True, "decay": 0.005, "dropout": 0.5}  # strengths
recipe = training.TrainConfig(
    batch_size=run.scale(smoke=20, cpu=50, gpu=128),
    max_epochs=run.scale(smoke=4, cpu=12, gpu=20),
    learning_rate=run.scale(smoke=0.02, cpu=0.02, gpu=0.02),
    momentum=0.9,
    curve_every=0,
)
recipe


# %%
def network(c: dict) -> models.ModelConfig:
    shape = data[c["data"]][0].x.shape[1:]
    io = {"input_shape": shape, "num_classes": 10, "batch_norm": c["norm"]}
    if c["network"] == "MLP":
        return models.ModelConfig(kind="mlp", hidden=hidden, **io)
    conv = {"channels": channels, "kernel_size": 3, "hidden": (64,)}
    return models.ModelConfig(kind="cnn", **conv, **io)


# %% tags=["remove-cell"]
plain = {"data": train.name, "norm": False, "network": "MLP"}
one = models.init(network(plain), [generator(0, "count")])
prose.number("parameters", stacks.num_parameters(one), ",")
prose.number("ratio", stacks.num_parameters(one) / size, ".0f")
prose.number("decay", ON["decay"], "g")
prose.number("dropout", ON["dropout"], "g")
prose.number("passes", 9 * recipe.max_epochs)

# %% [markdown]
# Each image is shown {glue:text}`passes` times. The network has {glue:text}`parameters`
# parameters, {glue:text}`ratio` for each of the {glue:text}`size` training images. The strengths,
# $\lambda =$ {glue:text}`decay` and $p =$ {glue:text}`dropout`, were chosen in the pilot as one
# would in practice: for the best accuracy with *true* labels on images held out for the purpose,
# each remedy alone ($\lambda$ among seven values from 0.0005 to 0.05, $p$ among 0.2 and 0.5).
# Random labels had no say.
#
# Everything about a seed is the same in all combinations: the images, the random labels, the
# initial weights, the order, and which units drop out. So combinations can be compared pair by
# pair. Networks of one shape are trained in stacks, many at a time, which saves time and changes
# nothing else.


# %%
def examples(c: dict) -> tuple[Tensor, Tensor]:
    """Nine copies of one seed's images, shifted or not, with their labels."""
    (train, _), seed = data[c["data"]], c["seed"]
    part = datasets.subset(train, c["size"], gen=generator(seed, "subset"))
    y = part.y
    if c["labels"] == "random":
        kind = {"rate": 1.0, "num_classes": part.num_classes}
        gen = generator(seed, "labels")
        y = corruption.random_labels(y, **kind, gen=gen).y
    copies = all_shifts(part.x) if c["shifts"] else part.x.repeat(9, 1, 1, 1)
    return copies, y.repeat(9)


def strength(group: list[dict]) -> training.TrainConfig:
    """The recipe, with the weight decay of each network and the dropout."""
    decay = tuple(c["decay"] for c in group)
    rates = {"weight_decay": decay, "dropout": group[0]["dropout"]}
    epochs = group[0]["epochs"]
    return dataclasses.replace(recipe, max_epochs=epochs, **rates)


# %%
def fit(group: list[dict]) -> list[dict]:
    """Train one stack; test it, and see how much of its images it fits."""
    c, where, model = group[0], run.torch_device, network(group[0])
    pairs = zip(*map(examples, group), strict=True)
    x, y = (torch.stack(part).to(where) for part in pairs)
    seeds = [c["seed"] for c in group]
    start = models.init(model, [generator(seed, "init") for seed in seeds])
    start = {name: p.to(where) for name, p in start.items()}
    streams = {
        "gens": [generator(seed, "order") for seed in seeds],
        "noise": [generator(seed, "dropout", device=where) for seed in seeds],
    }
    net = training.train(model, strength(group), start, x, y, **streams)
    unmoved = (part[:, : c["size"]] for part in (x, y))  # the first copies
    test = data[c["data"]][1]
    drawn = [generator(seed, "test images") for seed in seeds]
    return read(
        model,
        net.params,
        *unmoved,
        test,
        datasets.rows(test, tests, gens=drawn),
    )


def read(
    model, net: stacks.Params, x: Tensor, y: Tensor, test, rows: Tensor
) -> list[dict]:
    """Accuracy on training images, not shifted, and on test images."""
    fitted = metrics.evaluate(model, net, x, y)[1].tolist()
    there = (test.x.to(x.device), test.y.to(x.device))
    own = {"rows": rows.to(x.device)}
    right = metrics.evaluate(model, net, *there, **own)[1].tolist()
    length = sum(p.flatten(1).square().sum(1) for p in net.values()).sqrt()
    keys = ("train accuracy", "test accuracy", "length")
    return [
        dict(zip(keys, row, strict=True))
        for row in zip(fitted, right, length.tolist(), strict=True)
    ]


# %% [markdown]
# :::{admonition} Predict
# :class: tip
# Two numbers before you go on. Without any remedy, which test accuracy do you expect, if all
# three together give 90 %? And with weight decay at a strength that is good for true labels,
# which share of *random* labels will the network learn by heart?
# :::
#
# The grid, on both kinds of labels: all eight combinations, batch normalization on its own, and
# other strengths of weight decay. For later: a quarter of the images, with true labels, and twice
# the steps, with random ones.

# %%
CUSTOM = 0.0005  # customary: the weight decay of AlexNet
STRENGTHS = (CUSTOM, 0.002, 0.005, 0.01, 0.02, 0.05)
LONG = 2 * recipe.max_epochs
USUAL = {"size": size, "norm": False, "epochs": recipe.max_epochs}


def setting(*on: str, **other) -> dict:
    """What is trained with some remedies on; the rest is off, or as usual."""
    return {**USUAL, **OFF, **{name: ON[name] for name in on}, **other}


combinations = [
    on for count in range(4) for on in itertools.combinations(ON, count)
]
both = [setting(*on) for on in combinations] + [setting(norm=True)]
both += [setting(decay=v) for v in STRENGTHS if v != ON["decay"]]
few = [setting(*on, size=size // 4) for on in ((), ON)]
longer = [setting(decay=v, epochs=LONG) for v in (0.0, CUSTOM, ON["decay"])]
longer += [setting("dropout", epochs=LONG)]

# %%
axes = {"data": list(data), "network": kinds, "seed": run.seeds}
grid = [
    {**c, "labels": labels, **chosen}
    for c in sweeps.grid(**axes)
    for labels, only in (("true", few), ("random", longer))
    for chosen in both + only
]
options = {
    "together": ("seed", "labels", "shifts", "decay"),
    "stack": run.scale(smoke=16, cpu=16, gpu=8),  # networks at a time
}
table = records.frame(sweeps.run(grid, fit, **options, settings=run))

# %% tags=["hide-input", "remove-output"]
for part in ("train", "test"):
    table[f"{part} %"] = 100 * table[f"{part} accuracy"]
many = len(data) > 1 or len(kinds) > 1
table["arm"] = table.data + " " + table.network if many else table.network
arms = list(table.arm.unique())

# %% [markdown]
# To look things up: the runs of one arm (a network on a data set) with some of the remedies on,
# seed by seed.


# %%
def runs(arm: str, labels: str, *on: str, **other) -> pd.DataFrame:
    mine = (table.arm == arm) & (table.labels == labels)
    for name, value in setting(*on, **other).items():
        mine &= table[name] == value
    return table[mine].sort_values("seed")


def gain(arm: str, *on: str, **other) -> list[float]:
    """What the remedies gain on test images, in points, seed by seed."""
    ours, none = runs(arm, "true", *on, **other), runs(arm, "true")
    return (ours["test %"].to_numpy() - none["test %"].to_numpy()).tolist()


WORDS = {"shifts": "shifts", "decay": "weight decay", "dropout": "dropout"}


def title(on: tuple[str, ...]) -> str:
    if len(on) == len(ON):
        return "all three"
    return " + ".join(WORDS[name] for name in on) or "none"


# %% [markdown]
# ## True labels: what do they gain?


# %% tags=["hide-input"]
def spread(values: list[float], spec: str = ".1f") -> str:
    found = stats.mean_interval(values)
    half = f"{found.high - found.estimate:.1f}"
    return f"{found.estimate:{spec}} ± {half}".replace("-", "−")


lines = {}
places = {title(on): (on, {}) for on in combinations}
places["batch normalization"] = ((), {"norm": True})
for arm in arms:
    for kind, (on, other) in places.items():
        true, random = (runs(arm, y, *on, **other) for y in ("true", "random"))
        gained = gain(arm, *on, **other)
        lines[f"{arm}: {kind}" if many else kind] = {
            "test": spread(true["test %"].tolist()),
            "gain": spread(gained, "+.1f") if on or other else "",
            "training": f"{true['train %'].mean():.1f}",
            "random": f"{random['train %'].mean():.1f}",
        }
pd.DataFrame(lines).T.rename_axis("accuracy (%)")

# %% [markdown]
# From left to right: with true labels, accuracy on test images (mean over seeds ± half the 95 % t
# interval), what the remedies gain there in percentage points (paired by seed), and the accuracy on
# the training images, as they are; then the last of these again, after training on random labels.
# Dropout and shifts are for training only: all accuracies are measured with all units, on unshifted
# images.

# %% tags=["remove-output"]
points = "percentage points"
alone = {
    f"{WORDS[name]}, {arm}": verdicts.within(gain(arm, name), 0, 10)
    for arm in arms
    for name in ON
}
found = verdicts.all_of(alone)
claims.check("explicit.helps-a-little", found, context, unit=points)

# %% tags=["hide-input", "remove-output"]
arm = arms[0]


def glue_mean(name: str, values: list[float], spec: str = ".1f") -> None:
    prose.interval(name, stats.mean_interval(values), spec)


for name in ON:
    glue_mean(f"gain-{name}", gain(arm, name), "+.1f")
glue_mean("gain-all", gain(arm, *ON), "+.1f")
glue_mean("gain-norm", gain(arm, norm=True), "+.1f")
singles = np.sum([gain(arm, name) for name in ON], axis=0)
glue_mean("gain-sum", singles.tolist(), "+.1f")
on_top = np.subtract(gain(arm, "shifts", "dropout"), gain(arm, "shifts"))
glue_mean("gain-on-top", on_top.tolist(), "+.1f")
glue_mean("none", runs(arm, "true")["test %"].tolist())
glue_mean("all", runs(arm, "true", *ON)["test %"].tolist())

# %% [markdown]
# {claim}`explicit.helps-a-little` Added alone, shifts gain {glue:text}`gain-shifts` points (95 %
# interval {glue:text}`gain-shifts-interval`), weight decay {glue:text}`gain-decay`
# ({glue:text}`gain-decay-interval`), dropout {glue:text}`gain-dropout`
# ({glue:text}`gain-dropout-interval`). All three together gain {glue:text}`gain-all`
# ({glue:text}`gain-all-interval`), and batch normalization {glue:text}`gain-norm`
# ({glue:text}`gain-norm-interval`).
#
# Do the gains add up? One by one they come to {glue:text}`gain-sum` points, together to
# {glue:text}`gain-all`. On top of shifts, dropout changes the result by
# {glue:text}`gain-on-top` points ({glue:text}`gain-on-top-interval`).
#
# Now compare with what is there *without* them. The distance to explain is the one from
# guessing, 10 %, to the network with all three remedies. Which share of that distance does the
# network cover with none? (All three together was fixed as the yardstick beforehand. Had we taken
# the best of the eight after the fact, luck would have helped it to its place.)


# %% tags=["remove-output"]
def share(arm: str, size: int = size) -> list[float]:
    """Percent of the way from chance to all remedies that none goes."""
    pair = (runs(arm, "true", *on, size=size) for on in ((), ON))
    none, every = (part["test %"].to_numpy() for part in pair)
    return (100 * (none - 10) / (every - 10)).tolist()


found = verdicts.all_of({arm: verdicts.above(share(arm), 90) for arm in arms})
claims.check("explicit.not-needed", found, context, unit="% of the way")

# %% tags=["remove-cell"]
glue_mean("share", share(arm))

# %% [markdown]
# {claim}`explicit.not-needed` Without any remedy, the network gets {glue:text}`none` % of the
# test images right; with all three, {glue:text}`all` %. That is {glue:text}`share` % of the way
# ({glue:text}`share-interval`). What the remedies add is worth having. But whatever carries the
# network from 10 % to {glue:text}`none` %, it is none of these: they were switched off.
#
# ## Beside the paper
#
# Here is the published table, for networks with more than a million parameters and all 50,000
# training images of CIFAR-10 {cite:p}`zhang2017understanding`. "Crops" are shifts by another name.

# %% tags=["hide-input"]
PAPER = {  # (crops, weight decay): test accuracy in %; table 1 of the paper
    "Inception": {(1, 1): 89.05, (1, 0): 89.31, (0, 1): 86.03, (0, 0): 85.75},
    "Inception, no norm": {(0, 1): 83.00, (0, 0): 82.00},
    "AlexNet": {(1, 1): 81.22, (1, 0): 79.66, (0, 1): 77.36, (0, 0): 76.07},
    "MLP 3 x 512": {(0, 1): 53.35, (0, 0): 52.39},
    "MLP 1 x 512": {(0, 1): 50.39, (0, 0): 50.51},
}
NOISE = dict(zip(PAPER, (100.0, 100.0, 99.82, 100.0, 99.34), strict=True))
lines = {
    net: {
        "none": f"{found[0, 0]:.2f}",
        "decay": f"{found[0, 1]:.2f}",
        "crops": f"{found[1, 0]:.2f}" if (1, 0) in found else "",
        "both": f"{found[1, 1]:.2f}" if (1, 1) in found else "",
        "share": f"{100 * (found[0, 0] - 10) / (most - 10):.1f}",
        "random": f"{NOISE[net]:.2f}",
    }
    for net, found in PAPER.items()
    for most in [found.get((1, 1), found[0, 1])]
}
pd.DataFrame(lines).T.rename_axis("%, CIFAR-10 (2017)")

# %% tags=["remove-cell"]
decays = [
    found[crops, 1] - found[crops, 0]
    for found in PAPER.values()
    for crops in (0, 1)
    if (crops, 1) in found
]
prose.number("paper-pairs", len(decays))
prose.number("paper-worse", sum(change < 0 for change in decays))
shares = [float(line["share"]) for line in lines.values()]
prose.number("paper-low", min(shares), ".0f")

# %% [markdown]
# All numbers are percent. The first four columns are test accuracy with true labels; the last is
# training accuracy on random labels, with no remedy. "Share" is the share of the way: our formula,
# applied to their numbers (with weight decay alone as the yardstick where there are no crops). "No
# norm" means without batch normalization. The share is at least {glue:text}`paper-low` % for every
# network. The paper concludes that explicit regularization can improve generalization and is not
# what it rests on.
#
# Two things deserve a second look. The table gives one number for each setting and no spread: in
# {glue:text}`paper-worse` of {glue:text}`paper-pairs` pairs weight decay made the result slightly
# *worse*, and from the table alone nobody can tell whether that is an effect or luck. And its
# rows with random labels were trained *without* any regularization. That a network fits noise
# when nothing holds it back leaves open what happens when something does. The abstract says that
# regularization changes nothing qualitatively, and the paper has further rows to that effect, on
# ImageNet and in its appendix, which we do not repeat here. But we can measure it.
#
# ## Random labels: do they stop memorizing?

# %% tags=["hide-input"]
figure, panels = plt.subplots(1, 2, figsize=(7.4, 3.9), sharey=True)
drawn = []
for axis, labels, part in zip(
    panels, ("true", "random"), ("test %", "train %"), strict=True
):
    for i, (kind, (on, other)) in enumerate(places.items()):
        values = runs(arm, labels, *on, **other)[part]
        color = figures.COLORS[min(len(on), 3) if not other else 4]
        mean = stats.mean_interval(values.tolist())
        axis.scatter(values, [i] * len(values), s=18, alpha=0.5, color=color)
        ends = [[mean.estimate - mean.low], [mean.high - mean.estimate]]
        axis.errorbar(mean.estimate, i, xerr=ends, fmt="D", ms=4, color=color)
        drawn.append(
            {"remedies": kind, "shifts": "shifts" in on, part: mean.estimate}
        )
panels[0].axvline(
    runs(arm, "true")["test %"].mean(), color=figures.INK, lw=1, ls=(0, (2, 2))
)
panels[1].axvline(100, color=figures.INK, lw=1, ls=(0, (2, 2)))
panels[0].set(yticks=range(len(places)), yticklabels=places)
panels[0].invert_yaxis()
panels[0].set(title="true labels", xlabel="test accuracy (%)")
panels[1].set(title="random labels", xlabel="training accuracy (%)")
drawn = pd.DataFrame(drawn)
bare, best = drawn["test %"].iloc[0], drawn["test %"].max()
least = drawn[~drawn.shifts]["train %"].min()
figures.show(
    figure,
    "combinations",
    alt="Left: test accuracy with true labels. Right: training accuracy with "
    "random labels. One row a combination, one dot a seed. Means: "
    + "; ".join(
        f"{kind}: {both['test %'].dropna().iloc[0]:.1f} and "
        f"{both['train %'].dropna().iloc[0]:.1f}"
        for kind, both in drawn.groupby("remedies", sort=False)
    ),
    caption=f"{arm}, each combination of remedies. Left: with true labels they "
    f"gain up to {best - bare:.1f} points over none (dashed), on a scale that "
    f"does not begin at 0. Right: without shifts, at least {least:.0f} % of the "
    "random labels are learned by heart on average (dashed: all). Dots are seeds, "
    "diamonds means with their 95 % t intervals.",
    data=pd.concat(
        runs(arm, labels, *on, **other)[
            ["labels", "seed", "train %", "test %"]
        ].assign(remedies=kind)
        for kind, (on, other) in places.items()
        for labels in ("true", "random")
    ),
)

# %% tags=["remove-output"]
FITTED = 99.9  # the training accuracy, in %, that counts as fitted


def fitted(labels: str, *on: str, **other) -> verdicts.Finding:
    """Judge "most runs fit their labels": a seed counts if all arms do."""
    parts = [runs(arm, labels, *on, **other)["train %"] for arm in arms]
    each = np.stack(parts) >= FITTED - 1e-9
    done = each.all(axis=0).tolist()
    return verdicts.mostly(done, reason=f"{sum(done)} of {len(done)} seeds")


found = fitted("random", decay=CUSTOM, epochs=LONG)
claims.check("explicit.random-still-fits", found, context, unit="% of seeds")

held = {arm: runs(arm, "random", "decay", epochs=LONG) for arm in arms}
learned = np.stack([part["train %"] for part in held.values()]).min(axis=0)
found = verdicts.mostly((learned > 99).tolist())
claims.check("explicit.random-at-best", found, context, unit="% of seeds")


# %% tags=["remove-output"]
def loss_of_fit(arm: str, labels: str, name: str) -> np.ndarray:
    """Training accuracy that one remedy costs, in points, seed by seed."""
    pair = (runs(arm, labels, *on)["train %"] for on in ((), (name,)))
    none, held = (part.to_numpy() for part in pair)
    return none - held


harder = {
    f"{WORDS[name]}, {arm}": verdicts.above(
        (
            loss_of_fit(arm, "random", name) - loss_of_fit(arm, "true", name)
        ).tolist(),
        0.0,
    )
    for arm in arms
    for name in ("shifts", "dropout")
}
found = verdicts.all_of(harder)
claims.check("explicit.noise-suffers", found, context, unit=points)

# %% tags=["hide-input", "remove-output"]
for name in ON:
    seen = runs(arm, "random", name)["train %"]
    prose.number(f"noise-{name}", seen.mean(), ".1f")
    lost = loss_of_fit(arm, "true", name)
    prose.number(f"lost-{name}", float(lost.mean()) + 0.0, ".1f")
prose.number("noise-none", runs(arm, "random")["train %"].mean(), ".1f")
prose.number("noise-all", runs(arm, "random", *ON)["train %"].mean(), ".1f")
noisy = runs(arm, "random", norm=True)["train %"]
prose.number("noise-norm", noisy.mean(), ".1f")
prose.number("seeds", len(run.seeds))
for name, decay in (("none", 0.0), ("custom", CUSTOM), ("best", ON["decay"])):
    for when, epochs in (("short", recipe.max_epochs), ("long", LONG)):
        seen = runs(arm, "random", decay=decay, epochs=epochs)["train %"]
        prose.number(f"fitted-{name}-{when}", int((seen > FITTED - 1e-9).sum()))
        prose.number(f"noise-{name}-{when}", seen.mean(), ".1f")
gaps = held[arm]["train %"] - held[arm]["test %"]
prose.number("gap-best", gaps.mean(), ".0f")
glue_mean("gain-custom", gain(arm, decay=CUSTOM), "+.1f")

# %% [markdown]
# Weight decay first, at two strengths: the customary 0.0005 of the network that began the wave
# {cite:p}`krizhevsky2017imagenet`, and the one that the pilot found best for true labels here, ten
# times as large.
#
# - {claim}`explicit.random-still-fits` With true labels, the same decay gains
#   {glue:text}`gain-custom` points of test accuracy ({glue:text}`gain-custom-interval`).
# - {claim}`explicit.random-at-best` On average {glue:text}`noise-best-long` % of them are learned,
#   and with {glue:text}`fitted-best-long` of {glue:text}`seeds` seeds all.
#
# Both were judged after twice as many steps as the table. There, with nothing to hold the network
# back, all {glue:text}`size` random labels were right with {glue:text}`fitted-none-short` of
# {glue:text}`seeds` seeds. (More on this at the end.) Where both hold, weight decay of a useful
# strength takes next to none of the room for noise away.
#
# Now look at the other rows. In the steps of the table the network learns
# {glue:text}`noise-none` % of the random labels with nothing, {glue:text}`noise-dropout` % with
# dropout, {glue:text}`noise-shifts` % with shifts, {glue:text}`noise-all` % with all three, and
# {glue:text}`noise-norm` % with batch normalization.
#
# {claim}`explicit.noise-suffers` With true labels, dropout costs {glue:text}`lost-dropout` points
# of training accuracy and shifts cost {glue:text}`lost-shifts`. A remedy for which this holds does
# tell signal from noise: it makes the one harder to store than the other. That dropout, well tuned,
# hinders the learning of noise and does not hurt generalization on real data is what another group
# of authors reported {cite:p}`krueger2017deep,arpit2017closer`. The two groups do not contradict
# each other. They looked at different rows.
#
# For shifts the reason is plain. Nine shifted copies with one label are one fact if the label
# follows from what one sees, and nine facts to store if it does not.
#
# ## A matter of strength
#
# The ball of weight decay has a radius. With a large enough $\lambda$ it must become too small for
# the noise. When does that happen, and what has happened to the *test* accuracy by then?
#
# :::{admonition} Predict
# :class: tip
# Weight decay is turned up, step by step. Which gives way first: the training accuracy on random
# labels, or the test accuracy with true ones?
# :::

# %% tags=["hide-input"]
levels = sorted({0.0, *STRENGTHS})
sweep = pd.concat(
    runs(arms[0], labels, decay=level).assign(
        at=i, seen="test, true labels" if true else "training, random labels"
    )
    for i, level in enumerate(levels)
    for labels, true in (("true", True), ("random", False))
)
sweep["accuracy"] = np.where(
    sweep.labels == "true", sweep["test %"], sweep["train %"]
)
figure, axis = plt.subplots(figsize=(5.6, 3.6))
figures.seed_points(axis, sweep, x="at", y="accuracy", hue="seen")
axis.set(xticks=range(len(levels)), xticklabels=[f"{v:g}" for v in levels])
axis.set(xlabel="weight decay $\\lambda$", ylabel="accuracy (%)", ylim=(0, 104))
axis.legend(loc="lower center", bbox_to_anchor=(0.5, 0.2))
figures.baseline(axis, 10, "chance", side="right")
means = sweep.groupby(["seen", "decay"], sort=False).accuracy.mean()
figures.show(
    figure,
    "strength",
    alt="Accuracy against the strength of weight decay; means in percent: "
    + "; ".join(f"{seen} at {v:g}: {a:.1f}" for (seen, v), a in means.items()),
    caption=f"Turning up weight decay from 0 to {levels[-1]:g}: "
    + "; ".join(
        f"{seen}: from {of_seen.iloc[0]:.0f} to {of_seen.iloc[-1]:.0f} %"
        for seen, of_seen in means.groupby(level="seen", sort=False)
    )
    + ". Dots are seeds, bars 95 % t intervals.",
    data=sweep[["seen", "decay", "seed", "accuracy"]],
)

# %% [markdown]
# We put one step of this sweep to the test, fixed beforehand: $\lambda =$ {glue:text}`strong`, ten
# times the strength above.

# %% tags=["remove-output"]
STRONG = 10 * ON["decay"]


def noise_lost(arm: str) -> list[float]:
    """Training accuracy on random labels that strong decay costs."""
    pair = (runs(arm, "random", decay=v)["train %"] for v in (0.0, STRONG))
    none, held = (part.to_numpy() for part in pair)
    return (none - held).tolist()


forgets = {
    f"noise, {arm}": verdicts.above(noise_lost(arm), 10.0) for arm in arms
}
keeps = {
    f"test, {arm}": verdicts.above(gain(arm, decay=STRONG), -2.0)
    for arm in arms
}
found = verdicts.all_of(forgets | keeps)
claims.check("explicit.strength", found, context, unit=points)

# %% tags=["remove-cell"]
prose.number("strong", STRONG, "g")
strong = runs(arm, "random", decay=STRONG)["train %"]
prose.number("noise-strong", strong.mean(), ".1f")
glue_mean("gain-strong", gain(arm, decay=STRONG), "+.1f")
lengths = {v: runs(arm, "random", decay=v)["length"] for v in (0.0, STRONG)}
for place, v in (("none", 0.0), ("strong", STRONG)):
    prose.number(f"length-{place}", lengths[v].mean(), ".1f")

# %% [markdown]
# {claim}`explicit.strength` On random labels the training accuracy is then
# {glue:text}`noise-strong` %; the test accuracy with true labels has changed by
# {glue:text}`gain-strong` points ({glue:text}`gain-strong-interval`). And the ball: after training on
# random labels, $\lVert \theta \rVert$ (`length`) is {glue:text}`length-strong` with this penalty
# and {glue:text}`length-none` without.
#
# So the classical picture is not wrong. A remedy *can* take room for noise away and leave most of
# the digits: the digits need less of it. But this is a thing one can do, not the thing that
# happens. The network without any penalty had all that room, and was right on
# {glue:text}`none` % of the test images.
#
# ## What this means
#
# Put together, the two predictions of the opening fare like this.
#
# - *Take the remedies away, and the network generalizes badly.* Without any it goes
#   {glue:text}`share` % of the way. For that part they are not **necessary**.
# - *A remedy that works takes the room for noise away.* At the strength that is best for true
#   labels, weight decay leaves room for {glue:text}`noise-best-long` % of the random ones, and the
#   {term}`generalization gap` is then {glue:text}`gap-best` points. So a penalty that is good for
#   true labels is not **sufficient** for a small gap.
#
# Zhang et al. put it like this: in convex problems, such as linear models, a penalty is needed to
# rule out useless solutions; for networks it is more of a tuning parameter
# {cite:p}`zhang2017understanding`. The larger steps lie elsewhere, in the choice of the network: look
# down the column "none" of the paper's table. From an MLP to a {term}`convolutional network` it
# rises by more than any remedy adds.
#
# And the three are not of a kind. Weight decay and dropout know nothing about digits; they would
# do the same to sound or text. Shifts carry a piece of knowledge: a digit moved by a pixel is the
# same digit. Hernández-García and König found, for convolutional networks, that augmentation
# alone does as well as together with the other two {cite:p}`hernandezgarcia2018data`.

# %% [markdown]
# ## How this can mislead
#
# **Only {glue:text}`size` easy images, and yet perhaps enough.** Remedies may not be needed here
# because there is enough to learn from. Then they should matter more with fewer examples. Here is
# the same comparison with a quarter of the images.

# %% tags=["remove-output"]
found = verdicts.all_of(
    {arm: verdicts.above(share(arm, size // 4), 90) for arm in arms}
)
claims.check("explicit.few-examples", found, context, unit="% of the way")

# %% tags=["remove-cell"]
glue_mean("share-few", share(arm, size // 4))
few_none, few_all = (
    runs(arm, "true", *on, size=size // 4)["test %"] for on in ((), ON)
)
prose.number("few", size // 4)
prose.number("few-none", few_none.mean(), ".1f")
prose.number("few-all", few_all.mean(), ".1f")

# %% [markdown]
# {claim}`explicit.few-examples` With {glue:text}`few` images it is {glue:text}`few-none` % without
# and {glue:text}`few-all` % with all three, {glue:text}`share-few` % of the way
# ({glue:text}`share-few-interval`). (Every network of this comparison takes a quarter of the steps
# as well, {glue:text}`passes` passes over fewer images.)
#
# **Not yet is not never.** With dropout, {glue:text}`noise-dropout` % of the random labels had been
# learned when training ended. That does not show that no more can be. Here is the experiment once
# more with twice as many steps.

# %% tags=["hide-input"]
rows = {
    "none": (),
    f"weight decay, {ON['decay']:g}": ("decay",),
    "dropout": ("dropout",),
}
longer = {
    (kind, f"{epochs // recipe.max_epochs} ×"): runs(
        arm, "random", *on, epochs=epochs
    )["train %"].to_numpy()
    for kind, on in rows.items()
    for epochs in (recipe.max_epochs, LONG)
}
pd.DataFrame(longer, index=pd.Index(run.seeds, name="seed")).round(1)

# %% tags=["remove-cell"]
slow = runs(arm, "random", "dropout", epochs=LONG)["train %"]
prose.number("noise-longer", slow.mean(), ".1f")

# %% [markdown]
# Training accuracy in percent on random labels, seed by seed, after the steps of the table (1 ×) and
# after twice as many (2 ×). With dropout it goes from
# {glue:text}`noise-dropout` to {glue:text}`noise-longer` on average. As far as it rises, what dropout
# did above was to *slow down* the learning of noise. "Cannot fit" needs a number of steps beside it.
#
# **Changed after looking.** Two claims are not as they were first written. Both asked weight decay
# to fit 99.9 % of the random labels in the steps of the table, and the first run left both open.
# (In the table above, {glue:text}`fitted-custom-short` and {glue:text}`fitted-best-short` of
# {glue:text}`seeds` seeds get there, and {glue:text}`fitted-none-short` with no remedy at all.) With
# {glue:text}`size` labels, 99.9 % means every single one. So the time was too short for the
# question. The number of steps was doubled, in a pilot on seeds 9000 to 9009, and at the larger
# strength, where some seeds keep missing a label, the claim now asks for 99 %. The seeds above are
# the same, so the clean check is a run on others: `make book SEEDS=A-B`.
#
# **"None" is not nothing.** The network without remedies still had an architecture, small initial
# weights, SGD, and an end of training. Any of these may do what we ascribed to nobody. The chapter
# on {doc}`implicit regularization <implicit-regularization>` follows them.
#
# **Tuned alone, on one kind of data.** Each strength was chosen alone, for this network and these
# digits, from a few values. A strength that is wrong for the task can hurt by as much as the right
# one helps. And the digits are clean. Where a part of the labels is wrong, holding back can
# gain far more; see {doc}`early stopping <implicit-regularization>`.
#
# **What the intervals cover.** A seed draws the training images, the random labels, the initial
# weights, the order, the dropout, and {glue:text}`tests` test images. The images
# have {glue:text}`side` × {glue:text}`side` pixels. The intervals say what other seeds would give
# on these data.

# %% [markdown]
# ## Exercises
#
# For the first three you need only the imports at the top, not the experiment.
#
# ```{exercise} Dropout
# :label: explicit-regularization-ex-dropout
#
# Complete `drop`: each unit of each example is set to 0 with probability `rate`, independently of
# all others, and what remains is scaled such that the *expected* value of every unit is what it
# was. Hand in: the function, and one sentence on why nothing needs to be changed at test time.
# ```


# %% tags=["exercise"]
def drop(h: Tensor, rate: float, gen: torch.Generator) -> Tensor:
    """Return h [examples, units] after dropout at a rate in [0, 1)."""
    ### BEGIN SOLUTION
    kept = torch.rand(h.shape, generator=gen) >= rate
    return kept * h / (1 - rate)
    ### END SOLUTION


# %% tags=["check"]
units = 3 + torch.rand(400, 50, generator=generator(0, "units"))
before = units.clone()
for rate in (0.0, 0.3, 0.8):
    out = drop(units, rate, generator(1, "drop"))
    assert out is not None, "nothing is returned yet: write the body"
    assert torch.equal(units, before), "leave what you are given unchanged"
    assert out.shape == units.shape, f"the shape changed: {tuple(out.shape)}"
    zeros = (out == 0).double()
    off = abs(float(zeros.mean()) - rate)
    assert off < 0.02, f"at rate {rate}, not as many zeros as there should be"
    mean_off = abs(float(out.mean() / units.mean()) - 1)
    assert mean_off < 0.05, f"at rate {rate}, the mean is not kept"
    ratios = (out / units)[out != 0]
    assert ratios.std() < 1e-3, "all that remain are scaled by one factor"
    if rate:
        for axis, what in ((0, "example"), (1, "unit")):
            drawn = zeros.mean(dim=1 - axis).std()
            assert drawn < 0.2, f"zeros must not come by whole {what}s"
again, other = (drop(units, 0.5, generator(s, "drop")) for s in (1, 2))
same = drop(units, 0.5, generator(1, "drop"))
assert torch.equal(again, same), "draw from the generator you are given"
assert not torch.equal(again, other), "draw from the generator you are given"
print("Exercise 1: all checks passed")

# %% [markdown]
# ```{exercise} A shift that does not wrap
# :label: explicit-regularization-ex-shift
#
# Complete `shift`: move every image `down` rows and `right` columns (negative: up and left). What
# leaves the image is gone, and what is uncovered gets the value `fill`. Beware: `torch.roll` lets
# the digit come in again on the other side. Hand in: the function, and one sentence on a data set
# for which shifts would *not* leave the label right.
# ```


# %% tags=["exercise"]
def shift(images: Tensor, down: int, right: int, fill: float) -> Tensor:
    """Return images [..., height, width], moved."""
    ### BEGIN SOLUTION
    height, width = images.shape[-2:]
    reach = max(abs(down), abs(right))
    framed = F.pad(images, (reach,) * 4, value=fill)
    top, left = reach - down, reach - right
    return framed[..., top : top + height, left : left + width]
    ### END SOLUTION


# %% tags=["check"]
pictures = 1 + torch.rand(3, 1, 5, 7, generator=generator(0, "pictures"))
given = pictures.clone()
for down, right, fill in (
    (0, 0, 0.0),
    (1, 0, 0.0),
    (0, -2, -0.5),
    (-3, 2, 9.0),
):
    got = shift(pictures, down, right, fill)
    at = f"for down = {down}, right = {right}, fill = {fill}"
    assert got is not None, "nothing is returned yet: write the body"
    assert torch.equal(pictures, given), "leave what you are given unchanged"
    assert got.shape == pictures.shape, f"the shape changed {at}"
    for row, column in itertools.product(range(5), range(7)):
        a, b = row - down, column - right
        inside = 0 <= a < 5 and 0 <= b < 7
        here = got[..., row, column]
        if inside:
            assert torch.equal(here, pictures[..., a, b]), f"wrong pixel {at}"
        else:
            assert (here == fill).all(), f"wrong value at the edge {at}"
print("Exercise 2: all checks passed")

# %% [markdown]
# ```{exercise} What weight decay leaves
# :label: explicit-regularization-ex-ridge
#
# Take linear least squares with weight decay: the $w$ that minimizes $\frac{1}{2n} \lVert X w - y
# \rVert^2 + \frac{\lambda}{2} \lVert w \rVert^2$, with $n$ examples in the rows of $X$. Write
# $X = U S V^{\top}$, its singular value decomposition: $U^{\top} U = V^{\top} V = I$, and $S$ is
# diagonal with the singular values $s \ge 0$. Along each column of $V$, the solution is the one
# without penalty times a number between 0 and 1 that depends on its $s$, on $\lambda$ (`decay`) and
# on $n$. Complete `remaining`. Hint: set the gradient to zero and multiply by $V^{\top}$. Hand in:
# the function, and one sentence on which directions weight decay closes first.
# ```


# %% tags=["exercise"]
def remaining(s: Tensor, decay: float, n: int) -> Tensor:
    """Return one factor for each singular value."""
    ### BEGIN SOLUTION
    return s.square() / (s.square() + n * decay)
    ### END SOLUTION


# %% tags=["check"]
for n, d, decay in ((30, 4, 0.0), (30, 4, 0.2), (12, 6, 3.0)):
    gen = generator(n, "ridge")
    X, target = (torch.randn(n, k, generator=gen).double() for k in (d, 1))
    X = X * torch.logspace(-1, 1, d).double()
    _, s, Vt = torch.linalg.svd(X, full_matrices=False)
    factors = remaining(s, decay, n)
    assert factors is not None, "nothing is returned yet: write the body"
    assert factors.shape == s.shape, "one factor for each singular value"
    free = torch.linalg.solve(X.T @ X, X.T @ target)
    w = Vt.T @ (factors[:, None] * (Vt @ free))
    slope = X.T @ (X @ w - target) / n + decay * w
    at = f"for n = {n} and decay = {decay}"
    assert slope.abs().max() < 1e-8, f"the gradient does not vanish {at}"
print("Exercise 3: all checks passed")

# %% [markdown]
# ```{exercise} A remedy of your own. An open question
# :label: explicit-regularization-ex-open
#
# `TrainConfig` has more: `label_smoothing`, `l1`, `input_noise`, `weight_noise`. Take one and turn
# it up. Is there a strength at which random labels are no longer fitted while the test accuracy
# with true labels is as good as without? Fix the strengths, seeds, steps and what counts as "as
# good" before you look, and choose on images that you do not report. Hand in: one figure with every
# seed visible, and two sentences: what you found, and what more steps would change.
# ```

# %% [markdown]
# ## Summary
#
# - Shifts, weight decay and dropout gain {glue:text}`gain-shifts`, {glue:text}`gain-decay` and
#   {glue:text}`gain-dropout` points of test accuracy, each alone; all together
#   {glue:text}`gain-all`.
# - Without any of them the network is right on {glue:text}`none` % of the test images,
#   {glue:text}`share` % of the way from guessing to all three.
# - In the same number of steps, {glue:text}`noise-none` % of random labels are learned by heart
#   with nothing, {glue:text}`noise-decay` % with the weight decay that suits true labels,
#   {glue:text}`noise-dropout` % with dropout and {glue:text}`noise-shifts` % with shifts. Ten times
#   that weight decay leaves {glue:text}`noise-strong` %.
#
# **Open.** What carries the network most of the way, if not its remedies? **Next:**
# {doc}`how much room is there, exactly? <expressivity>`
#
# ```{bibliography}
# :filter: docname in docnames
# ```
