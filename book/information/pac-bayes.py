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
# (pac-bayes)=
# # How far may the posterior move?
#
# Counting what a network *could* learn gives bounds that say nothing: it could learn anything. So
# look at something smaller. Before training you had a guess about the weights. After training you
# have a better one. **How far did the guess move?** If it moved little, the data cannot have been
# learned by heart, however large the network is. PAC-Bayes theory turns this sentence into a number.
#
# :::{dropdown} Show me the answer
# {by-verdict}`pac.holds | holds: **As far as the examples pay for.** Each example pays for a fraction
# of a nat of movement; the bound that says so held in the simulations of this page, where the truth
# is known. | fails: **The bound failed here more often than it may**, so something is wrong: with
# the program or with the theorem. | undecided: **The simulations cannot tell** whether the bound
# keeps its promise. | not-run: This build did not run the simulations.`
# {by-verdict}`pac.wrong-prior | holds: And the first guess need not be right: a bad one makes the
# bound large, not wrong. | fails: With a bad first guess, the promises of this page did not come out
# as predicted. | undecided: What a bad first guess does stays open. | not-run: Look at another build,
# or run it yourself.`
# :::
#
# **What is measured.** How often the bound fails over repeated draws of a training set, in models
# whose true error is a formula. What a wrong first guess does to it. How many images a network needs
# until the bound on its gap falls below one half, by counting and by PAC-Bayes.
#
# **What theory predicts.** The bound may fail in a share $\delta$ of all draws, and in no more. It
# holds for *every* distribution over the weights at once, also one that was chosen to fit the data.
#
# **What you need.** Calculus, the normal distribution, a little PyTorch. A *bound* here is a
# number computed from the training set alone, which the error on new examples stays below.

# %% tags=["parameters", "remove-cell"]
profile = "cpu"
device = "auto"
seeds = ""

# %% tags=["hide-input"] title="Set-up: imports, sizes, data"
import itertools
import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from scipy.special import ndtr
from torch import Tensor

from dlnotes import rng
from dlnotes.rng import generator
from dlnotes.data import datasets
from dlnotes.networks import models, stacks
from dlnotes.theory import bounds, pacbayes, posterior
from dlnotes.lab import claims, figures, prose, records, sweeps, verdicts
from dlnotes.lab.settings import Settings
from dlnotes.stats import share_interval

figures.style()
run = Settings(profile=profile, device=device, seeds=seeds).prepare()
draws = run.scale(
    smoke=500, cpu=10_000, gpu=20_000
)  # of a training set, a seed
side = run.scale(smoke=8, cpu=14, gpu=28)  # pixels
name = run.scale(smoke="digits", cpu="mnist", gpu="mnist")
data = datasets.load_all([name], stand_in="digits", side=side)
((train, test),) = data.values()
context = claims.Context(settings=run, data=[train], needs=("mnist",))
formulas = claims.Context(settings=run, data=[], needs=())
context

# %% [markdown]
# ## From one network to a cloud
#
# We begin with the smallest "network": two weights $w = (w_1, w_2)$, which answer with the sign of
# $w_1 x_1 + w_2 x_2$. Usually one keeps a single $w$. Here we keep a **cloud**: a normal distribution
# over $w$. For each new example one $w$ is drawn from the cloud, and that one answers.
#
# - The **{term}`prior`** $P$ is the cloud before training. It is written down before any example is seen.
# - The **posterior** $Q$ is the cloud after training. It may use the examples in any way. (In Bayesian
#   statistics only Bayes' rule gives a posterior. Here every $Q$ is allowed.)

# %% tags=["hide-input"] title="The model of two weights: examples, prior, posterior"
N = 50  # training examples of the simulations
DELTA = 0.05
MU = torch.tensor([1.2, 0.9], dtype=torch.float64)  # class means are MU and -MU


def narrow(ratio: float, dimension: int) -> tuple[float, float]:
    """Length and width of the cloud at a given ratio of both that moved least."""
    width = math.sqrt(dimension / (ratio**2 + dimension))
    return ratio * width, width


