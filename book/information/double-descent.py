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
# (double-descent)=
# # What happens past the point where theory says stop?
#
# You make your model larger, step by step. At first the error on new images falls. Then the model
# has so many parameters that it can learn every training label by heart, and the error shoots up.
# That is {term}`overfitting`, and every textbook says what to do: stop, go back, take less.
#
# Suppose that you do not go back. You make the model twice as large again, then four times, then
# sixteen times. For a long time few people looked at what happens there. Why should one?
#
# :::{dropdown} Show me the answer
# {by-verdict}`descent.second | holds: **The error falls again.** The worst model is the one that can
# *just* learn its training set by heart; models four and sixteen times as large are better. |
# fails: **The error does
# not fall with every step** past that point. | undecided: **Whether the error falls again** with
# every step, these runs cannot tell. | not-run: This build did not run the experiment.`
# {by-verdict}`descent.regularized | holds: And a tuned penalty on the weights removes the peak. |
# fails: And a penalty on the weights does not remove the peak everywhere. |
# undecided: Whether a penalty removes the peak everywhere stays open. | not-run: Look at another
# build.`
# :::
#
# **What is measured.** The error on new data of three models, from far too small to sixteen times as
# large as "just large enough": a linear model of which the error has a formula; a fixed random layer
# with a trained last layer; and trained networks. For the last two, one training
# label in five is wrong.
#
# **What theory predicts.** For the linear model, everything, exactly. The classical guarantees, on
# the other hand, grow with the number of parameters $p$ and say nothing that is useful when $p$ is
# larger than the number $n$ of training examples.
#
# **What you need.** Least squares, and matrix times vector. *Singular values* are explained where
# they are used.

# %% tags=["parameters", "remove-cell"]
profile = "cpu"
device = "auto"
seeds = ""

# %% tags=["hide-input"] title="Set-up: imports, sizes, data"
import dataclasses
import itertools
import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from dlnotes import rng
from dlnotes.rng import generator
from dlnotes.data import corruption, datasets
from dlnotes.networks import metrics, models, stacks, training
from dlnotes.theory import bounds, linear
from dlnotes.lab import claims, figures, prose, records, sweeps, verdicts
from dlnotes.lab.settings import Settings

figures.style()
run = Settings(profile=profile, device=device, seeds=seeds).prepare()
n = run.scale(smoke=50, cpu=400, gpu=1000)  # training examples
held = run.scale(smoke=50, cpu=500, gpu=1000)  # validation images
tests = run.scale(smoke=100, cpu=1000, gpu=10_000)  # test images of a seed
WRONG = 0.2  # share of wrong labels, to be expected


def centered(side: int) -> tuple[datasets.Dataset, datasets.Dataset]:
    """Load the images at this size, and take the mean training image away."""
    name = run.scale(smoke="digits", cpu="mnist", gpu="mnist")
    parts = datasets.load_all([name], stand_in="digits", side=side)
    ((train, test),) = parts.values()
    mean = train.x.mean(0)
    return tuple(dataclasses.replace(a, x=a.x - mean) for a in (train, test))


train, test = centered(run.scale(smoke=8, cpu=14, gpu=28))
classes = train.num_classes
context = claims.Context(settings=run, data=[train], needs=("mnist",))
formulas = claims.Context(settings=run, data=[], needs=())
context

# %% [markdown]
# ## Watch it happen
#
# Twelve points on a curve, each measured with an error. The model adds up $p$ waves,
# $\theta_1 \cos(a_1 x + b_1) + \dots + \theta_p \cos(a_p x + b_p)$. The frequencies $a$ and shifts
# $b$ are drawn once and stay; only the weights $\theta$ are fitted, by least squares. Such fixed,
# drawn functions are called {term}`random features`. With $p = n = 12$ there is exactly one way to
# meet all points: that size is the {term}`interpolation threshold`. With more features there are
# infinitely many ways, and we take the
# {term}`minimum-norm solution`: of all weights that meet the points, those whose squares have the
# smallest sum. Move the knob.


# %% tags=["hide-input"] title="Code of the figure"
POINTS, WAVES = 12, (3, 6, 9, 11, 12, 13, 24, 48, 96, 960)
gen = generator(0, "curve")
a = 5 * torch.randn(WAVES[-1], generator=gen, dtype=torch.float64)
b = 2 * math.pi * torch.rand(WAVES[-1], generator=gen, dtype=torch.float64)
at = torch.linspace(-1, 1, POINTS, dtype=torch.float64)
noise = 0.3 * torch.randn(POINTS, generator=gen, dtype=torch.float64)
line = torch.linspace(-1, 1, 400, dtype=torch.float64)
seen = torch.sin(3 * at) + noise
books, alts, says, lines = {}, {}, {}, []
for p in WAVES:
    waves, fine = (
        torch.cos(t[:, None] * a[:p] + b[:p]) / p**0.5 for t in (at, line)
    )
    theta = torch.linalg.pinv(waves) @ seen[:, None]  # least squares
    curve = (fine @ theta)[:, 0]
    off = float((curve - torch.sin(3 * line)).square().mean().sqrt())
    missed = float((waves @ theta - seen[:, None]).abs().max())
    frame, axis = plt.subplots(figsize=(5.6, 3.4))
    axis.plot(line, torch.sin(3 * line), "--", color=figures.INK, label="truth")
    axis.plot(line, curve, color=figures.COLORS[0], label=f"{p} features")
    axis.scatter(at, seen, color=figures.INK, s=24, zorder=3, label="seen")
    axis.set(xlim=(-1, 1), ylim=(-3.2, 3.2), xlabel="x", ylabel="y")
    axis.legend(loc="upper right", ncols=3)
    meets = "meets all points" if missed < 1e-3 else "misses some points"
    books[p] = frame
    says[p] = (
        f"{p} features: the curve {meets}; its distance to the truth is {off:.2g}."
    )
    alts[p] = f"Twelve points, the true curve and the fitted one. {says[p]}"
    lines.append({"features": p, "distance": off, "largest miss": missed})
curves = pd.DataFrame(lines).set_index("features")
assert curves.distance[12] > 2 * max(curves.distance[6], curves.distance[960])
figures.flipbook(
    books,
    "curve",
    label="features p (n = 12)",
    alts=alts,
    says=says,
    caption="The least-norm fit to twelve noisy points. Its distance to the "
    f"truth (root mean square) is {curves.distance[6]:.2g} with 6 features, "
    f"{curves.distance[12]:.2g} with 12, and {curves.distance[960]:.2g} with 960. "
    "It is wild where it can just meet the points, and tame again far beyond.",
    data=curves.reset_index(),
    default=12,
)

