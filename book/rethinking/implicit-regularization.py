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
# (implicit-regularization)=
# # What does the optimizer prefer?
#
# A network that can fit any labels can fit yours in many ways. Most of these ways are useless on
# new examples. Training picks one of them, nobody told it which, and the one it picks works. Who
# chose?
#
# One suspect is the optimizer, in most cases a form of
# {term}`SGD <stochastic gradient descent>`. It starts somewhere, it moves by gradients, it stops.
# If that already favors some solutions over others, nothing needs to be added for it: this is
# {term}`implicit regularization`. In this lecture we follow the last part of the experiments of
# Zhang et al. {cite:p}`zhang2017understanding` to the one case in which the preference can be
# written down completely, and then ask how far it explains anything.
#
# **What we measure.** Where SGD ends when a linear model has more weights than examples. How well
# that solution does on new digits. Whether its size, the {term}`norm <minimum-norm solution>` (the
# root of the sum of its squared weights, written $\lVert w \rVert$), tells good preprocessing from
# bad. And, for networks, what {term}`early stopping` and {term}`batch normalization` do to the test
# accuracy.
#
# **What theory predicts.** For linear models, all of it: there is a formula for the end point.
# For networks, nothing that is proved and strong enough to be useful here.
#
# **What you need.** Calculus, matrix products, and the idea that vectors at right angles obey
# Pythagoras. Linked words are explained in the [glossary](../glossary).

# %% tags=["parameters"]
profile = "cpu"
device = "auto"
seeds = ""

# %% [markdown]
# ## The set-up
#
# Claims and their limits were settled in a pilot on seeds 9000 to 9007, before any run on the
# seeds below. Some sizes were cut for time after a first run on these, with all limits left as
# they were. The clean check of the design is a run on other seeds (`make book
# SEEDS=A-B`) and, better still, on other data.

# %%
import dataclasses
import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from scipy import interpolate, linalg
from torch import Tensor

from dlnotes import stats
from dlnotes.rng import generator
from dlnotes.data import corruption, datasets
from dlnotes.networks import metrics, models, training
from dlnotes.theory import linear
from dlnotes.lab import claims, figures, prose, records, sweeps, verdicts
from dlnotes.lab.settings import Settings

# %%
figures.style()
usual = {"smoke": "0-1", "cpu": "0-7", "gpu": "0-9"}[profile]
run = Settings(profile=profile, device=device, seeds=seeds or usual).prepare()

wanted = run.scale(smoke=["digits"], cpu=["mnist"], gpu=["mnist", "cifar10"])
tests = run.scale(smoke=200, cpu=2000, gpu=10_000)  # test images of a seed
data = {}
for train, test in (datasets.load(name, stand_in="digits") for name in wanted):
    data[train.name] = (train, test)  # pixels between 0 and 1

used = [train for train, _ in data.values()]
context = claims.Context(settings=run, data=used, needs=tuple(wanted))
context

# %% [markdown]
# ## More weights than examples
#
# Take the simplest model of all. An image is a row of $d$ numbers, its pixels. A weight matrix
# $W$ with $d$ rows and one column for each class turns it into ten scores, and the highest score
# is the answer. Training asks that the scores of each training image be 1 for its class and 0 for
# the other nine, and counts the squared error. Each column of $W$ has its own target and never
# meets the others, so we may think of one column $w$ and one target vector $y$, and do all ten at
# once in the code.
#
# | symbol | meaning | in the code | shape |
# | --- | --- | --- | --- |
# | $X$ | training images, one a row; row $i$ is $x_i^{\top}$ | `x` | $n \times d$ |
# | $y$ | targets | `y` | $n$ (times 10 classes) |
# | $w$ | weights | `weights` | $d$ (times 10) |
# | $K = X X^{\top}$ | inner products of all pairs of images | `gram` | $n \times n$ |
# | $\alpha$ | how much of each image is in the weights | `alpha` | $n$ (times 10) |
#
# With $n < d$ the system $X w = y$ has more unknowns than equations. If no image is a combination
# of the others, it has infinitely many solutions for *any* $y$: the labels may be right, wrong or
# rolled with a die. This is {term}`interpolation`, and it is a small copy of the puzzle of the
# {doc}`first experiment <random-data>`. All these solutions have the same training error, zero.
# They also have the same curvature: the second derivative of the loss
# $\frac{1}{2n}\lVert Xw - y \rVert^2$ is $X^{\top} X / n$, whatever $w$ is. So neither the loss nor
# its flatness can tell them apart.
#
# **Which one does SGD find?** The gradient of the loss on a {term}`batch` $B$ is
# $\frac{1}{|B|} \sum_{i \in B} (x_i^{\top} w - y_i)\, x_i$. Look at it as a direction: it is a sum
# of *training images*, each times a number (a *combination* of them). Hence three steps.
#
# 1. **SGD stays in the span.** Start at $w = 0$. Each step adds a combination of training images
#    (with {term}`momentum` too: it adds up such gradients). So at any time $w = X^{\top} \alpha$
#    for some $\alpha$: $w$ stays in the *span* of the images, the set of all their combinations.
# 2. **There, only one solution exists.** If training converges to zero loss, then at its end
#    $X w = y$ and, by step 1, $w = X^{\top} \alpha$. Together:
#
#    $$ X X^{\top} \alpha = K \alpha = y . $$
#
#    $K$ is a square matrix, and invertible if no image is a combination of the others: from
#    $K \alpha = 0$ follows $\lVert X^{\top} \alpha \rVert^2 = \alpha^{\top} K \alpha = 0$, so the
#    combination $X^{\top} \alpha$ of images is zero, so $\alpha = 0$. Hence $\alpha = K^{-1} y$,
#    and $w^{*} = X^{\top} \alpha$ is where SGD ends, in whatever order it sees the images.
# 3. **It is the smallest one.** Let $w$ be any other solution. The difference $r = w - w^{*}$
#    satisfies $X r = y - y = 0$, so it is at a right angle to $w^{*}$:
#    $r^{\top} w^{*} = r^{\top} X^{\top} \alpha = (X r)^{\top} \alpha = 0$. By Pythagoras
#
#    $$ \lVert w \rVert^2 = \lVert w^{*} \rVert^2 + \lVert r \rVert^2 > \lVert w^{*} \rVert^2 . $$
#
# Nobody asked for a small norm. It comes with the start and with the way gradients are made. In
# code, the whole solution is two lines; `scipy` finds the same by another road (a singular value
# decomposition). The images here are standardized, all with the same shift and scale, so that
# pixels have mean 0 and standard deviation 1.

