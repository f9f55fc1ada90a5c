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
# (information-in-weights)=
# # How much do the weights know about the data?
#
# A hospital trains a network on the records of 200 patients and publishes the network, not the
# records. What has it given away? Somebody who holds the weights might find out who the patients
# were. The same number would also tell us whether the network has learned a rule or a list: a
# rule that any 200 patients would have taught says little about these 200.
#
# So the question of privacy and the question of generalization are one: **how much do the weights
# know about this training set?** It has a unit, and this page measures it.
#
# :::{dropdown} Show me the answer
# {by-verdict}`info.noise | holds: **As much as the labels force them to.** The network of this page
# knows at least twice as much about each example when 30 % of the labels are wrong. | fails: **Less
# than one might fear**: wrong labels do not double what the network of this page knows about each
# example. | undecided: **How strongly wrong labels raise it** these runs cannot tell. | not-run:
# This build did not run the networks.`
# {by-verdict}`info.useless | holds: What it adds is knowledge about the wrong labels, useful
# for nothing else. | fails: What it adds is not about the wrong labels in particular. | undecided:
# Whether it is knowledge about the wrong labels stays open. | not-run: Look at another build, or run
# it yourself.`
# :::
#
# **What is measured.** First a linear model with noise on its weights, where the information is one
# formula. Then trained networks: 40 trainings on one image out of each of 200 pairs, and a look at
# their answers: do they tell which image of the pair was trained on?
#
# **What theory predicts.** The mean {term}`generalization gap` is at most a square root of the
# information. So a network that knows little about its examples cannot do much worse on new ones.
#
# **What you need.** Calculus, probability with normal distributions, and for two formulas the
# determinant of a matrix. Words with dots below them explain themselves.

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
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import MultivariateNormal, kl_divergence

from dlnotes.rng import generator
from dlnotes.data import datasets
from dlnotes.networks import models, training
from dlnotes.theory import bounds, information
from dlnotes.lab import claims, figures, prose, records, sweeps, verdicts
from dlnotes.lab.settings import Settings

figures.style()
usual = {"smoke": "0-1", "cpu": "0-11", "gpu": "0-11"}[profile]
run = Settings(profile=profile, device=device, seeds=seeds or usual).prepare()
side = run.scale(smoke=8, cpu=14, gpu=28)  # pixels
name = run.scale(smoke="digits", cpu="mnist", gpu="mnist")
data = datasets.load_all([name], stand_in="digits", side=side)
((train, test),) = data.values()
context = claims.Context(settings=run, data=[train], needs=("mnist",))
formulas = claims.Context(settings=run, data=[], needs=())
context

# %% [markdown]
# ## Five data sets, five clouds
#
# Fit a straight line to ten points. It has two weights, where it starts and how steep it is. Another
# data set from the same source gives another line. Now *add noise to the two weights*, and give them
# to somebody who has to say which data set they come from. The picture shows five data sets, 40 noisy
# pairs of weights each. Turn the noise down.


# %% tags=["hide-input"] title="Code of the figure"
def ridge(x: Tensor, penalty: float) -> Tensor:
    """Return what makes the weights of the targets: [weights, examples]."""
    n, p = x.shape
    eye = torch.eye(p, dtype=x.dtype)
    return torch.linalg.solve(x.T @ x / n + penalty * eye, x.T / n)


def normal(*shape: int, name: str, seed: int = 0) -> Tensor:
    gen = generator(seed, name)
    return torch.randn(*shape, generator=gen, dtype=torch.float64)


places = torch.linspace(-1, 1, 10, dtype=torch.float64)
line = torch.stack([torch.ones(10, dtype=torch.float64), places], 1)
to_weights = ridge(line, 0.01)
targets = 0.5 + places + 0.5 * normal(5, 10, name="five data sets")
fits, z = targets @ to_weights.T, normal(5, 40, 2, name="clouds")
books, alts, says, rows = {}, {}, {}, []
for s in (0.01, 0.03, 0.1, 0.3, 1.0):
    known = information.channel(
        to_weights, 0.25 * torch.eye(10, dtype=torch.float64), s
    )
    frame, axis = plt.subplots(figsize=(5.6, 3.8))
    for i in range(5):
        w = fits[i] + s * z[i]
        look = {"color": figures.COLORS[i], "marker": figures.MARKERS[i]}
        axis.scatter(*w.T, s=16, alpha=0.6, linewidths=0, **look)
        rows += [(s, i, *pair) for pair in w.tolist()]
    axis.set(xlim=(-0.6, 1.6), ylim=(-0.6, 2.4), xlabel="weight 1: height at 0")
    axis.set(ylabel="weight 2: slope")
    books[s] = frame
    says[s] = f"Noise {s:g}: the weights know {known:.2f} nats about the data."
    alts[s] = f"Five clouds of weights, one color a data set. {says[s]}"
figures.flipbook(
    books,
    "clouds",
    label="noise s on the weights",
    alts=alts,
    says=says,
    caption="Noisy weights of five data sets from one source, one color and "
    "one mark each. With much noise the colors mix: the weights do not tell "
    "which data set they come from. With little noise each cloud is a name "
    "tag. Information counts how well the clouds can be told apart.",
    data=pd.DataFrame(
        rows, columns=["noise", "data set", "weight 1", "weight 2"]
    ),
    default=0.1,
)

# %% [markdown]
# Three words make this exact. The **divergence** $D(Q\,\|\,P)$ of a distribution $Q$ from $P$ (after
# Kullback and Leibler) is the mean of $\ln(q/p)$ under $Q$: what it costs to be surprised by draws from
# $Q$ when one expected $P$. Its unit is the **nat**; one bit is $\ln 2 \approx 0.69$ nats. The
# **marginal** of the weights is their distribution when the data set is unknown: all clouds together,
# over all data sets. The **mutual information** $I(W;D)$ of weights $W$ and data $D$ is
# the mean divergence of one data set's cloud from the marginal. It is zero when all clouds are the
# same, and it is what one expects to learn about the data from seeing the weights.
#
# ## Where it is a formula
#
# Take {term}`ridge regression` with given inputs $X$ and targets $y$ that are normal: the targets are the
# data. The weights are linear in them, $W = A y + s z$ with standard normal noise $z$.
#
# ```{prf:proposition} What the weights of a linear model know
# :label: information-in-weights-channel
#
# Let $y$ be normal with covariance $C$. Then
#
# $$
# \begin{aligned}
# &I(W; D) = \\
# &\quad \tfrac12 \ln\det\bigl(\mathbb 1 + A\,C A^{\top}/s^2\bigr),
# \end{aligned}
# $$
#
# and for every distribution $P'$ that does not depend on $y$
#
# $$
# \begin{aligned}
# &\mathbb E_y\, D\bigl(W|y \,\|\, P'\bigr) = I(W;D) \\
# &\quad + D\bigl(\text{marginal} \,\|\, P'\bigr) .
# \end{aligned}
# $$
#
# :::{symbols}
# $X$ | `x`, {glue:text}`n-linear` inputs with {glue:text}`p-linear` numbers each; the last is always zero
# $A$ | `gain`, from `ridge(x, penalty=0.1)`
# $C$ | `covariance`, 0.25 times the unit matrix
# $s$ | `noise`; at 0.1 the information is {glue:text}`nats-linear` nats
# :::
# ```
#
# ```{dropdown} The proof, in four sentences that you can skip
# The divergence between two normal distributions is a known formula, and its mean over $y$ leaves
# half the logarithm of the ratio of the two determinants, $\det(s^2 \mathbb 1 + A C A^{\top})$ over
# $\det(s^2 \mathbb 1)$. For the second line write $\ln(q/p') = \ln(q/p) + \ln(p/p')$ with $p$ the
# marginal. The mean of the first term is $I(W;D)$. The second one does not depend on $y$, so its mean over
# $y$ and $W$ is its mean over the marginal. The second line needs no normal distributions (Cover and
# Thomas 2006 have both).
# ```
#
# In code the formula is one line. A determinant is the product of the {term}`eigenvalues <eigenvalue>`.

