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
# (random-data)=
# # Can a network fit pure noise?
#
# A network that knows handwritten digits has learned something about digits. That is the story.
# Here is an experiment that tests the story with one stroke: keep the network, the optimizer and
# the images, and **replace every label by a roll of a ten-sided die**. Nothing is left to learn.
# What will training do?
#
# Zhang et al. {cite:p}`zhang2017understanding` asked this in 2017, and the answer unsettled a
# field. This lecture repeats their randomization tests from the first line of code, with several
# seeds, and judges their sentences by what this very run measured: each carries its verdict
# beside it.
#
# **What we measure.** Six versions of one data set, from untouched to pure noise; for each,
# whether a multilayer perceptron (MLP) and a convolutional network (CNN) reach a {term}`training
# accuracy <training error>` of 99.9 %, how many steps it takes, and what is left on test images.
#
# **What theory predicts.** A class of functions that can fit *any* labels of its $n$ training
# examples has the largest {term}`Rademacher complexity` there is. Every guarantee built on the
# class alone then says nothing. So a theorist of 2016 would hope that the networks fail.
#
# **What you need.** Calculus, and enough PyTorch to recognize a training loop. New words are
# explained in the [glossary](../glossary).

# %% tags=["parameters"]
profile = "cpu"
device = "auto"
seeds = ""

# %% [markdown]
# ## The set-up
#
# The profile decides how large everything is. All sizes, seeds and thresholds below were fixed
# before the results were looked at.

# %%
import dataclasses

import matplotlib.pyplot as plt
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dlnotes import claims, corruption, datasets, figures, metrics
from dlnotes import models, params, records, stats, sweeps, training
from dlnotes.rng import generator
from dlnotes.settings import Settings

figures.style()
default = {"smoke": "0-1", "cpu": "0-7", "gpu": "0-9"}
run = Settings(profile=profile, device=device, seeds=seeds or default[profile])

names = run.scale(smoke=["digits"], cpu=["mnist"], gpu=["mnist", "cifar10"])
size = run.scale(smoke=200, cpu=1000, gpu=50_000)  # training examples a network
tests = run.scale(smoke=500, cpu=5000, gpu=10_000)  # test images, drawn once
sets = []
for name in names:
    train, test = datasets.load(name, stand_in="digits")
    tests = min(tests, len(test))  # a stand-in may be smaller
    test = datasets.subset(test, tests, gen=generator(0, "test images"))
    sets.append(datasets.standardize(train, test))
by_name = {train.name: (train, test) for train, test in sets}
names = list(by_name)  # a stand-in goes by its own name
context = claims.Context(
    settings=run, data=[train for train, _ in sets], needs=("mnist",)
)
context

# %% [markdown]
# Two networks, deliberately ordinary. The MLP flattens the image and has fully connected hidden
# layers; the CNN slides small filters over it. Both are given the same optimizer, the same step
# length and the same number of epochs *for every task*: if something differs between true and
# random labels, it is the labels.

# %%
hidden = run.scale(smoke=(64,), cpu=(128, 128), gpu=(512, 512, 512))
channels = run.scale(smoke=(8, 16), cpu=(8, 16), gpu=(64, 128, 256))


def network(kind: str, data: datasets.Dataset) -> models.ModelConfig:
    shape = {
        "input_shape": tuple(data.x.shape[1:]),
        "num_classes": data.num_classes,
    }
    if kind == "MLP":
        return models.ModelConfig(kind="mlp", hidden=hidden, **shape)
    return models.ModelConfig(
        kind="cnn", channels=channels, kernel_size=3, hidden=(64,), **shape
    )


FITTED = 0.999  # training accuracy that counts as "fits the data"; training stops there
config = training.TrainConfig(
    batch_size=run.scale(smoke=20, cpu=100, gpu=128),  # examples a step
    max_epochs=run.scale(
        smoke=60, cpu=150, gpu=300
    ),  # far beyond what true labels need
    learning_rate=run.scale(smoke=0.01, cpu=0.02, gpu=0.02),
    momentum=0.9,
    stop_accuracy=FITTED,
)

# %% tags=["hide-input"]
first = sets[0][0]
rows = []
for kind in ("MLP", "CNN"):
    weights = params.num_parameters(
        models.init(network(kind, first), [generator(0, "count")])
    )
    rows.append(
        {
            "network": kind,
            "parameters": weights,
            "per training example": weights / size,
        }
    )
    claims.number(f"parameters-{kind}", weights, ",")
    claims.number(f"ratio-{kind}", weights / size, ".0f")
pd.DataFrame(rows).set_index("network").style.format("{:,.0f}")

# %% [markdown]
# The MLP has {glue:text}`ratio-MLP` weights for every example it will see, the CNN
# {glue:text}`ratio-CNN`. Textbooks warn of this. Keep the warning in mind; we shall see what it
# is worth.

# %% [markdown]
# ## Six ways to take the signal out
#
# The signal in a labeled data set is the link between image and label. It can be cut at either
# end.
#
# | task | what is done | what survives |
# | --- | --- | --- |
# | **true labels** | nothing | everything |
# | **partly random labels** | each label is redrawn with probability $p$ | a share $1 - p + p/10$ of right labels |
# | **random labels** | the same with $p = 1$ | images only |
# | **shuffled pixels** | one random order of the pixels, the same for all images | everything, but not where it was |
# | **random pixels** | a new order for each image | how much ink an image has |
# | **Gaussian pixels** | noise with the data's mean and variance | labels only |
#
# Corrupting labels takes three lines. Here they are, written out, and checked against the
# function that the rest of the book uses. Note the last line: a redrawn label may be right by
# luck.