# %% [markdown]
# Both at 12 and at 960 features the curve goes through every point, errors of measurement included.
# {term}`Interpolation <interpolation>`, meeting all points, is therefore not what makes it wild.
#
# ## Why it explodes, and why it calms down
#
# The explanation fits into one equation. Write the features of all examples as a matrix $\Phi$, one
# row an example. Each matrix can be split into $u_i$, $s_i$, $v_i$: along
# the direction $v_i$ in the space of weights, $\Phi$ stretches by the *singular value* $s_i > 0$, and
# what comes out points along $u_i$. All $u_i$ have length 1 and are orthogonal to each other, and so
# are all $v_i$.
#
# ```{prf:proposition} Where the error of least squares comes from
# :label: double-descent-parts
#
# Let $y = \Phi \theta^\star + \varepsilon$, and let $\hat\theta$ be the least-squares solution of
# smallest norm. Then
#
# $$
# \begin{aligned}
# &\lVert \hat\theta - \theta^\star \rVert^2 = \underbrace{\Bigl\lVert \theta^\star - \sum_i v_i v_i^{\top} \theta^\star \Bigr\rVert^2}_{\text{truth that no example shows}} \\
# &\quad + \underbrace{\sum_i \frac{(u_i^{\top} \varepsilon)^2}{s_i^2}}_{\text{noise, divided by } s_i^2} .
# \end{aligned}
# $$
#
# :::{symbols}
# $\Phi$ | `x`, here {glue:text}`box-n` × {glue:text}`box-p`
# $\theta^\star, \varepsilon$ | `truth`, `noise`, drawn
# left side | `left`, in this run {glue:text}`box-left`
# right side | `unseen + spread`, in this run {glue:text}`box-right`
# :::
# ```
#
# ```{dropdown} The proof, in three lines that you can skip
# With $\Phi = \sum_i s_i u_i v_i^{\top}$ the solution is $\hat\theta = \sum_i v_i u_i^{\top} y /
# s_i$. Put in $y$: $\hat\theta = \sum_i v_i v_i^{\top} \theta^\star + \sum_i v_i (u_i^{\top}
# \varepsilon) / s_i$. Subtract $\theta^\star$. The first difference is orthogonal to all $v_i$, so
# the squares add up.
# ```
#
# The equation holds for any $\Phi$, $\theta^\star$ and $\varepsilon$; nothing is assumed about how
# they were drawn. In double precision:

# %%
for p in (10, 40, 160, 640):
    gen = generator(0, "identity", p)
    draw = {"generator": gen, "dtype": torch.float64}
    x = torch.randn(40, p, **draw)
    truth = F.normalize(torch.randn(p, **draw), dim=0)
    noise = 0.5 * torch.randn(40, **draw)
    left = (torch.linalg.pinv(x) @ (x @ truth + noise) - truth).square().sum()
    u, s, vt = torch.linalg.svd(x, full_matrices=False)
    unseen = (truth - vt.T @ (vt @ truth)).square().sum()
    spread = ((u.T @ noise) / s).square().sum()
    assert abs(left - unseen - spread) < 1e-9 * left
    print(f"p = {p:3}  smallest s {s[-1]:6.3f}  ", end="")
    print(f"unseen {unseen:.3f} + noise {spread:7.3f} = {left:7.3f}")

# %% tags=["remove-cell"]
prose.number("box-n", len(x))
prose.number("box-p", x.shape[1])
prose.number("box-left", float(left), ".4f")
prose.number("box-right", float(unseen + spread), ".4f")

# %% [markdown]
# Read the columns from top to bottom. With fewer features than examples nothing of the truth is unseen,
# and the noise is divided by numbers well above zero. **At $p = n$ the smallest singular value is near
# zero, and the noise is divided by its square.** In plain words: the features are just enough, so
# they must be used even in a combination that they can hardly make, with enormous weights. With many
# more features each combination can be made in many ways, the smallest singular value grows again,
# and the least-norm solution uses the cheapest way. The price is in the other column: $n$ examples
# show only $n$ directions, so part of the truth is not seen at all.
#
# ## The limit, exactly
#
# Draw the entries of $\Phi$ independently from the normal distribution: the *isotropic* linear model,
# in which all directions are alike. Let the truth have length $r = 1$ and the noise the standard
# deviation $\sigma = 0.5$. For large $n$ and $p$ with $\gamma = p / n$ the risk, that is the mean
# squared error on new examples beyond their own noise, is exactly the left side of the
# proposition. It tends to
#
# $$
# \begin{aligned}
# &\frac{\sigma^2 \gamma}{1 - \gamma} \quad (\gamma < 1), \\
# &r^2 \Bigl( 1 - \frac{1}{\gamma} \Bigr) + \frac{\sigma^2}{\gamma - 1} \quad (\gamma > 1)
# \end{aligned}
# $$
#
# {cite:p}`hastie2022surprises`. These are the two terms of the proposition. The
# $n$ directions that the examples show leave out the share $1 - n/p$ of the truth's squared length. And
# the sum of all $1/s_i^2$ tends to $\gamma/(1-\gamma)$, or to $1/(\gamma-1)$. At $\gamma = 1$ the
# limit is
# infinite.

# %% [markdown]
# One short solver serves the rest of this page. For $p < n$ it solves for the weights. For $p \ge n$
# it solves for one number an example, which gives the least-norm solution (see {doc}`another chapter
# <../rethinking/implicit-regularization>`). A penalty above 0 makes it {term}`ridge regression`. Here
# it is checked against `pinv`, which gives the least-norm solution of any matrix, slowly.


# %%
def fits(phi: Tensor, targets: Tensor, penalties: list[float]) -> list[Tensor]:
    """Return the weights of least squares, one for each penalty."""
    wide = phi.shape[1] >= len(phi)
    gram = phi @ phi.T if wide else phi.T @ phi
    right = targets if wide else phi.T @ targets
    found = [linear.fit(gram, right, penalty=q) for q in penalties]
    return [phi.T @ one if wide else one for one in found]