# %%
x = normal(30, 8, name="inputs")
x[:, 7] = 0  # a pixel that is always black
gain, covariance = ridge(x, 0.1), 0.25 * torch.eye(30, dtype=torch.float64)
mean = gain @ x @ normal(8, name="truth")  # of the weights

noise = 0.1
ratios = torch.linalg.eigvalsh(gain @ covariance @ gain.T) / noise**2
nats = ratios.clamp(min=0).log1p().sum() / 2
assert torch.isclose(
    nats, torch.tensor(information.channel(gain, covariance, noise)).double()
)
print(f"{nats:.3f} nats about 30 targets, in 8 weights with noise {noise}")

# %% [markdown]
# Now check the proposition the long way. A divergence of normal distributions is a quadratic function
# of $y$; so its mean over $y$ is exactly its mean over 60 well-chosen points, and PyTorch knows the
# divergence. A third way needs only the determinants of all variables together.


# %% tags=["hide-input"] title="The same number in three ways, and the price of 21 other priors"
def cloud(center: Tensor, spread: Tensor) -> MultivariateNormal:
    return MultivariateNormal(center, covariance_matrix=spread)


def mean_divergence(prior: MultivariateNormal, noise: float) -> float:
    """Mean over data of D(weights given the data || prior), exactly."""
    steps = (30**0.5) * 0.5 * torch.eye(30, dtype=torch.float64)
    points = torch.cat([steps, -steps]) @ gain.T + mean
    own = noise**2 * torch.eye(8, dtype=torch.float64)
    return float(kl_divergence(cloud(points, own), prior).mean())


def by_determinants(noise: float) -> float:
    """(ln det weights + ln det data - ln det both) / 2."""
    cross = gain @ covariance
    weights = cross @ gain.T + noise**2 * torch.eye(8, dtype=torch.float64)
    top = torch.cat([weights, cross], 1)
    both = torch.cat([top, torch.cat([cross.T, covariance], 1)])
    parts = weights.logdet() + covariance.logdet() - both.logdet()
    return float(parts / 2)


def marginal(noise: float) -> MultivariateNormal:
    own = noise**2 * torch.eye(8, dtype=torch.float64)
    return cloud(mean, gain @ covariance @ gain.T + own)


errors, surplus = [], []
for s in (0.01, 0.1, 1.0):
    exact = information.channel(gain, covariance, s)
    errors.append(abs(mean_divergence(marginal(s), s) - exact))
    errors.append(abs(by_determinants(s) - exact))
    for k in range(21):
        root = normal(8, 8, name="prior", seed=k)
        center = normal(8, name="center", seed=k) if k else torch.zeros(8)
        spread = root @ root.T if k else torch.eye(8)
        other = cloud(center.double(), spread.double())
        extra = float(kl_divergence(marginal(s), other))
        total = mean_divergence(other, s)
        assert extra > 0
        surplus.append(abs(total - exact - extra) / total)

fine = [1e-6 / 2**k for k in range(8)]
growth = [information.channel(gain, covariance, s) for s in fine]
halving = [b - a - 7 * math.log(2) for a, b in itertools.pairwise(growth)]

# %% tags=["remove-cell"]
claims.check(
    "info.mutual",
    verdicts.identity(max(errors), 1e-8, reason="nats, two other ways"),
    formulas,
)
claims.check(
    "info.best-prior",
    verdicts.identity(max(surplus), 1e-9, reason="relative, 63 priors"),
    formulas,
)
claims.check(
    "info.infinite",
    verdicts.identity(
        max(map(abs, halving)), 1e-6, reason="nats, seven halvings"
    ),
    formulas,
)
prose.number("n-linear", len(x))
prose.number("p-linear", x.shape[1])
prose.number("nats-linear", nats.item(), ".1f")
decades = information.channel(gain, covariance, 1e-3)
prose.number("nats-fine", decades, ".0f")
prose.number("nats-finer", information.channel(gain, covariance, 1e-6), ".0f")

# %% [markdown]
# {claim}`info.mutual`
#
# {claim}`info.best-prior` A PAC-Bayes bound charges the divergence of the weights from a {term}`prior`
# that one has to name. {by-verdict}`info.best-prior | holds: On average over data sets no prior is
# cheaper than the marginal, and nobody knows the marginal. So **the information is what the
# best prior would charge**, and every real bill is higher. | fails: Here one of the priors was billed
# wrongly, which means that this page has a fault. | undecided: That could not be computed.`
#
# :::{predict}
# :guess: limit
# :kind: choice
# :choices: stops at what the data hold | grows without limit
# Halve the noise on the weights again and again. What does the information do?
# :::

# %% tags=["hide-input"] title="Code of the figure"
scales = [10 ** (-k / 8) for k in range(-4, 25)]
priors = {"prior N(0, 1)": 1.0, "prior N(0, 0.2²)": 0.2}
lines = {
    "best prior: the marginal": [
        information.channel(gain, covariance, s) for s in scales
    ]
}
for told, t in priors.items():
    eye = torch.eye(8, dtype=torch.float64)
    wide = cloud(torch.zeros(8, dtype=torch.float64), t**2 * eye)
    lines[told] = [mean_divergence(wide, s) for s in scales]
figure, axis = plt.subplots(figsize=(5.6, 3.6))
for i, (told, values) in enumerate(lines.items()):
    dashes = (0, figures.DASHES[i]) if figures.DASHES[i] else "-"
    look = {"color": figures.COLORS[i], "linestyle": dashes}
    axis.plot(scales, values, label=told, lw=2.4 - 0.6 * (i > 0), **look)