# %%
train, test = next(iter(data.values()))
standard, standard_test = datasets.standardize(train, test)
pixels = train.x[0].numel()
few = min(50, pixels // 3)  # fewer images than pixels


def unseen(of: datasets.Dataset, seed: int) -> datasets.Dataset:
    """The test images of one seed."""
    few = min(tests, len(of))
    return datasets.subset(of, few, gen=generator(seed, "test images"))


def few_images(seed: int) -> tuple[Tensor, Tensor]:
    """Images as rows x, and targets y: 1 for the class, 0 elsewhere."""
    part = datasets.subset(standard, few, gen=generator(seed, "few"))
    return part.x.flatten(1).double(), F.one_hot(part.y, 10).double()


x, y = few_images(0)
gram = x @ x.T
alpha = torch.linalg.solve(gram, y)
weights = x.T @ alpha
print(f"{x.shape[0]} images, {x.shape[1]} weights for each class")

# %%
reference, *_ = linalg.lstsq(x, y)  # of all best fits the one of least norm
error = float((weights - torch.from_numpy(reference)).abs().max())
misfit = float((x @ weights - y).abs().max())
assert max(error, misfit) < 1e-9

assert torch.allclose(linear.min_norm(x, y), weights, rtol=0, atol=1e-12)
print(f"largest misfit of a target: {misfit:.0e}")
print(f"largest difference to scipy: {error:.0e}")

# %% [markdown]
# From here on `linear.min_norm` does this. Note what it takes to find $\alpha$: only inner
# products of images. We shall come back to that.
#
# **And from another start?** Apply the same argument to $w - w_0$, where $w_0$ is the start. SGD
# adds combinations of images to $w_0$, so it ends at
#
# $$ \begin{aligned} w &= w_0 + X^{\top} \alpha , \\ X X^{\top} \alpha &= y - X w_0 . \end{aligned} $$
#
# (The second equation says that $X w = y$.) The step from $w_0$ to this $w$ is a combination of
# images. So by Pythagoras once more, this is the solution *nearest to the start*. The smallest one
# is the special case of the start at zero. So what the optimizer prefers is: **to stay where it
# is.**

# %% [markdown]
# ## Does it really end there?
#
# :::{admonition} Predict
# :class: tip
# Three runs on the same images: SGD from zero; SGD from the random start that networks usually
# get (variance $2/d$, {cite:t}`he2015delving`); and from zero with Adam, which divides each
# weight's step by a running size of that weight's gradients. All take equally many steps. Which of
# them end at $w^{*}$?
# :::
#
# The training loop is the one of all lectures, here without hidden layers, without bias, in
# double precision, with the squared error. The {term}`learning rate` of SGD is 0.8 over the largest
# eigenvalue of $K / n$, which is the largest curvature of the loss. Each seed has its own images,
# start and order of batches.


# %%
one_layer = models.ModelConfig(
    kind="mlp",
    input_shape=(x.shape[1],),
    num_classes=10,
    hidden=(),
    bias=False,
)
config = training.TrainConfig(
    batch_size=few // 2,
    max_epochs=run.scale(smoke=500, cpu=900, gpu=900),
    learning_rate=1.0,  # replaced below
    momentum=0.9,
    loss="squared_error",
    curve_every=100,
)
ARMS = {
    "SGD from zero": {},
    "SGD from a random start": {},
    "Adam from zero": {  # as many steps, each on all images
        "optimizer": "adam",
        "batch_size": few,
        "max_epochs": 2 * config.max_epochs,
    },
}


def nearest(x: Tensor, y: Tensor, start: Tensor) -> Tensor:
    """Return the solution of x w = y that is nearest to start."""
    return start + linear.min_norm(x, y - x @ start)


# %% tags=["hide-input"]
def descend(group: list[dict]) -> list[dict]:
    """Train one stack of linear models; say how far they end from w*."""
    seeds, arm = [c["seed"] for c in group], group[0]["arm"]
    x, y = map(torch.stack, zip(*map(few_images, seeds), strict=True))
    begin = [generator(seed, "linear start") for seed in seeds]
    start = models.init(one_layer, begin, dtype=torch.float64)["dense0.weight"]
    start = start if "random" in arm else torch.zeros_like(start)
    near = torch.stack(list(map(nearest, x, y, start.mT)))
    goal = torch.stack(list(map(linear.min_norm, x, y)))

    def away(now: dict, which: Tensor) -> dict:
        off = (now["dense0.weight"].mT - goal[which]).norm(dim=(1, 2))
        return {"distance": off / goal[which].norm(dim=(1, 2))}

    top = torch.linalg.eigvalsh(x @ x.mT)[:, -1] / few
    step = 1e-3 if "Adam" in arm else tuple((0.8 / top).tolist())
    how = dataclasses.replace(config, learning_rate=step, **ARMS[arm])
    orders = [generator(seed, "linear order") for seed in seeds]
    begin = {"dense0.weight": start}
    result = training.train(
        one_layer, how, begin, x, y, gens=orders, measure=away
    )
    end = result.params["dense0.weight"].mT
    new = [unseen(standard_test, seed) for seed in seeds]
    pixels = torch.stack([part.x.flatten(1).double() for part in new])
    truth = torch.stack([part.y for part in new])
    right = ((pixels @ end).argmax(2) == truth).double().mean(1)
    fitted = ((x @ end).argmax(2) == y.argmax(2)).double().mean(1)
    miss = (end - near).norm(dim=(1, 2)) / near.norm(dim=(1, 2))
    return [
        {
            "off nearest": miss[i].item(),
            "norm ratio": (end[i].norm() / goal[i].norm()).item(),
            "right": fitted[i].item(),
            "test %": 100 * right[i].item(),
            **result.summary(i),
        }
        for i in range(len(group))
    ]


grid = sweeps.grid(arm=list(ARMS), seed=run.seeds)
ended = records.frame(sweeps.run(grid, descend, provenance=run.provenance()))

# %%
shown = ended.assign(distance=[c[-1] for c in ended["distance curve"]])
columns = {
    "distance": "distance to w*",
    "norm ratio": "norm over that of w*",
    "test %": "test (%)",
}
means = shown.groupby("arm", sort=False)[list(columns)].mean()
means["distance"] = means.distance.map("{:.2g}".format)
means.round(2).rename(columns=columns).rename_axis(None)

# %% tags=["hide-input", "remove-output"]
final = shown.groupby("arm").distance.max()
apart = shown.groupby("arm")["off nearest"].max()
zero, moved, adam = ARMS
why = "largest distance to it over its length; training ends after finite steps"
found = verdicts.identity(float(final[zero]), 1e-6, reason=why)
claims.check("implicit.min-norm", found, context, unit="of the length")
found = verdicts.identity(float(apart[moved]), 1e-6, reason=why)
claims.check("implicit.nearest", found, context, unit="of the length")

# %% tags=["remove-cell"]
by_arm = shown.set_index(["arm", "seed"])
for name, arm in (("zero", zero), ("moved", moved), ("adam", adam)):
    prose.number(f"norm-{name}", by_arm.loc[arm]["norm ratio"].mean(), ".2f")
    prose.number(f"linear-{name}", by_arm.loc[arm]["test %"].mean(), ".1f")
    prose.number(f"fitted-{name}", 100 * by_arm.loc[arm].right.mean(), ".0f")
prose.number("few", few)
prose.number("pixels", x.shape[1])
prose.number("adam-off", by_arm.loc[adam].distance.mean(), ".2f")

# %% [markdown]
# {claim}`implicit.min-norm` Every seed has its own images and its own order of batches; the number
# behind the badge is the largest distance of all seeds, and two lines of linear algebra foretold
# where each would end.
#
# {claim}`implicit.nearest` From the random start SGD gets {glue:text}`fitted-moved` % of the
# training images right, too, with weights {glue:text}`norm-moved` times as long as $w^{*}$.
#
# Adam, from zero, is the control that shows how little it takes to lose the proof. It gets
# {glue:text}`fitted-adam` % of its training images right, but dividing each weight's step by a
# number of its own turns the steps out of the span of the images, and it ends at a distance of
# {glue:text}`adam-off` lengths of $w^{*}$. Wilson et al. {cite:p}`wilson2017marginal` built
# problems in which this ruins the test error. Here Adam has {glue:text}`linear-adam` % test
# accuracy, SGD from zero {glue:text}`linear-zero` %. One often reads that on a linear model SGD
# *always* ends at a solution of small norm. It is a statement about this optimizer from this
# start.
#
# Does the choice matter on new digits? For the start, the formula lets us ask without any training:
# multiply the random start by a scale $s$, from 0 to 2, and test the nearest solution.
#
# :::{admonition} Predict
# :class: tip
# All these models fit the same images exactly. By how many percentage points do their test
# accuracies differ between $s = 0$ and the usual $s = 1$?
# :::

# %%
scales = (0.0, 0.25, 0.5, 1.0, 2.0)
rows = []
for seed in run.seeds:
    x, y = few_images(seed)
    part = unseen(standard_test, seed)
    new, truth = part.x.flatten(1).double(), part.y
    usual = models.init(one_layer, [generator(seed, "linear start")])
    usual = usual["dense0.weight"][0].double().T
    for s in scales:
        end = nearest(x, y, s * usual)
        assert (x @ end - y).abs().max() < 1e-9  # fitted exactly
        right = ((new @ end).argmax(1) == truth).double().mean()
        rows.append({"scale": s, "seed": seed, "test %": 100 * right.item()})
starts = pd.DataFrame(rows)

# %% tags=["hide-input"]
curves = ended.explode(["distance curve", "curve steps"])
curves["steps"] = curves["curve steps"].astype(float)
curves["distance"] = curves["distance curve"].astype(float)
figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.6))
figures.seed_curves(left, curves, x="steps", y="distance", hue="arm")
left.set(
    yscale="log", xlabel="steps", ylabel="distance to $w^*$ (lengths of $w^*$)"
)
legend = left.get_legend_handles_labels()
left.get_legend().remove()
figure.legend(*legend, loc="outside lower center", ncols=3)
figures.seed_points(
    right,
    starts.assign(what="nearest solution"),
    x="scale",
    y="test %",
    hue="what",
)
right.set(
    xlabel="scale $s$ of the random start",
    ylabel="test accuracy (%)",
    ylim=(0, None),
)
figures.baseline(right, 10, "chance", side="right")
by_scale = starts.groupby("scale")["test %"].mean()
figures.show(
    figure,
    "start",
    alt="Left: distance to the minimum-norm solution against steps; at the end, "
    + "; ".join(f"{arm}: {final[arm]:.1e}" for arm in ARMS)
    + " (largest over seeds). Right: test accuracy of exact fits against the "
    "scale of the start; means in percent: "
    + "; ".join(f"s={s:g}: {v:.1f}" for s, v in by_scale.items()),
    caption="Left: how far from $w^*$ each way of training ends: "
    + ", ".join(f"{arm} {final[arm]:.2g}" for arm in ARMS)
    + f" (largest over seeds). Right: of models that all fit the same {few} images "
    f"exactly, those nearest to zero are right on {by_scale[0.0]:.0f} % of new "
    f"images, those nearest to the usual start on {by_scale[1.0]:.0f} %. One line or "
    "dot a seed; bars are 95 % t intervals.",
    data=curves[["arm", "seed", "steps", "distance"]],
)