for p in (20, 60):  # 30 examples, two outputs
    draw = {"generator": generator(0, "solver", p), "dtype": torch.float64}
    x, y = torch.randn(30, p, **draw), torch.randn(30, 2, **draw)
    error = (fits(x, y, [0.0])[0] - torch.linalg.pinv(x) @ y).abs().max()
    assert error < 1e-10
    print(f"{p} features: largest difference {error:.0e}")

# %% tags=["hide-input"] title="How the linear model is drawn and fitted"
R, SIGMA = 1.0, 0.5
rows = run.scale(smoke=40, cpu=200, gpu=400)
least = run.scale(smoke=2, cpu=8, gpu=20)  # data sets a seed
DRAWN = run.scale(smoke=40, cpu=6000, gpu=20_000)  # for small p more
GAMMAS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 1, 4 / 3, 2, 4, 8)


def limit(g: float) -> float:
    """Return the risk for large samples at g features an example."""
    if g < 1:
        return SIGMA**2 * g / (1 - g)
    return R**2 * (1 - 1 / g) + SIGMA**2 / (g - 1)


def isotropic(seed: int, p: int) -> dict:
    """Fit some data sets; return mean risk and a smallest singular value."""
    gen = generator(seed, "isotropic", p)
    draw, risks = {"generator": gen, "dtype": torch.float64}, []
    draws = max(least, DRAWN // p)
    for _ in range(draws):
        x = torch.randn(rows, p, **draw)
        truth = R * F.normalize(torch.randn(p, 1, **draw), dim=0)
        y = x @ truth + SIGMA * torch.randn(rows, 1, **draw)
        (found,) = fits(x, y, [0.0])
        risks.append(float((found - truth).square().sum()))
    edge = float(torch.linalg.svdvals(x)[-1]) / rows**0.5
    return {"risk": sum(risks) / draws, "least": edge}


lines = [
    {"seed": s, "ratio": g, **isotropic(s, round(g * rows))}
    for s in run.seeds
    for g in GAMMAS
]
drawn = pd.DataFrame(lines)

# %% tags=["hide-input"] title="Code of the figure"
figure, (top, low) = plt.subplots(
    2, 1, figsize=(5.6, 5.2), sharex=True, height_ratios=(3, 2)
)
for part in (np.geomspace(0.05, 0.97, 80), np.geomspace(1.03, 9, 80)):
    top.plot(part, list(map(limit, part)), color=figures.INK, lw=1.2)
    low.plot(part, abs(1 - part**0.5), color=figures.INK, lw=1.2)
look = {"s": 18, "alpha": 0.5, "linewidths": 0, "color": figures.COLORS[0]}
top.scatter(drawn.ratio, drawn.risk, **look)
low.scatter(drawn.ratio, drawn.least, **look)
top.set(yscale="log", ylabel="risk")
low.set(xscale="log", xlabel="features per example, p / n", ylim=(0, None))
low.set(ylabel="smallest s / √n", xticks=[1 / 16, 1 / 4, 1, 4])
low.set_xticklabels(["1/16", "1/4", "1", "4"])
low.minorticks_off()
figures.baseline(top, R**2, "always answering 0", side="left")
for axis in (top, low):
    axis.axvline(1, color=figures.INK, lw=0.8, ls=(0, (2, 2)))
mean = drawn.groupby("ratio")[["risk", "least"]].mean()
figures.show(
    figure,
    "limit",
    alt="Above: risk of the linear model against features per example, dots on "
    "the curves of the limit. Below: the smallest singular value, zero at 1. "
    "Mean risk: "
    + figures.words({f"at {g:.3g}": v for g, v in mean.risk.items()}, ".3g"),
    caption="Dots: the linear model, one dot a seed; lines: the limit. The risk "
    "(above) is infinite in the limit where the smallest singular value "
    "(below) is zero. Past that point it falls and then rises again, toward "
    "that of always answering 0.",
    data=drawn,
)


# %% tags=["remove-cell"]
def risk(g: float) -> np.ndarray:
    """Return the risk of the linear model, by seed."""
    return records.pick(drawn, ratio=g).risk.to_numpy()


unit = "times"
near = {
    f"p = {g:.3g} n": verdicts.ratio((risk(g) / limit(g)).tolist(), 0.9, 1.1)
    for g in GAMMAS
    if g != 1
}
claims.check("descent.theory", verdicts.all_of(near), formulas, unit=unit)
over = {
    f"p = {g:.3g} n": verdicts.ratio((risk(g) / risk(GAMMAS[0])).tolist(), 1)
    for g in GAMMAS
    if g > 1
}
claims.check("descent.not-below", verdicts.all_of(over), formulas, unit=unit)
prose.ratio("risk-first", risk(GAMMAS[0]).tolist(), ".3f")
prose.ratio("risk-two", risk(2.0).tolist(), ".2f")
prose.ratio("risk-last", risk(GAMMAS[-1]).tolist(), ".2f")
prose.number("rows", rows)
prose.number("limit-two", limit(2.0), ".2f")

# %% [markdown]
# {claim}`descent.theory` (With {glue:text}`rows` examples. At $p = n$ there is nothing to compare,
# since the limit is infinite. At $p = 2n$ it is {glue:text}`limit-two`, and the runs give
# {glue:text}`risk-two`.) {by-verdict}`descent.theory | holds: The formula is no story told
# afterwards: it says beforehand where the peak is, and how high. | fails: At this number of
# examples the limit is not yet reached everywhere. | undecided: At one of the sizes the runs are too
# noisy to tell.`
#
# So **a linear model has a {term}`double descent`, too**: the error falls, rises to a peak, and
# falls again. It is not a discovery about networks.
#
# Does the second descent lead to a *good* place? {claim}`descent.not-below` Each size is a problem
# of its own here: the
# truth has $p$ entries, all of them unknown, and always the same length. The smallest model has
# the risk {glue:text}`risk-first`, the one with eight features an example
# {glue:text}`risk-last`, and always answering 0 would give 1. {by-verdict}`descent.not-below | holds:
# In this model the error falls past the peak only because the peak is so bad. More features here
# mean more unknowns and no new knowledge. | fails: Here the second valley is deeper than the first. |
# undecided: Which valley is deeper stays open.`
#
# ## Digits, with one label in five wrong
#
# Now features that do bring knowledge. Take images of digits. Draw a first layer of $p$
# {term}`ReLU` units at random and leave it as it is; fit only the last layer, by least squares, to
# answer 1 for the labeled digit and 0 for the others. That is again a linear model in its $p$
# features. Labels are spoiled before training:

# %% tags=["hide-input"] title="Code of the figure"
RATE = WRONG / (1 - 1 / classes)  # a redrawn label may be right by chance
eight = datasets.subset(train, 10, gen=generator(0, "subset"))
spoiled = corruption.random_labels(
    eight.y, rate=RATE, num_classes=classes, gen=generator(0, "shown")
).y
pairs = zip(eight.y.tolist(), spoiled.tolist(), strict=True)
titles = [str(a) if a == b else f"{a} → {b}" for a, b in pairs]
figures.show(
    figures.image_rows({"": eight.x.numpy()}, titles, size=0.5),
    "spoiled",
    alt=f"Ten images of {train.name}; labels: {', '.join(titles)}.",
    caption="Ten training images, the mean image taken away. Above each the label "
    "that the model is told; an arrow leads from the true to the wrong one.",
    data=pd.DataFrame({"true": eight.y.tolist(), "told": spoiled.tolist()}),
)

# %% [markdown]
# :::{predict}
# :guess: peak
# :kind: number
# :unit: %
# Take as many features as examples, $p = n$. Then every training label, right or wrong, is met exactly.
# Which share of *new* images will the model get wrong? (A guess is wrong on nine in ten.)
# :::

# %% tags=["hide-input"] title="How the last layers are fitted"
TIMES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 1, 4 / 3, 2, 4, 16)
MORE = (1 / 4, 1 / 2, 3 / 4, 1, 4 / 3, 2, 4)  # examples, p fixed
PENALTIES = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0]
DIM = train.x[0].numel()