axis.set(xscale="log", xlabel="noise s on the weights (log scale)")
axis.set(ylabel="mean divergence (nats)", ylim=(0, 100))
axis.invert_xaxis()
axis.legend(loc="upper left")
ends = {told: values[-1] for told, values in lines.items()}
figures.show(
    figure,
    "noise",
    alt="Mean divergence of the noisy weights from three priors against the "
    f"noise. At noise 0.001: {figures.words(ends, '.0f')} nats.",
    caption="What the weights cost, on average over data sets, against the "
    "noise on them (less to the right). The lowest curve is the mutual "
    "information; priors around zero cost more everywhere. All three rise "
    "without end, and the lowest by 7 ln 2 with each halving, though there are "
    "8 weights: the weight of the black pixel knows nothing.",
    data=pd.DataFrame({"noise": scales} | lines),
)

# %% [markdown]
# {predicted}`limit` {claim}`info.infinite` At noise 0.001 it is {glue:text}`nats-fine` nats, at a
# millionth {glue:text}`nats-finer`. Without noise the weights are a function of the data, and every
# further digit tells more. So **by this count a network whose start and batches are fixed knows
# infinitely much about data that vary continuously**, a good network and a bad one alike.
#
# That is a footnote to the talk from which this part of the book grew {cite:p}`chang2020information`.
# It measures what weights have learned by $I(W;\text{Data})$, and says that this is closely related to
# the divergence of PAC-Bayes. Both are right, with two additions. The number separates good from bad only
# if something hides digits: noise on the weights, or a question with a coarser answer. And the
# divergence equals it for one prior only.
#
# ## What it bounds
#
# ```{prf:proposition} Little information, small gap
# :label: information-in-weights-gap-bound
#
# Let the $n$ examples be independent draws from one source, and the loss lie between 0 and 1. Then
#
# $$
# \begin{aligned}
# &\bigl|\,\mathbb E\,(\text{test error} \\
# &\quad - \text{training error})\bigr| \\
# &\le \sqrt{I(W;D)/(2n)} .
# \end{aligned}
# $$
#
# :::{symbols}
# $n$ | `n`, {glue:text}`n-gap` examples in {glue:text}`d-gap` dimensions
# $\mathbb E$ | the mean over training sets *and* noise: {glue:text}`draws-gap` draws a seed
# left side | `gap`; at $s = 0.2$ it is {glue:text}`gap-middle` percentage points
# right side | `bounds.mutual_information`; there {glue:text}`bound-middle` points
# :::
# ```
#
# It speaks of the *mean* only. A single training set may have a larger gap. Take the
# simplest classifier: two classes $y = \pm 1$ whose inputs are normal around $\pm\mu$, and weights $w$
# that are the mean of $y\,x$ over the training set, plus noise $s z$. Each $y\,x$ has the unit matrix as
# covariance, so the mean of $n$ has variance $1/n$ in each of $d$ directions, and the proposition before
# gives
#
# $$ I(W;D) = \tfrac d2 \ln\Bigl(1 + \frac{1}{n s^2}\Bigr). $$

# %%
n, d = 50, 20


def nats_of(s: float) -> float:
    return d / 2 * math.log(1 + 1 / (n * s**2))


average = torch.eye(d, dtype=torch.float64).repeat(1, n) / n  # of n inputs
unit = torch.eye(n * d, dtype=torch.float64)
for s in (0.1, 0.4):
    exact = information.channel(average, unit, s)
    assert abs(nats_of(s) - exact) < 1e-9
    bound = bounds.mutual_information(information=exact, n=n, loss_range=1.0)
    print(f"s = {s}: {exact:.2f} nats, so a mean gap of at most {bound:.3f}")

# %% [markdown]
# The left side needs no test set: on new inputs this classifier errs with probability
# $\Phi(-w\cdot\mu/|w|)$, with $\Phi$ the normal distribution function.

# %% tags=["hide-input"] title="The gap of the noisy classifier, measured"
DRAWS = run.scale(smoke=60, cpu=400, gpu=2000)
NOISES = (0.05, 0.1, 0.2, 0.4, 0.8)
mu = torch.zeros(d, dtype=torch.float64)
mu[0] = 1.0


def gaps(seed: int) -> dict[float, float]:
    """Mean gap in percentage points for each size of the noise, and for 0."""
    yx = mu + normal(DRAWS, n, d, name="classes", seed=seed)
    z = normal(DRAWS, d, name="noise", seed=seed)
    found = {}
    for s in (0.0, *NOISES):
        w = yx.mean(1) + s * z
        risk = torch.special.ndtr(-(w @ mu) / w.norm(dim=1))
        missed = ((yx @ w[:, :, None])[..., 0] <= 0).double().mean(1)
        found[s] = float(100 * (risk - missed).mean())
    return found


gap = pd.DataFrame([{"seed": s} | gaps(s) for s in run.seeds])
bound = {
    s: 100
    * bounds.mutual_information(information=nats_of(s), n=n, loss_range=1.0)
    for s in NOISES
}

# %% tags=["remove-cell"]
parts = {
    f"s = {s}": verdicts.below((gap[s] - bound[s]).tolist(), 0.0)
    for s in NOISES
}
claims.check(
    "info.gap-bound",
    verdicts.all_of(parts),
    formulas,
    unit="percentage points",
)
prose.number("n-gap", n)
prose.number("d-gap", d)
prose.number("draws-gap", DRAWS)
prose.mean("gap-middle", gap[0.2].tolist())
prose.number("bound-middle", bound[0.2], ".1f")
prose.mean("gap-none", gap[0.0].tolist())

# %% tags=["hide-input"] title="Code of the figure"
long = gap.melt("seed", list(NOISES), "noise", "gap")
long["what"] = "gap, measured"
long["noise"] = long["noise"].astype(float)
figure, axis = plt.subplots(figsize=(5.6, 3.3))
figures.seed_points(axis, long, x="noise", y="gap", hue="what")
axis.plot(
    list(bound),
    list(bound.values()),
    "s--",
    color=figures.COLORS[1],
    label="bound, root of I / (2n)",
)
figures.baseline(axis, gap[0.0].mean(), "gap without noise", side="right")
axis.set(xscale="log", xlabel="noise s on the weights (log scale)")
axis.set(ylabel="percentage points", ylim=(0, None))
axis.legend(loc="upper right")
means = {f"s = {s}": gap[s].mean() for s in NOISES}
figures.show(
    figure,
    "gap",
    alt="Mean gap and its bound against the noise. Gaps: "
    f"{figures.words(means, '.1f')}; bounds: "
    f"{figures.words({f's = {s}': b for s, b in bound.items()}, '.1f')}.",
    caption="Gap of the noisy classifier (dots are seeds) and what the "
    "information allows. {by-verdict}`info.gap-bound | holds: The bound is "
    "kept, and far from tight. | fails: The bound is broken, which would mean "
    "a fault of this page. | undecided: Somewhere the two are too close to "
    "tell.` Toward no noise the bound goes to infinity; the gap does not.",
    data=long,
)