# %% tags=["hide-input", "remove-output"]
per = starts.pivot(index="seed", columns="scale", values="test %")
cost = (per[0.0] - per[1.0]).tolist()
found = verdicts.above(cost, 0.0)
claims.check("implicit.start-costs", found, context, unit="percentage points")

# %% tags=["remove-cell"]
prose.number("start-cost", found.effect, ".0f")
prose.number("at-zero", by_scale[0.0], ".0f")
prose.number("at-one", by_scale[1.0], ".0f")

# %% [markdown]
# {claim}`implicit.start-costs` From {glue:text}`at-zero` % at $s = 0$ it goes to
# {glue:text}`at-one` % at $s = 1$, with not one training error more. The part of the start that
# lies at a right angle to all training images is never corrected, since no gradient points there;
# it stays in the weights as noise, and new images see it. So, where the claim holds, a small norm
# is a good guide among the solutions *of one model*, and the optimizer follows it for free.
#
# This is the squared error. With {term}`cross-entropy` there is no end point: on examples that a
# linear model can separate the loss keeps falling as the weights grow for ever. Their *direction*
# converges all the same, to the one with the largest *margin* (the boundary between the classes
# stays as far as possible from the nearest example), however the start was chosen
# {cite:p}`soudry2018implicit`. For networks with hidden layers no such simple answer is known.
#
# ## The kernel trick, in a roundabout way
#
# The score of a new image $x$ is $x^{\top} w^{*} = \sum_i \alpha_i\, x^{\top} x_i$. Training
# needed the inner products of training images, prediction those of the new image with them.
# Nothing else. So take any function $k(a, b)$ that is an inner product of *some* features of the
# images $a$ and $b$ (numbers computed from an image), put it where the inner products stood, and
# you have a linear model in those features:
#
# $$ K_{ij} = k(x_i, x_j), \qquad K \alpha = y, \qquad f(x) = \sum_i \alpha_i\, k(x, x_i) . $$
#
# Such a function is called a *kernel*, and this is the {term}`kernel trick`. The
# {term}`Gaussian kernel` is
#
# $$ k(a, b) = \exp\left( -\frac{\lVert a - b \rVert^2}{2 \sigma^2} \right)
#    = e^{-\lVert a \rVert^2 / 2\sigma^2}\, e^{-\lVert b \rVert^2 / 2\sigma^2}
#      \sum_{m=0}^{\infty} \frac{(a^{\top} b)^m}{\sigma^{2m}\, m!} . $$
#
# Multiply out $(a^{\top} b)^m$, and you get an inner product of features, namely of all products
# of $m$ pixels (exercise 2 does it for two pixels). The sum has all $m$: infinitely many features.
# Whatever the number of examples, there are more weights; $K$ is invertible for any set of
# different images {cite:p}`micchelli1986interpolation`, and any labels are fitted exactly.
# Classical advice would be: never do this without {term}`regularization`.
#
# The {term}`bandwidth <bandwidth (of a kernel)>` $\sigma$ (`bandwidth`) says what counts as near.
# We must choose it without looking at test digits, so we take a rule that sees no labels at all:
# the median distance between two training images {cite:p}`garreau2018large`. Written out, and
# compared with `scipy`'s interpolation:

# %%
part = datasets.subset(train, 200, gen=generator(0, "shown kernel"))
x, y = part.x.flatten(1).double(), F.one_hot(part.y, 10).double()
new = test.x[:50].flatten(1).double()


def gaussian(a: Tensor, b: Tensor, bandwidth: float) -> Tensor:
    squared = (a[:, None] - b).square().sum(2)
    return torch.exp(-squared / (2 * bandwidth**2))


bandwidth = torch.pdist(x).median().item()
alpha = torch.linalg.solve(gaussian(x, x, bandwidth), y)
scores = gaussian(new, x, bandwidth) @ alpha

# %%
gram = linear.gaussian(x, x, bandwidth=linear.median_distance(x))
ours = linear.gaussian(new, x, bandwidth=bandwidth) @ linear.fit(gram, y)
assert torch.allclose(ours, scores, atol=1e-6)

bell = {"kernel": "gaussian", "epsilon": 1 / (math.sqrt(2) * bandwidth)}
pair = (x.numpy(), y.numpy())
theirs = interpolate.RBFInterpolator(*pair, degree=-1, **bell)(new.numpy())
error = abs(scores.numpy() - theirs).max()
assert error < 1e-6
print(f"largest difference to scipy: {error:.0e}")

# %% [markdown]
# ## Five ways to look at a digit
#
# The kernel sees distances. What a distance means can be changed by preprocessing, and the paper
# did so. We prepare five versions of each image now, since one sweep serves the next two
# questions: how well does the unregularized kernel do, and does its norm know?
#
# - **raw pixels**;
# - **each pixel standardized** over the training images, a common habit and not always a good
#   one: it blows up the pixels at the edge that hardly ever change;
# - **2×2 means**, a smaller and smoother image;
# - **random filters**: 16 small filters with random weights, ReLU, local means: a convolutional
#   layer that was never trained;
# - **Gabor magnitudes**: how much of a stroke in each of eight directions there is around each
#   place, by {term}`Gabor filters <Gabor filter>`: a wave under a Gaussian bell.


# %%
def gabor_bank(size: int = 7, angles: int = 8, wave: float = 4.0) -> Tensor:
    """Return a cosine and a sine filter for each direction."""
    at = torch.arange(size) - size // 2
    down, across = torch.meshgrid(at, at, indexing="ij")
    bell = torch.exp(-(down**2 + across**2) / 8)  # standard deviation 2 pixels
    filters = []
    for angle in torch.arange(angles) * math.pi / angles:
        phase = across * angle.cos() + down * angle.sin()
        for curve in (torch.cos, torch.sin):
            ripple = bell * curve(2 * math.pi * phase / wave)
            filters.append(ripple - bell * ripple.sum() / bell.sum())
    return torch.stack(filters)[:, None]


GABOR = gabor_bank()