def spoil(y: Tensor, seed: int) -> Tensor:
    """Redraw labels so that a fifth is expected to be wrong."""
    return corruption.random_labels(
        y, rate=RATE, num_classes=classes, gen=generator(seed, "labels")
    ).y


def wrong(said: Tensor, y: Tensor) -> float:
    return 100 * float((said.argmax(1) != y).double().mean())


def frozen(seed: int) -> tuple[list[dict], list[dict], dict]:
    """Fit last layers for all p; for all n; and ask the nearest neighbor."""
    seen = datasets.subset(train, 4 * n + held, gen=generator(seed, "subset"))
    new = datasets.subset(test, tests, gen=generator(seed, "test images"))
    first = torch.randn(16 * n, DIM, generator=generator(seed, "features"))
    first *= (2 / DIM) ** 0.5
    old_y, new_y = {"true": seen.y, "wrong": spoil(seen.y, seed)}, new.y
    old, fresh = seen.x.flatten(1), new.x.flatten(1)
    keep = torch.cat([torch.arange(n), torch.arange(4 * n, len(old))])
    phi, phi_new = ((x @ first.T).relu().double() for x in (old[keep], fresh))
    hot = {k: F.one_hot(y, classes).double() for k, y in old_y.items()}
    told = torch.cat([one[:n] for one in hot.values()], 1)
    sizes = []
    for times in TIMES:
        p = round(times * n)
        here, valid, there = (
            z[:, :p] / p**0.5 for z in (phi[:n], phi[n:], phi_new)
        )
        plain, *shrunk = fits(here, told, [0.0, *PENALTIES])
        for i, labels in enumerate(hot):
            own = slice(i * classes, (i + 1) * classes)
            off = [
                float(
                    (valid @ one[:, own] - hot[labels][4 * n :]).square().sum()
                )
                for one in shrunk
            ]
            best = int(np.argmin(off))
            sizes.append(
                {
                    "seed": seed,
                    "labels": labels,
                    "times": times,
                    "least norm": wrong(there @ plain[:, own], new_y),
                    "tuned": wrong(there @ shrunk[best][:, own], new_y),
                    "penalty": PENALTIES[best],
                    "length": float(plain[:, own].norm()),
                    "train": wrong(here @ plain[:, own], old_y[labels][:n]),
                }
            )
    amounts = []
    here, there = (
        (x @ first[:n].T).relu().double() / n**0.5 for x in (old, fresh)
    )
    for times in MORE:
        m = round(times * n)
        (plain,) = fits(here[:m], hot["wrong"][:m], [0.0])
        error = wrong(there @ plain, new_y)
        amounts.append({"seed": seed, "times": times, "error": error})
    near = torch.cdist(fresh, old[:n]).argmin(1)
    copied = {
        k: 100 * float((y[near] != new_y).double().mean())
        for k, y in old_y.items()
    }
    return sizes, amounts, {"seed": seed, **copied}


parts = [frozen(seed) for seed in run.seeds]
sizes = pd.DataFrame(itertools.chain.from_iterable(p[0] for p in parts))
amounts = pd.DataFrame(itertools.chain.from_iterable(p[1] for p in parts))
neighbor = pd.DataFrame([p[2] for p in parts])


# %% tags=["hide-input"] title="Code of the figure"
def ratio_axis(axis: plt.Axes, label: str) -> None:
    """Mark p = n and name the sizes."""
    axis.axvline(1, color=figures.INK, lw=0.8, ls=(0, (2, 2)), zorder=0)
    axis.set(xscale="log", xlabel=label, xticks=[1 / 16, 1 / 4, 1, 4, 16])
    axis.set_xticklabels(["1/16", "1/4", "1", "4", "16"])
    axis.minorticks_off()


named = sizes.assign(
    labels=sizes.labels.map({"wrong": "a fifth wrong", "true": "true labels"})
).sort_values("labels")
figure, axis = plt.subplots(figsize=(5.6, 3.8))
figures.seed_points(axis, named, x="times", y="least norm", hue="labels")
axis.set(ylim=(0, 100), ylabel="wrong on new images (%)")
axis.axhline(
    neighbor.wrong.mean(),
    color=figures.INK,
    ls=(0, (2, 2)),
    lw=1,
    label="nearest neighbor,\na fifth wrong",
)
ratio_axis(axis, "features per example, p / n")
axis.legend(loc="upper right")
mean = sizes.groupby(["labels", "times"])["least norm"].mean()
figures.show(
    figure,
    "digits",
    alt="Share of wrong answers on new images against features per example. "
    + "; ".join(
        f"{k} labels: "
        + figures.words({f"at {t:.3g}": v for t, v in mean[k].items()}, ".0f")
        for k in ("wrong", "true")
    ),
    caption="A random layer and a fitted last layer: dots are seeds, bars 95 % intervals. With a "
    f"fifth of the labels wrong the error goes from {mean['wrong'][0.25]:.0f} % "
    f"at p = n/4 to {mean['wrong'][1]:.0f} % at p = n and down to "
    f"{mean['wrong'][16]:.0f} % at p = 16 n.",
    data=sizes,
)