# %% [markdown]
# {claim}`info.gap-bound` Without noise the gap is {glue:text}`gap-none` points, and the bound says
# nothing at all. The gap does not care about the tenth digit of a weight. The bound does. We need a question
# that the tenth digit does not answer.
#
# ## A question about pairs
#
# Take 200 pairs of images. For each pair toss a coin: heads, the first image goes into the training
# set; tails, the second. Train. Now ask of each pair: *how much do the network's two answers tell about
# its coin?* The answers are classes, so the most they can tell is one coin, $\ln 2$ nats. Whatever
# all training sets have in common, such as what a seven looks like, tells nothing about any coin and
# **counts zero**. This is the *evaluated conditional mutual information*, "conditional" since the pairs
# are known {cite:p}`steinke2020reasoning,harutyunyan2021information`.
#
# ```{prf:proposition} Answers that tell little, small gap
# :label: information-in-weights-cmi
#
# For given pairs, fair and independent coins, and a loss between 0 and 1, with $I_i$ the
# information of the two answers for pair $i$ about its coin,
#
# $$
# \begin{aligned}
# &\bigl|\,\mathbb E\,(\text{left-out error} \\
# &\quad - \text{training error})\bigr| \\
# &\le \frac1n \sum_{i=1}^n \sqrt{2 I_i} .
# \end{aligned}
# $$
#
# :::{symbols}
# $n$ | {glue:text}`pairs` pairs
# $\mathbb E$ | the mean over coins, initial weights and batches: {glue:text}`trainings` trainings a seed
# left side | `gap`; for the MLP with true labels {glue:text}`gap-true` points
# right side | `bounds.evaluated_cmi`; there {glue:text}`bound-true` points
# :::
# ```
#
# $I_i$ is estimated by frequencies. In how many trainings did these two answers come with heads, in how
# many with tails? Here is one pair that was always told, by hand:

# %%
coins = torch.tensor([0, 1, 0, 1, 1, 0, 1, 0], dtype=torch.bool)
answers = torch.stack([torch.where(coins, 9, 4), torch.full((8,), 7)], 1)

total = 0.0
for said in answers.unique(dim=0):
    for coin in (False, True):
        same = (answers == said).all(1)
        joint = (same & (coins == coin)).double().mean()
        apart = same.double().mean() * (coins == coin).double().mean()
        if joint > 0:
            total += float(joint * (joint / apart).log())
found = information.evaluated(answers[:, None], coins[:, None])
assert abs(total - float(found.nats)) < 1e-12
print(f"{total:.4f} nats; one coin has {math.log(2):.4f}")

# %% [markdown]
# Its first image is called a 4 if it was trained on (heads), and a 9 if not. That is enough: who sees
# the answer knows the coin.
#
# :::{predict}
# :guess: times
# :kind: number
# :unit: times
# Train on the same pairs after 30 % of all labels were changed to a wrong class. How many times as many
# nats do the answers tell about each coin?
# :::
#
# ## Trained networks
#
# An MLP is trained on true labels and on labels of which 30 % are flipped: each is replaced by a
# wrong class. (Its answers are compared with the labels as they are then, wrong or not, for the
# trained and for the left-out images.) Two linear models are {term}`controls <control>`: one sees the same pixels,
# the other one images of half the side. For every seed, model and kind of labels there are 40 trainings:

# %%
PAIRS = run.scale(smoke=60, cpu=200, gpu=200)  # n
TRAININGS = run.scale(smoke=12, cpu=40, gpu=40)
FLIPPED = 0.3
KINDS = ["MLP", "linear", "small linear"]
grid = sweeps.grid(model=KINDS, rate=[0.0, FLIPPED], seed=run.seeds)


def labels_of(c: dict, y: Tensor) -> Tensor:
    """Flip labels to another class, each with probability c["rate"]."""
    chance = torch.rand(len(y), generator=generator(c["seed"], "flipped"))
    other = generator(c["seed"], "other class")
    wrong = (y + torch.randint(1, 10, (len(y),), generator=other)) % 10
    return torch.where(chance < c["rate"], wrong, y)


# %% tags=["hide-input"] title="How the networks are trained, and what is kept of them"
BINS = torch.linspace(-8, 2, 31)  # of the logarithm of the loss, to base 10
RECIPE = training.TrainConfig(
    batch_size=50,
    max_epochs=30,
    learning_rate=0.1,
    momentum=0.9,
    weight_decay=0.01,
    curve_every=0,
)


def pairs_of(seed: int) -> datasets.Dataset:
    """Images of a seed; the first two are pair 0, the next two pair 1."""
    return datasets.subset(train, 2 * PAIRS, gen=generator(seed, "pairs"))


def answers_of(c: dict, x: Tensor, y: Tensor, rows: Tensor) -> Tensor:
    """Train a stack, one model a row of indices; return logits for all x."""
    hidden = (128,) if c["model"] == "MLP" else ()
    if c["model"] == "small linear":
        x = F.avg_pool2d(x, 2)
    io = {"input_shape": x.shape[1:], "num_classes": 10}
    model = models.ModelConfig(kind="mlp", hidden=hidden, **io)
    gens = [generator(c["seed"], "init", k) for k in range(len(rows))]
    start = models.init(model, gens, device=run.torch_device)
    x, y, rows = (part.to(run.torch_device) for part in (x, y, rows))
    order = generator(c["seed"], "batch order")
    done = training.train(model, RECIPE, start, x, y, gens=order, rows=rows)
    with torch.no_grad():
        return models.forward(model, done.params, x).cpu()


def spotted(loss: Tensor, inside: Tensor) -> float:
    """Accuracy of "trained on" below a threshold set on half of the trainings."""
    half = len(loss) // 2
    known = loss[:half].flatten().sort()
    was_in = inside[:half].flatten()[known.indices].double()
    right = was_in.cumsum(0) + (1 - was_in).sum() - (1 - was_in).cumsum(0)
    limit = known.values[right.argmax()]
    return float(((loss[half:] <= limit) == inside[half:]).double().mean())


def fit(group: list[dict]) -> list[dict]:
    return [measured(c) for c in group]