def look(way: str, x: Tensor, part: Tensor, seed: int) -> Tensor:
    """Return the features of images x; part holds the training images."""
    if way == "raw pixels":
        return x.flatten(1)
    if way == "each pixel standardized":
        deviation, mean = torch.std_mean(part, 0)
        return ((x - mean) / deviation.where(deviation > 0, 1)).flatten(1)
    if way == "2×2 means":
        return F.avg_pool2d(x, 2).flatten(1)
    if way == "random filters":
        shape, gen = (16, x.shape[1], 5, 5), generator(seed, "filters")
        seen = F.conv2d(x, torch.randn(shape, generator=gen).to(x), padding=2)
        seen = seen.relu()
    else:
        waves = F.conv2d(x, GABOR.to(x), padding=3)
        seen = waves.unflatten(1, (-1, 2)).square().sum(2).sqrt()
    return F.avg_pool2d(seen, x.shape[2] // 7).flatten(1)


WAYS = ["raw pixels", "each pixel standardized", "2×2 means"]
WAYS += ["random filters", "Gabor magnitudes"]

# %% [markdown]
# One run: draw images, look at them, compare all pairs.


# %%
def compare(c: dict) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return both kinds of labels, kernel of the training images, and of test with them."""
    where, seed = run.torch_device, c["seed"]
    part = datasets.subset(train, c["size"], gen=generator(seed, "subset"))
    images = part.x.to(where)
    a = look(c["way"], images, images, seed).double()
    fresh = unseen(test, seed)
    b = look(c["way"], fresh.x.to(where), images, seed).double()
    wide = {"bandwidth": linear.median_distance(a[:1000])}
    gram, cross = linear.gaussian(a, a, **wide), linear.gaussian(b, a, **wide)
    return part.y, fresh.y, gram, cross


# %% [markdown]
# Then solve $K\alpha = y$ and test. The norm is recorded, too; its formula comes below. Three
# things come almost for free: the same with random labels (more columns of $y$, called `dice`), the
# nearest training image as an answer (the largest entry in a row of the kernel), and the kernel of
# half the bandwidth, which is simply $k(a, b)^4$.


# %%
def interpolant(c: dict) -> dict:
    """Fit one training set exactly with a Gaussian kernel, and test."""
    labels, truth, gram, cross = compare(c)
    dice = {"rate": 1.0, "num_classes": 10, "gen": generator(c["seed"], "dice")}
    both = (labels, corruption.random_labels(labels, **dice).y)
    y = torch.cat([F.one_hot(v, 10) for v in both], 1).to(gram)
    found = {"nearest": wrong(labels[cross.argmax(1).cpu()], truth)}
    kinds = {"": (gram, cross)}
    if c["size"] == middle:
        kinds["half "] = [k.square().square() for k in (gram, cross)]
    for name, (k, new) in kinds.items():
        alpha = linear.fit(k, y)
        answers = (new @ alpha[:, :10]).argmax(1).cpu()
        found[f"{name}error"] = wrong(answers, truth)
        found[f"{name}misfit"] = (k @ alpha - y).abs().max().item()
        found[f"{name}norm"] = linear.norm(alpha[:, :10], k)
        found[f"{name}dice norm"] = linear.norm(alpha[:, 10:], k)
    return found


def wrong(answers: Tensor, truth: Tensor) -> float:
    """Return the test error of answers, in percent."""
    return 100 * (answers != truth).double().mean().item()


# %%
sizes = run.scale(
    smoke=(100, 200, 400),
    cpu=(375, 750, 1500, 3000),
    gpu=(1250, 2500, 5000, 10_000, 20_000),
)
middle = run.scale(smoke=200, cpu=750, gpu=10_000)  # for comparisons
if len(train) < sizes[-1]:  # where small digits stand in for MNIST
    sizes, middle = (100, 200, 400), 200
grid = sweeps.grid(way=["raw pixels"], size=sizes, seed=run.seeds)
grid += sweeps.grid(way=WAYS[1:], size=[middle], seed=run.seeds)


def sweep(grid: list[dict], one) -> pd.DataFrame:
    """Run the configs one by one."""
    done = sweeps.run(
        grid, lambda group: list(map(one, group)), provenance=run.provenance()
    )
    return records.frame(done)


kernel = sweep(grid, interpolant)
print(f"largest misfit of a target: {kernel.misfit.max():.0e}")

# %% [markdown]
# ## Fitted exactly, and yet
#
# :::{admonition} Predict
# :class: tip
# Infinitely many features, every label fitted to many digits, no regularization. How many of 100
# new digits does the kernel get wrong? Would a penalty on the norm, chosen as well as one can
# choose it, help?
# :::
#
# For the second question we add $\lambda$ times the squared norm to the sum of the squared errors
# ($\lambda$ is `penalty`, from $10^{-4}$ to 1). The best fit then solves $(K + \lambda I)\,\alpha =
# y$, where $I$ is the identity matrix; this is {term}`ridge regression`. And we let the penalty
# cheat: for each seed we take the one that does best *on the test digits*. If even that gains
# nothing, this kind of regularization was not what was missing.


# %%
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)


def ridge(c: dict) -> dict:
    """Return the test error of each penalty, in percent."""
    labels, truth, gram, cross = compare(c)
    y, found = F.one_hot(labels, 10).to(gram), {}
    for penalty in (0.0, *PENALTIES):
        scores = cross @ linear.fit(gram, y, penalty=penalty)
        found[f"{penalty:g}"] = wrong(scores.argmax(1).cpu(), truth)
    return found


grid = sweeps.grid(way=["raw pixels"], size=[sizes[-2]], seed=run.seeds)
penalized = sweep(grid, ridge)
names = [f"{penalty:g}" for penalty in (0.0, *PENALTIES)]
errors = penalized[names].mean().to_frame("test error (%)")
errors.round(2).rename_axis("penalty").T

# %% tags=["hide-input"]
raw = kernel[kernel.way == "raw pixels"]
long = raw.melt(["size", "seed"], ["error", "nearest"], "answer", "test error")
long["answer"] = long.answer.map(
    {"error": "Gaussian kernel, no penalty", "nearest": "nearest image"}
)
figure, axis = plt.subplots(figsize=(6.0, 3.8))
figures.seed_points(axis, long, x="size", y="test error", hue="answer")
axis.set(
    xscale="log",
    yscale="log",
    xlabel="training images",
    ylabel="test error (%)",
)
axis.set_xticks(sizes, [f"{n:,}" for n in sizes])
axis.set_yticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
axis.minorticks_off()
axis.set_ylim(1, None)
figures.baseline(axis, 1.2, "published, 60,000 images", side="left")
axis.legend()
by_size = raw.groupby("size")[["error", "nearest"]].mean()
figures.show(
    figure,
    "kernel",
    alt=f"Test error on {test.name} against training images, both axes "
    "logarithmic. Means in percent, kernel and nearest image: "
    + "; ".join(
        f"n={n}: {row.error:.1f} and {row.nearest:.1f}"
        for n, row in by_size.iterrows()
    ),
    caption="A Gaussian kernel that fits every training label exactly errs on "
    + " and ".join(
        f"{by_size.error[n]:.1f} % of the test digits with {n:,} training images"
        for n in (sizes[0], sizes[-1])
    )
    + f"; the nearest training image on {by_size.nearest[sizes[-1]]:.1f} % with "
    f"{sizes[-1]:,}. Dots are seeds, bars 95 % t intervals; the dotted line is what "
    "{cite:t}`zhang2017understanding` report for all 60,000 images.",
    data=long,
)

# %% tags=["hide-input", "remove-output"]
largest = raw[raw["size"] == sizes[-1]].error
found = verdicts.below(largest.tolist(), 6)
claims.check("implicit.kernel", found, context, unit="% test error")
kernel_finding = found

names = names[1:]
gain = penalized["0"] - penalized[names].min(axis=1)
found = verdicts.below(gain.tolist(), 0.5)
claims.check(
    "implicit.kernel-no-penalty", found, context, unit="percentage points"
)


# %% tags=["hide-input", "remove-output"]
low, high = kernel_finding.interval
prose.number("largest", sizes[-1], ",")
prose.number("penalized-size", sizes[-2], ",")
prose.number("kernel-error", kernel_finding.effect, ".1f")
prose.number("kernel-interval", f"{low:.1f} to {high:.1f}")
prose.number("nearest-error", by_size.nearest[sizes[-1]], ".1f")
prose.number("penalty-gain", found.effect, ".2f")
digit, power = f"{raw.misfit.max():.0e}".split("e-")
power = str(int(power)).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
prose.number("misfit", f"{digit}·10⁻{power}")

# %% [markdown]
# {claim}`implicit.kernel` With {glue:text}`largest` training images it is
# {glue:text}`kernel-error` % (95 % {term}`interval <confidence interval>`
# {glue:text}`kernel-interval`), and the nearest training image alone gives
# {glue:text}`nearest-error` %. No target is missed by more than {glue:text}`misfit`.
#
# {claim}`implicit.kernel-no-penalty` The best of five penalties, chosen with the answers in hand,
# gains {glue:text}`penalty-gain` percentage points (with {glue:text}`penalized-size` training
# images).
#
# The paper's own numbers {cite:p}`zhang2017understanding`, all without data augmentation and, but
# for one, without a penalty, beside the Gaussian kernel of this run:

# %% tags=["hide-input"]
PUBLISHED = [
    ("MNIST, 60,000", "raw pixels", "1.2", "220"),
    ("MNIST, 60,000", "Gabor wavelets", "0.6", "390"),
    ("CIFAR-10", "raw pixels", "46", ""),
    ("CIFAR-10", "32,000 random filters", "17", ""),
    ("CIFAR-10", "32,000 random filters, penalty", "15", ""),
]
head = ("data", "features", "test error (%)", "norm")
published = pd.DataFrame(PUBLISHED, columns=head)
published["source"] = "the paper"
here = kernel[kernel["size"] == middle].groupby("way", sort=False)
here = here[["error", "norm"]].mean()
fresh = pd.DataFrame(
    {
        "data": f"{train.name}, {middle:,}",
        "features": here.index,
        "test error (%)": [f"{v:.1f}" for v in here.error],
        "norm": [f"{v:.0f}" for v in here.norm],
        "source": "this run",
    }
)
both = pd.concat([published, fresh]).set_index("data")
both.rename_axis(None)

# %% [markdown]
# Good test results after a perfect fit are no privilege of deep networks; Belkin et al.
# {cite:p}`belkin2018understand` found them for more kernels and data. Whatever explains it
# should explain it for kernels too. (The paper does not say how it chose its bandwidth, so our
# rule and theirs need not agree. And a norm grows with the number of images: compare norms only
# within a block of the table.)
#
# ## Is it the norm, then?
#
# Of all linear models in the same features that fit the labels, the kernel solution has the
# smallest norm (the proof above, with features in place of pixels). The features may be infinitely
# many, but the norm is computable: from $w = \sum_i \alpha_i\, \phi(x_i)$, where $\phi(x_i)$ are
# the features of image $i$, follows
# $\lVert w \rVert^2 = \sum_{ij} \alpha_i \alpha_j k(x_i, x_j) = \alpha^{\top} K \alpha$. We sum
# this over the ten classes and take the root.
#
# A first test: with the same kernel on the same images, do labels rolled with a die need a larger
# norm than true ones?

# %% tags=["hide-input", "remove-output"]
ratios = (raw["dice norm"] / raw.norm)[raw["size"] == middle].tolist()
found = verdicts.above(ratios, 1, scale="log")
claims.check("implicit.norm-sees-labels", found, context, unit="times")

# %% tags=["remove-cell"]
prose.number("dice-ratio", found.effect, ".1f")

# %% [markdown]
# {claim}`implicit.norm-sees-labels` It is {glue:text}`dice-ratio` times as large. If the claim
# holds, here is a quantity that looks at the labels and tells sense from nonsense, which the
# {doc}`randomization experiment <random-data>` had asked for. Does it also tell good features
# from bad?
#
# :::{admonition} Predict
# :class: tip
# If the norm were the explanation, the preprocessing with the smaller norm would have the smaller
# test error. The paper found a pair where it is the other way round: Gabor features against raw
# pixels. A single such pair is enough to refute the rule, and we named this one before the runs.
# Will it appear again?
# :::
#
# One warning first. A norm has a **unit**. Multiply all features by three, and the weights that
# give the same scores are a third as long:

# %%
x, y = few_images(0)
once, tripled = linear.min_norm(x, y), linear.min_norm(3 * x, y)
new = standard_test.x.flatten(1).double()
same = (new @ once - (3 * new) @ tripled).abs().max()
third = (once - 3 * tripled).abs().max()
print(f"norm {once.norm():.3f} becomes {tripled.norm():.3f}")
print(f"but no score changes by more than {same:.0e}")

# %% tags=["hide-input", "remove-output"]
found = verdicts.identity(
    float(max(same, third)), 1e-9, reason="scores, and weights times three"
)
claims.check("implicit.norm-has-a-unit", found, context, unit="scores")

# %% [markdown]
# {claim}`implicit.norm-has-a-unit` So comparing norms of different features says nothing unless
# their lengths are made equal. With the Gaussian kernel they are: $k(x, x) = 1$, every image's
# feature vector has length 1, however it was preprocessed. And a bandwidth in proportion to the
# distances cancels the unit of the pixels. This makes the comparison as fair as it can be.

# %% tags=["hide-input"]
look_at = kernel[kernel["size"] == middle]
figure, axis = plt.subplots(figsize=(6.4, 3.9))
for i, (way, group) in enumerate(look_at.groupby("way", sort=False)):
    color, marker = figures.COLORS[i], figures.MARKERS[i]
    axis.scatter(
        group.norm, group.error, s=24, color=color, marker=marker, alpha=0.7
    )
    axis.annotate(
        way,
        (group.norm.mean(), group.error.max()),
        xytext=(0, 8),
        textcoords="offset points",
        ha="center",
        color=color,
        fontsize=9.5,
    )
axis.set(xlabel="norm of the interpolant (features of length 1)")
axis.set(ylabel="test error (%)", ylim=(0, None))
axis.margins(x=0.15, y=0.15)
means = look_at.groupby("way", sort=False)[["norm", "error"]].mean()
figures.show(
    figure,
    "norms",
    alt=f"Test error against norm for five kinds of features, {middle} training "
    "images. Means, norm and error in percent: "
    + "; ".join(
        f"{w}: {r.norm:.0f}, {r.error:.1f}" for w, r in means.iterrows()
    ),
    caption="If small norms explained small errors, the points would rise from "
    f"left to right. The smallest norm belongs to the {means.norm.idxmin()}, the "
    f"smallest error to the {means.error.idxmin()}. One dot a seed.",
    data=look_at[["way", "seed", "norm", "error"]],
)

# %% tags=["hide-input", "remove-output"]
by_way = look_at.set_index(["way", "seed"])
pixels, gabor = by_way.loc["raw pixels"], by_way.loc["Gabor magnitudes"]
larger = stats.ratio_interval(gabor.norm / pixels.norm)
better = stats.ratio_interval(pixels.error / gabor.error)
found = verdicts.all_of(
    {
        "norm, Gabor over raw": verdicts.above(
            gabor.norm / pixels.norm, 1, scale="log"
        ),
        "test error, raw over Gabor": verdicts.above(
            pixels.error / gabor.error, 1, scale="log"
        ),
    }
)
claims.check("implicit.norm-is-not-enough", found, context, unit="times")


# %% tags=["remove-cell"]
def reversed_pairs(prefix: str) -> int:
    """Count pairs of ways in which the larger norm has the smaller error."""
    mean = look_at.groupby("way")[[f"{prefix}norm", f"{prefix}error"]].mean()
    points = mean.to_numpy()
    pairs = [
        (points[i] - points[j]).prod()
        for i in range(len(points))
        for j in range(i)
    ]
    return sum(product < 0 for product in pairs)


prose.number("reversed", reversed_pairs(""))
prose.number("reversed-half", reversed_pairs("half "))
prose.number("pairs", len(WAYS) * (len(WAYS) - 1) // 2)
prose.number("norm-larger", larger.estimate, ".2f")
prose.number("error-smaller", better.estimate, ".1f")
half_ratio = stats.ratio_interval(
    (gabor["half norm"] / pixels["half norm"]).tolist()
)
prose.interval("half-ratio", half_ratio, ".2f")
prose.number("half-raw", pixels["half error"].mean(), ".1f")
prose.number("half-gabor", gabor["half error"].mean(), ".1f")
prose.number("whole-raw", pixels.error.mean(), ".1f")
prose.number("whole-norm", pixels.norm.mean(), ".0f")
prose.number("half-norm", pixels["half norm"].mean(), ".0f")

# %% [markdown]
# {claim}`implicit.norm-is-not-enough` The norm of the Gabor features is {glue:text}`norm-larger`
# times that of the raw pixels, and the error of the raw pixels {glue:text}`error-smaller` times
# that of the Gabor features. Of the {glue:text}`pairs` pairs one can form of the five,
# {glue:text}`reversed` are in the wrong order (by their means). Mind what kind of statement this
# is: it says that the rule "smaller norm, smaller error" is false, and one reversed pair suffices.
# It does not say that norms never help; see the dice above.
#
# The pair differs in the preprocessing: somebody's knowledge that strokes and their directions
# matter. The norm says which function is small *in the space that we chose*. It does not choose
# the space.

# %% [markdown]
# ## Early stopping and batch normalization
#
# Back to networks, where no formula gives the end point. Two habits are often called implicit
# regularizers.
# {term}`Early stopping` keeps the weights of the {term}`epoch` that did best on a
# {term}`validation set`, and so, as a rule, ends nearer to the start. {term}`Batch normalization`
# rescales each hidden unit by its mean and deviation over the batch {cite:p}`ioffe2015batch`; it
# was made to ease training, and its authors noticed that it regularizes too.
#
# The paper measured both on large image networks. Early stopping could have helped on ImageNet,
# where it looked at the best epoch after the fact, and not on CIFAR-10; batch normalization was
# worth three to four percentage points. A report on the paper that this part draws on places
# these two experiments in the linear models of the sections above; they were done with deep
# networks. We repeat them with two networks, true labels and labels of which
# 40 % are redrawn, and several seeds, pair by pair.
#
# For each seed we draw training images and a quarter as many for validation, *with labels from
# the same noisy source*: who has only noisy labels has only these to validate with. Training goes
# on until 99.9 % of the training labels are fitted, or {glue:text}`most-epochs` epochs have passed.
#
# :::{admonition} Predict
# :class: tip
# Four numbers, in percentage points of test accuracy: what early stopping gains over the end of
# training, and what batch normalization gains, with true and with noisy labels. We wrote down,
# after the pilot and before these seeds: early stopping, much with noise and less than two points
# without; batch normalization, less than two points either way with true labels, and with noise
# less than early stopping.
# :::

# %%
size = run.scale(smoke=160, cpu=800, gpu=40_000)  # training images
held = size // 4  # validation images
seen = run.scale(smoke=200, cpu=1000, gpu=10_000)  # test images, each epoch
hidden = run.scale(smoke=(64,), cpu=(128, 128), gpu=(512, 512, 512))
channels = run.scale(smoke=(8, 16), cpu=(8, 16), gpu=(64, 128, 256))
scaled = {name: datasets.standardize(*both) for name, both in data.items()}


def network(c: dict) -> models.ModelConfig:
    shape = scaled[c["data"]][0].x.shape[1:]
    io = {"input_shape": shape, "num_classes": 10, "batch_norm": c["norm"]}
    if c["network"] == "MLP":
        return models.ModelConfig(kind="mlp", hidden=hidden, **io)
    conv = {"channels": channels, "kernel_size": 3, "hidden": (64,)}
    return models.ModelConfig(kind="cnn", **conv, **io)


recipe = training.TrainConfig(
    batch_size=run.scale(smoke=20, cpu=50, gpu=128),
    max_epochs=run.scale(smoke=15, cpu=60, gpu=300),
    learning_rate=run.scale(smoke=0.01, cpu=0.02, gpu=0.02),
    momentum=0.9,
    stop_accuracy=0.999,
)

# %% tags=["remove-cell"]
prose.number("most-epochs", recipe.max_epochs)

# %% [markdown]
# While it trains, each network is also run on its validation images and on test images after
# every epoch. The last set of runs is a rival that we shall need at the end: it has no validation
# set and trains on all its labels.


# %%
def draw(c: dict) -> tuple[Tensor, Tensor]:
    """Images and labels of one run, those for validation last."""
    (train, _), seed = scaled[c["data"]], c["seed"]
    part = datasets.subset(train, size + held, gen=generator(seed, "subset"))
    kind = {"rate": c["rate"], "num_classes": 10}
    gen = generator(seed, "labels")
    return part.x, corruption.random_labels(part.y, **kind, gen=gen).y


# %%
def fit(group: list[dict]) -> list[dict]:
    """Train one stack; measure on validation and test images."""
    where, model = run.torch_device, network(group[0])
    drawn = zip(*map(draw, group), strict=True)
    x, y = (torch.stack(part).to(where) for part in drawn)
    cut = size if group[0]["validates"] else size + held
    _, test = scaled[group[0]["data"]]
    new = (test.x.to(where), test.y.to(where))
    gens = [generator(c["seed"], "test images") for c in group]
    mine = datasets.rows(test, min(seen, len(test)), gens=gens).to(where)
    kept = (x[:, cut:], y[:, cut:])

    def accuracies(now: dict, which: Tensor) -> dict:
        found = {
            "test": metrics.evaluate(model, now, *new, rows=mine[which])[1]
        }
        if cut == size:
            own = (kept[0][which], kept[1][which])
            found["validation"] = metrics.evaluate(model, now, *own)[1]
        return found

    start = models.init(model, [generator(c["seed"], "init") for c in group])
    start = {name: p.to(where) for name, p in start.items()}
    orders = [generator(c["seed"], "batch order") for c in group]
    told = (x[:, :cut], y[:, :cut])
    more = {"gens": orders, "measure": accuracies}
    result = training.train(model, recipe, start, *told, **more)
    return [result.summary(i) for i in range(len(group))]


# %%
first = {"data": list(data), "network": ["MLP", "CNN"]}
last = {"rate": [0.0, 0.4], "seed": run.seeds}
grid = sweeps.grid(**first, norm=[False, True], validates=[True], **last)
first["network"] = ["MLP"]
grid += sweeps.grid(**first, norm=[False], validates=[False], **last)
done = sweeps.run(
    grid, fit, together=("seed", "rate"), provenance=run.provenance()
)
nets = records.frame(done)
nets["end"] = [100 * curve[-1] for curve in nets["test curve"]]
print(f"{len(nets)} networks trained, {sum(~nets.fitted)} not fitted in time")

# %% [markdown]
# Early stopping is one line: the epoch with the best validation accuracy, the first of them if
# there are several. Beside it stands the *oracle*, the best epoch by the test images themselves.
# Nobody can use it, and it shows what there was to gain.

# %%
nets["arm"] = nets.data + " " + nets.network if len(data) > 1 else nets.network
plain = nets[nets.validates].copy()
plain["epoch"] = [int(np.argmax(c)) for c in plain["validation curve"]]
plain["stopped"] = [
    100 * curve[epoch]
    for curve, epoch in zip(plain["test curve"], plain.epoch, strict=True)
]
plain["oracle"] = [100 * max(curve) for curve in plain["test curve"]]
arms = list(plain.arm.unique())


# %% tags=["hide-input"]
def values(arm: str, rate: float, norm: bool, what: str) -> np.ndarray:
    these = "arm == @arm and rate == @rate and norm == @norm"
    return plain.query(these).sort_values("seed")[what].to_numpy()


def stopping(arm: str, rate: float, norm: bool = False) -> list[float]:
    ends = values(arm, rate, norm, "end")
    return (values(arm, rate, norm, "stopped") - ends).tolist()


def normalizing(arm: str, rate: float) -> list[float]:
    without, batch = (values(arm, rate, norm, "end") for norm in (False, True))
    return (batch - without).tolist()


# %% tags=["hide-input"]
def effect(differences: list[float]) -> str:
    found = stats.mean_interval(differences)
    half = found.high - found.estimate
    return f"{found.estimate:+.1f} ± {half:.1f}".replace("-", "−")


lines = {}
for arm in arms:
    for rate, labels in ((0.0, "true"), (0.4, "noisy")):
        end, best = (values(arm, rate, False, v) for v in ("end", "oracle"))
        lines[arm, labels] = {
            "end (%)": f"{end.mean():.1f}",
            "stopping": effect(stopping(arm, rate)),
            "oracle": effect((best - end).tolist()),
            "norm.": effect(normalizing(arm, rate)),
            "both": effect((values(arm, rate, True, "stopped") - end).tolist()),
        }
pd.DataFrame(lines).T

# %% [markdown]
# A *plain* network is one without batch normalization. The first column is its test accuracy at
# the end of training. The others are changes of that in percentage points (mean over seeds ± half
# the 95 % t interval): by early stopping, by the oracle, by batch normalization, and by both, that
# is, from the plain network at its end to a normalized one that is stopped early.

# %% tags=["hide-input", "remove-output"]
points = "percentage points"
found = verdicts.all_of(
    {a: verdicts.above(stopping(a, 0.4), 0.0) for a in arms}
)
claims.check("implicit.early-stopping", found, context, unit=points)


def small(differences: list[float], low: float) -> verdicts.Finding:
    return verdicts.within(differences, low, 2)


found = verdicts.all_of({a: small(stopping(a, 0.0), -math.inf) for a in arms})
claims.check("implicit.early-stopping-clean", found, context, unit=points)

found = verdicts.all_of({a: small(normalizing(a, 0.0), -2) for a in arms})
claims.check("implicit.batch-norm", found, context, unit=points)

more = {
    a: np.subtract(stopping(a, 0.4), normalizing(a, 0.4)).tolist() for a in arms
}
found = verdicts.all_of({a: verdicts.above(v, 0.0) for a, v in more.items()})
claims.check("implicit.batch-norm-noise", found, context, unit=points)

# %% tags=["hide-input"]
curves = plain.query("rate == 0.4").explode("test curve")
curves["epoch"] = curves.groupby(["arm", "norm", "seed"]).cumcount()
curves["test %"] = 100 * curves["test curve"].astype(float)
curves["kind"] = curves.norm.map({False: "plain", True: "batch normalization"})
chosen = plain.query("rate == 0.4")
figure, panels = plt.subplots(1, 2, figsize=(7.4, 3.7), sharey=True)
for axis, arm in zip(panels, arms, strict=False):
    figures.seed_curves(
        axis, curves[curves.arm == arm], x="epoch", y="test %", hue="kind"
    )
    for norm, color in zip((False, True), figures.COLORS, strict=False):
        dots = chosen[(chosen.arm == arm) & (chosen.norm == norm)]
        axis.scatter(dots.epoch, dots.stopped, s=26, color=color, zorder=3)
    axis.set(
        title=arm, xlabel="epoch", ylabel="test accuracy (%)", ylim=(0, 100)
    )
    figures.baseline(axis, 10, "chance", side="right")
    axis.legend(loc="lower right", bbox_to_anchor=(1, 0.15), fontsize=9.5)
drops = {
    (a, n): (
        values(a, 0.4, n, "stopped").mean(),
        values(a, 0.4, n, "end").mean(),
    )
    for a in arms
    for n in (False, True)
}
figures.show(
    figure,
    "stopping",
    alt="Test accuracy against epochs with 40 % of the labels redrawn. Mean at the "
    "chosen epoch and at the end, in percent: "
    + "; ".join(
        f"{a}, {'batch normalization' if n else 'plain'}: {s:.1f} and {e:.1f}"
        for (a, n), (s, e) in drops.items()
    ),
    caption="With 40 % of the labels redrawn: test accuracy at the epoch that the "
    "validation set chose (dots), and at the end, when the wrong labels are learned. "
    + "; ".join(
        f"{a}{', batch normalization' if n else ''}: {s:.0f} % and {e:.0f} %"
        for (a, n), (s, e) in list(drops.items())[:4]
    )
    + ". One line a seed, up to the perfect fit.",
    data=curves[["arm", "kind", "seed", "epoch", "test %"]],
)

# %% tags=["remove-cell"]
for net, arm in zip(("MLP", "CNN"), arms[:2], strict=True):
    prose.number(f"stop-noisy-{net}", effect(stopping(arm, 0.4)))
    prose.number(f"stop-clean-{net}", effect(stopping(arm, 0.0)))
    prose.number(f"norm-clean-{net}", effect(normalizing(arm, 0.0)))
    prose.number(f"norm-noisy-{net}", effect(normalizing(arm, 0.4)))
    prose.number(f"plain-{net}", values(arm, 0.0, False, "end").mean(), ".0f")
    for name, norm in (("plain", False), ("batch", True)):
        epochs = values(arm, 0.4, norm, "epochs").mean()
        prose.number(f"epochs-{name}-{net}", epochs, ".0f")
rival = nets[~nets.validates & (nets.arm == arms[0])]
rival = rival.set_index(["rate", "seed"]).sort_index()
for name, rate in (("clean", 0.0), ("noisy", 0.4)):
    stop = values(arms[0], rate, False, "stopped")
    prose.number(f"rival-{name}", effect((stop - rival.loc[rate].end).tolist()))
prose.number("held", held, ",")
prose.number("size", size, ",")

# %% [markdown]
# **Early stopping.** {claim}`implicit.early-stopping` The change is {glue:text}`stop-noisy-MLP`
# points for the MLP and {glue:text}`stop-noisy-CNN` for the CNN. The figure suggests why: what the
# images have in common is learned in the first epochs, the wrong labels after that.
#
# {claim}`implicit.early-stopping-clean` The change is {glue:text}`stop-clean-MLP` and
# {glue:text}`stop-clean-CNN` points. Without wrong labels there is little to be stopped from. So the
# paper's two findings, a gain in one place and none in another, need not contradict each other:
# what early stopping is worth depends on the data.
#
# **Batch normalization.** {claim}`implicit.batch-norm` The change is {glue:text}`norm-clean-MLP`
# points for the MLP and {glue:text}`norm-clean-CNN` for the CNN.
#
# {claim}`implicit.batch-norm-noise` The change is {glue:text}`norm-noisy-MLP` and
# {glue:text}`norm-noisy-CNN` points. Fitting the noisy labels took {glue:text}`epochs-batch-MLP`
# epochs on average instead of {glue:text}`epochs-plain-MLP` for the MLP, and
# {glue:text}`epochs-batch-CNN` instead of {glue:text}`epochs-plain-CNN` for the CNN. (Fewer epochs
# and little gain mean that in these small networks it helps the optimizer more than it restrains
# it.) In the paper's much deeper one it was worth more, and even there the network without it
# generalized far above chance.
#
# Is one of them *the* reason why networks generalize? With true labels, without either, the MLP has
# {glue:text}`plain-MLP` % test accuracy, the CNN {glue:text}`plain-CNN` %, and guessing has 10 %.

# %% [markdown]
# ## How this can mislead
#
# **Early stopping had free labels.** It was compared with a network that never used the
# {glue:text}`held` validation images. The honest rival trains on all {glue:text}`size` plus
# {glue:text}`held` and does not stop early. Against it, the early-stopped MLP gains
# {glue:text}`rival-noisy` points with noisy labels and {glue:text}`rival-clean` with true ones. A
# validation set has a price: its labels are not trained on.
#
# **The verdict on the norm depends on the kernel.** Halve the bandwidth. The error of the raw
# pixels goes from {glue:text}`whole-raw` % to {glue:text}`half-raw` %, their norm from
# {glue:text}`whole-norm` to {glue:text}`half-norm`. The Gabor features now have an error of
# {glue:text}`half-gabor` %, and {glue:text}`half-ratio` times the norm of the raw pixels (95 %
# interval {glue:text}`half-ratio-interval`): below 1, *this* pair is no counterexample any more.
# Of all {glue:text}`pairs` pairs, {glue:text}`reversed-half` are in the wrong order, against
# {glue:text}`reversed` before. The number of reversed pairs is not a property of nature. The claim
# names one, and one is enough.
#
# **A kernel is a preference, too.** "No regularization" means: none was added. The
# Gaussian kernel itself prefers smooth functions, and the bandwidth says how smooth. We fixed it
# by a rule that sees no labels; somebody had to choose the rule.
#
# **The proof is about linear models.** It says where SGD ends if the features stand still. In a
# network the features move. That its optimizer prefers something is plausible, and the curves
# above fit that; *what* it prefers is not known in general.
#
# **What the intervals cover.** A seed draws training and test images, labels, initial weights
# and batches. Step length, width and batch size were not varied. Effects of about a
# point are of the size that such choices make.

# %% [markdown]
# ## Exercises
#
# ```{exercise} What no gradient sees
# :label: implicit-ex-unseen
#
# A start $w_0$ has a part that SGD on a linear model can never change: the part at a right angle
# to all training images. Complete `unseen`, for images `x` (one a row, fewer than pixels, none a
# combination of the others) and a vector `start`. Hand in: the function, and one sentence on what
# becomes of the other part of the start.
# ```


# %% tags=["exercise"]
def unseen(x: Tensor, start: Tensor) -> Tensor:
    """Return the part of start [d] at a right angle to the rows of x."""
    ### BEGIN SOLUTION
    alpha = torch.linalg.solve(x @ x.T, x @ start)
    return start - x.T @ alpha
    ### END SOLUTION


# %% tags=["check"]
rows = torch.randn(4, 9, generator=generator(0, "unseen rows")).double()
begin = torch.randn(9, generator=generator(0, "unseen start")).double()
part = unseen(rows, begin)
assert part is not None, "nothing is returned yet: write the body"
assert part.shape == begin.shape, f"wrong shape: {tuple(part.shape)}"
assert (rows @ part).abs().max() < 1e-9, "it is not at a right angle to x"
seen_part = begin - part
fit_error = torch.linalg.lstsq(rows.T, seen_part[:, None]).solution
fit_error = (rows.T @ fit_error)[:, 0] - seen_part
assert fit_error.abs().max() < 1e-9, "the rest must be a combination of images"
assert unseen(rows, rows[0]).abs().max() < 1e-9, "an image itself is all seen"
print("Exercise 1: all checks passed")

# %% [markdown]
# ```{exercise} Features behind a kernel
# :label: implicit-ex-features
#
# For points with two coordinates take the kernel $k(a, b) = (1 + a^{\top} b)^2$. Multiply it out
# and complete `features`, so that the inner products of the features are the kernel. Hand in: the
# function, the number of features, and how many labels they can fit exactly at most.
# ```


# %% tags=["exercise"]
def features(a: Tensor) -> Tensor:
    """Return one row of features for each row of a [points, 2]."""
    ### BEGIN SOLUTION
    one, two = a[:, 0], a[:, 1]
    root = math.sqrt(2)
    ones = torch.ones_like(one)
    linear_part = [ones, root * one, root * two]
    return torch.stack([*linear_part, one**2, two**2, root * one * two], dim=1)
    ### END SOLUTION


# %% tags=["check"]
points_a = torch.randn(30, 2, generator=generator(0, "points")).double()
mapped = features(points_a)
assert mapped is not None, "nothing is returned yet: write the body"
assert mapped.shape[0] == 30, "one row of features for each point"
assert mapped.ndim == 2, f"two axes, got {mapped.ndim}"
wanted_gram = (1 + points_a @ points_a.T) ** 2
off = (mapped @ mapped.T - wanted_gram).abs().max()
assert mapped.shape[1] < 30, "features of a point must not use other points"
assert off < 1e-9, f"some inner product is off by {off:.1e}"
alone = features(points_a[:1])
assert torch.allclose(alone, mapped[:1]), "a point's features are its own"
print("Exercise 2: all checks passed")

# %% [markdown]
# ```{exercise} Patience
# :label: implicit-ex-patience
#
# In practice nobody trains to the end to find out when to stop. One keeps the best weights so far
# and gives up after `patience` epochs in a row without a new best. Complete `kept_epoch`, which
# returns the epoch whose weights are kept, given the validation accuracies after epoch 0, 1, 2,
# ... Equal to the best is not a new best. Hand in: the function, and an example where it keeps
# another epoch than the best of all.
# ```


# %% tags=["exercise"]
def kept_epoch(validation: list[float], patience: int) -> int:
    """Return the epoch whose weights early stopping keeps."""
    ### BEGIN SOLUTION
    best = 0
    for epoch, accuracy in enumerate(validation):
        if accuracy > validation[best]:
            best = epoch
        if epoch - best >= patience:
            break
    return best
    ### END SOLUTION


# %% tags=["check"]
assert kept_epoch([0.1, 0.5], 3) is not None, "nothing is returned: write it"
climb = [0.1, 0.3, 0.3, 0.2, 0.4, 0.1]
assert climb[kept_epoch(climb, 5)] == max(climb), "patient enough for the best"
gen, longer = generator(0, "patience"), 0
for _ in range(300):
    made_up = (torch.randint(6, (12,), generator=gen) / 5).tolist()
    for patience in (1, 2, 4, 20):
        epoch = kept_epoch(made_up, patience)
        before = made_up[:epoch]
        assert all(v < made_up[epoch] for v in before), (
            "the kept epoch must be better than all before it"
        )
        after = made_up[epoch + 1 : epoch + 1 + patience]
        assert all(v <= made_up[epoch] for v in after), (
            "a better epoch came before patience ran out"
        )
        records_set = [
            i
            for i in range(epoch + 1)
            if all(v < made_up[i] for v in made_up[:i])
        ]
        waits = np.diff(records_set)
        assert all(w <= patience for w in waits), (
            "training had been given up before this epoch"
        )
print("Exercise 3: all checks passed")

# %% [markdown]
# ```{exercise} An optimizer that minds the axes. An open question
# :label: implicit-ex-open
#
# Rotate all images by one random orthogonal matrix $Q$, training and test images alike:
# $x \mapsto Q x$. Show on paper that SGD from zero ends at the rotated solution and gives the same
# scores. Then measure what the rotation does to Adam's test accuracy on this lecture's linear
# problem. Fix seeds and settings before you look. Hand in: the proof, one figure with every seed
# visible, and two sentences. What does Adam prefer that SGD does not, and for which data might
# that be a good thing?
# ```

# %% [markdown]
# ## Summary
#
# - For a linear model the preference of SGD is known exactly: it ends at the solution nearest to
#   its start, which is the one of least norm if it starts at zero. With {glue:text}`few` images,
#   the usual random start instead of zero cost {glue:text}`start-cost` points of test accuracy at
#   equal training error. Adam from zero ended {glue:text}`adam-off` lengths of $w^{*}$ away.
# - Deep networks are not needed for the puzzle. A Gaussian kernel with infinitely many features,
#   fitted to every label and not penalized, errs on {glue:text}`kernel-error` % of new digits.
# - With one kernel, random labels took {glue:text}`dice-ratio` times the norm of true ones. Between
#   features the norm is no such guide: Gabor features had {glue:text}`norm-larger` times the norm of
#   raw pixels, and raw pixels {glue:text}`error-smaller` times the error of Gabor features.
# - With 40 % of the labels redrawn early stopping changed the test accuracy by
#   {glue:text}`stop-noisy-MLP` points (MLP) and {glue:text}`stop-noisy-CNN` (CNN); with true labels
#   by {glue:text}`stop-clean-MLP` and {glue:text}`stop-clean-CNN`. Batch normalization changed it by
#   {glue:text}`norm-clean-MLP` and {glue:text}`norm-clean-CNN` with true labels.
#
# **Open.** What plays the part of the norm in a network, where the features are learned? A talk
# on which part of this book is based puts the wish in one sentence: optimization explores only a
# small part of what a network could represent, so a theory that looks only at what it *could*
# represent must miss the point. **Next** in this part: does the optimizer learn patterns before
# noise?
#
# ```{bibliography}
# :filter: docname in docnames
# ```