# %% tags=["remove-cell"]
def errors(labels: str, times: float, kind: str = "least norm") -> np.ndarray:
    """Return test errors in percent, by seed."""
    return records.pick(sizes, labels=labels, times=times)[kind].to_numpy()


def excess(a: np.ndarray, b: np.ndarray, most: float = 0.0) -> verdicts.Finding:
    """Judge that the errors a lie above the errors b."""
    return verdicts.above((a - b).tolist(), most)


unit = "percentage points"
one = errors("wrong", 1)
found = {
    "a quarter": excess(one, errors("wrong", 1 / 4)),
    "16 times": excess(one, errors("wrong", 16)),
}
claims.check("descent.peak", verdicts.all_of(found), context, unit=unit)
found = {
    f"from {a} to {b} times": excess(errors("wrong", a), errors("wrong", b))
    for a, b in ((1, 4), (4, 16))
}
claims.check("descent.second", verdicts.all_of(found), context, unit=unit)
found = {
    f"p = {t:.3g} n": excess(errors("true", t), errors("true", 16))
    for t in TIMES
    if t < 1
}
claims.check("descent.below", verdicts.all_of(found), context, unit=unit)
for label, t in (("quarter", 1 / 4), ("one", 1), ("four", 4), ("sixteen", 16)):
    prose.mean(f"error-{label}", errors("wrong", t).tolist(), ".0f")
    prose.mean(f"true-{label}", errors("true", t).tolist(), ".0f")
prose.mean("neighbor", neighbor.wrong.tolist(), ".0f")
prose.number("n", n)
prose.number("held", held)
assert sizes[sizes.times >= 1].train.max() == 0  # all labels are met
lengths = sizes[sizes.labels == "wrong"].groupby("times").length.median()
for label, t in (("quarter", 1 / 4), ("one", 1), ("sixteen", 16)):
    prose.number(f"length-{label}", lengths[t], ",.0f")
allowed = {
    f"{a:.3g} to {b:.3g}": verdicts.below(
        (errors("wrong", b, "tuned") - errors("wrong", a, "tuned")).tolist(), 1
    )
    for a, b in itertools.pairwise(TIMES)
}
claims.check(
    "descent.regularized", verdicts.all_of(allowed), context, unit=unit
)
for label, t in (("quarter", 1 / 4), ("one", 1), ("sixteen", 16)):
    prose.mean(f"tuned-{label}", errors("wrong", t, "tuned").tolist(), ".0f")

# %% [markdown]
# {predicted}`peak <error-one>` {claim}`descent.peak` With {glue:text}`n` images:
# {glue:text}`error-quarter` %,
# {glue:text}`error-one` %, {glue:text}`error-sixteen` %. The weights tell
# the same story: their median length is {glue:text}`length-quarter` at $p = n/4$,
# {glue:text}`length-one` at $p = n$, and {glue:text}`length-sixteen` at $16n$.
#
# {claim}`descent.second` {by-verdict}`descent.second | holds: Nothing stops the model from meeting
# all wrong
# labels: from $p = n$ on it meets every one of them. Yet it gets better, because among more and
# more solutions the shortest one is taken. | fails: One of the two steps does not lower the error.
# | undecided:
# One of the two steps is too small for these seeds.`
#
# {claim}`descent.below` With true labels: {glue:text}`true-quarter` % at a quarter,
# {glue:text}`true-sixteen` % at sixteen times. {by-verdict}`descent.below | holds: So here, other
# than in the
# linear model above, the second valley is the deeper one. The difference is what a new feature brings:
# there one more unknown, here one more look at the same digit. | fails: So here, too, some small
# model is as good. |
# undecided: Which valley is deeper stays open.`
#
# ## What did theory really say?
#
# One of the lectures that this book grew from says that, by {term}`VC dimension`, the test
# error should rise steadily with the number of parameters. That needs one small change. **What
# rises is the *bound*
# on the error, not the error.** For two classes and any source of independent examples, the VC
# bound below holds for at least 95 % of all training sets. It is an upper limit. An error below a
# rising limit
# may fall, rise, or do both. (What the classical books expect of the error itself is a U, from
# {doc}`bias and variance <../regularization/tradeoff>`.) The VC dimension of a linear model with
# $p$ features is at most $p$, which the
# bound takes:

# %%
for p in (n // 16, n, 16 * n):
    many = 10_000_000
    few_, many_ = (
        bounds.vc(0.0, dimension=p, n=m, delta=0.05, loss_range=1.0)
        for m in (n, many)
    )
    print(f"p = {p:5}: error at most {few_:.2f} if all {n} examples are right,")
    print(f"           {'at most':>8} {many_:.2f} if all {many:,} are")

# %% [markdown]
# With our examples the bound is 1 at every size: it allows any error at all, so no curve on this page
# contradicts it. With ten million it rises, smoothly, through $p = n$ and beyond. It
# does not see the peak, since it speaks of *all* weights that fit, and the peak and the second
# valley are about *which* of them is taken.
#
# ## A penalty against the peak
#
# The equation above also says what to do. If dividing by a tiny $s_i$ is the harm, do not divide by
# tiny numbers. {term}`Ridge regression <ridge regression>` with penalty $\lambda$ multiplies by
# $s_i / (s_i^2 + \lambda)$ in place of $1 / s_i$, which stays small where $s_i$ is
# small. We choose $\lambda$ for each $p$ on held-back images, whose labels are as bad as the others.

# %% tags=["hide-input"] title="Code of the figure"
noisy = sizes[sizes.labels == "wrong"]
both = pd.concat(
    noisy[["seed", "times"]].assign(error=noisy[kind], fit=name)
    for kind, name in (("least norm", "least norm"), ("tuned", "penalty tuned"))
)
figure, axis = plt.subplots(figsize=(5.6, 3.6))
figures.seed_points(axis, both, x="times", y="error", hue="fit")
axis.set(ylim=(0, 100), ylabel="wrong on new images (%)")
ratio_axis(axis, "features per example, p / n")
axis.legend(loc="upper left")
mean = both.groupby(["fit", "times"]).error.mean()
figures.show(
    figure,
    "ridge",
    alt="Share of wrong answers against features per example, without and with "
    "a tuned penalty. "
    + "; ".join(
        f"{k}: "
        + figures.words({f"at {t:.3g}": v for t, v in mean[k].items()}, ".0f")
        for k in ("least norm", "penalty tuned")
    ),
    caption="The same features and the same wrong labels, without and with a penalty that "
    "validation images chose. At p = n the penalty takes the error from "
    f"{mean['least norm'][1]:.0f} to {mean['penalty tuned'][1]:.0f} %.",
    data=both,
)

# %% [markdown]
# {claim}`descent.regularized` With the penalty: {glue:text}`tuned-quarter` % at $p = n/4$,
# {glue:text}`tuned-one` % at $p = n$, {glue:text}`tuned-sixteen` % at $16 n$.
# {by-verdict}`descent.regularized | holds: So **the peak is not a law about size. It is what happens
# when nothing holds the weights.** With a tuned penalty the old advice is simply replaced by a new
# one: take the larger model. | fails: At some step the error still rises, so the penalty does not help
# everywhere. | undecided: At one step the runs cannot tell.`
#
# ## More data can hurt
#
# :::{predict}
# :guess: more
# :kind: choice
# :choices: half as many | as many
# The number of features stays as it is. You may have half as many training examples as features, or as
# many as features. No penalty. Which model is right more often on new images?
# :::
#
# The peak stands at $p = n$. One can reach it from either side: by more features, or by more examples.

# %% tags=["hide-input"] title="Code of the figure"
figure, axis = plt.subplots(figsize=(5.6, 3.2))
figures.seed_points(
    axis, amounts.assign(kind="one"), x="times", y="error", hue="kind"
)
axis.set(ylim=(0, 100), ylabel="wrong on new images (%)")
ratio_axis(axis, "training examples per feature, n / p")
axis.set(xlim=(0.2, 5))
mean = amounts.groupby("times").error.mean()
figures.show(
    figure,
    "more-data",
    alt="Share of wrong answers against examples per feature, with a peak at 1. "
    + figures.words({f"at {t:.3g}": v for t, v in mean.items()}, ".0f"),
    caption=f"{n} features, no penalty, a fifth of the labels wrong. With {n // 2} examples "
    f"{mean[0.5]:.0f} % of new images are wrong, with {n} examples "
    f"{mean[1]:.0f} %, with {4 * n} examples {mean[4]:.0f} %.",
    data=amounts,
)

# %% tags=["remove-cell"]
at = {t: records.pick(amounts, times=t).error.to_numpy() for t in MORE}
claims.check(
    "descent.more-data-hurts", excess(at[1], at[0.5]), context, unit=unit
)
prose.mean("more-half", at[0.5].tolist(), ".0f")
prose.mean("more-one", at[1].tolist(), ".0f")
prose.mean("more-four", at[4].tolist(), ".0f")

# %% [markdown]
# {predicted}`more` {claim}`descent.more-data-hurts` Half as many: {glue:text}`more-half` % wrong,
# as many:
# {glue:text}`more-one` %. {by-verdict}``descent.more-data-hurts | holds: The additional examples are
# as good as the first ones. They hurt because they use up the choice: each new equation takes one
# way out. {cite:t}`nakkiran2020deep` saw this in deep networks. | fails: Here the additional examples
# do not hurt. | undecided: Whether they hurt stays open.`` Collect still more, and the error falls
# far below, here to {glue:text}`more-four` %.
#
# ## And networks whose layers all learn?
#
# Let both layers of an {term}`MLP <multilayer perceptron>` with one hidden layer be trained. There
# is no
# formula any more. But one can count: $n$ examples with $k$ outputs each are $n k$ equations. If
# counting is what
# matters, the peak should stand at $p = n k$ parameters.
#
# Least squares minimizes the squared error, so we train with the squared error. The same networks
# are also trained with {term}`cross-entropy`, the usual loss, which never asks for an exact number:
# it is content when the right class has the largest score.

# %% tags=["hide-input"] title="How the networks are trained"
small, small_test = centered(7)
PIXELS = small.x[0].numel()
SIZES = {
    "squared_error": (1 / 4, 1 / 2, 1, 2, 4, 16),
    "cross_entropy": (1 / 4, 1, 16),
}
LOSS = {"squared_error": 0.01, "cross_entropy": 0.05}  # where training ends
EPOCHS = run.scale(smoke=20, cpu=1000, gpu=4000)


def width(times: float) -> int:
    """Return the hidden units that come nearest to times n k parameters."""
    return max(1, round((times * n - 1) * classes / (PIXELS + classes + 1)))


def mlp(times: float) -> models.ModelConfig:
    io = {"input_shape": small.x.shape[1:], "num_classes": classes}
    return models.ModelConfig(kind="mlp", hidden=(width(times),), **io)


def fit(group: list[dict]) -> list[dict]:
    """Train one stack, all seeds of one width and loss; then test it."""
    c, own, where = group[0], [c["seed"] for c in group], run.torch_device
    batch = n // 2
    recipe = training.TrainConfig(
        batch_size=batch,
        max_epochs=EPOCHS,
        learning_rate=0.003,
        optimizer="adam",
        loss=c["loss"],
        stop_loss=LOSS[c["loss"]],
        curve_every=20,
    )
    seen = [datasets.subset(small, n, gen=g) for g in rng.each(own, "subset")]
    x = torch.stack([part.x for part in seen]).to(where)
    pairs = zip(seen, own, strict=True)
    y = torch.stack([spoil(part.y, s) for part, s in pairs]).to(where)
    model = mlp(c["times"])
    start = models.init(model, rng.each(own, "init"), device=where)
    orders = rng.each(own, "batch order")
    result = training.train(model, recipe, start, x, y, gens=orders)
    found = []
    for i, seed in enumerate(own):
        gen = generator(seed, "test images")
        new = datasets.subset(small_test, tests, gen=gen)
        weights = stacks.select(result.params, i)
        images, answers = new.x.to(where), new.y.to(where)
        right = metrics.evaluate(model, weights, images, answers)[1].item()
        ended = result.summary(i)
        keep = ("train loss", "train accuracy", "epochs", "fitted", "diverged")
        found.append(
            {"error": 100 * (1 - right), **{k: ended[k] for k in keep}}
        )
    return found


grid = [
    config
    for loss, times in SIZES.items()
    for config in sweeps.grid(loss=[loss], times=times, seed=run.seeds)
]
nets = records.frame(sweeps.run(grid, fit, settings=run))
trained = stacks.num_parameters(models.init(mlp(1), [generator(0, "count")]))
print(
    f"{len(nets)} networks; at times = 1: {trained} parameters, n k = {n * classes}"
)

# %% tags=["hide-input"] title="Code of the figure"
named = nets.assign(
    loss=nets.loss.map(
        {"squared_error": "squared error", "cross_entropy": "cross-entropy"}
    )
)
figure, axis = plt.subplots(figsize=(5.6, 3.6))
figures.seed_points(axis, named, x="times", y="error", hue="loss")
axis.set(ylim=(0, None), ylabel="wrong on new images (%)")
ratio_axis(axis, "parameters per label and class, p / (n k)")
axis.set(xlim=(0.2, 20))
axis.legend(loc="lower left", title="trained with")
mean = named.groupby(["loss", "times"])[["error", "train accuracy"]].mean()
figures.show(
    figure,
    "networks",
    alt="Share of wrong answers of trained networks against parameters per "
    "label and class. "
    + "; ".join(
        f"{k}: "
        + figures.words(
            {f"at {t:g}": v for t, v in mean.error[k].items()}, ".0f"
        )
        for k in ("squared error", "cross-entropy")
    ),
    caption="Networks with one hidden layer, a fifth of the labels wrong. Squared error: "
    f"{mean.error['squared error'][0.25]:.0f} % wrong at p = nk/4, "
    f"{mean.error['squared error'][1]:.0f} % at nk, "
    f"{mean.error['squared error'][16]:.0f} % at 16 nk. Cross-entropy: "
    f"{mean.error['cross-entropy'][0.25]:.0f}, {mean.error['cross-entropy'][1]:.0f} and "
    f"{mean.error['cross-entropy'][16]:.0f} %.",
    data=nets,
)


# %% tags=["remove-cell"]
def net(loss: str, times: float, what: str = "error") -> np.ndarray:
    """Return what the networks of one loss and size came to, by seed."""
    return records.pick(nets, loss=loss, times=times)[what].to_numpy()


found = {
    f"{loss.replace('_', ' ')}, against {label}": excess(
        net(loss, 1), net(loss, times)
    )
    for loss in LOSS
    for label, times in (("a quarter", 1 / 4), ("16 times", 16))
}
claims.check("descent.networks", verdicts.all_of(found), context, unit=unit)
peak = nets[nets.loss == "squared_error"].groupby("times").error.mean()
prose.number("sq-peak", peak.idxmax(), "g")
falls = net("cross_entropy", 1 / 4).mean(), net("cross_entropy", 1).mean()
falls = falls[0] > falls[1] > net("cross_entropy", 16).mean()
shape = "falls from size to size" if falls else "does not fall at every step"
prose.number("ce-shape", shape)
for short, loss in (("sq", "squared_error"), ("ce", "cross_entropy")):
    for label, t in (("quarter", 1 / 4), ("one", 1), ("sixteen", 16)):
        prose.mean(f"{short}-{label}", net(loss, t).tolist(), ".0f")
        seen = 100 * net(loss, t, "train accuracy")
        prose.mean(f"{short}-train-{label}", seen.tolist(), ".0f")

# %% [markdown]
# {claim}`descent.networks` {by-verdict}`descent.networks | holds: So trained networks have the peak,
# too, near the place that counting equations gives, with either loss. | fails: **The claim names no
# loss, and it should have:** it would have to hold for both. | undecided: With these seeds the peak
# of trained networks stays open for one loss at least.`
#
# With the squared error the networks meet {glue:text}`sq-train-one` % of their training labels at
# $p = nk$. There they are wrong on {glue:text}`sq-one` % of new images, against
# {glue:text}`sq-quarter` % at a quarter and {glue:text}`sq-sixteen` % at 16 times the size. (Of the
# sizes tried, the mean error is largest at {glue:text}`sq-peak` times $nk$.)
#
# With cross-entropy the mean error of the same networks {glue:text}`ce-shape`:
# {glue:text}`ce-quarter` %, {glue:text}`ce-one` % and {glue:text}`ce-sixteen` %. At $p = nk/4$ they
# already meet {glue:text}`ce-train-quarter` % of their training labels, so they can just learn the
# training set at a much smaller size. The number of parameters alone does not say where a peak
# stands. **Name the loss, too.**
#
# Nor do three sizes settle the matter for cross-entropy. {by-verdict}``elephant.noise-hurts |
# holds: In {doc}`an earlier chapter <../rethinking/elephant>`, with more images and wrong labels,
# networks trained with it did get worse for a while as they grew. | fails: In {doc}`an earlier
# chapter <../rethinking/elephant>`, too, networks trained with it did not get worse as they grew. |
# undecided: The networks of {doc}`an earlier chapter <../rethinking/elephant>` leave it open, too.
# | not-run: {doc}`An earlier chapter <../rethinking/elephant>` looks at more sizes.``
#
# ## How this can mislead
#
# - **Not about networks.** The linear model and the frozen layer have the peak without any learned
#   layer. Who sees a double descent has not seen anything that is special to deep learning.
# - **Not about learning by heart.** The {term}`nearest neighbor rule` also meets every training
#   label, wrong ones
#   included. It has no number of parameters and no peak: it is wrong on {glue:text}`neighbor` % of
#   new images, the horizontal line in the figure of the digits.
# - **A lower valley is not guaranteed.** In the isotropic model the second valley is worse than
#   the first; with digits it is better. Measure both.
# - **No penalty is a choice.** Every peak here was measured without one. Who tunes a penalty, or stops
#   training early, may never see it.
# - **The penalty had help.** It was chosen on {glue:text}`held` more labeled images. Given to the
#   model without a
#   penalty, they would move its peak, not remove it.
# - **The knob is not only the size.** From $p$ to $2p$ features the solver chooses differently, too.
#   "More parameters" and "another preference among solutions" change together.
# - **What the intervals cover.** A seed draws training, validation and test images, wrong labels,
#   features or
#   initial weights. Other data sets are not covered.
#
# ## Summary
#
# {by-verdict}`descent.second | holds: **Past the point where theory says stop, the error falls again.
# It is largest where the model can just meet its training set, because there it has no choice, and must
# use whatever weights do it.** | fails: **Past the point where theory says stop, the error does
# not fall
# with every step.** | undecided: **Not settled by these runs.** | not-run: **This build did not run the
# experiment.**`
#
# - Digits with wrong labels: {glue:text}`error-quarter` % wrong at $p = n/4$, {glue:text}`error-one` %
#   at $n$, {glue:text}`error-sixteen` % at $16n$; with a tuned penalty {glue:text}`tuned-one` % at $n$.
# - At a fixed number of features, twice the examples took the error from {glue:text}`more-half` to
#   {glue:text}`more-one` %.
# - Trained networks: {glue:text}`sq-quarter`, {glue:text}`sq-one` and {glue:text}`sq-sixteen` %
#   with the
#   squared error, {glue:text}`ce-quarter`, {glue:text}`ce-one` and {glue:text}`ce-sixteen` % with
#   cross-entropy.
#
# **If you train models:** when a larger model is suddenly worse, or more data makes it worse, check
# whether it can just fit the training set. Then do not only try a smaller one: tune the penalty,
# and try
# a much larger one.
#
# **Open.** The peak is about which solution is taken. Which number of a trained network says how
# good the
# solution is that it took? **Next:** a bound that asks how far the weights had to move.

# %% [markdown]
# ## Exercises
#
# For the first two you need only the imports of the set-up, not the experiment.
#
# ```{exercise} The bottom of the second valley: 20 minutes
# :label: double-descent-ex-valley
#
# For $\gamma > 1$ the risk of the isotropic model tends to $r^2 (1 - 1/\gamma) + \sigma^2 /
# (\gamma - 1)$.
# Complete `best_ratio`: return the $\gamma > 1$ at which this is smallest, and `inf` where it falls for
# ever. Both arguments are positive. Hand in: the function, and one sentence on what the answer
# `inf` says about the second
# descent.
# ```


# %% tags=["exercise"]
def best_ratio(r: float, sigma: float) -> float:
    """Return the ratio above 1 with the smallest risk; inf if none is."""
    ### BEGIN SOLUTION
    return r / (r - sigma) if sigma < r else float("inf")
    ### END SOLUTION


# %% tags=["check"]
for r, sigma in ((1.0, 0.5), (2.0, 0.2), (1.0, 0.9), (3.0, 2.0), (0.5, 0.1)):
    g = best_ratio(r, sigma)
    assert g is not None, "nothing is returned yet: write the body"
    at = f"for r = {r} and sigma = {sigma}"
    assert g > 1, f"the ratio must be above 1, {at}"
    assert g < float("inf"), f"there is a smallest risk {at}"
    risks = [
        r**2 * (1 - 1 / h) + sigma**2 / (h - 1)
        for h in (g, 1 + 0.99 * (g - 1), 1 + 1.01 * (g - 1))
    ]
    assert risks[0] < risks[1], f"a little smaller a ratio is better {at}"
    assert risks[0] < risks[2], f"a little larger a ratio is better {at}"
for r, sigma in ((1.0, 2.0), (0.5, 0.6)):
    at = f"for r = {r} and sigma = {sigma}"
    assert best_ratio(r, sigma) == float("inf"), f"the risk falls for ever {at}"
print("Exercise 1: all checks passed")

# %% [markdown]
# ```{exercise} How much is noise amplified? 15 minutes
# :label: double-descent-ex-noise
#
# Let all entries of $\varepsilon$ have variance 1, independently. Complete `noise_gain`: return
# the mean, over the
# noise, of the second term of the proposition, for a given matrix of features. Hand in: the
# function, and its value for a drawn matrix of 50 examples with 25, 50 and 100 features.
# ```


# %% tags=["exercise"]
def noise_gain(phi: Tensor) -> float:
    """Return the mean squared error of the weights by noise of variance 1."""
    ### BEGIN SOLUTION
    return float((1 / torch.linalg.svdvals(phi) ** 2).sum())
    ### END SOLUTION


# %% tags=["check"]
for rows_, columns in ((30, 10), (10, 30), (12, 12)):
    draw = {"generator": generator(columns, "gain"), "dtype": torch.float64}
    phi = 3 * torch.randn(rows_, columns, **draw)
    phi[:, 0] *= 2
    given = phi.clone()
    gain = noise_gain(phi)
    assert gain is not None, "nothing is returned yet: write the body"
    assert torch.equal(phi, given), "leave the matrix unchanged"
    weights = torch.linalg.pinv(phi) @ torch.randn(rows_, 200_000, **draw)
    seen = float(weights.square().sum(0).mean())
    at = f"for {rows_} examples and {columns} features; a simulation disagrees"
    assert float(gain) > 0.97 * seen, f"too small {at}"
    assert float(gain) < 1.03 * seen, f"too large {at}"
print("Exercise 2: all checks passed")

# %% [markdown]
# ```{exercise} Without wrong labels? Open, two hours, needs the run
# :label: double-descent-ex-open
#
# Train the networks of this page on true labels and on 40 % wrong ones, with the squared error.
# Fix widths, seeds
# and a rule for "there is a peak" before you look. Hand in: one figure with every seed visible;
# your rule;
# what it says for each share of wrong labels, and how sure you are; and two sentences on where the peak
# stands compared with $p = nk$.
# ```
#
# ## How this was fixed
#
# :::{dropdown} Pilots, seeds, and what was chosen after looking
# All predictions were committed before this page was written. Pilots ran on seeds 9000 to 9007. They
# settled the sizes, the six penalties, how many data sets the linear model needs at small $p$
# (with twelve a seed
# the smallest size stayed undecided), and that the mean image is taken away: without that, some
# units of the smallest
# models answered 0 to every image, and least squares had no unique solution.
# The networks took most pilots, and you should know what they showed. With cross-entropy no
# pilot had a peak. With the squared error and plain SGD there was none at $p = nk$, and the narrow
# networks had hardly
# learned anything when the time was over. With 200 images the networks of $nk/4$ parameters were
# so narrow that their error was
# not yet at its first valley. With 400 images of 7 × 7 pixels and Adam (an optimizer
# that gives every weight a step length of its own) the peak was there. The claim does not name a
# loss. So it is judged with both, though the count $nk$ is a count of the equations of the first.
# Training ends at a loss of 0.01 (half the
# mean squared distance; 0.05 for
# cross-entropy) or after the limit of epochs.
# :::
#
# ## Sources
#
# The limit is that of {cite:t}`hastie2022surprises`. The curve with its second descent was named and
# shown for several models by {cite:t}`belkin2019reconciling`; the bound is that of
# {cite:t}`vapnik1971uniform`.
#
# ```{bibliography}
# :filter: docname in docnames
# ```