def measured(c: dict) -> dict:
    """Train on one of each pair, 40 times; return what the answers tell."""
    part = pairs_of(c["seed"])
    y = labels_of(c, part.y)
    gen = generator(c["seed"], "coins")
    coins = torch.rand(TRAININGS, PAIRS, generator=gen) < 0.5
    rows = 2 * torch.arange(PAIRS) + coins.long()
    inside = torch.zeros(TRAININGS, 2 * PAIRS, dtype=torch.bool)
    inside.scatter_(1, rows, True)
    logits = answers_of(c, part.x, y, rows)
    said = logits.argmax(2)
    told = information.evaluated(said.view(TRAININGS, PAIRS, 2), coins)
    mixed = coins[torch.randperm(TRAININGS, generator=gen)]
    chance = information.evaluated(said.view(TRAININGS, PAIRS, 2), mixed)
    right = (said == y).double()
    inner = (right * inside).sum(0) / inside.sum(0).clamp(min=1)
    outer = (right * ~inside).sum(0) / (~inside).sum(0).clamp(min=1)
    loss = -logits.log_softmax(2)
    loss = loss.gather(2, y.expand(TRAININGS, -1)[..., None])[..., 0]
    logs = loss.double().clamp(min=1e-8).log10().float()
    gap = right[inside].mean() - right[~inside].mean()
    limit = bounds.evaluated_cmi(told.nats.tolist(), loss_range=1.0)
    return {
        "nats": told.nats.tolist(),
        "mean nats": told.mean,
        "bias": told.bias,
        "chance nats": float(chance.nats.mean()),
        "gap": 100 * float(gap),
        "bound": 100 * limit,
        "train %": 100 * float(right[inside].mean()),
        "new %": 100 * float((said == part.y)[~inside].double().mean()),
        "score": (100 * (inner - outer)).tolist(),
        "flipped": (y != part.y).tolist(),
        "spotted": 100 * spotted(loss, inside),
        "losses in": torch.histc(logs[inside], 30, -8, 2).tolist(),
        "losses out": torch.histc(logs[~inside], 30, -8, 2).tolist(),
    }


table = records.frame(sweeps.run(grid, fit, settings=run))
LABELS = {"true labels": 0.0, "30 % flipped": FLIPPED}


def runs(model: str, labels: str) -> pd.DataFrame:
    """Return the runs of a model on a kind of labels, by seed."""
    return records.pick(table, model=model, rate=LABELS[labels])


print(f"{len(table) * TRAININGS:,} models trained, {TRAININGS} a seed and arm")

# %% tags=["hide-input"] title="Code of the figure"
figure, panels = plt.subplots(1, 2, figsize=(5.6, 3.2), sharey=True)
edges = np.linspace(0, math.log(2), 15)
bars = []
for axis, (labels, color) in zip(
    panels, zip(LABELS, figures.COLORS[:2], strict=True), strict=True
):
    each = np.concatenate(runs("MLP", labels).nats.to_list())
    share = 100 * np.histogram(each, edges)[0] / len(each)
    axis.bar(
        edges[:-1],
        share,
        width=np.diff(edges),
        align="edge",
        color=color,
        edgecolor=figures.PAPER,
    )
    axis.set(title=labels, xlabel="nats told about a coin", xlim=(0, 0.72))
    axis.axvline(math.log(2), color=figures.INK, linestyle=(0, (2, 2)), lw=1)
    bars += [(labels, a, v) for a, v in zip(edges[:-1], share, strict=True)]
panels[0].set(ylabel="pairs (%)", ylim=(0, 100))
panels[0].annotate(
    "one whole\ncoin", (0.68, 94), ha="right", va="top", fontsize=9.5
)
silent = {k: v for k, a, v in bars if a == 0}
figures.show(
    figure,
    "pairs",
    alt="Histograms of the nats that answers tell about each coin. In the "
    f"lowest bin, percent of the pairs: {figures.words(silent, '.0f')}.",
    caption="What the MLP's two answers tell about the coin of each pair, all "
    "seeds together. With true labels most pairs tell nothing: both images are "
    "answered alike, trained on or not. With flipped labels most coins "
    "are told, many of them completely (dashed line: one whole coin).",
    data=pd.DataFrame(bars, columns=["labels", "nats from", "% of pairs"]),
)

# %% tags=["remove-cell"]
true, flip = runs("MLP", "true labels"), runs("MLP", "30 % flipped")
points = "percentage points"
parts = {
    "gap below bound": verdicts.below((true.gap - true.bound).tolist(), 0.0),
    "bound below one half": verdicts.below(true.bound.tolist(), 50.0),
}
claims.check("info.cmi", verdicts.all_of(parts), context, unit=points)


def more(kind: str) -> list[float]:
    """Nats with flipped labels over nats with true ones, seed by seed."""
    few, many = runs(kind, "true labels"), runs(kind, "30 % flipped")
    return (many["mean nats"].to_numpy() / few["mean nats"].to_numpy()).tolist()


claims.check(
    "info.noise", verdicts.ratio(more("MLP"), 2), context, unit="times"
)
prose.number("pairs", PAIRS)
prose.number("trainings", TRAININGS)
prose.mean("gap-true", true.gap.tolist())
prose.mean("bound-true", true.bound.tolist())
prose.mean("gap-flip", flip.gap.tolist())
prose.mean("bound-flip", flip.bound.tolist())
prose.mean("nats-true", true["mean nats"].tolist(), ".2f")
prose.mean("nats-flip", flip["mean nats"].tolist(), ".2f")
prose.ratio("times-MLP", more("MLP"))
prose.ratio("times-linear", more("linear"))
prose.ratio("times-small", more("small linear"))
prose.mean("fit-small", runs("small linear", "30 % flipped")["train %"], ".0f")
prose.mean("fit-MLP", flip["train %"].tolist(), ".0f")
prose.number("bias-largest", table.bias.abs().max(), ".3f")
prose.mean("chance-flip", flip["chance nats"].tolist(), ".2f")
prose.mean("new-true", true["new %"].tolist(), ".0f")
prose.mean("new-flip", flip["new %"].tolist(), ".0f")

# %% [markdown]
# {predicted}`times <times-MLP>` {claim}`info.noise` Per pair it is {glue:text}`nats-true` nats with true
# labels and {glue:text}`nats-flip` with flipped ones. {by-verdict}`info.noise | holds: The talk says
# that noise in the data makes the weights take in more information. Asked in this way, it does.
# | fails: The talk says that noise in the data makes the weights take in more information; twice as
# much it is not here. | undecided: Whether it is twice as much, the seeds cannot tell.`
#
# {claim}`info.cmi` The gap is {glue:text}`gap-true` points and the bound {glue:text}`bound-true`.
# {by-verdict}`info.cmi | holds: A bound for networks without noise on their weights, from 200
# examples, that says something. | fails: So either the bound is broken, or it says less than a coin would. | undecided:
# One of the two is too close to tell.` With flipped labels the gap is {glue:text}`gap-flip` points and the
# bound {glue:text}`bound-flip`: it hardly says anything, and there is little that it could say.

# %% tags=["hide-input"] title="Code of the figure"
figure, axis = plt.subplots(figsize=(5.6, 3.8))
spoken = {}
for i, kind in enumerate(KINDS):
    for labels in LABELS:
        part = runs(kind, labels)
        hollow = labels != "true labels"
        look = {"color": figures.COLORS[i], "marker": figures.MARKERS[i]}
        face = figures.PAPER if hollow else figures.COLORS[i]
        told = f"{kind}, {labels}"
        axis.scatter(
            part.gap, part.bound, s=34, facecolor=face, label=told, **look
        )
        spoken[told] = part.gap.mean()