# %%
train, test = sets[0]
rate, gen = 0.5, generator(0, "taught labels")
redrawn = torch.rand(len(train), generator=gen) < rate
drawn = torch.randint(train.num_classes, (len(train),), generator=gen)
y = torch.where(redrawn, drawn, train.y)

noisy = corruption.random_labels(
    train.y,
    rate=rate,
    num_classes=train.num_classes,
    gen=generator(0, "taught labels"),
)
assert torch.equal(noisy.y, y)
assert torch.equal(noisy.redrawn, redrawn)
wrong = stats.share_interval(int((y != train.y).sum()), len(y))
print(
    f"wrong labels at p = {rate}: {wrong.estimate:.3f}, 95 % interval [{wrong.low:.3f}, {wrong.high:.3f}]"
)

# %% [markdown]
# :::{admonition} Predict
# :class: tip
# Half of the labels were redrawn. Before you go on: why is the share of *wrong* labels not one
# half, and what is it exactly? (Exercise 1 asks you for the general formula.)
# :::

# %% tags=["hide-input"]
TASKS = (
    "true labels",
    "partly random labels",
    "random labels",
    "shuffled pixels",
    "random pixels",
    "Gaussian pixels",
)


def treat(kind: str, x: Tensor, seed: int, part: str) -> Tensor:
    """Corrupt the pixels of standardized images (mean 0, deviation 1) as the task asks."""
    if kind == "shuffled pixels":  # the same order for training and test images
        return corruption.shuffle_pixels(
            x, corruption.pixel_permutation(x, gen=generator(seed, "order"))
        )
    if kind == "random pixels":
        return corruption.random_pixels(x, gen=generator(seed, "pixels", part))
    if kind == "Gaussian pixels":
        return corruption.gaussian_pixels(
            x, mean=0.0, std=1.0, gen=generator(seed, "pixels", part)
        )
    return x


shown = train.x[:8]
pictures = {
    kind: treat(kind, shown, 0, "train").numpy()
    for kind in ("true labels", *TASKS[3:])
}
pictures = {
    "true pixels" if kind == "true labels" else kind: images
    for kind, images in pictures.items()
}
lottery = corruption.random_labels(
    train.y[:8], rate=1.0, num_classes=10, gen=generator(0, "shown")
).y
titles = [
    f"{a} → {b}"
    for a, b in zip(train.y[:8].tolist(), lottery.tolist(), strict=True)
]
figures.show(
    figures.image_rows(pictures, titles),
    "six-tasks",
    alt=f"Eight images of {train.name} in four rows: true, shuffled, random and Gaussian pixels. "
    f"Their true labels are {train.y[:8].tolist()}, the random ones {lottery.tolist()}.",
    caption="The same eight images under each treatment of the pixels; above each column the true label and the one "
    "that the die gave it. Only the first row means anything to you. Shuffled pixels carry exactly the same information.",
    data=pd.DataFrame(
        {"true": train.y[:8].tolist(), "random": lottery.tolist()}
    ),
)

# %% [markdown]
# ## The training loop, and many networks at once
#
# This is the loop you would write. One network, mini-batches in a new order each epoch,
# stochastic gradient descent with momentum:


# %%
def train_one(net: nn.Module, x: Tensor, y: Tensor, epochs: int, gen) -> None:
    rates = {"lr": config.learning_rate, "momentum": config.momentum}
    optimizer = torch.optim.SGD(net.parameters(), **rates)
    for _ in range(epochs):
        order = torch.randperm(len(x), generator=gen)
        for rows in order.split(config.batch_size):
            loss = F.cross_entropy(net(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


# %% [markdown]
# We need it for six tasks, two networks and several seeds, so the package trains all seeds **side
# by side**: every weight tensor gets a leading axis `models`, and one batched matrix product
# serves the whole stack. The networks share no weight, so the gradient of the *sum* of their
# losses is, for each, the gradient of its own. That must be the same mathematics. Let us not
# believe it, but check it on two small networks.

# %%
few = 200
x, y = first.x[:few], first.y[:few]
sizes = {"input_shape": x.shape[1:], "num_classes": 10, "hidden": (16,)}
tiny = models.ModelConfig(kind="mlp", **sizes)
brief = dataclasses.replace(config, max_epochs=2, stop_accuracy=None)

start = models.init(tiny, [generator(seed, "tiny") for seed in (0, 1)])
orders = [generator(seed, "tiny order") for seed in (0, 1)]
stacked = training.train(tiny, brief, start, x, y, gens=orders)

# %%
for i in (0, 1):
    inner, outer = nn.Linear(x[0].numel(), 16), nn.Linear(16, 10)
    for layer, name in ((inner, "dense0"), (outer, "dense1")):
        layer.weight.data = start[f"{name}.weight"][i].T.clone()
        layer.bias.data = start[f"{name}.bias"][i].clone()
    alone = nn.Sequential(nn.Flatten(), inner, nn.ReLU(), outer)
    train_one(alone, x, y, epochs=2, gen=generator(i, "tiny order"))
    error = (inner.weight.T - stacked.params["dense0.weight"][i]).abs().max()
    assert error < 1e-5
    print(f"network {i}: largest difference of a weight {error:.1e}")

# %% [markdown]
# Not one weight differs by more than rounding (the `.T` is there because torch keeps its weights
# transposed). From here on `training.train` does the work, and each of its networks can be read
# as if it had been trained alone.
#
# ## The experiment
#
# :::{admonition} Predict
# :class: tip
# Write down, for each of the six tasks: does the network reach 99.9 % on its training set? If so,
# is it faster or slower than with true labels? And what is the test accuracy?
# :::
#
# For every seed we draw a training subset, corrupt it, and train until 99.9 % of the (corrupted)
# training set is right, or {glue:text}`max-epochs` epochs have passed. Everything about a seed is
# the same for all tasks: the subset, the initial weights, the order of the batches. So tasks can
# be compared pair by pair.


# %%
def training_set(c: dict) -> tuple[Tensor, Tensor]:
    """Images and labels of one run: a subset, then its corruption."""
    train, seed = by_name[c["data"]][0], c["seed"]
    part = datasets.subset(train, c["size"], gen=generator(seed, "subset"))
    kind = {"rate": c["rate"], "num_classes": part.num_classes}
    noisy = corruption.random_labels(
        part.y, **kind, gen=generator(seed, "labels")
    )
    return treat(c["task"], part.x, seed, "train"), noisy.y


def fit(group: list[dict]) -> list[dict]:
    """Train one stack, all seeds of one task; then test its networks."""
    where, test = run.torch_device, by_name[group[0]["data"]][1]
    model = network(group[0]["network"], test)
    pairs = zip(*map(training_set, group), strict=True)
    x, y = (torch.stack(part).to(where) for part in pairs)
    start = models.init(model, [generator(c["seed"], "init") for c in group])
    start = {name: p.to(where) for name, p in start.items()}
    orders = [generator(c["seed"], "order") for c in group]
    result = training.train(model, config, start, x, y, gens=orders)
    return [
        {"test accuracy": test_one(model, result, i, c), **result.summary(i)}
        for i, c in enumerate(group)
    ]


def test_one(model, result: training.Run, i: int, c: dict) -> float:
    """Accuracy of network i on the test images, treated as its task asks."""
    where, test = run.torch_device, by_name[c["data"]][1]
    x = treat(c["task"], test.x, c["seed"], "test").to(where)
    one = params.select(result.params, i)
    return metrics.evaluate(model, one, x, test.y.to(where))[1].item()


# %% [markdown]
# The grid: five rates of label corruption, three treatments of the pixels, and, as a control that
# we shall need at the end, true and random labels again for a half and a quarter of the examples.

# %%
where = {"data": names, "network": ["MLP", "CNN"], "seed": run.seeds}
rates, sizes = (0.0, 0.25, 0.5, 0.75, 1.0), (size // 4, size // 2, size)
grid = sweeps.grid(task=["labels"], rate=rates, size=[size], **where)
grid += sweeps.grid(task=TASKS[3:], rate=[0.0], size=[size], **where)
grid += sweeps.grid(task=["labels"], rate=[0.0, 1.0], size=sizes[:2], **where)
table = records.frame(sweeps.run(grid, fit, provenance=run.provenance()))

many = len(names) > 1  # with several data sets, an arm is "mnist MLP"
table["arm"] = table.data + " " + table.network if many else table.network
table["gap"] = 100 * (table["train accuracy"] - table["test accuracy"])
print(f"{len(table)} networks trained")

# %% tags=["remove-cell"]
claims.number("networks", len(table))
claims.number("unfitted", int((~table.fitted).sum()))
claims.number("max-epochs", config.max_epochs)
claims.number("size", size, ",")

# %% [markdown]
# ## What the networks did

# %% tags=["hide-input"]
labels = {0.0: "true labels", 0.5: "partly random labels", 1.0: "random labels"}
full = table[table["size"] == size].copy()
full["kind"] = full.task.where(full.task != "labels", full.rate.map(labels))
main = full[full.kind.notna()]


def spread(values: pd.Series) -> str:
    return f"{values.mean():.1f} ± {values.std():.1f}"


by_task = main.groupby(["kind", "arm"], sort=False)
columns = {
    "fitted": by_task.fitted.sum().map(lambda n: f"{n} of {len(run.seeds)}"),
    "epochs": by_task.epochs.agg(spread),
    "test %": (100 * by_task["test accuracy"].mean()).map("{:.1f}".format),
}
summary = pd.DataFrame(columns).unstack().swaplevel(axis=1)
summary = summary[
    [(arm, name) for arm in main.arm.unique() for name in columns]
]
summary.loc[list(TASKS)].rename_axis(index=None, columns=[None, None])


# %% tags=["hide-input", "remove-output"]
def both_fit(kind: str) -> claims.Finding:
    lowest = main[main.kind == kind].groupby("seed")["train accuracy"].min()
    fitted = (lowest >= FITTED - 1e-6).tolist()  # float32 rounding of the mean
    return claims.mostly(fitted, reason=f"{sum(fitted)} of {len(fitted)} seeds")


unit = "of seeds"
claims.check("fit.true", both_fit(TASKS[0]), context, unit=unit)
claims.check("fit.partial", both_fit(TASKS[1]), context, unit=unit)
claims.check("fit.random-labels", both_fit(TASKS[2]), context, unit=unit)
claims.check("fit.shuffled-pixels", both_fit(TASKS[3]), context, unit=unit)
claims.check("fit.random-pixels", both_fit(TASKS[4]), context, unit=unit)
claims.check("fit.gaussian", both_fit(TASKS[5]), context, unit=unit)

# %% [markdown]
# The number of runs that were fitted, the epochs it took (mean ± standard deviation over seeds),
# and the mean test accuracy. **Every task is fitted**, also those without anything to learn: of
# {glue:text}`networks` networks, {glue:text}`unfitted` were stopped by the limit on epochs. Six
# sentences of the paper, each with its verdict from this run; a seed counts only if *both*
# networks got there.
#
# - {claim}`fit.true`
# - {claim}`fit.partial`
# - {claim}`fit.random-labels`
# - {claim}`fit.shuffled-pixels`
# - {claim}`fit.random-pixels`
# - {claim}`fit.gaussian`


# %% tags=["hide-input"]
def mean_cosine(images: Tensor) -> float:
    unit = F.normalize(images.flatten(1), dim=1)
    cosines = (unit @ unit.T).abs()
    return float((cosines.sum() - len(unit)) / (len(unit) * (len(unit) - 1)))


claims.number("dimensions", first.x[0].numel())
claims.number("cosine-real", mean_cosine(first.x[:few]), ".2f")
claims.number(
    "cosine-noise",
    mean_cosine(treat("Gaussian pixels", first.x[:few], 0, "train")),
    ".2f",
)
for kind, name in (("true labels", "true"), ("Gaussian pixels", "gaussian")):
    for net in ("MLP", "CNN"):
        epochs = main[(main.kind == kind) & (main.network == net)].epochs
        claims.number(f"{name}-{net}", epochs.mean(), ".1f")

curves = main[main["data"] == names[0]].explode(
    ["loss curve", "accuracy curve"]
)
curves["epoch"] = curves.groupby(["arm", "kind", "seed"]).cumcount()
curves["loss"] = curves["loss curve"].astype(float)
figure, axes = plt.subplots(1, 2, figsize=(9, 3.9), sharey=True)
for axis, (arm, part) in zip(
    axes, curves.groupby("arm", sort=False), strict=True
):
    figures.seed_curves(
        axis, part, x="epoch", y="loss", hue="kind", legend=axis is axes[0]
    )
    axis.set(
        title=arm,
        xlabel="epoch",
        ylabel="training loss (nats per example)",
        yscale="log",
        xlim=(0, None),
    )
figures.baseline(
    axes[1], float(torch.tensor(10.0).log()), "guessing: ln 10", side="right"
)
handles, kinds = axes[0].get_legend_handles_labels()
axes[0].get_legend().remove()
figure.legend(handles, kinds, loc="outside lower center", ncols=3)
last = main.groupby(["arm", "kind"])["epochs"].mean()
figures.show(
    figure,
    "learning-curves",
    alt="Training loss against epochs, log scale, one line a seed. Mean epochs until 99.9 % are fitted: "
    + "; ".join(
        f"{arm}, {kind}: {value:.1f}" for (arm, kind), value in last.items()
    ),
    caption="Training loss until 99.9 % of the training set is fitted, one line a seed. Every curve gets there. Wrong "
    "labels are the slowest, be they half or all; Gaussian pixels, though pure noise as well, are not.",
    data=curves[["arm", "kind", "seed", "epoch", "loss"]],
)

# %% [markdown]
# Two things in this figure deserve a second look.
#
# *The order is not what one expects.* Pure Gaussian noise is fitted in about as many epochs as
# real images: {glue:text}`gaussian-MLP` against {glue:text}`true-MLP` for the MLP,
# {glue:text}`gaussian-CNN` against {glue:text}`true-CNN` for the CNN. There is nothing to learn,
# but memorizing is cheap. A likely reason {cite:p}`zhang2017understanding`: in
# {glue:text}`dimensions` dimensions, two noise images are nearly orthogonal (mean absolute cosine
# {glue:text}`cosine-noise`), so a step that corrects one example barely disturbs the others. Two
# real images are alike (mean absolute cosine {glue:text}`cosine-real`), and giving them different
# labels means pulling apart what lies close together. *Wrong labels on real images* are the
# hardest task here.
#
# *Random labels are slower, but how much?* The paper speaks of a small constant factor.


# %% tags=["remove-output"]
def epochs_to_fit(arm: str, rate: float, size: int) -> list[float]:
    same = (
        "arm == @arm and task == 'labels' and rate == @rate and size == @size"
    )
    return table.query(same).sort_values("seed").epochs.astype(float).tolist()


factors = {}
for arm in table.arm.unique():
    random, true = (epochs_to_fit(arm, rate, size) for rate in (1.0, 0.0))
    factors[arm] = stats.ratio_interval(random, true)

few_fold = {arm: claims.within(f, 1, 10) for arm, f in factors.items()}
found = claims.all_of(few_fold)
claims.check("fit.slower-by-a-constant", found, context, unit="times")

# %% tags=["remove-cell"]
arms = list(factors)  # MLP and CNN, of each data set; prose quotes the first
for net, arm in zip(("MLP", "CNN"), arms, strict=False):
    claims.number(f"factor-{net}", factors[arm].estimate, ".1f")

# %% [markdown]
# {claim}`fit.slower-by-a-constant` For the MLP the factor is {glue:text}`factor-MLP`, for the CNN
# {glue:text}`factor-CNN` (geometric means over seeds). Optimization, then, does not notice that
# it is doing something absurd. Whatever makes training *easy* is not what makes networks
# *generalize*. But hold the word "constant" for a moment; we come back to it.
#
# ## From signal to noise
#
# Now in between: each label is redrawn with probability $p$. Call the difference of training and
# test accuracy the {term}`generalization gap`. Training accuracy is always about 100 %, so the
# gap tells what the test images say.
#
# :::{admonition} Predict
# :class: tip
# At $p = 0.5$, a bit more than half of the labels are right. Does the test accuracy stay near
# that of true labels, fall to the share of right labels, or fall to chance?
# :::

# %% tags=["hide-input"]
sweep = full[full.task == "labels"].copy()
sweep["test accuracy (%)"] = 100 * sweep["test accuracy"]
figure, axes = plt.subplots(1, 2, figsize=(9, 3.8))
figures.seed_points(axes[0], sweep, x="rate", y="epochs", hue="arm")
axes[0].set(
    xlabel="probability $p$ that a label is redrawn",
    ylabel="epochs until 99.9 % are fitted",
    ylim=(0, None),
)
figures.seed_points(axes[1], sweep, x="rate", y="test accuracy (%)", hue="arm")
axes[1].plot(
    rates,
    [100 * (1 - 0.9 * r) for r in rates],
    color=figures.INK,
    linestyle=":",
    label="right labels in the training set",
)
axes[1].set(
    xlabel="probability $p$ that a label is redrawn",
    ylabel="test accuracy (%)",
    ylim=(0, 100),
)
figures.baseline(axes[1], 10, "chance", side="left")
axes[1].legend(loc="upper right", fontsize=9.5)
at = sweep.groupby(["arm", "rate"])["test accuracy (%)"].mean()
slow = sweep[sweep.arm == arms[0]].groupby("rate")["epochs"].mean()
figures.show(
    figure,
    "corruption",
    alt="Left: epochs to fit rise with label corruption. Right: mean test accuracy in percent: "
    + "; ".join(
        f"{arm} at p={rate:g}: {value:.1f}" for (arm, rate), value in at.items()
    ),
    caption=f"Left: the first quarter of redrawn labels takes the MLP from {slow[0.0]:.0f} to {slow[0.25]:.0f} epochs, the "
    f"rest to {slow[1.0]:.0f}. Right: test accuracy falls steadily and close to the share of right labels (dotted), down to "
    "chance at $p = 1$. Dots are seeds; bars are 95 % t intervals.",
    data=sweep[["arm", "rate", "seed", "epochs", "test accuracy (%)"]],
)

# %% tags=["hide-input", "remove-output"]
guess = [100 * float(test.y.bincount().max()) / len(test) for _, test in sets]


def of(arm: str, rate: float, column: str) -> list[float]:
    return (
        sweep[(sweep.arm == arm) & (sweep.rate == rate)]
        .sort_values("seed")[column]
        .tolist()
    )


gaps = {
    arm: claims.rising({r: of(arm, r, "gap") for r in rates}) for arm in arms
}
claims.check(
    "fit.gap-grows", claims.all_of(gaps), context, unit="percentage points"
)

guessing = table[
    (table.task == "labels") & (table.rate == 1.0)
]  # all three sizes, to steady the mean
chance = {}
for arm, part in guessing.groupby("arm", sort=False):
    per_seed = 100 * part.groupby("seed")["test accuracy"].mean()
    chance[arm] = claims.within(stats.mean_interval(per_seed.tolist()), 8, 12)
claims.check("fit.chance", claims.all_of(chance), context, unit="% accuracy")
for net, arm in zip(("MLP", "CNN"), arms, strict=False):
    claims.number(f"chance-{net}", chance[arm].effect, ".1f")

most_common = max(guess)  # what always naming the commonest class would score
signal = {
    f"{arm} at p={r:g}": claims.above(
        of(arm, r, "test accuracy (%)"), most_common
    )
    for arm in arms
    for r in rates[1:-1]
}
claims.check(
    "fit.signal-remains", claims.all_of(signal), context, unit="% accuracy"
)
claims.number(
    "gap-true",
    min(sum(of(arm, 0.0, "gap")) / len(run.seeds) for arm in arms),
    ".0f",
)
claims.number(
    "gap-random",
    max(sum(of(arm, 1.0, "gap")) / len(run.seeds) for arm in arms),
    ".0f",
)
claims.number("commonest", most_common, ".1f")

# %% [markdown]
# {claim}`fit.gap-grows` From {glue:text}`gap-true` percentage points the gap rises to
# {glue:text}`gap-random`. {claim}`fit.chance` It is {glue:text}`chance-MLP` % for the MLP and
# {glue:text}`chance-CNN` % for the CNN, each seed averaged over three sizes of the training set.
# (Each way of naming the classes is equally likely to come off the die, so over all rolls the
# mean is exactly one tenth; what a handful of seeds shows beside that is luck.) And yet *nothing
# about the network has changed*: not its size, not the optimizer, not one setting. A quantity
# that stands still while the gap goes from small to as large as it can be does not explain the
# gap. The {term}`VC dimension` of the network stands still. So does its number of weights.
#
# {claim}`fit.signal-remains` With three labels in four redrawn, and every wrong one learned by
# heart, the networks still do better on test images than naming the commonest class every time
# ({glue:text}`commonest` %). They use what is left of the signal and store the rest. The dotted
# line tells more: test accuracy runs *close to the share of right labels*. A network that
# filtered the noise out would stay well above it; one that answers with the label of the nearest
# training image would stay near it.
#
# ## Shuffled pixels: who notices?
#
# Put the pixels of all images in one fixed random order. For you, the images are ruined. For an
# MLP, nothing has happened, and this can be said exactly. Let $P$ be the permutation matrix, so
# that the network sees $Px$ for $x$. Its first layer computes $W P x$. Choose $W' = W P^{\top}$
# as initial weights, that is, permute the columns of $W$ as the pixels were permuted (in the
# code, which keeps $W^{\top}$, its rows). Since $P^{\top} P$ is the identity,
#
# $$ W' (P x) = W P^{\top} P\, x = W x , $$
#
# and the gradient with respect to $W'$ is that of $W$ with its columns permuted. So the equality
# survives each step of training: both networks agree on every image, forever. And as the initial
# weights are drawn independently from one distribution, $W'$ is as likely as $W$: the
# *distribution of results* is the same. In double precision, where rounding is small:

# %%
start = models.init(tiny, [generator(0, "blind")])
start = {name: p.double() for name, p in start.items()}
order = corruption.pixel_permutation(x, gen=generator(0, "blind order"))
moved = start | {"dense0.weight": start["dense0.weight"][:, order]}
brief = dataclasses.replace(config, max_epochs=5, stop_accuracy=None)

x64 = x.double()
x64_moved = corruption.shuffle_pixels(x64, order)
logits = []
for begin, images in ((start, x64), (moved, x64_moved)):
    gens = [generator(0, "blind batches")]
    end = training.train(tiny, brief, begin, images, y, gens=gens).params
    logits.append(models.forward(tiny, end, images))
learned = (models.forward(tiny, start, x64) - logits[0]).abs().max()
assert learned > 0.1  # training did change what the network says

error = float((logits[0] - logits[1]).abs().max())
print(f"largest difference of a logit after five epochs: {error:.1e}")

# %% tags=["hide-input", "remove-output"]
same = claims.identity(error, 1e-9, reason="logits after five epochs")
claims.check("fit.permutation-blind", same, context, unit="logits")

# %% [markdown]
# {claim}`fit.permutation-blind` A CNN, on the other hand, looks at neighbors. After the shuffle,
# neighbors have nothing to do with each other.


# %% tags=["remove-output"]
def test_accuracy(arm: str, kind: str) -> Tensor:
    part = main[(main.arm == arm) & (main.kind == kind)].sort_values("seed")
    return 100 * torch.tensor(
        part["test accuracy"].tolist(), dtype=torch.float64
    )


lost = {
    arm: test_accuracy(arm, "true labels")
    - test_accuracy(arm, "shuffled pixels")
    for arm in arms
}
hurts = {
    arm: claims.above(loss.tolist(), 0.0)
    for arm, loss in lost.items()
    if "CNN" in arm
}
claims.check(
    "fit.permutation-hurts-cnn",
    claims.all_of(hurts),
    context,
    unit="percentage points",
)
for net, arm in zip(("MLP", "CNN"), arms, strict=False):
    claims.number(f"lost-{net}", float(lost[arm].mean()), ".1f")

# %% [markdown]
# {claim}`fit.permutation-hurts-cnn` The CNN loses {glue:text}`lost-CNN` percentage points, the
# MLP {glue:text}`lost-MLP`. So the CNN's better test accuracy on real images comes from an
# assumption that is *built in*, not learned: nearby pixels belong together. Yet the same CNN fits
# shuffled, random and Gaussian pixels. Its structure does not prevent it from memorizing; it only
# makes some solutions easier to find than others. This is a first hint of where an answer may
# lie.
#
# ## What this means for theory
#
# Three classical routes to a guarantee, and where this experiment blocks them
# {cite:p}`zhang2017understanding`.
#
# - **Rademacher complexity** asks how well the class can fit random signs, $\hat{\mathfrak
#   R}_n(\mathcal H) = \mathbb E_\sigma \sup_{h \in \mathcal H} \frac1n \sum_i \sigma_i h(x_i)$
#   {cite:p}`bartlett2002rademacher`. Networks that fit any labels make it about 1, its largest
#   value, and a bound that adds it to the training error says that the test error is at most 1.
#   We knew that.
# - **VC dimension** asks for how many points all labelings can be fitted
#   {cite:p}`vapnik1971uniform`. Fitting random labels on $n$ points suggests that it is at least
#   of the order of $n$, and the guarantee is empty again.
# - **Uniform stability** asks how much the trained network changes when one example is replaced
#   {cite:p}`hardt2016train`. Without further assumptions it does not look at the labels, so one
#   number would have to serve both for true labels, with their small gap, and for random ones.
#
# All three describe the network before it has met the data. What is needed must depend on the
# data, on the way the optimizer takes, or on both. The coming parts of the book follow these
# leads.

# %% [markdown]
# ## How this can mislead
#
# **A constant of what?** The factor above was measured for one number of examples. The paper's
# "constant" invites the reading that it is a property of the network. Here is the control: the
# same two tasks with a quarter and a half of the examples.


# %% tags=["remove-output"]
def factor(arm: str, size: int) -> list[float]:
    random, true = (epochs_to_fit(arm, rate, size) for rate in (1.0, 0.0))
    return [r / t for r, t in zip(random, true, strict=True)]


growth = {}
for arm in arms:
    more = stats.ratio_interval(factor(arm, size), factor(arm, size // 4))
    growth[arm] = claims.within(more, 1, float("inf"))
found = claims.all_of(growth)
claims.check("fit.factor-grows", found, context, unit="times")

# %% tags=["remove-cell"]
for net, arm in zip(("MLP", "CNN"), arms, strict=False):
    for name, n in zip(("quarter", "half", "whole"), sizes, strict=True):
        mean = stats.ratio_interval(factor(arm, n), [1.0] * len(run.seeds))
        claims.number(f"factor-{net}-{name}", mean.estimate, ".1f")

# %% [markdown]
# {claim}`fit.factor-grows` From a quarter of the examples to all {glue:text}`size`, the factor
# goes from {glue:text}`factor-MLP-quarter` over {glue:text}`factor-MLP-half` to
# {glue:text}`factor-MLP-whole` for the MLP, and from {glue:text}`factor-CNN-quarter` over
# {glue:text}`factor-CNN-half` to {glue:text}`factor-CNN-whole` for the CNN. With true labels,
# more examples repeat one pattern; with random labels, each is a new fact to store. So do not
# carry our factor over to a data set sixty times as large. A network with too few weights, or too
# short a training, would not get there at all, which is what some who tried random labels on all
# of MNIST reported.
#
# **Where the line is drawn.** "Fitted" means 99.9 % here. Had we asked for 90 %, the factor would
# have been {glue:text}`factor-90` for the MLP: the ratio depends on the threshold, so a paper
# that gives one without the other has said half.


# %% tags=["hide-input"]
def first_epoch(curve: list[float], level: float) -> int:
    """Return when the curve reaches the level; the last epoch, a lower bound, if it never does."""
    return next(
        (epoch for epoch, value in enumerate(curve) if value >= level),
        len(curve) - 1,
    )


mlp = sweep[sweep.arm == arms[0]].sort_values("seed")
reach = {
    r: [
        float(first_epoch(c, 0.9)) for c in mlp[mlp.rate == r]["accuracy curve"]
    ]
    for r in (0.0, 1.0)
}
claims.number(
    "factor-90", stats.ratio_interval(reach[1.0], reach[0.0]).estimate, ".1f"
)
ink = main[(main.arm == arms[0]) & (main.kind == "random pixels")][
    "test accuracy"
]
claims.number("ink", 100 * ink.mean(), ".0f")

# %% [markdown]
# **Noise that is not quite noise.** With random pixels, each image in an order of its own, the
# MLP still reaches {glue:text}`ink` % on test images treated the same way. No pixel is in its
# place, but a one has less ink than a zero, and that survives. "Random pixels" is not "no
# signal"; Gaussian pixels are.
#
# **Fitting is not understanding how.** That a network *can* memorize does not show that it *does*
# so when the labels are true. Arpit et al. {cite:p}`arpit2017closer`, answering this very
# experiment, found that networks learn patterns first and noise later. A later chapter of this
# part takes that up.
#
# **Small networks, small data.** At this profile each network saw {glue:text}`size` examples. The
# original used all of CIFAR-10 and networks of up to millions of weights; profile `gpu` comes
# close to that.

# %% [markdown]
# ## Exercises
#
# ```{exercise} How many labels are wrong?
# :label: random-data-ex-wrong
#
# With $k$ classes, each label is redrawn uniformly from *all* classes with probability $p$. Which
# share of the labels is expected to be wrong afterwards? Complete `wrong_share(p, k)`. Hand in:
# the function, and one sentence on why the answer at $p = 1$ is not 1.
# ```


# %% tags=["exercise"]
def wrong_share(p: float, k: int) -> float:
    """Return the expected share of wrong labels, in [0, 1]."""
    ### BEGIN SOLUTION
    return p * (k - 1) / k
    ### END SOLUTION


# %% tags=["check"]
assert wrong_share(0.3, 5) is not None, (
    "wrong_share returns nothing yet: write its body"
)
assert wrong_share(0.0, 10) == 0, "with p = 0 no label is touched"
assert wrong_share(1.0, 1) == 0, "with one class there is no wrong label"
assert wrong_share(1.0, 1000) > wrong_share(1.0, 2), (
    "with more classes, luck helps less"
)
for p_check, k_check in ((0.3, 2), (0.7, 10), (1.0, 3)):
    clean = torch.arange(100_000) % k_check
    dirty = corruption.random_labels(
        clean,
        rate=p_check,
        num_classes=k_check,
        gen=generator(k_check, "check"),
    ).y
    seen = stats.share_interval(
        int((dirty != clean).sum()), len(clean), level=0.9999
    )
    assert seen.low <= wrong_share(p_check, k_check) <= seen.high, (
        f"100,000 draws disagree at p={p_check}, k={k_check}"
    )
print("Exercise 1: all checks passed")

# %% [markdown]
# ```{exercise} When was it fitted?
# :label: random-data-ex-epoch
#
# A run that never reaches the threshold has no time to fit. Counting it as "took all the epochs"
# makes slow methods look better than they are; such a run is called *censored*. Complete
# `time_to_fit`: for each row of `curves` (accuracy after epoch 0, 1, 2, ...) return the first
# epoch from which on the accuracy is **at least** `level` *in that epoch*, and `inf` for a
# censored run. Hand in: the function, and what the mean of the result tells you if one run is
# censored.
# ```


# %% tags=["exercise"]
def time_to_fit(curves: Tensor, level: float) -> Tensor:
    """Return one time a row of ``curves`` [runs, epochs + 1], as floats; inf where never reached."""
    ### BEGIN SOLUTION
    reached = curves >= level
    first = reached.to(torch.int64).argmax(dim=1).double()
    first[~reached.any(dim=1)] = torch.inf
    return first
    ### END SOLUTION


# %% tags=["check"]
made_up = torch.tensor(
    [
        [0.1, 0.5, 0.9, 1.0],
        [0.1, 0.9, 0.5, 0.9],
        [0.1, 0.2, 0.3, 0.4],
        [1.0, 1.0, 1.0, 1.0],
    ]
)
times = time_to_fit(made_up, 0.9)
assert times is not None, "time_to_fit returns nothing yet: write its body"
assert times.shape == (4,), (
    f"one time a run is needed, got shape {tuple(times.shape)}"
)
assert times[3] == 0, "a run that starts above the level needs no epoch"
assert torch.isinf(times[2]), (
    "a run that never gets there is censored: its time is inf"
)
assert times[1] < times[0], (
    "the first time counts, also if the accuracy falls again"
)
assert (time_to_fit(made_up, 0.95)[:3] >= times[:3]).all(), (
    "a higher level is never reached earlier"
)
print("Exercise 2: all checks passed")

# %% [markdown]
# ```{exercise} Shuffle, without a loop
# :label: random-data-ex-shuffle
#
# The task *random pixels* gives each image an order of its own. Complete `scramble` without a
# Python loop over the images (hint: sorting random numbers gives a random order). Hand in: the
# function, and the reason why drawing *one* order for all images would make this a different
# task.
# ```


# %% tags=["exercise"]
def scramble(images: Tensor, gen: torch.Generator) -> Tensor:
    """Return ``images`` [examples, pixels] with the pixels of each row in a random order of its own."""
    ### BEGIN SOLUTION
    ranks = torch.rand(images.shape, generator=gen).argsort(dim=1)
    return torch.take_along_dim(images, ranks, dim=1)
    ### END SOLUTION


# %% tags=["check"]
numbered = torch.arange(50.0).repeat(400, 1)
mixed = scramble(numbered, generator(0, "scramble"))
assert mixed is not None, "scramble returns nothing yet: write its body"
assert mixed.shape == numbered.shape, (
    f"the shape must stay, got {tuple(mixed.shape)}"
)
assert torch.equal(mixed.sort(dim=1).values, numbered), (
    "each row must keep exactly its own pixel values"
)
assert len(mixed.unique(dim=0)) > 390, "each image needs an order of its own"
assert torch.equal(mixed, scramble(numbered, generator(0, "scramble"))), (
    "use the generator that is given, and nothing else"
)
assert (mixed.mean(dim=0) - 24.5).abs().max() < 4, (
    "each pixel must be equally likely to land anywhere"
)
print("Exercise 3: all checks passed")

# %% [markdown]
# ```{exercise} How small is too small? (open)
# :label: random-data-ex-open
#
# Find the smallest width of a one-hidden-layer MLP that still fits 1,000 random labels within 150
# epochs. Then the same for true labels. Fix seeds, widths and threshold before you look. Hand in:
# one figure with every seed visible, the two widths with an interval or a statement on how sure
# you are, and two sentences: how does the number of weights compare with the number of labels,
# and what would happen with more epochs?
# ```

# %% [markdown]
# ## Summary
#
# - Both networks fitted every version of the data, down to Gaussian noise; random labels took
#   {glue:text}`factor-MLP` (MLP) and {glue:text}`factor-CNN` (CNN) times as long as true ones, a
#   factor that grows with the number of examples.
# - The generalization gap went from {glue:text}`gap-true` to {glue:text}`gap-random` percentage
#   points while network, optimizer and settings stood still. No quantity that ignores the data
#   can explain it.
# - Structure shows in *what is preferred*, not in *what is possible*: the CNN loses from a pixel
#   shuffle and the MLP cannot even notice it, yet both fit it.
#
# **Open.** If the same network can do both, what makes it choose the solution that generalizes
# when there is one? **Next** in this part: is it regularization?
#
# ```{bibliography}
# :filter: docname in docnames
# ```