def examples(count: int, gen: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw inputs [count, 2] and labels -1 or 1 of two normal classes."""
    y = 2 * torch.randint(2, (count,), generator=gen).double() - 1
    noise = torch.randn(count, 2, generator=gen, dtype=torch.float64)
    return y[:, None] * MU + noise, y


x, y = examples(N, generator(0, "two weights"))
length, s = narrow(4.0, 2)
along = (y[:, None] * x).mean(0)
m = length * along / along.norm()  # center of the posterior
m0, s0 = torch.zeros(2, dtype=torch.float64), 1.0  # of the prior

# %% tags=["hide-input"] title="Code of the figure"
figure, (left, right) = plt.subplots(1, 2, figsize=(5.6, 3.2))
for sign, color, marker in ((1, 0, "o"), (-1, 1, "s")):
    part = x[y == sign]
    look = {"color": figures.COLORS[color], "marker": marker, "s": 18}
    left.scatter(*part.T, **look, linewidths=0, label=f"label {sign:+d}")
along = -y * (x @ m) / (s * x.norm(dim=1))
fooled = float(torch.special.ndtr(along).mean())
q = posterior.gaussian({"w": m[None]}, s)
p = posterior.gaussian({"w": m0[None]}, s0)
kl = float(posterior.kl(q, p))
left.set(xlabel="input $x_1$", ylabel="input $x_2$")
left.set_title(f"{N} examples: {fooled:.3f} wrong", fontsize=10)
left.legend(loc="lower right", fontsize=8, handletextpad=0.1)
left.set(xlim=(-4.5, 4.5), ylim=(-4.5, 4.5), aspect="equal")
gen = generator(0, "clouds")
before = m0 + s0 * torch.randn(300, 2, generator=gen, dtype=torch.float64)
after = m + s * torch.randn(150, 2, generator=gen, dtype=torch.float64)
right.scatter(*before.T, s=7, color=figures.INK, alpha=0.4, linewidths=0)
right.scatter(*after.T, s=7, color=figures.COLORS[2], alpha=0.7, linewidths=0)
turn = np.linspace(0, 2 * math.pi, 200)
for center, width, color in ((m0, s0, figures.INK), (m, s, figures.COLORS[2])):
    ring = center[:, None].numpy() + 2 * width * np.stack(
        [np.cos(turn), np.sin(turn)]
    )
    right.plot(*ring, color=color, linewidth=1.6)
arrow = {"arrowstyle": "-|>", "lw": 2, "color": figures.INK, "shrinkB": 0}
right.annotate("", m.tolist(), (0, 0), arrowprops=arrow, zorder=5)
words = {"ha": "center", "fontsize": 10}
right.text(-1.3, -2.6, "prior $P$", color=figures.INK, **words)
right.text(1.75, 2.3, "posterior $Q$", color=figures.COLORS[2], **words)
right.set(xlabel="weight $w_1$", ylabel="weight $w_2$")
right.set_title(f"weights: moved {kl:.2f} nats", fontsize=10)
right.set(xlim=(-3.1, 3.1), ylim=(-3.1, 3.1), aspect="equal")
clouds = pd.DataFrame(
    [("prior", *w) for w in before.tolist()]
    + [("posterior", *w) for w in after.tolist()],
    columns=["cloud", "w1", "w2"],
)
figures.show(
    figure,
    "clouds",
    alt=f"Left, {N} examples of two classes in a plane, of which the posterior gets "
    f"{fooled:.3f} wrong on average. Right, the plane of two weights: the prior is "
    f"a round cloud at the origin of width {s0:g}, the posterior one at "
    f"({m[0]:.2f}, {m[1]:.2f}) of width {s:.2f}.",
    caption="Each example is a dot on the left; each network is a dot on the right. Training has "
    "moved the cloud of networks and made it smaller (rings: two standard deviations). The bound "
    "depends on how far and how much, and on nothing else but the errors made on the left.",
    data=clouds,
)

# %% [markdown]
# Two numbers describe what happened. **The first: how far the cloud moved.** The *divergence*
# $\mathrm{KL}(Q\|P)$ (Kullback and Leibler) is the mean over $w$ from $Q$ of
# $\ln Q(w) - \ln P(w)$: how much more likely the new cloud makes its own networks. Its unit is the
# nat; $\ln 2$ nats are one bit. For normal clouds each weight adds four terms:


# %%
def divergence(m: Tensor, s: float, m0: Tensor, s0: float) -> list[Tensor]:
    """The four terms of KL(N(m, s^2) || N(m0, s0^2)), summed over weights."""
    narrower = torch.full_like(m, math.log(s0 / s))
    width = torch.full_like(m, s**2 / (2 * s0**2))
    moved = (m - m0) ** 2 / (2 * s0**2)
    return [t.sum() for t in (narrower, width, moved, -torch.ones_like(m) / 2)]


terms = divergence(m, s, m0, s0)
q = posterior.gaussian({"w": m[None]}, s)
kl = float(posterior.kl(q, posterior.gaussian({"w": m0[None]}, s0)))
assert abs(sum(terms) - kl) < 1e-12
print([round(float(t), 2) for t in terms], "nats, together", round(kl, 2))

# %% [markdown]
# Being narrower costs, being moved costs; the other two terms make the sum zero where $Q = P$. It is never
# negative.
#
# **The second: how often the cloud is wrong.** The *risk* $r$ is the share of wrong answers on new
# examples, averaged over examples and over $w$ from $Q$. The *empirical risk* $\hat r$ is the same
# on the $n$ training examples. For this model no sampling is needed: over $w$ from $Q$,
# $y\,w\!\cdot\!x$ is normal, so that the chance of a wrong answer is a normal CDF $\Phi$.


# %%
def wrong(m: Tensor, s: float, x: Tensor, y: Tensor) -> Tensor:
    """Chance that a network drawn from N(m, s^2) is wrong, an example."""
    return torch.special.ndtr(-y * (x @ m) / (s * x.norm(dim=-1)))


seen = float(wrong(m, s, x, y).mean())
networks = m + s * torch.randn(
    20_000, 2, generator=generator(0, "draw"), dtype=torch.float64
)
drawn = float((torch.sign(networks @ x.T) != y).double().mean())
print(f"empirical risk: {seen:.4f} by formula, {drawn:.4f} by 20,000 networks")

# %% [markdown]
# ## The bound, in three lines
#
# For two rates there is a divergence, too: $\mathrm{kl}(a\|b) = a\ln\frac ab +
# (1-a)\ln\frac{1-a}{1-b}$, that of a coin with rate $a$ from a coin with rate $b$. It is zero where
# $a = b$.
#
# ```{prf:theorem} PAC-Bayes, with the binary divergence
# :label: pac-bayes-theorem
#
# Let the prior $P$ be fixed before the examples are seen, and the loss of an answer lie in $[0, 1]$. Then for at
# least $1-\delta$ of all draws of $n$ independent examples, **for all posteriors $Q$ at once**,
#
# $$
# \begin{aligned}
# &\mathrm{kl}(\hat r \,\|\, r) \;\le \\
# &\quad \frac{\mathrm{KL}(Q\|P) + \ln (2\sqrt n/\delta)}{n} .
# \end{aligned}
# $$
#
# Here the left side is {glue:text}`left` and the right side {glue:text}`right`.
#
# :::{symbols}
# $\hat r$ | `seen` = {glue:text}`seen`, the empirical risk of $Q$
# $r$ | {glue:text}`risk`, its risk, by the formula of the simulation below
# $\mathrm{KL}(Q \Vert P)$ | `kl` = {glue:text}`kl` nats
# $n$ | `N` = {glue:text}`n`, examples
# $\delta$ | `DELTA` = {glue:text}`delta`, the share of draws for which it may fail
# bound | `bounds.seeger` = {glue:text}`bound`, the largest $r$ that the inequality allows
# :::
# ```
#
# *Line 1, change of measure.* For every function $g$ of the weights, and all $Q$ at once,
# $\;\mathbb E_Q\, g \le \mathrm{KL}(Q\|P) + \ln \mathbb E_P\, e^{g}$. (Write $\mathbb E_P\,e^g$ as a mean
# over $Q$ of $e^{\,g - \ln Q/P}$; the mean of an exponential is at least the exponential of the mean.)
#
# *Line 2, Markov.* Take $g = n\,\mathrm{kl}(\hat r(w)\|r(w))$, for one network $w$. Over draws of the
# examples the mean of $e^g$ is at most $2\sqrt n$ {cite:p}`maurer2004note`. The prior knows no example, so this
# holds for $\mathbb E_P\, e^g$, too. And a positive number exceeds $1/\delta$ times its mean in at
# most a share $\delta$ of all draws. That is Markov's inequality.
#
# *Line 3, convexity.* $\mathrm{kl}$ of two means is at most the mean of $\mathrm{kl}$. Divide by $n$. ∎
#
# The $2\sqrt n$ is the only fact that we took from elsewhere. For a network that is right or wrong, the mean of
# $e^g$ does not depend on its risk, and it is a sum that a loop can do:

# %%
for n in (10, 100, 1000):
    i = torch.arange(n + 1, dtype=torch.float64)
    binomial = torch.lgamma(i + 1) + torch.lgamma(n - i + 1)
    logs = math.lgamma(n + 1) - binomial
    logs += torch.xlogy(i, i / n) + torch.xlogy(n - i, 1 - i / n)
    print(f"n = {n}: {logs.exp().sum():.1f}, at most {2 * math.sqrt(n):.1f}")


# %% tags=["remove-cell"]
def offsets(ratio: float, points: int = 240) -> tuple[np.ndarray, np.ndarray]:
    """Angles from the center's, and the share of the cloud at each."""
    angle = 2 * math.pi * np.arange(points) / points
    along = ratio * np.cos(angle)
    density = np.exp(-(ratio**2) / 2) / (2 * math.pi) + along * ndtr(
        along
    ) * np.exp(-((ratio * np.sin(angle)) ** 2) / 2) / math.sqrt(2 * math.pi)
    share = density * 2 * math.pi / points
    assert abs(share.sum() - 1) < 1e-12
    return angle, share


def exact_risk(center: np.ndarray, ratio: float) -> np.ndarray:
    """Risk of clouds around centers [..., 2]: an integral over the angle."""
    angle, share = offsets(ratio)
    turned = np.arctan2(center[..., 1], center[..., 0]) - math.atan2(
        *MU.flip(0)
    )
    cosine = np.cos(turned[..., None] + angle)
    return ndtr(-float(MU.norm()) * cosine) @ share


true_risk = float(exact_risk(m.numpy(), length / s))
some = ndtr(-(networks @ MU / networks.norm(dim=1)).numpy())
assert abs(some.mean() - true_risk) < 5 * some.std() / len(some) ** 0.5
given = {"n": N, "delta": DELTA, "loss_range": 1.0}
bound = bounds.seeger(seen, kl=kl, **given)
most = (kl + math.log(2 * math.sqrt(N) / DELTA)) / N
prose.number("left", bounds.binary_kl(seen, true_risk), ".4f")
prose.number("right", most, ".3f")
prose.number("seen", seen, ".3f")
prose.number("risk", true_risk, ".3f")
prose.number("kl", kl, ".2f")
prose.number("n", N)
prose.number("delta", DELTA)
prose.number("bound", bound, ".2f")
prose.number("root", bounds.mcallester(seen, kl=kl, **given), ".2f")

# %% [markdown]
# **What it assumes, and for which draws it holds.** The examples are independent and from one source, the
# new ones too. The prior has seen none of them. Then it holds for all but a share $\delta$ of training sets;
# whether yours is one of those, nobody can tell. It speaks of the cloud, not of a single network.
#
# ## Three ways to write it
#
# The theorem bounds a divergence; we want the risk. **Inversion** takes the largest $r$ that is allowed.
# The older form by {cite:t}`mcallester1999pac` uses $2(a-b)^2 \le \mathrm{kl}(a\|b)$:
#
# $$ r \le \hat r + \sqrt{\frac{\mathrm{KL}(Q\|P) + \ln (2\sqrt n/\delta)}{2n}} . $$

# %% tags=["hide-input"] title="Code of the figure"
figure, axis = plt.subplots(figsize=(5.6, 3.2))
p = np.linspace(0.001, 0.75, 500)
axis.plot(
    p,
    [bounds.binary_kl(seen, v) for v in p],
    color=figures.COLORS[0],
    lw=2,
    label=r"$\mathrm{kl}(\hat r\|r)$",
)
axis.plot(
    p,
    2 * (p - seen) ** 2,
    color=figures.COLORS[1],
    lw=2,
    ls=(0, figures.DASHES[1]),
    label=r"$2(\hat r-r)^2$, below it",
)
figures.baseline(axis, most, "what the theorem allows", side="right")
root = seen + math.sqrt(most / 2)
for at, color, text in ((bound, 0, "inversion"), (root, 1, "square root")):
    axis.plot([at, at], [0, most], color=figures.COLORS[color], lw=1, ls=":")
    axis.plot(at, most, figures.MARKERS[color], color=figures.COLORS[color])
    axis.annotate(
        f"{text}: {at:.2f}",
        (at, most),
        xytext=(6, -13 if color else 8),
        ha="left" if color else "right",
        textcoords="offset points",
        color=figures.COLORS[color],
        fontsize=10,
    )
axis.axvline(seen, color=figures.INK, lw=1, ls=":")
axis.text(seen + 0.008, 0.33, r"seen, $\hat r$", color=figures.INK, fontsize=10)
axis.set(xlabel="risk $r$", ylabel="nats an example", ylim=(0, 0.4))
axis.set(xlim=(0, 0.75))
axis.legend(loc="upper right", fontsize=9)
figures.show(
    figure,
    "inverse",
    alt=f"The binary divergence of the empirical risk {seen:.3f} from a risk, and a parabola below "
    f"it, which touch at {seen:.3f}. The allowed {most:.3f} nats are reached at {bound:.2f} by the "
    f"divergence and at {root:.2f} by the parabola.",
    caption="The bound is where a curve crosses the allowed number of nats. The parabola lies below "
    "the divergence, so it crosses later: its bound is never the smaller one.",
    data=pd.DataFrame(
        {"risk": p, "kl": [bounds.binary_kl(seen, v) for v in p]}
    ),
)

# %% [markdown]
# **Catoni's form** (2007) has a constant $C > 0$ that must be chosen *before* the data:
# $r \le \bigl(1 - e^{-C\hat r - (\mathrm{KL} + \ln(1/\delta))/n}\bigr)/(1-e^{-C})$. In exchange the
# $2\sqrt n$ is gone. What about the best $C$ of all? It gives exactly the inversion, and it is known:


# %%
def best_constant(a: float, b: float) -> float:
    """The C whose bound, at empirical risk a, is the smallest: it gives b."""
    return math.log(b * (1 - a) / (a * (1 - b)))


c = most  # nats an example
inverse = bounds.kl_inverse(seen, c)
C = best_constant(seen, inverse)
catoni = (1 - math.exp(-C * seen - c)) / (1 - math.exp(-C))
print(f"inverse {inverse:.9f}, Catoni at C = {C:.2f}: {catoni:.9f}")


# %% tags=["remove-cell"]
def random_clouds(seed: int) -> tuple[posterior.Gaussian, posterior.Gaussian]:
    """Two clouds over 12 weights."""
    gen = generator(seed, "clouds")
    mean = torch.randn(2, 1, 12, generator=gen, dtype=torch.float64)
    scale = torch.rand(2, 1, 12, generator=gen, dtype=torch.float64) + 0.3
    return tuple(
        posterior.gaussian({"w": a}, {"w": b})
        for a, b in zip(mean, scale, strict=True)
    )


closed, sampled = [], []
for seed in run.seeds:
    a, b = random_clouds(seed)
    ma, sa, mb, sb = a.mean["w"], a.scale["w"], b.mean["w"], b.scale["w"]
    four = (sb / sa).log() + sa**2 / (2 * sb**2)
    four = four + (ma - mb) ** 2 / (2 * sb**2) - 0.5
    exact = float(posterior.kl(a, b))
    closed.append(abs(float(four.sum()) - exact))
    z = torch.randn(
        50_000, 12, generator=generator(seed, "mean"), dtype=torch.float64
    )
    w = ma + sa * z
    normal = torch.distributions.Normal
    ratio = (normal(ma, sa).log_prob(w) - normal(mb, sb).log_prob(w)).sum(1)
    error = float(ratio.std()) / len(ratio) ** 0.5
    sampled.append(abs(float(ratio.mean()) - exact) / error)
parts = {
    "the four terms": verdicts.identity(
        max(closed), 1e-9, reason="nats, 12 weights"
    ),
    "the mean over draws": verdicts.identity(
        max(sampled), 5.0, reason="largest distance, in standard errors"
    ),
}
claims.check("pac.kl-closed-form", verdicts.all_of(parts), formulas, unit="")

risks, ends = (0.0, 0.01, 0.1, 0.3, 0.5), (0.01, 0.05, 0.2)
sizes = (1, 10, 50, 1000, 60_000, 10**7)
nats = (0.0, 0.1, 1.0, 10.0, 100.0, 1000.0, 1e4)
cases = list(itertools.product(risks, nats, sizes, ends))


def three(a: float, kl: float, n: int, delta: float) -> list[float]:
    """The three bounds; Catoni's at C = 1."""
    given = {"kl": kl, "n": n, "delta": delta, "loss_range": 1.0}
    return [
        bounds.seeger(a, **given),
        bounds.mcallester(a, **given),
        bounds.catoni(a, constant=1.0, **given),
    ]


values = {case: three(*case) for case in cases}
over = max(v[0] - v[1] for v in values.values())
told = f"inversion minus square root, largest of {len(cases)} cases"
found = verdicts.identity(max(0.0, over), 1e-12, reason=told)
claims.check("pac.kl-inverse-tighter", found, formulas, unit="")

errors, constants = [], np.geomspace(1e-3, 30, 400)
for a, c in itertools.product((0.01, 0.1, 0.3, 0.5), (1e-3, 0.01, 0.1, 0.5)):
    b, n, delta = bounds.kl_inverse(a, c), 1000, 0.05
    given = {"kl": c * n + math.log(delta), "n": n, "delta": delta}
    if given["kl"] < 0:  # so few nats that delta alone uses them
        given |= {"kl": 0.0, "n": 1, "delta": math.exp(-c)}
    given["loss_range"] = 1.0
    best = bounds.catoni(a, constant=best_constant(a, b), **given)
    every = min(bounds.catoni(a, constant=C, **given) for C in constants)
    errors += [abs(best - b), max(0.0, b - every)]
told = "at the best C, and how far any C of 400 is below"
found = verdicts.identity(max(errors), 1e-9, reason=told)
claims.check("pac.catoni-envelope", found, formulas, unit="")

rose = {"more data": 0, "closer prior": 0}
for (a, kl_, n, delta), first in values.items():
    others = {
        "more data": [(a, kl_, n + 1, delta), (a, kl_, 2 * n, delta)],
        "closer prior": [(a, kl_ * f, n, delta) for f in (0.999, 0.5, 0.0)],
    }
    for what, ones in others.items():
        for one in ones if what == "more data" or kl_ else []:
            for before_, after_ in zip(first, three(*one), strict=True):
                if before_ < 1 and not after_ < before_:
                    rose[what] += 1
for claim, what in (
    ("pac.more-data", "more data"),
    ("pac.closer-prior", "closer prior"),
):
    told = f"cases without a fall, of three bounds and {len(cases)} settings"
    found = verdicts.identity(float(rose[what]), 0.5, reason=told)
    if claim == "pac.more-data":
        claims.check("pac.more-data", found, formulas, unit="")
    else:
        claims.check("pac.closer-prior", found, formulas, unit="")

# %% [markdown]
# Nobody may *use* the best $C$, since it depends on the data. The $2\sqrt n$ is what the inversion pays for
# having all of them. What is exactly so, on a grid of risks, divergences and sizes:
#
# :::{claim-table}
# pac.kl-closed-form | the divergence is a formula
# pac.kl-inverse-tighter | inversion beats the square root
# pac.catoni-envelope | inversion is the best of Catoni's bounds
# pac.more-data | more examples help
# pac.closer-prior | a closer prior helps
# :::
#
# (The last two speak of bounds below one. A bound that has reached one, the largest risk there is, is {term}`vacuous <vacuous bound>`: it stays
# there for a while.)
#
# :::{predict}
# :guess: zero
# :kind: number
# :unit: %
# A posterior makes *no* error on 1,000 training examples; its divergence is 50 nats. The square root
# says: at most {glue:text}`zero-root` % on new ones. What does the inversion say?
# :::

# %% tags=["hide-input"] title="Code of the figure"
books, alts, says, rows = {}, {}, {}, []
axis_kl = np.linspace(0, 400, 101)
for a in (0.0, 0.02, 0.1, 0.3):
    lines = np.array([three(a, v, 1000, DELTA) for v in axis_kl])
    frame, axis = plt.subplots(figsize=(5.6, 3.2))
    for i, label in enumerate(("inversion", "square root", "Catoni, C = 1")):
        dash = (0, figures.DASHES[i]) if i else "-"
        axis.plot(
            axis_kl, lines[:, i], color=figures.COLORS[i], ls=dash, label=label
        )
    axis.axhline(a, color=figures.INK, lw=1, ls=":")
    axis.text(400, a + 0.01, "empirical risk", ha="right", color=figures.INK)
    axis.set(xlim=(0, 400), ylim=(-0.02, 1.0), xlabel="divergence (nats)")
    axis.set(ylabel="bound on the risk")
    axis.legend(loc="upper left")
    spoken = dict(
        zip(
            ("inversion", "square root", "Catoni"),
            three(a, 50, 1000, DELTA),
            strict=True,
        )
    )
    says[a] = f"At 50 nats: {figures.words(spoken, '.3f')}."
    alts[a] = (
        f"Three bounds against the divergence at empirical risk {a:g}. {says[a]}"
    )
    books[a] = frame
    rows += [(a, k, *v) for k, v in zip(axis_kl, lines.tolist(), strict=True)]
zero = three(0.0, 50, 1000, DELTA)
prose.number("zero", 100 * zero[0], ".1f")
prose.number("zero-root", 100 * zero[1], ".1f")
figures.flipbook(
    books,
    "three-bounds",
    label="empirical risk",
    alts=alts,
    says=says,
    caption="Three bounds for 1,000 examples, against how far the posterior moved. At empirical risk "
    f"zero and 50 nats the square root says {zero[1]:.2f} and the inversion {zero[0]:.2f}; at a "
    "large empirical risk they are nearly one.",
    data=pd.DataFrame(
        rows, columns=["risk", "kl", "inversion", "root", "catoni"]
    ),
    default=0.0,
)

# %% [markdown]
# It says {glue:text}`zero` %. {predicted}`zero <zero>` Near zero errors a coin hardly varies, and the inversion knows it: its
# gap falls like $1/n$ there, that of the square root like $1/\sqrt n$.
#
# ## Does it keep its promise?
#
# A bound that fails may fail unseen: nobody knows the true risk. So we take models where the risk is a
# formula, and draw {glue:text}`draws` training sets of {glue:text}`n` examples for each seed:
#
# - **two classes**: the model of the first figure. The risk is an integral over the angle of $w$.
# - **fitted coins**: forty inputs, and labels by coin. The posterior is moved so that it fits them. Whatever
#   it does, its risk is exactly one half.
# - **one rule**: labels by coin; prior and posterior are one rule, fixed beforehand. Nothing moves.
#
# Beside them runs a formula that must fail: the inversion **without the divergence**.

# %% tags=["hide-input"] title="How the training sets are drawn and the bounds are held against the truth"
STEPS = run.scale(smoke=200, cpu=2000, gpu=2000)  # a rounded risk is i / STEPS
MANY = 40  # inputs of the coin labels
CLOUDS = {"two classes": (4.0, 2), "fitted coins": (10.0, MANY)}
ONE = "one rule"
PROVED = ("inversion", "square root", "Catoni, C = 1")
CONTROL = "inversion without KL"


def moved_by(ratio: float, dimension: int) -> float:
    """Divergence of the cloud from the prior N(0, 1)."""
    length, width = narrow(ratio, dimension)
    return (length**2 + dimension * (width**2 - 1 - 2 * math.log(width))) / 2


def tabled(kl: float) -> dict[str, np.ndarray]:
    """Every bound at each rounded empirical risk."""
    at = [three(i / STEPS, kl, N, DELTA) for i in range(STEPS + 1)]
    found = dict(zip(PROVED, np.array(at).T, strict=True))
    without = [
        bounds.seeger(i / STEPS, kl=0.0, n=N, delta=DELTA, loss_range=1.0)
        for i in range(STEPS + 1)
    ]
    return found | {CONTROL: np.array(without)}


NATS = {arm: moved_by(*cloud) for arm, cloud in CLOUDS.items()} | {ONE: 0.0}
TABLES = {arm: tabled(kl) for arm, kl in NATS.items()}
exactly = [
    bounds.held_out(i / N, n=N, delta=DELTA, loss_range=1.0)
    for i in range(N + 1)
]


def risks_of(arm: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw training sets; return empirical and true risk of each posterior."""
    gen = generator(seed, "coverage", arm)
    if arm == ONE:
        coins = torch.randint(2, (draws, N), generator=gen)
        return coins.double().mean(1).numpy(), np.full(draws, 0.5)
    ratio, dimension = CLOUDS[arm]
    mean = MU if dimension == 2 else torch.zeros(dimension)
    seen, true = [], []
    for _ in range(0, draws, 500):  # y x, normal around the class mean
        z = torch.randn(500, N, dimension, generator=gen) + mean.float()
        center = z.mean(1, keepdim=True)
        center = center / center.norm(dim=2, keepdim=True)
        cosine = (z * center).sum(2) / z.norm(dim=2)
        seen.append(
            torch.special.ndtr(-ratio * cosine.double()).mean(1).numpy()
        )
        if dimension == 2:
            true.append(exact_risk(center[:, 0].double().numpy(), ratio))
    true = np.concatenate(true) if true else np.full(draws, 0.5)
    return np.concatenate(seen), true


counts, broken, shown = [], [], {}
for seed in run.seeds:
    union = np.zeros(draws, dtype=bool)
    for arm, table in TABLES.items():
        empirical, risk = risks_of(arm, seed)
        at = np.floor(empirical * STEPS + 1e-9).astype(int)
        fails = {name: risk > column[at] for name, column in table.items()}
        if arm == ONE:
            del fails[CONTROL]  # nothing moves: the same formula
            right = np.round(empirical * N).astype(int)
            fails["exact binomial"] = risk > np.array(exactly)[right]
        for name, failed in fails.items():
            counts.append((seed, arm, name, int(failed.sum())))
            union |= failed & (name in PROVED)
        shown[arm] = (empirical.mean(), risk.mean())
    broken.append(100 * float(union.mean()))
coverage = pd.DataFrame(counts, columns=["seed", "arm", "formula", "failed"])
total = coverage.groupby(["arm", "formula"], sort=False).failed.sum()
print(
    f"{draws * len(run.seeds):,} training sets of each of {len(TABLES)} kinds"
)

# %% tags=["hide-input"] title="Code of the figure"
figure, axis = plt.subplots(figsize=(5.6, 3.7))
all_draws, spoken = draws * len(run.seeds), {}
floor = 100 / all_draws / 3
order = ["inversion", "square root", "Catoni, C = 1", "exact binomial", CONTROL]
for j, arm in enumerate(TABLES):
    for i, formula in enumerate(order):
        if (arm, formula) not in total.index:
            continue
        found = share_interval(int(total[arm, formula]), all_draws)
        row = i + 0.22 * (j - 1)
        look = {"color": figures.COLORS[j], "marker": figures.MARKERS[j]}
        low, high = 100 * max(found.low, floor / 100), 100 * found.high
        axis.plot([low, high], [row, row], color=figures.COLORS[j], lw=1.2)
        none = found.estimate == 0
        axis.scatter(
            floor if none else 100 * found.estimate,
            row,
            s=32,
            facecolor=figures.PAPER if none else figures.COLORS[j],
            edgecolor=figures.COLORS[j],
            marker=look["marker"],
            label=arm if i == 0 else None,
            zorder=3,
        )
        spoken[f"{arm}, {formula}"] = 100 * found.estimate
axis.axvline(100 * DELTA, color=figures.INK, lw=1, ls=(0, (2, 2)))
axis.text(100 * DELTA * 0.85, -0.45, "δ", color=figures.INK, ha="right")
axis.set(xscale="log", xlim=(floor / 2, 150), ylim=(4.5, -0.7))
axis.set_yticks(range(len(order)), order)
axis.set(xlabel="training sets for which the bound fails (%)")
figures.legend_below(figure, [axis])
figures.show(
    figure,
    "coverage",
    alt="Share of training sets for which a bound fails, in percent: "
    f"{figures.words(spoken, '.3f')}; the limit is {100 * DELTA:g}.",
    caption="How often each formula is wrong (hollow: in no draw; bars: 95 % intervals). {by-verdict}"
    "`pac.holds | holds: The three PAC-Bayes bounds stay left of δ, on the promised side. | fails: "
    "The PAC-Bayes bounds do not all stay left of δ. | undecided: Whether the PAC-Bayes bounds stay "
    "left of δ, the draws cannot tell. | not-run: Left of δ is the promised side.` Without the "
    "divergence, a formula may promise less than one half for fitted coins, where one half is the truth.",
    data=coverage,
)

# %% tags=["remove-cell"]
worst = share_interval(round(sum(broken) * draws / 100), all_draws)
told = (
    f"draws in which any of three bounds fails in any of three models; all "
    f"{all_draws:,} draws together: at most {100 * worst.high:.2f} %"
)
found = verdicts.below(broken, 100 * DELTA, reason=told)
claims.check("pac.holds", found, formulas, unit="% of draws")
prose.number("draws", draws, ",")
prose.mean("broken", broken, ".2f")
prose.number("one-catoni", spoken[f"{ONE}, Catoni, C = 1"], ".2f")
prose.number("one-inversion", spoken[f"{ONE}, inversion"], ".3f")
prose.number("one-exact", spoken[f"{ONE}, exact binomial"], ".1f")
prose.number("coins-without", spoken[f"fitted coins, {CONTROL}"], ".0f")
prose.number("coins-seen", shown["fitted coins"][0], ".2f")
prose.number("coins-kl", NATS["fitted coins"], ".0f")
at_mean = {
    arm: float(TABLES[arm]["inversion"][int(shown[arm][0] * STEPS)])
    for arm in CLOUDS
}
prose.number("coins-bound", at_mean["fitted coins"], ".2f")
prose.number("classes-bound", at_mean["two classes"], ".2f")
prose.number("classes-risk", shown["two classes"][1], ".2f")

# %% [markdown]
# {claim}`pac.holds` The number counts a draw if *any* of the three bounds fails in *any* of the three models:
# {glue:text}`broken` % of draws, against the allowed 5 %. The formula without the divergence fails for {glue:text}`coins-without` % of the
# fitted coins: it sees an empirical risk of {glue:text}`coins-seen` and does not know that the posterior
# moved {glue:text}`coins-kl` nats to get it.
#
# How much of the allowed 5 % is used, and where is the rest? Look at the one rule, where nothing moves. The exact binomial bound fails in {glue:text}`one-exact` % of
# draws (rates of {glue:text}`n` answers come in steps). Catoni's fails in {glue:text}`one-catoni` %: the difference is lost by
# Markov's inequality, and by a $C$ fixed beforehand. The inversion fails in {glue:text}`one-inversion` %: that is the price of $2\sqrt n$. And
# where a cloud moves, the bound covers the worst posterior of all, which ours is not.
#
# ## What if the prior is wrong?
#
# A Bayesian *believes* the prior, and the answer is right if the belief is. Take the textbook case: $n = 200$
# measurements $x_i$, normal around an unknown $\theta$ with variance 1. The prior says $\theta \sim N(0, 0.1^2)$.
# Bayes' rule gives a normal posterior, and its **credible interval**: the middle 95 % of the
# posterior. PAC-Bayes takes the same two clouds. Its loss: $w$ from the posterior is
# wrong about a new $x$ if it is off by more than 2.
#
# :::{predict}
# :guess: breaks
# :kind: choice
# :choices: the interval | the bound | both | neither
# The truth lies at 0.9, nine standard deviations of the prior away. Which of the two promises breaks in most
# draws?
# :::

# %% tags=["hide-input"] title="How the interval and the bound are held against the truth"
COUNT, PRIOR, REACH = 200, 0.1, 2.0
FAR = (0.0, 3.0, 6.0, 9.0, 12.0)  # from the prior's mean, in its deviations
TESTED = 9.0
WIDE = (1 / PRIOR**2 + COUNT) ** -0.5  # deviation of the posterior


def off(center: np.ndarray, width: float, x: np.ndarray) -> np.ndarray:
    """Chance that x and a draw from N(center, width^2) are REACH apart."""
    return ndtr((x - REACH - center) / width) + ndtr(
        (center - x - REACH) / width
    )


def promises(truth: np.ndarray, noise: np.ndarray) -> pd.DataFrame:
    """Say of each draw whether both hold; noise [draws, COUNT]."""
    x = truth[:, None] + noise
    center = x.sum(1) * WIDE**2
    kl = math.log(PRIOR / WIDE) - 0.5
    kl = kl + (WIDE**2 + center**2) / (2 * PRIOR**2)
    seen = off(center[:, None], WIDE, x).mean(1)
    risk = off(center, math.hypot(1, WIDE), truth)
    bound = [
        bounds.seeger(a, kl=k, n=COUNT, delta=DELTA, loss_range=1.0)
        for a, k in zip(seen, kl, strict=True)
    ]
    missed = np.abs(center - truth) > 1.959964 * WIDE
    columns = {"missed": missed, "risk": risk, "bound": bound, "kl": kl}
    return pd.DataFrame(columns | {"holds": risk <= bound})


bayes, told = [], []
each = run.scale(smoke=50, cpu=1500, gpu=10_000)  # draws
for seed in run.seeds:
    gen = generator(seed, "measurements")
    noise = torch.randn(each, COUNT, generator=gen, dtype=torch.float64).numpy()
    for far in FAR:
        found = promises(np.full(each, far * PRIOR), noise)
        bayes.append(found.mean().to_dict() | {"seed": seed, "far": far})
    believed = torch.randn(each, generator=gen, dtype=torch.float64).numpy()
    told.append(promises(believed * PRIOR, noise).missed.mean())
bayes = pd.DataFrame(bayes)
print(f"{each:,} draws a seed and distance, {len(run.seeds)} seeds")

# %% tags=["hide-input"] title="Code of the figure"
figure, (top, low) = plt.subplots(2, 1, figsize=(5.6, 4.6), sharex=True)
for i, (column, label) in enumerate(
    (("missed", "interval misses"), ("fails", "bound fails"))
):
    part = bayes.assign(fails=1 - bayes.holds)[["far", "seed", column]]
    part = part.assign(value=100 * part[column], kind=label)
    look = {"color": figures.COLORS[1 - i], "marker": figures.MARKERS[i]}
    top.scatter(part.far, part.value, s=14, alpha=0.4, color=look["color"])
    means = part.groupby("far").value.mean()
    top.plot(means.index, means, label=label, ms=5, **look)
figures.baseline(top, 5, "promised: at most 5", side="right")
top.set(ylabel="draws (%)", ylim=(-4, 104))
top.legend(loc="center right")
for i, (column, label) in enumerate(
    (("bound", "bound"), ("risk", "true risk"))
):
    means = bayes.groupby("far")[column].mean()
    low.plot(
        means.index,
        means,
        color=figures.COLORS[0] if not i else figures.INK,
        marker=figures.MARKERS[i],
        ms=5,
        ls="-" if not i else "--",
        label=label,
    )
low.set(ylabel="off by more than 2", ylim=(0, None), xticks=FAR)
low.set(xlabel="truth, in standard deviations from the prior's mean")
low.legend(loc="upper left")
means = bayes.groupby("far").mean()
figures.show(
    figure,
    "wrong-prior",
    alt="Share of draws in which the credible interval misses, by distance of the truth: "
    f"{figures.words({f'{f:g}': 100 * v for f, v in means.missed.items()}, '.1f')} percent; the "
    "bound fails in "
    f"{figures.words({f'{f:g}': 100 * (1 - v) for f, v in means.holds.items()}, '.2f')} percent. "
    f"The bound rises from {means.bound.iloc[0]:.2f} to {means.bound.iloc[-1]:.2f}.",
    caption="Above, how often each promise is broken; below, the bound and the truth. {by-verdict}"
    "`pac.wrong-prior | holds: A wrong prior breaks the interval. The bound pays for it and stands. | "
    "fails: The two promises do not part as predicted. | undecided: Whether they part, the runs "
    "cannot tell.`",
    data=bayes,
)

# %% tags=["remove-cell"]
at = records.pick(bayes, far=TESTED)
exact_ends = [
    [share_interval(round(v * each), each).low for v in at[column]]
    for column in ("missed", "holds")
]
told_each = f"seeds whose exact 95 % interval, of {each:,} draws, lies above it"
parts = {
    "the interval misses in most draws": verdicts.mostly(
        [v > 0.5 for v in exact_ends[0]], reason=told_each
    ),
    "the bound holds in 95 %": verdicts.mostly(
        [v > 0.95 for v in exact_ends[1]], reason=told_each
    ),
}
claims.check(
    "pac.wrong-prior", verdicts.all_of(parts), formulas, unit="% of draws"
)
prose.mean("missed", (100 * at.missed).tolist(), ".1f")
prose.mean("kept", (100 * at.holds).tolist(), ".1f")
prose.mean("far-bound", at.bound.tolist(), ".2f")
prose.mean("far-risk", at.risk.tolist(), ".2f")
prose.number("near-bound", float(means.bound.iloc[0]), ".2f")
prose.mean("believed", [100 * v for v in told], ".1f")
prose.number("breaks", "the interval")

# %% [markdown]
# {claim}`pac.wrong-prior` {predicted}`breaks` The interval misses in {glue:text}`missed` % of draws, and the bound holds in {glue:text}`kept` %. Nothing
# is wrong with Bayes' rule: where $\theta$ is drawn from the prior, the interval misses in {glue:text}`believed` % of draws,
# as promised. But the bound never asked whether the prior is true. **The prior is a place to measure from, not a belief.** A
# wrong one costs: the bound goes from {glue:text}`near-bound` to {glue:text}`far-bound`, while the risk is
# {glue:text}`far-risk`.
#
# The two promises are not about the same thing: the interval names $\theta$, the bound only a
# rate of errors. That is a weaker statement, and it needs less.
#
# ## How many examples until it says something?
#
# A talk {cite:p}`chang2020information` puts the advantage like this: in the PAC-Bayes
# bound the number of examples is "not in the exponent". In substance that is right. Exactly: the bound by {term}`VC dimension` $V$
# {cite:p}`vapnik1971uniform` has $(2n)^V$ under its logarithm, so $V \ln 2n$ must be small beside $n$. The
# PAC-Bayes bound has $\sqrt n$ there, which *adds* half of $\ln n$. The place of $V$ is taken by KL, which is
# not counted but measured.
#
# The network: {glue:text}`p` weights in two layers, which tell digits 0 to 4 from 5 to 9. Its posterior is trained on the bound itself, with
# {glue:text}`size` images. The prior is a cloud around its random start; its
# width is chosen from a list, and the choice is paid for. For $V$ we take
# $p L \ln (p/L)$ with $L = 2$ layers: some networks of that size have a VC dimension of this order
# {cite:p}`bartlett2019nearly`. For both bounds we solve "gap = 1/2" for $n$ by bisection.
#
# :::{predict}
# :guess: factor
# :kind: number
# :unit: times
# How many times as many examples does the VC bound need?
# :::

# %% tags=["hide-input"] title="How the stochastic networks are trained and certified"
SIZE = run.scale(smoke=200, cpu=20_000, gpu=50_000)
HIDDEN = {"network": run.scale(smoke=(8,), cpu=(16,), gpu=(100,)), "linear": ()}
SCALES = tuple(0.01 * 2 ** (i / 2) for i in range(14))  # of the prior
halves = {
    k: (part.y > 4).long() for k, part in (("train", train), ("test", test))
}
BLOCK = run.scale(smoke=50, cpu=100, gpu=100)
config = pacbayes.PosteriorConfig(
    batch_size=run.scale(smoke=50, cpu=250, gpu=250),
    epochs=run.scale(smoke=3, cpu=16, gpu=30),
    learning_rate=run.scale(smoke=0.03, cpu=0.03, gpu=0.01),
    start=0.1,
    delta=DELTA,
)


def shape(kind: str) -> models.ModelConfig:
    io = {"input_shape": train.x.shape[1:], "num_classes": 2}
    return models.ModelConfig(kind="mlp", hidden=HIDDEN[kind], **io)


def fit(group: list[dict]) -> list[dict]:
    """Train the posteriors of one shape, all seeds side by side."""
    own, where = [c["seed"] for c in group], run.torch_device
    model, x = shape(group[0]["kind"]), train.x.to(where)
    start = models.init(model, rng.each(own, "init"), device=where)
    prior = pacbayes.Prior(start, SCALES)
    rows = datasets.rows(train, SIZE, gens=rng.each(own, "examples")).to(where)
    y = halves["train"].to(where)
    streams = {
        "gens": rng.each(own, "order"),
        "noise": rng.each(own, "noise"),
    }
    q = pacbayes.train(model, config, prior, x, y, rows=rows, **streams)
    found = pacbayes.certify(
        model,
        q,
        prior,
        x,
        y,
        rows=rows,
        gens=rng.each(own, "certify"),
        delta=0.8 * DELTA,
        delta_sampled=0.2 * DELTA,
        block=BLOCK,
    )
    new = posterior.risk(
        model,
        q,
        test.x.to(where),
        halves["test"].to(where),
        gens=rng.each(own, "test"),
        block=BLOCK,
    )
    weights = stacks.num_parameters(start)
    return [
        {"kl": k, "bound": b, "seen": a, "new": t, "weights": weights}
        for k, b, a, t in zip(
            found.kl.tolist(),
            found.bound.tolist(),
            found.risk.estimate.tolist(),
            new.estimate.tolist(),
            strict=True,
        )
    ]


grid = sweeps.grid(kind=list(HIDDEN), seed=run.seeds)
trained = records.frame(sweeps.run(grid, fit, settings=run))
print(f"{len(trained)} stochastic models trained, {SIZE:,} images each")


# %%
def examples_needed(gap, most: float = 0.5) -> int:
    """The smallest n at which gap(n), which falls with n, is below most."""
    low, high = 1, 2
    while gap(high) >= most:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if gap(middle) < most else (middle, high)
    return high


def by_vc(dimension: int) -> int:
    given = {"dimension": dimension, "delta": DELTA, "loss_range": 1.0}
    return examples_needed(lambda n: bounds.vc(0.0, n=n, **given))


# %% tags=["remove-cell"]
def by_divergence(kl: float) -> int:
    """The same for the square root; the choice among scales is paid for."""
    given = {"kl": kl, "delta": DELTA / len(SCALES), "loss_range": 1.0}
    return examples_needed(lambda n: bounds.mcallester(0.0, n=n, **given))


trained["needed"] = [by_divergence(kl) for kl in trained.kl]
net, line = (records.pick(trained, kind=kind) for kind in HIDDEN)
weights = int(net.weights.iloc[0])
inputs = train.x[0].numel()
LAYERS = 2
dimension = round(weights * LAYERS * math.log(weights / LAYERS))
counted = by_vc(dimension)
ratios = (counted / net.needed).tolist()
found = verdicts.ratio(ratios, 100, reason="examples by VC over PAC-Bayes")
claims.check("pac.fewer-needed", found, context, unit="times")
by_weights = by_vc(weights)
line_counted = by_vc(inputs + 1)  # a linear model's dimension is exact
typical = float(np.exp(np.log(net.needed).mean()))
smallest = 1
while by_vc(smallest) < 100 * typical:
    smallest += 1
prose.number("p", weights, ",")
prose.number("size", SIZE, ",")
prose.number("dimension", dimension, ",")
prose.number("vc-needed", counted / 1e6, ".1f")
prose.mean("needed", net.needed.tolist(), ".0f")
prose.ratio("factor", ratios, ",.0f")
prose.mean("net-kl", net.kl.tolist(), ".0f")
prose.mean("net-bound", (100 * net.bound).tolist(), ".0f")
prose.mean("net-new", (100 * net["new"]).tolist(), ".0f")
prose.mean("net-seen", (100 * net.seen).tolist(), ".0f")
prose.ratio("by-weights", (by_weights / net.needed).tolist(), ",.0f")
prose.ratio("line-factor", (line_counted / line.needed).tolist(), ",.0f")
prose.mean("line-needed", line.needed.tolist(), ".0f")
prose.number("smallest", smallest)

# %% tags=["hide-input"] title="Code of the figure"
rows = {
    "network: PAC-Bayes": net.needed.tolist(),
    "network: VC, order": [counted],
    "network: VC, weights": [by_weights],
    "linear: PAC-Bayes": line.needed.tolist(),
    "linear: VC, exact": [line_counted],
}
figure, axis = plt.subplots(figsize=(5.6, 2.9))
for i, (label, values_) in enumerate(rows.items()):
    color = figures.COLORS[1 if "VC" in label else 0]
    middle = math.exp(np.log(values_).mean())
    axis.scatter(values_, [i] * len(values_), s=20, color=color, alpha=0.5)
    axis.plot(middle, i, "s" if "VC" in label else "o", color=color)
    axis.annotate(
        f"{middle:,.0f}",
        (middle, i),
        xytext=(8, -4),
        textcoords="offset points",
        fontsize=9,
        color=color,
    )
axis.axvline(len(train), color=figures.INK, lw=1, ls=(0, (2, 2)))
axis.text(
    len(train) * 0.85,
    4.45,
    f"all of {train.name}",
    ha="right",
    color=figures.INK,
    fontsize=9,
)
axis.set_yticks(range(len(rows)), list(rows))
axis.set(xscale="log", ylim=(4.6, -0.7), xlim=(30, 1e10))
axis.set(xlabel="examples needed for a gap below 1/2")
middles = {k: math.exp(np.log(v).mean()) for k, v in rows.items()}
figures.show(
    figure,
    "needed",
    alt=f"Examples needed: {figures.words(middles, ',.0f')}; {train.name} has {len(train):,}.",
    caption="How many examples each bound asks for before it says anything: PAC-Bayes at the "
    "measured divergence, VC with the order $p L \\ln(p/L)$, with $V = p$, and with the exact $V$ of a "
    "linear model. Dots are seeds; a VC "
    "bound has no seeds, as it depends on the shape alone. The line is the whole training set.",
    data=pd.DataFrame(
        [(k, v) for k, many in rows.items() for v in many],
        columns=["bound", "examples"],
    ),
)

# %% [markdown]
# {claim}`pac.fewer-needed` {predicted}`factor <factor>` The VC bound asks for {glue:text}`vc-needed` million examples. At the measured {glue:text}`net-kl` nats
# PAC-Bayes asks for {glue:text}`needed`. For the {glue:text}`size` images that were used, it says that the stochastic network is
# wrong on at most {glue:text}`net-bound` % of new images. On the training images it is wrong on {glue:text}`net-seen` %, on test images on
# {glue:text}`net-new` %. {by-verdict}`pac.fewer-needed | holds: **What training did costs far less than
# what the network could do.** | fails: So for this network measuring is not much better than counting. |
# undecided: Whether the factor is a hundred stays open. | not-run: The digits of this build are a stand-in; only MNIST counts here.`
#
# ## What this reading predicts
#
# The same talk draws two conclusions. We write them as predictions, since nothing on this page has tested them.
#
# - **Early stopping** stops the cloud before it is far from its start. If so, the divergence grows with the steps, and
#   is larger for random labels. A later page of this part, on the noise that a minimum can bear, measures it.
# - **Transfer** starts from weights that were trained on a related task: a prior that is already
#   near. If so, the divergence for the new task is smaller and the bound tighter. The part on transfer tests it.
#
# A video on the same theory {cite:p}`chitu2023theory` adds a third: a prior learned from part of the data is closer still. That is
# allowed if those examples are left out of $\hat r$; the chapter on certificates does it.
#
# ## How this can mislead
#
# - **A bound of one never fails.** Ours say something: {glue:text}`classes-bound` for the two classes (risk {glue:text}`classes-risk`), {glue:text}`coins-bound` for
#   fitted coins (risk one half), at the mean empirical risk. With two weights there is so little to fit that even the formula
#   without the divergence gets through; only the coins show that it is wrong.
# - **A linear model passes, too.** The control: its VC dimension is known exactly, and its factor is still {glue:text}`line-factor`.
#   So the factor is not a discovery about networks. Part of it, 16-fold, is the constant of the VC theorem ($8/n$ against $1/(2n)$).
# - **The order hides a constant.** Only the order of $V$ is known, and for some networks of that size. With $V = p$ the factor
#   is {glue:text}`by-weights`; it would be below 100 only if $V$ were below {glue:text}`smallest`.
# - **Two different objects.** The VC bound speaks of every network of this shape, and of the single one you keep. The PAC-Bayes
#   bound speaks of a cloud, and its $n$ assumes that the divergence stays what it was at {glue:text}`size` images.
# - **A small divergence is not learning.** A posterior that stays at the prior has divergence zero, a tiny gap,
#   and the risk of a guess. The bound limits the *sum*; look at both of its parts.
# - **A prior that has peeked.** Everything rests on a prior that saw no example that is counted. The control
#   without divergence is what comes out otherwise.
#
# ## Summary
#
# {by-verdict}`pac.holds | holds: **The posterior may move as far as the examples pay for: what counts is the divergence
# divided by the number of examples. The bound kept its promise wherever the truth was known.** | fails: **Here the bound failed more often
# than it may.** | undecided: **Whether the bound keeps its promise is not settled by these runs.** | not-run: **This
# build did not run the simulations.**`
#
# - Any of three bounds failed in {glue:text}`broken` % of draws; the same formula without the divergence failed for
#   {glue:text}`coins-without` % of fitted coins.
# - With a prior nine standard deviations off, the credible interval missed in {glue:text}`missed` % of
#   draws, and the bound held in {glue:text}`kept` %.
# - A network of {glue:text}`p` weights needs {glue:text}`needed` examples by PAC-Bayes, and {glue:text}`factor` times as many by counting.
#
# **If you train networks:** how many weights you have is not what you pay for. What you pay for is how far, in units of the
# noise they can bear, they end from where they began. Start near, and move no more than the data ask for.
#
# **Open.** Usual networks are not clouds. How much noise do their weights bear, and does that say which ones
# generalize? **Next:** how much noise can a minimum bear?

# %% [markdown]
# ## Exercises
#
# For the first three you need only the imports of the set-up, not the experiments.
#
# ```{exercise} A cloud that is not round: 15 minutes
# :label: pac-bayes-ex-oval
#
# Let each weight have a standard deviation of its own. Complete `cloud_risk`: the empirical risk of the rule
# "sign of $w\!\cdot\!x$" with independent $w_j \sim N(m_j, s_j^2)$, for labels -1 and 1. Hand in: the function,
# and one sentence on what happens to the risk as all $s_j$ become very large.
# ```


# %% tags=["exercise"]
def cloud_risk(m: Tensor, s: Tensor, x: Tensor, y: Tensor) -> float:
    """Mean chance of a wrong sign; m and s [d], x [examples, d], y [examples]."""
    ### BEGIN SOLUTION
    spread = (x**2 @ s**2).sqrt()
    return float(torch.special.ndtr(-y * (x @ m) / spread).mean())
    ### END SOLUTION


# %% tags=["check"]
m_, s_ = torch.tensor([1.5, -0.8, 0.4]), torch.tensor([0.1, 0.5, 1.2])
for seed in range(4):
    gen = generator(seed, "oval")
    x_ = torch.randn(6, 3, generator=gen)
    y_ = torch.sign(torch.randn(6, generator=gen))
    w_ = m_ + s_ * torch.randn(60_000, 3, generator=gen)
    guess = cloud_risk(m_, s_, x_, y_)
    assert guess is not None, "nothing is returned yet: write the body"
    assert 0 <= float(guess) <= 1, "a risk lies in [0, 1]"
    share = float((torch.sign(w_ @ x_.T) != y_).double().mean())
    assert abs(float(guess) - share) < 0.006, "60,000 drawn networks disagree"
    flipped = float(cloud_risk(m_, s_, x_, -y_))
    assert abs(flipped + float(guess) - 1) < 1e-5, "flip all labels: 1 minus it"
    scaled = float(cloud_risk(3 * m_, 3 * s_, x_, y_))
    assert abs(scaled - float(guess)) < 1e-5, "a sign has no length"
print("Exercise 1: all checks passed")

# %% [markdown]
# ```{exercise} Which width should the prior have? 20 minutes
# :label: pac-bayes-ex-width
#
# The prior is centered at `m0` and has one standard deviation $s_0$ for all weights. Find the $s_0$ that makes the divergence
# smallest (set the derivative of the four terms to zero), and complete `best_width`. Hand in: the function, and
# one sentence on why you may not simply use it in the bound, and what a fixed list of widths costs.
# ```


# %% tags=["exercise"]
def best_width(m: Tensor, s: Tensor, m0: Tensor) -> float:
    """Return the prior's best standard deviation; all arguments are [weights]."""
    ### BEGIN SOLUTION
    return float((s**2 + (m - m0) ** 2).mean().sqrt())
    ### END SOLUTION


# %% tags=["check"]
gen = generator(0, "width")
for count in (1, 7, 300):
    m_, m0_ = torch.randn(2, count, generator=gen, dtype=torch.float64)
    s_ = torch.rand(count, generator=gen, dtype=torch.float64) + 0.05
    width = best_width(m_, s_, m0_)
    assert width is not None, "nothing is returned yet: write the body"
    assert float(width) > 0, "a standard deviation is positive"
    cloud = posterior.gaussian({"w": m_[None]}, {"w": s_[None]})
    costs = [
        float(posterior.kl(cloud, posterior.gaussian({"w": m0_[None]}, v)))
        for v in (float(width), 0.99 * float(width), 1.01 * float(width))
    ]
    at = f"for {count} weights"
    assert costs[0] <= costs[1], f"a slightly narrower prior is closer {at}"
    assert costs[0] <= costs[2], f"a slightly wider prior is closer {at}"
print("Exercise 2: all checks passed")

# %% [markdown]
# ```{exercise} How far may it move? 15 minutes
# :label: pac-bayes-ex-budget
#
# Turn the bound around. Complete `budget`: the largest divergence, in nats, at which the square-root bound for a
# posterior *without* training errors is still at most `target`; and 0 where even a divergence of zero is
# too much. Hand in: the function, and the number of nats an example for $n = 60{,}000$ and a target of 10 %.
# ```


# %% tags=["exercise"]
def budget(target: float, n: int, delta: float) -> float:
    """Return the nats that n examples pay for; target in (0, 1)."""
    ### BEGIN SOLUTION
    return max(0.0, 2 * n * target**2 - math.log(2 * math.sqrt(n) / delta))
    ### END SOLUTION


# %% tags=["check"]
for target, n, delta in ((0.1, 60_000, 0.05), (0.3, 500, 0.01), (0.5, 90, 0.2)):
    nats_ = budget(target, n, delta)
    assert nats_ is not None, "nothing is returned yet: write the body"
    assert float(nats_) > 0, f"{n} examples pay for something"
    given_ = {"n": n, "delta": delta, "loss_range": 1.0}
    reached = bounds.mcallester(0.0, kl=float(nats_), **given_)
    at = f"for target {target}, n = {n} and delta = {delta}"
    assert reached < target + 1e-6, f"so many nats are too many {at}"
    assert reached > target - 1e-6, f"there is room for more nats {at}"
assert budget(0.01, 100, 0.05) == 0, "too few examples: the budget is zero"
print("Exercise 3: all checks passed")

# %% [markdown]
# ```{exercise} Break the bound. Open, two hours, needs the run
# :label: pac-bayes-ex-open
#
# For coin labels, find prior and posterior for which the inversion fails as often as you can, with the true divergence paid.
# (The proof of line 1 tells you which posterior is the worst one.) Fix seeds and sizes before you look. Hand in: the share of
# failed draws with its exact interval, for at least three pairs of prior and posterior; and two sentences on how near to $\delta$ one can get,
# and which line of the proof keeps you from getting nearer.
# ```
#
# ## How this was fixed
#
# :::{dropdown} Pilots, seeds, and what changed after looking
# All predictions were committed before this page was written. Pilots on seeds 9000 to 9007 fixed the recipe of the stochastic networks: with
# 4,000 images the divergence stayed below 250 nats, but the networks were wrong on a third of the images, and the bound was above
# one half; 20,000 images and 16 hidden units give a bound that says something, in half a minute. The simulations have no knob that a
# pilot set: two weights, forty inputs, {glue:text}`n` examples, nine standard deviations and all other sizes were written down before their first run. Risks are
# rounded *down* to 1/2000 before a bound is looked up, so a failure may be counted too often, never too rarely.
# :::
#
# ## Sources
#
# The inversion is that of {cite:t}`seeger2002pac`, Catoni's form is in {cite:t}`catoni2007pac`, and the
# idea to certify a stochastic network is due to {cite:t}`langford2002not`.
#
# ```{bibliography}
# :filter: docname in docnames
# ```