axis.plot([0, 100], [0, 100], color=figures.INK, lw=1)
axis.annotate("bound = gap", (78, 74), color=figures.INK, fontsize=9.5)
axis.set(xlim=(0, 100), ylim=(0, 104), xlabel="mean gap (percentage points)")
axis.set(ylabel="bound (percentage points)")
axis.legend(loc="lower right", fontsize=8.5, bbox_to_anchor=(1.0, 0.02))
figures.show(
    figure,
    "bound",
    alt="Bound against measured gap, one mark a seed. Mean gaps in points: "
    f"{figures.words(spoken, '.0f')}.",
    caption="Gap and bound of every seed and model; hollow marks have flipped "
    "labels. Below the line a bound would be broken. The small linear model "
    "cannot fit the flipped labels, and so neither its gap nor its bound "
    "moves far.",
    data=table[["model", "rate", "seed", "gap", "bound", "mean nats"]],
)

# %% [markdown]
# **The controls.** A linear model with all pixels does what the MLP does: flipping raises its nats by a
# factor of {glue:text}`times-linear`. So this is no specialty of networks. The small linear model is
# the interesting one. It sees the same images and the same flipped labels, and its factor is
# {glue:text}`times-small`. It cannot fit those labels: it ends with
# {glue:text}`fit-small` % of them right, the MLP with {glue:text}`fit-MLP` %. **The noise has to get into
# the weights before they know it.**
#
# ## Useful and useless
#
# The talk divides what data hold into two kinds: *useful information*, which reflects the rule of the
# source, and *useless information*, which does not, such as wrong labels and odd examples. Weights take
# in both, and only the first carries over. That is a plan of an experiment: we know which labels we
# flipped. For each example take its **memorization score** {cite:p}`feldman2020does`:
#
# $$
# \begin{aligned}
# \text{score} &= \Pr(\text{right} \mid \text{trained on}) \\
# &\quad - \Pr(\text{right} \mid \text{left out}) .
# \end{aligned}
# $$
#
# It is 0 for an example that the others teach as well, and 1 for one that must be learned by heart.


# %% tags=["remove-cell"]
def scores(kind: str, labels: str, flipped: bool) -> list[float]:
    """Mean memorization score of some examples, in points, by seed."""
    return [
        float(np.mean(np.array(score)[np.array(who) == flipped]))
        for score, who in zip(
            runs(kind, labels).score, runs(kind, labels).flipped, strict=True
        )
    ]


wrong = {k: np.array(scores(k, "30 % flipped", True)) for k in KINDS}
clean = {k: np.array(scores(k, "30 % flipped", False)) for k in KINDS}
claims.check(
    "info.useless",
    verdicts.above((wrong["MLP"] - clean["MLP"]).tolist(), 0.0),
    context,
    unit=points,
)
claims.check(
    "info.membership",
    verdicts.above(
        (flip.spotted.to_numpy() - true.spotted.to_numpy()).tolist(), 0.0
    ),
    context,
    unit=points,
)
prose.mean("score-wrong", wrong["MLP"].tolist(), ".0f")
prose.mean("score-clean", clean["MLP"].tolist(), ".0f")
prose.mean("score-true", scores("MLP", "true labels", False), ".0f")
small = (wrong["small linear"] - clean["small linear"]).tolist()
prose.mean("score-small", small, ".1f")
part_wrong = [
    100 * np.array(s)[np.array(f)].sum() / np.sum(s)
    for s, f in zip(flip.score, flip.flipped, strict=True)
]
prose.mean("share-wrong", part_wrong, ".0f")
prose.mean("spotted-true", true.spotted.tolist(), ".0f")
prose.mean("spotted-flip", flip.spotted.tolist(), ".0f")
prose.mean("by-gap-true", (50 + true.gap / 2).tolist(), ".0f")
prose.mean("by-gap-flip", (50 + flip.gap / 2).tolist(), ".0f")

# %% tags=["hide-input"] title="Code of the figure"
first = pairs_of(run.seeds[0])
score = torch.tensor(runs("MLP", "true labels").score.iloc[0])
most, least = [], []
for digit in range(10):
    own = (first.y == digit).nonzero().flatten()
    order = score[own].sort(descending=True).indices
    most.append(int(own[order[0]]))
    least.append(int(own[order[-1]]))
shown = {
    "learned\nby heart": first.x[most].numpy(),
    "taught by\nothers": first.x[least].numpy(),
}
heads = [str(digit) for digit in range(10)]
high = {str(first.y[i].item()): float(score[i]) for i in most}
figures.show(
    figures.image_rows(shown, heads, size=0.45),
    "by-heart",
    alt="For each digit the image with the largest and the one with the "
    f"smallest memorization score. Largest, in points, by digit: "
    f"{figures.words(high, '.0f')}.",
    caption="One seed, true labels: above, the image of each digit that the "
    "MLP gets right far more often when it was trained on; below, one that it "
    "gets right either way. The odd ones are learned by heart, also without "
    "any wrong label.",
    data=pd.DataFrame({"digit": heads, "most": most, "least": least}),
)

# %% tags=["hide-input"] title="Code of the figure"
arms = {}
for kind in ("MLP", "small linear"):
    arms[f"{kind}: flipped ones"] = wrong[kind].tolist()
    arms[f"{kind}: the other ones"] = clean[kind].tolist()
    arms[f"{kind}: none flipped"] = scores(kind, "true labels", False)
figure, axis = plt.subplots(figsize=(5.6, 3.2))
figures.seed_rows(axis, arms)
axis.set(xlabel="mean memorization score (percentage points)", xlim=(0, 100))
means = {told: float(np.mean(v)) for told, v in arms.items()}
figures.show(
    figure,
    "scores",
    alt="Mean memorization score by model and kind of example, one dot a "
    f"seed. Means: {figures.words(means, '.0f')}.",
    caption="How far examples are learned by heart. {by-verdict}`info.useless "
    "| holds: In the MLP the wrong labels are, almost completely; and the "
    "right ones beside them more than where none is wrong. | fails: In the MLP "
    "wrong labels are not learned by heart more than right ones. | undecided: "
    "For the MLP the seeds cannot tell.` The small linear model treats wrong "
    "and right labels nearly alike.",
    data=pd.DataFrame(
        [(told, v) for told, values in arms.items() for v in values],
        columns=["arm", "score"],
    ),
)

# %% [markdown]
# {claim}`info.useless` Wrong labels have a mean score of {glue:text}`score-wrong` points, the right ones
# beside them {glue:text}`score-clean`. Where no label is wrong it is {glue:text}`score-true`.
#
# The mean score over all examples is the gap itself. So the gap can be divided among the examples that make it:
# the wrong labels, 30 % of the examples, make {glue:text}`share-wrong` % of it. {by-verdict}`info.useless
# | holds: **Most of what is useless is not in the few wrong labels, though they weigh most each.** Once the
# network bends to reach them, right examples nearby must be held in place one by one, too. | fails: In this
# network wrong labels weigh no more than right ones. | undecided: How much more they weigh stays open.`
# And the useful part? It counts zero here, by design; it shows on left-out images with
# their true labels: {glue:text}`new-true` % right after training on true labels, {glue:text}`new-flip` %
# after training on flipped ones.
#
# ## Who was in the training set?
#
# The same information, read from the other side. Somebody has the network and one example with its
# label, and guesses from the loss alone whether it was trained on: yes, if the loss is below a
# threshold. (The threshold is set on half of the trainings, the guesses are counted on the other half.)
# A blind guess is right in 50 %.

# %% tags=["hide-input"] title="Code of the figure"
figure, panels = plt.subplots(1, 2, figsize=(5.6, 3.3), sharey=True)
middle = (BINS[1:] + BINS[:-1]) / 2
counted = []
for axis, labels in zip(panels, LABELS, strict=True):
    for i, where in enumerate(("in", "out")):
        counts = np.sum(runs("MLP", labels)[f"losses {where}"].to_list(), 0)
        share = 100 * counts / counts.sum()
        told = {"in": "trained on", "out": "left out"}[where]
        dashes = (0, figures.DASHES[i]) if figures.DASHES[i] else "-"
        look = {"color": figures.COLORS[i], "linestyle": dashes}
        axis.step(10**middle, share, where="mid", label=told, **look)
        counted += [
            (labels, told, *p) for p in zip(middle.tolist(), share, strict=True)
        ]
    axis.set(title=labels, xscale="log", xlim=(1e-5, 100), ylim=(0, None))
    axis.set(xlabel="loss (nats, log scale)", xticks=[1e-4, 1e-2, 1, 100])
panels[0].set_ylabel("examples (%)")
figures.legend_below(figure, panels)
accuracy = {told: runs("MLP", told).spotted.mean() for told in LABELS}
figures.show(
    figure,
    "losses",
    alt="Histograms of the MLP's loss on examples that were trained on and "
    "left out. Guesses from the loss are right in percent: "
    f"{figures.words(accuracy, '.0f')}.",
    caption="Loss of the MLP on single examples, all seeds. With true labels "
    "the two curves overlap for most examples; with flipped ones a loss above "
    "about 0.1 nats betrays that the example was left out.",
    data=pd.DataFrame(
        counted, columns=["labels", "examples", "log10 of the loss", "%"]
    ),
)

# %% [markdown]
# {claim}`info.membership` The guess is right in {glue:text}`spotted-true` % with true labels and in
# {glue:text}`spotted-flip` % with flipped ones. {by-verdict}`info.membership | holds: A network that had to
# learn noise also gives away more of who taught it. | fails: Here noise in the labels does not make
# the training set easier to recognize. | undecided: Whether noise makes it easier, stays open.`
# Part of this follows from the gap alone: guess "trained on" whenever the answer is right, and with a
# gap $g$ you are right in $(1 + g)/2$ of the cases. That would give {glue:text}`by-gap-true` % and
# {glue:text}`by-gap-flip` %. The rest is in how *sure* the network is.
#
# ## How this can mislead
#
# - **Which information?** Three numbers share the name: $I(W;D)$, the divergence from a prior that
#   somebody named, and what answers tell about coins. The last is at most $\ln 2$ a pair; the first has
#   no such limit. A sentence about "the information in the weights" needs its question.
# - **Estimates are biased, and not to one side.** Frequencies from 40 trainings tell too much where
#   answers vary by chance: with the coins of *other* trainings, which tell nothing, the MLP with
#   flipped labels still scores {glue:text}`chance-flip` nats. They tell slightly too little where a coin is
#   always told, since 40 tosses are rarely half heads. Together it is small: by the jackknife (leave
#   out each training once) at most {glue:text}`bias-largest` nats in any row. The bound uses the
#   plain estimates; the means in the text are corrected.
# - **A mean over trainings** is bounded, not one training. Whoever needs a promise for one network needs
#   another bound, the one of the chapter on certificates.
# - **A stronger spy** can tell more than a threshold on the loss does. Our accuracy is a lower limit.
#
# ## Summary
#
# {by-verdict}`info.noise | holds: **The weights know about their examples what they could not have
# learned from others. True labels force little of that on them, wrong labels a lot.** | fails: **Wrong
# labels do not double what the weights know about their examples.** | undecided: **How much wrong
# labels add, is not settled by these runs.** | not-run: **This build did not run the networks.**`
#
# - Where information is a formula, it is half the logarithm of a determinant, and without noise it is
#   infinite.
# - Flipping 30 % of the labels took the MLP from {glue:text}`nats-true` to {glue:text}`nats-flip` nats a
#   pair, its gap from {glue:text}`gap-true` to {glue:text}`gap-flip` points.
# - A small linear model, which cannot fit the flipped labels, went up by a factor of
#   {glue:text}`times-small`.
#
# **If you train networks:** train a few times on random halves of your data, and look at the examples
# that are right only when they are in. They are the wrong labels, the rare cases and the odd images. And
# remember that whoever publishes a network that fits noisy labels
# publishes a list of who was in.
#
# **Open.** How little would be enough? We counted what training took in; perhaps it took more than
# it needed. **Next:** {doc}`what if every nat had a price? <price-of-information>`

# %% [markdown]
# ## Exercises
#
# For the first three you need only the imports of the set-up, not the experiment.
#
# ```{exercise} Nats from a table: 15 minutes
# :label: information-in-weights-ex-nats
#
# A table counts how often each answer came with each side of the coin: `counts` has one row an
# answer and two columns. Complete `coin_nats`: return the information of answer and coin in nats, by
# frequencies. Hand in: the function, and the largest value that a table with two columns can have, with
# a reason.
# ```


# %% tags=["exercise"]
def coin_nats(counts: Tensor) -> float:
    """Return the plug-in information of counts [answers, 2], in nats."""
    ### BEGIN SOLUTION
    joint = counts.double() / counts.sum()
    apart = joint.sum(1, keepdim=True) * joint.sum(0, keepdim=True)
    seen = joint > 0
    return float((joint[seen] * (joint[seen] / apart[seen]).log()).sum())
    ### END SOLUTION


# %% tags=["check"]
def _mean_surprise(count: Tensor) -> float:
    share = count.double().flatten() / count.sum()
    return float(-torch.special.xlogy(share, share).sum())


alike = torch.tensor([[3, 6], [5, 10], [1, 2]])
assert coin_nats(alike) is not None, "nothing is returned yet: write the body"
assert abs(coin_nats(alike)) < 1e-9, "answers that ignore the coin tell nothing"
gen = generator(0, "tables")
for rows in (1, 2, 5):
    made = torch.randint(0, 9, (rows, 2), generator=gen) + torch.eye(rows, 2)
    made = made.long()
    value = float(coin_nats(made.clone()))
    assert value == value, "nan: a count of zero adds nothing"
    assert value > -1e-9, "information is never negative"
    again = float(coin_nats(3 * made))
    assert abs(again - value) < 1e-9, "three times the counts, the same shares"
    turned = float(coin_nats(made.flip(1)))
    assert abs(turned - value) < 1e-9, "heads and tails may change their names"
    parts = _mean_surprise(made.sum(0)) + _mean_surprise(made.sum(1))
    off = value - parts + _mean_surprise(made)
    assert off < 1e-6, f"too large for {rows} answers (in nats, not bits?)"
    assert off > -1e-6, f"too small for {rows} answers"
print("Exercise 1: all checks passed")

# %% [markdown]
# ```{exercise} By heart or not? 20 minutes
# :label: information-in-weights-ex-score
#
# Complete `memorized`. `right[k, i]` says whether training `k` got example `i` right, `inside[k, i]` whether it
# was trained on. Return one memorization score an example, between −1 and 1, and `nan` for an example
# that was always in or always out. Hand in: the function, and one sentence on how a score below
# zero can come about.
# ```


# %% tags=["exercise"]
def memorized(right: Tensor, inside: Tensor) -> Tensor:
    """Return scores [examples] from two tables [trainings, examples]."""
    ### BEGIN SOLUTION
    hits = right.double()
    inner = (hits * inside).sum(0) / inside.sum(0)
    outer = (hits * ~inside).sum(0) / (~inside).sum(0)
    return inner - outer
    ### END SOLUTION


# %% tags=["check"]
gen = generator(0, "scores")
right = torch.rand(30, 50, generator=gen) < 0.7
inside = torch.rand(30, 50, generator=gen) < 0.4
inside[:, 0], inside[:, 1] = True, False
kept = right.clone(), inside.clone()
found = memorized(right, inside)
assert found is not None, "nothing is returned yet: write the body"
assert isinstance(found, Tensor), "return a tensor"
assert torch.equal(right, kept[0]), "leave the tables unchanged"
assert torch.equal(inside, kept[1]), "leave the tables unchanged"
assert found.shape == (50,), f"one score an example, got {tuple(found.shape)}"
assert found[:2].isnan().all(), "always in or always out: nan"
assert not found[2:].isnan().any(), "all other examples have a score"
swapped = memorized(right, ~inside)
assert torch.allclose(swapped[2:], -found[2:], atol=1e-6), (
    "exchange in and out: the score must change its sign"
)
for i in (2, 7, 31):
    own = [bool(r) for r, t in zip(right[:, i], inside[:, i], strict=True) if t]
    rest = [
        bool(r) for r, t in zip(right[:, i], inside[:, i], strict=True) if not t
    ]
    expected = sum(own) / len(own) - sum(rest) / len(rest)
    assert abs(float(found[i]) - expected) < 1e-5, f"example {i} is off"
print("Exercise 2: all checks passed")

# %% [markdown]
# ```{exercise} The best prior around zero: 30 minutes
# :label: information-in-weights-ex-prior
#
# {term}`Weight decay <weight decay>` is a prior around zero, $N(0, t^2)$ for every weight. Which $t$
# makes the mean divergence of the linear model smallest? Complete `best_scale` with a formula: `center`
# is the mean of the weights over all data sets, `spread` the covariance $A C A^{\top}$, `noise` is $s$.
# Hint: write down the mean divergence as a function of $t^2$, and set its derivative to zero. Hand in: the function and the
# derivation.
# ```


# %% tags=["exercise"]
def best_scale(center: Tensor, spread: Tensor, noise: float) -> float:
    """Return the t > 0 of the cheapest prior N(0, t^2 I)."""
    ### BEGIN SOLUTION
    length = center.square().sum() + spread.trace()
    return float((noise**2 + length / len(center)).sqrt())
    ### END SOLUTION


# %% tags=["check"]
def _price(t: float, center: Tensor, spread: Tensor, noise: float) -> float:
    eye = torch.eye(len(center), dtype=torch.float64)
    own = MultivariateNormal(center, spread + noise**2 * eye)
    prior = MultivariateNormal(torch.zeros_like(center), t**2 * eye)
    return float(kl_divergence(own, prior))  # plus I, which t does not change


for seed, noise in ((0, 0.1), (1, 1.0), (2, 3.0)):
    gen = generator(seed, "best scale")
    center = torch.randn(4 + seed, generator=gen, dtype=torch.float64)
    root = torch.randn(4 + seed, 4 + seed, generator=gen, dtype=torch.float64)
    spread = root @ root.T / 4
    t = best_scale(center.clone(), spread.clone(), noise)
    assert t is not None, "nothing is returned yet: write the body"
    t = float(t)
    assert 0 < t < math.inf, f"a scale is positive and finite, got {t}"
    here = _price(t, center, spread, noise)
    told = f"for {4 + seed} weights and noise {noise}"
    assert _price(1.002 * t, center, spread, noise) > here, f"too small {told}"
    assert _price(t / 1.002, center, spread, noise) > here, f"too large {told}"
print("Exercise 3: all checks passed")

# %% [markdown]
# ```{exercise} More examples, fewer nats each? Open, two hours, needs the run
# :label: information-in-weights-ex-open
#
# Repeat the experiment with 50, 100, 200 and 400 pairs and true labels. Fix seeds and sizes before you
# look. Hand in: one figure with every seed visible, of nats a pair and of nats in all; and three
# sentences. Does an example tell less when there are more of them? Does the network know more in all?
# And what would the bound be at 60,000, if the trend went on?
# ```
#
# ## How this was fixed
#
# :::{dropdown} Pilots, seeds, and what changed after looking
# The claims and predictions were committed before this page was written. Pilots on seeds 9000 to 9007
# chose what the claims leave open. A small convolutional network and an MLP with 64 units had bounds
# above or near one half with true labels; the MLP with 128 units and a little {term}`weight decay`
# stays below it, which is why it is here. It is a choice in favor of the claim that says "below one half", and
# concerns no other. The spread between pilot seeds asked for 12 seeds in place of 8. The pilots also
# showed that a linear model with all pixels can fit the flipped labels, so the small one was added as a
# control that cannot. The noise, sizes and draws of the first half were not tuned.
# :::
#
# ## Sources
#
# The bound on the mean gap is theorem 1 of {cite:t}`xu2017information`, conditional mutual information
# is by {cite:t}`steinke2020reasoning`, the version with answers by
# {cite:t}`harutyunyan2021information`.
#
# ```{bibliography}
# :filter: docname in docnames
# ```
