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
# (priors-and-constraints)=
# # Is a penalty a belief, or a fence?
#
# Ask three people why they put a penalty on the weights. The first says: "I believe that large weights are
# unlikely." The second: "I do not let the weights leave a ball around zero" (all weight vectors no
# longer than some radius). The third: "I make the weights a little smaller in every step." They type the same line of code, and they argue about what it means.
#
# All three are right, for one model and one optimizer. This page shows where exactly the belief, the
# fence and the shrinking are the same, and where they part: a belief has more to say than its most
# probable point, a fence can be kept without any penalty, and with Adam, the optimizer that most people use, the
# shrinking and the penalty are two different things.
#
# :::{dropdown} Show me the answer
# {by-verdict}`constraint.same-solution | holds: **Both.** For each penalty there is a ball whose best point is the
# penalized one, | fails: **Not a fence**: the two solutions differ, | undecided: **Not settled**, | not-run:
# **In theory both,**`
# {by-verdict}`map.gaussian | holds: and a Gaussian prior whose most probable point it is. | fails: and it is not the
# most probable point of a Gaussian prior either. | undecided: nor is the belief. | not-run: and this build has not checked it.`
# {by-verdict}`adam.not-l2 | holds: But "decay a little in every step" is another rule as soon as the optimizer is Adam.
# | fails: And with Adam decay and penalty come out alike here. | undecided: With Adam the runs cannot tell decay from
# penalty. | not-run: Adam was not run here.`
# :::
#
# **What is measured.** Solutions of linear regression, computed in float64 (the line below names the
# book's default), reached on different roads: by a formula, by a log-probability, by a walk that is
# pushed back into a ball. Then two optimizers, and the one weight that should be left alone, the bias.
#
# **What theory predicts.** Penalty, ball and prior give the same weights, with known constants; under
# Adam the penalty is not decay.
#
# **What you need.** Gradients, and the density of a normal distribution. {doc}`The first chapter <tradeoff>` has
# {term}`ridge regression`.

# %% tags=["parameters", "remove-cell"]
profile = "cpu"
device = "auto"
seeds = ""

# %% tags=["hide-input"] title="Set-up: imports, sizes, data"
import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from scipy import special
from sklearn.linear_model import Lasso
from torch import Tensor
from torch.distributions import Laplace, Normal

from dlnotes.rng import generator
from dlnotes.data import datasets
from dlnotes.theory import penalties
from dlnotes.lab import claims, figures, prose, verdicts
from dlnotes.lab.settings import Settings
import itertools

figures.style()
run = Settings(profile=profile, device=device, seeds=seeds).prepare()
side = run.scale(smoke=8, cpu=14, gpu=14)  # pixels
name = run.scale(smoke="digits", cpu="mnist", gpu="mnist")
data = datasets.load_all([name], stand_in="digits", side=side)
((train, test),) = data.values()
context = claims.Context(settings=run, data=[train], needs=("mnist",))
formulas = claims.Context(settings=run, data=[], needs=())
context

# %% [markdown]
# ## The fence
#
# A loss $J(w)$ with two weights has its minimum at the star. The weights must stay in the ball, the
# shaded disc. Where is the best point of the disc? If the star is outside, at its edge, where a contour
# of the loss touches it from outside. There the downhill direction $-\nabla J(w)$ points straight out
# of the ball: it is a multiple of $w$ itself. Call the factor $a$. Then $\nabla J(w) = -a\,w$, and that
# is the equation of a minimum of $J(w) + \frac a2 |w|^2$, with the penalty $a$.

# %% tags=["hide-input"] title="Code of the figure"
torch.set_default_dtype(torch.float64)


def problem(seed: int, n: int = 40, d: int = 6, sigma: float = 1.0) -> tuple:
    """Draw inputs, true weights, and targets with noise."""
    gen = generator(seed, "regression")
    x = torch.randn(n, d, generator=gen) * torch.logspace(0, -0.7, d)
    w = torch.randn(d, generator=gen)
    return x, w, x @ w + sigma * torch.randn(n, generator=gen)


H, STAR = torch.tensor([[1.0, 0.5], [0.5, 0.6]]), torch.tensor([1.6, 0.9])


def lowest(a: float) -> Tensor:
    """Minimum of the drawn loss plus a |w|^2 / 2."""
    return torch.linalg.solve(H + a * torch.eye(2), H @ STAR)


at = torch.stack(
    torch.meshgrid(
        torch.linspace(-2.1, 2.7, 180),
        torch.linspace(-2.1, 2.3, 180),
        indexing="xy",
    ),
    -1,
)
off = at - STAR
height = (off @ H * off).sum(-1) / 2
frames, says, alts = {}, {}, {}
for a in (0.0, 0.1, 0.4, 1.0, 3.0):
    w = lowest(a)
    k = float(w.norm())
    frame, axis = plt.subplots(figsize=(5.6, 3.8))
    axis.add_patch(
        plt.Circle((0, 0), k, color=figures.COLORS[0], alpha=0.15, lw=0)
    )
    axis.contour(
        at[..., 0],
        at[..., 1],
        height,
        levels=[0.08 * k**2 for k in range(1, 15)],
        colors=figures.INK,
        linewidths=0.4,
        alpha=0.5,
    )
    touch = float(((w - STAR) @ H @ (w - STAR)) / 2)
    if a:
        axis.contour(
            at[..., 0],
            at[..., 1],
            height,
            levels=[touch],
            colors=[figures.COLORS[1]],
            linewidths=1.8,
        )
    axis.plot(*STAR, "*", color=figures.INK, ms=11)
    axis.plot(*w, "o", color=figures.COLORS[0], ms=8)
    axis.set(
        xlim=(-2.1, 2.7),
        ylim=(-2.1, 2.3),
        aspect="equal",
        xlabel="first weight",
        ylabel="second weight",
    )
    frames[a] = frame
    says[a] = f"The penalty {a:g} is a ball of radius {k:.2f}."
    alts[a] = (
        f"Contours of a loss, a disc of radius {k:.2f}, and the penalized minimum {w[0]:.2f}, {w[1]:.2f} on its edge."
    )
figures.flipbook(
    frames,
    "fence",
    label="penalty a",
    alts=alts,
    says=says,
    caption="The dot is the minimum of loss plus penalty, the star that of the loss alone; thin lines join points of equal loss. The disc is the "
    "ball that just reaches the dot: the strong contour touches it there, and nowhere enters it.",
    data=pd.DataFrame(
        [(a, *lowest(a).tolist()) for a in frames],
        columns=["penalty", "first", "second"],
    ),
    default=0.4,
)

# %% [markdown]
# :::{predict}
# :guess: radius
# :kind: choice
# :choices: exactly 1/a | it falls, in no simple way | it need not fall
# The larger the penalty, the smaller the ball. What is the radius as a function of $a$?
# :::
#
# To see that the fence needs no penalty, we keep it directly: walk downhill, and after each step, if the point is outside,
# **project** it, that is, move it to the nearest point of the ball.


# %%
def project(w: Tensor, radius: float) -> Tensor:
    """Return the point of the ball that is nearest to w."""
    return w * min(1.0, radius / float(w.norm()))


def walk(x, y, step: float, steps: int, radius: float = math.inf) -> Tensor:
    """Return the points of (projected) gradient descent from zero."""
    w, path = torch.zeros(x.shape[1]), []
    for _ in range(steps):
        w = project(w - step * x.T @ (x @ w - y) / len(y), radius)
        path.append(w)
    return torch.stack(path)


# %% tags=["remove-cell"]
GRID = torch.logspace(-3, 2, 26).tolist()
WALK = run.scale(smoke=300, cpu=4000, gpu=4000)  # steps


def largest(x: Tensor) -> float:
    """Return the largest curvature of the loss."""
    return float(torch.linalg.eigvalsh(x.T @ x / len(x))[-1])


errors, radii = [], {}
for seed in run.seeds:
    x, _, y = problem(seed)
    for a in (0.01, 0.3, 3.0):
        penalized = penalties.ridge(x, y, a)
        fenced = walk(x, y, 1 / largest(x), WALK, float(penalized.norm()))[-1]
        slope = x.T @ (x @ fenced - y) / len(y)
        errors += [
            float((fenced - penalized).abs().max()),
            float((slope + a * fenced).abs().max()),
        ]
    radii[seed] = [float(penalties.ridge(x, y, a).norm()) for a in GRID]
told = (
    "weights on the ball against penalized ones, and the gradient against -a w"
)
claims.check(
    "constraint.same-solution",
    verdicts.identity(max(errors), 1e-9, reason=told),
    formulas,
    unit="",
)
least = min(
    float((a - b) / a)
    for line in radii.values()
    for a, b in itertools.pairwise(line)
)
told = "penalties of which a larger one had no smaller ball"
wrong = sum(
    b >= a for line in radii.values() for a, b in itertools.pairwise(line)
)
claims.check(
    "constraint.k-falls",
    verdicts.identity(float(wrong), 1e-12, reason=told),
    formulas,
    unit="",
)
prose.number("radius", "it falls, in no simple way")

# %% [markdown]
# {predicted}`radius <radius>` The factor $a$ in $\nabla J(w) = -a\,w$ is called the *multiplier* of the ball.
# {claim}`constraint.same-solution` {claim}`constraint.k-falls` So the penalty is the *price* of the fence: how fast
# the loss would fall per unit of half the squared radius. Economists call it a shadow price. But nobody can read the radius from the penalty without solving the problem:

# %% tags=["hide-input"] title="Code of the figure"
figure, axis = plt.subplots(figsize=(5.6, 3.0))
for line in radii.values():
    axis.plot(GRID, line, color=figures.COLORS[0], lw=0.8, alpha=0.7)
axis.set(
    xscale="log",
    xlabel="penalty a",
    ylabel="radius of the ball",
    ylim=(0, None),
)
ends = {f"seed {s}": line[0] for s, line in list(radii.items())[:3]}
figures.show(
    figure,
    "radius",
    alt=f"Radius of the ball against the penalty, a curve a seed, all falling. At the smallest penalty: {figures.words(ends, '.2f')}.",
    caption="The ball that belongs to a penalty, for several random problems. Each curve falls; no two are alike. With a penalty you do not "
    "choose how large the weights may become.",
    data=pd.DataFrame(
        [
            (s, a, k)
            for s, line in radii.items()
            for a, k in zip(GRID, line, strict=True)
        ],
        columns=["seed", "penalty", "radius"],
    ),
)

# %% [markdown]
# ## What the fence is good for
#
# A step that is longer than two divided by the largest curvature (second derivative over all directions) makes gradient
# descent jump farther and farther: the loss grows without limit. A fence cannot make such a step right, but it limits the harm.

# %% tags=["hide-input"] title="Code of the figure"
LONG = 2.5  # times one over the largest curvature


def loss(x: Tensor, y: Tensor, w: Tensor) -> Tensor:
    return ((w @ x.T - y) ** 2).mean(-1) / 2


runs, inside = [], []
for seed in run.seeds:
    x, w, y = problem(seed)
    radius = float(w.norm())
    for factor in (0.5, 1.9, LONG, 10.0, 100.0):
        path = walk(x, y, factor / largest(x), 100, radius)
        inside.append(float((path.norm(dim=1) - radius).max()))
    start = float(loss(x, y, torch.zeros(x.shape[1])))
    plain = loss(x, y, walk(x, y, LONG / largest(x), 100))
    fenced = loss(x, y, walk(x, y, LONG / largest(x), 100, radius))
    runs.append((seed, start, plain.tolist(), fenced.tolist()))
figure, axis = plt.subplots(figsize=(5.6, 3.2))
for _, start, plain, fenced in runs:
    axis.plot(
        [1.0, *(v / start for v in plain)],
        color=figures.COLORS[1],
        lw=0.8,
        alpha=0.7,
        label="plain",
    )
    axis.plot(
        [1.0, *(v / start for v in fenced)],
        color=figures.COLORS[0],
        lw=0.8,
        alpha=0.7,
        label="projected",
    )
axis.set(
    yscale="log",
    xlabel="step",
    ylabel="loss / loss at the start",
    xlim=(0, 60),
    ylim=(1e-2, 1e8),
)
handles, labels = axis.get_legend_handles_labels()
axis.legend(handles[:2], labels[:2], loc="upper left")
last = {
    "plain": np.median([p[-1] / s for _, s, p, _ in runs]),
    "projected": np.median([f[-1] / s for _, s, _, f in runs]),
}
figures.show(
    figure,
    "projected",
    alt=f"Loss over the loss at the start, against steps of 2.5 over the largest curvature. Medians after 100 steps: {figures.words(last, '.2g')}.",
    caption="Steps that are too long, with and without a fence whose radius is the length of the true weights. Each line is a problem. The plain walk "
    "explodes; the projected one bounces around inside.",
    data=pd.DataFrame(
        [
            (s, t, p, f)
            for s, _, plain, fenced in runs
            for t, (p, f) in enumerate(zip(plain, fenced, strict=True))
        ],
        columns=["seed", "step", "plain", "projected"],
    ),
)

# %% tags=["remove-cell"]
told = "how far a point lay outside, five step lengths"
claims.check(
    "projection.bounded",
    verdicts.identity(max(0.0, max(inside)), 1e-9, reason=told),
    formulas,
    unit="",
)
tamed = [
    plain[-1] > 1e3 * start and fenced[-1] < start
    for _, start, plain, fenced in runs
]
claims.check(
    "projection.tames", verdicts.mostly(tamed), formulas, unit="% of seeds"
)

# %% [markdown]
# {claim}`projection.bounded`
#
# {claim}`projection.tames` {by-verdict}`projection.tames | holds: It bounces from wall to wall, and still has learned something. | fails: It
# does not explode, but bouncing from wall to wall is not learning: in most problems it ends above where it began. | undecided: It never
# explodes. Whether bouncing from wall to wall ends above or below the start depends on the problem: the shape of the loss decides how much is lost in the steep
# direction, and how much is won in the others.` A fence bounds the harm; the step length is still wrong.
#
# ## The belief
#
# Now the first person. Suppose that the targets are $y = Xw + {}$normal noise of variance $\sigma^2$, and that before seeing any data you
# believe in weights from a normal distribution with mean 0 and variance $\tau^2$: this belief is the {term}`prior`. Bayes' rule multiplies
# it by the probability of the targets; the product, rescaled to a probability, is the *posterior*, the belief after the data. Its logarithm is
#
# $$ \begin{aligned}
#    \ln P(w \mid y) = & -\frac{1}{2\sigma^2}\,|y - Xw|^2 \\
#    & - \frac{1}{2\tau^2}\,|w|^2 + \text{const}.
#    \end{aligned} $$
#
# Multiply by $-\sigma^2/n$, and half the mean squared error appears, plus a penalty:
#
# ```{prf:proposition} The most probable weights are penalized ones
# :label: priors-and-constraints-map
#
# Under a Gaussian prior of variance $\tau^2$ they minimize $\frac{1}{2n}|y - Xw|^2 + \frac a2 |w|^2$ with $a = \sigma^2/(n\tau^2)$.
# Under a Laplace prior of scale $b$, density $\frac{1}{2b}e^{-|w|/b}$ for each weight, they minimize the same loss plus $a|w|_1$ with
# $a = \sigma^2/(nb)$, where $|w|_1$ is the sum of the absolute weights: the {term}`Lasso`.
#
# :::{symbols}
# $\sigma$ | standard deviation of the noise, `sigma`
# $\tau$ | standard deviation of the Gaussian prior, `tau`
# $b$ | scale of the Laplace prior, `b`
# $n$ | number of examples, {glue:text}`examples` in the check
# :::
# ```
#
# The more examples, the smaller the penalty: data outvote the belief. The check needs no algebra. PyTorch has both densities,
# and at a most probable point the slope of the log-probability is zero:

# %%
x, _, y = problem(0)
sigma, tau = 1.0, 0.7
w = penalties.ridge(x, y, sigma**2 / (len(y) * tau**2)).requires_grad_()
log_p = Normal(x @ w, sigma).log_prob(y).sum()
log_p = log_p + Normal(0, tau).log_prob(w).sum()
slope = torch.autograd.grad(log_p, w)[0]
print(f"largest slope at these weights: {float(slope.abs().max()):.0e}")


# %% tags=["remove-cell"]
def slopes(x, y, w, sigma: float, prior) -> Tensor:
    """Slope of the log-probability at w, prior included if there is one."""
    w = w.clone().requires_grad_()
    log_p = Normal(x @ w, sigma).log_prob(y).sum()
    log_p = log_p + prior.log_prob(w).sum() if prior else log_p
    return torch.autograd.grad(log_p, w)[0]


gauss, laplace = [], []
for seed in run.seeds:
    x, _, y = problem(seed)
    n = len(y)
    for sigma, tau in ((1.0, 0.7), (0.5, 2.0), (2.0, 0.1)):
        w = penalties.ridge(x, y, sigma**2 / (n * tau**2))
        gauss.append(float(slopes(x, y, w, sigma, Normal(0, tau)).abs().max()))
        solver = Lasso(
            alpha=sigma**2 / (n * tau),
            fit_intercept=False,
            tol=1e-14,
            max_iter=1_000_000,
        )
        w = torch.from_numpy(solver.fit(x.numpy(), y.numpy()).coef_)
        pull, on = slopes(x, y, w, sigma, None), w != 0
        off = (
            pull[on] - w[on].sign() / tau
        ).abs()  # zero where a weight is not
        over = (pull[~on].abs() - 1 / tau).clamp(
            min=0
        )  # held at zero by the corner
        laplace.append(float(torch.cat([off, over]).max()))
told = "slope of the log-probability at the penalized weights"
claims.check(
    "map.gaussian",
    verdicts.identity(max(gauss), 1e-9, reason=told),
    formulas,
    unit="",
)
claims.check(
    "map.laplace",
    verdicts.identity(
        max(laplace), 1e-5, reason=f"{told}, outside the corner's"
    ),
    formulas,
    unit="",
)
prose.number("examples", n)

# %% [markdown]
# {claim}`map.gaussian` {claim}`map.laplace` A penalty is a belief, then, and tuning a penalty is changing one's beliefs
# until they fit. But a belief is a whole distribution, and its most probable point is one point of it. For the Laplace prior
# the difference can be seen.
#
# :::{predict}
# :guess: zero
# :kind: choice
# :choices: zero, too | not zero, nearer to zero than measured | farther from zero than measured
# You measure a small weight, not exactly zero; after the data its most probable value is exactly zero. What is its *mean* then?
# :::

# %% tags=["hide-input"] title="Code of the figure"
SPREAD, SCALE = 1.0, 0.5  # of the noise of one weight, and of the prior


def posterior_mean(z: Tensor) -> Tensor:
    """Mean of a weight measured as z with normal noise, under a Laplace prior."""
    z = z.numpy()
    up, down = (
        z - SPREAD**2 / SCALE,
        z + SPREAD**2 / SCALE,
    )  # means of the two halves
    right = special.log_ndtr(up / SPREAD) - z / SCALE
    left = special.log_ndtr(-down / SPREAD) + z / SCALE
    weight = special.expit(right - left)  # of the positive half

    def hazard(t):
        return np.exp(-(t**2) / 2 - special.log_ndtr(t)) / math.sqrt(
            2 * math.pi
        )

    positive = up + SPREAD * hazard(up / SPREAD)
    negative = down - SPREAD * hazard(-down / SPREAD)
    return torch.from_numpy(weight * positive + (1 - weight) * negative)


measured = torch.linspace(-5, 5, 401)
most = penalties.soft_threshold(measured, SPREAD**2 / SCALE)
mean = posterior_mean(measured)
dense = torch.linspace(-30, 30, 600_001)
density = torch.exp(
    Normal(dense, SPREAD).log_prob(torch.tensor(1.3))
    + Laplace(0.0, SCALE).log_prob(dense)
)
direct = float((dense * density).sum() / density.sum())
assert abs(direct - float(posterior_mean(torch.tensor([1.3]))[0])) < 1e-6
figure, axis = plt.subplots(figsize=(5.6, 3.4))
axis.plot(
    measured,
    measured,
    color=figures.INK,
    ls=(0, (2, 2)),
    lw=1,
    label="as measured",
)
axis.plot(measured, most, color=figures.COLORS[0], lw=2, label="most probable")
axis.plot(measured, mean, color=figures.COLORS[1], lw=2, label="mean")
axis.set(
    xlabel="measured weight",
    ylabel="weight after the prior",
    xlim=(-5, 5),
    ylim=(-4, 4),
)
axis.legend(loc="upper left")
at_one = {"most probable": float(most[240]), "mean": float(mean[240])}
figures.show(
    figure,
    "mean",
    alt=f"What a Laplace prior makes of a measured weight. For a measured 1.0: {figures.words(at_one, '.2f')}.",
    caption=f"A weight measured with noise of standard deviation {SPREAD:g}, under a Laplace prior of scale {SCALE:g}. The most probable value is "
    "exactly zero over a wide range; the mean is zero only where the measurement is.",
    data=pd.DataFrame(
        {
            "measured": measured.tolist(),
            "most probable": most.tolist(),
            "mean": mean.tolist(),
        }
    ),
)

# %% tags=["remove-cell"]
sparse = []
for seed in run.seeds:
    z = torch.randn(20, generator=generator(seed, "measured")) * 1.5
    mode, average = (
        penalties.soft_threshold(z, SPREAD**2 / SCALE),
        posterior_mean(z),
    )
    sparse.append(bool((mode == 0).any()) and not bool((average == 0).any()))
claims.check(
    "map.mean-not-sparse", verdicts.mostly(sparse), formulas, unit="% of seeds"
)
prose.number("zero", "not zero, nearer to zero than measured")

# %% [markdown]
# {predicted}`zero <zero>` {claim}`map.mean-not-sparse` That the Lasso is the most probable point of a Laplace belief is from
# {cite:t}`tibshirani1996regression`. Its zeros are not what the prior *believes*: under a Laplace prior
# the probability that a weight is exactly zero is nothing {cite:p}`park2008bayesian`. They are a property of asking for the peak.
#
# ## The shrinking, and Adam
#
# The third person multiplies the weights by a number below one in each step. For plain gradient descent that is the penalty, with
# nothing left over (multiply $w$ by $1-\eta a$, then subtract $\eta$ times the gradient). Adam divides each weight's gradient by a running size of that gradient. If the penalty is in
# the loss, its gradient is divided, too: **the larger a weight's usual gradient, the less it is penalized**
# {cite:p}`loshchilov2019decoupled`. Decoupled decay, `AdamW`, keeps the shrinking out of the division.
#
# A test in which nothing else can differ: two weights with the same noisy quadratic loss, except that the second one's
# loss is measured in a smaller unit, so its numbers and gradients are 100 times larger. Adam itself does not care about units.
#
# :::{predict}
# :guess: faster
# :kind: number
# :unit: times
# With the penalty in the loss, how many times as far does Adam shrink the weight with the small gradients (against no penalty)?
# :::


# %%
def shrink(optimizer: type, seed: int, steps: int = 1000) -> Tensor:
    """Paths of two weights whose losses differ by a factor of 100."""
    w = torch.ones(2, requires_grad=True)
    step = optimizer([w], lr=1e-3, weight_decay=0.3)
    noise = torch.randn(steps, 1, generator=generator(seed, "adam"))
    path = []
    for z in noise:
        w.grad = torch.tensor([1.0, 100.0]) * (w.detach() - 1 - z)
        step.step()
        path.append(w.detach().clone())
    return torch.stack(path)


# %% tags=["hide-input"] title="Code of the figure"
kinds = {
    "penalty in the loss": torch.optim.Adam,
    "decoupled": torch.optim.AdamW,
}
STEPS = run.scale(smoke=200, cpu=1000, gpu=1000)
paths = {
    kind: torch.stack([shrink(o, s, STEPS) for s in run.seeds])
    for kind, o in kinds.items()
}
free = torch.stack(
    [
        shrink(lambda p, lr, weight_decay: torch.optim.Adam(p, lr=lr), s, STEPS)
        for s in run.seeds
    ]
)
figure, panels = plt.subplots(1, 2, figsize=(5.6, 3.2), sharey=True)
for axis, (kind, path) in zip(panels, paths.items(), strict=True):
    for i, label in enumerate(("small gradients", "large gradients")):
        style = {"color": figures.COLORS[i], "ls": ("-", (0, (3, 3)))[i]}
        axis.plot(path[:, :, i].T, lw=0.6, alpha=0.6, **style)
        axis.plot(path[:, :, i].mean(0), lw=2, label=label, **style)
    axis.plot(
        free[:, :, 0].mean(0),
        color=figures.INK,
        lw=1.2,
        ls=":",
        label="no penalty",
    )
    axis.set(title=kind, xlabel="step")
panels[0].set_ylabel("weight")
figures.legend_below(figure, panels)
ends = {
    f"{kind}, {label}": float(path[:, -1, i].mean())
    for kind, path in paths.items()
    for i, label in enumerate(("small gradients", "large gradients"))
} | {"no penalty": float(free[:, -1, 0].mean())}
figures.show(
    figure,
    "adam",
    alt=f"Two weights under Adam with the same loss in two units. At the end: {figures.words(ends, '.2f')}.",
    caption="The same problem in two units, several draws of noise; dotted, the same runs without a penalty. {by-verdict}`adam.not-l2 | holds: With the penalty in the loss the unit decides how much a weight "
    "is penalized; with decoupled decay both lines are one. | fails: The unit makes less of a difference than was claimed. | undecided: How much the unit "
    "matters, the runs cannot tell.`",
    data=pd.DataFrame(
        [
            (k, s, *p.tolist())
            for k, path in (paths | {"no penalty": free}).items()
            for s, p in zip(run.seeds, path[:, -1], strict=True)
        ],
        columns=["rule", "seed", "small", "large"],
    ),
)

# %% tags=["remove-cell"]
rates = {
    kind: (free - path).mean(1) for kind, path in paths.items()
}  # how much lower than without
factor = {
    kind: (rate[:, 0] / rate[:, 1]).tolist() for kind, rate in rates.items()
}
found = {
    "penalty in the loss": verdicts.ratio(
        factor["penalty in the loss"],
        2.0,
        reason="shrinking of the one weight over that of the other",
    ),
    "decoupled": verdicts.identity(
        max(abs(f - 1) for f in factor["decoupled"]),
        0.01,
        reason="difference of the two rates",
    ),
}
claims.check("adam.not-l2", verdicts.all_of(found), formulas, unit="times")
prose.ratio("faster", factor["penalty in the loss"], ".0f")

# %% [markdown]
# {predicted}`faster <faster>` {claim}`adam.not-l2` Against the same run without a penalty, the weight with small gradients is pulled down
# {glue:text}`faster` times as much by the same penalty, averaged over the steps. {by-verdict}`adam.not-l2 | holds: Whoever moves from SGD to Adam and keeps the penalty has changed the method. | fails: At this
# strength the change of method hardly shows. | undecided: Whether that is a change of method, the runs cannot tell.`
#
# ## The one weight to leave alone
#
# Penalties are put on weights and not on biases. The usual reason: a bias needs few data to be learned well, and shrinking it
# shifts every prediction. Both halves can be tested. For the first we center the pixels and predict the ten one-hot labels of
# {glue:text}`dataset` images by ridge regression, on many training sets from one source; for the second, targets with an offset.

# %% tags=["hide-input"] title="Code of the figure"
SETS, DRAWN = (
    run.scale(smoke=4, cpu=20, gpu=40),
    run.scale(smoke=80, cpu=500, gpu=500),
)
prose.number("dataset", {"mnist": "MNIST"}.get(train.name, train.name))
centers = train.x.flatten(1).double().mean(0)


def resampled(seed: int) -> tuple[Tensor, Tensor]:
    """Return weights [sets, pixels, 10] and biases [sets, 10] of many training sets."""
    found = []
    for r in range(SETS):
        part = datasets.subset(
            train, DRAWN, gen=generator(seed, "resampled", str(r))
        )
        x, y = (
            part.x.flatten(1).double() - centers,
            F.one_hot(part.y, 10).double(),
        )
        middle, level = x.mean(0), y.mean(0)
        w = penalties.ridge(
            (x - middle).expand(10, -1, -1), (y - level).T, 0.1
        ).T
        found.append((w, level - middle @ w))
    return tuple(torch.stack(parts) for parts in zip(*found, strict=True))


def relative(values: Tensor) -> Tensor:
    """Return standard deviation over size of the mean, over training sets."""
    return values.std(0) / values.mean(0).abs()


steady = []
for seed in run.seeds:
    w, b = resampled(seed)
    alive = w.abs().amax((0, 2)) > 1e-3  # pixels that are not blank
    steady.append(float(relative(b).median() / relative(w[:, alive]).median()))


def penalized_too(seed: int, a: float = 0.3, offset: float = 3.0) -> float:
    """Test error with a penalized bias over that with a free one."""
    x, w, y = problem(seed)
    new = torch.randn(
        2000, x.shape[1], generator=generator(seed, "new")
    ) * torch.logspace(0, -0.7, x.shape[1])
    y, goal = y + offset, new @ w + offset
    middle, level = x.mean(0), y.mean()
    slope = penalties.ridge(x - middle, y - level, a)
    free = (new - middle) @ slope + level
    ones = torch.cat([x, torch.ones(len(x), 1)], 1)
    both = penalties.ridge(ones, y, a)
    held = torch.cat([new, torch.ones(len(new), 1)], 1) @ both
    return float(((held - goal) ** 2).mean() / ((free - goal) ** 2).mean())


worse = [penalized_too(s) for s in run.seeds]
figure, axis = plt.subplots(figsize=(5.6, 2.2))
figures.seed_rows(
    axis,
    {
        "variation of the biases\nover that of the weights": steady,
        "error with a penalized\nbias over a free one": worse,
    },
    mean="geometric",
)
axis.axvline(1, color=figures.INK, lw=1, ls=(0, (2, 2)))
axis.set(xscale="log", xlabel="ratio (1: no difference)")
means = {
    "variation of the biases over that of the weights": np.exp(
        np.log(steady).mean()
    ),
    "error with a penalized bias over a free one": np.exp(np.log(worse).mean()),
}
figures.show(
    figure,
    "bias",
    alt=f"Two ratios, a dot a seed. Geometric means: {figures.words(means, '.2f')}.",
    caption="Top: how much biases vary from one training set to the next, relative to their size, over the same for the median weight. Bottom: what a penalty on the "
    "bias, too, costs on targets with an offset. Dots are seeds, bars 95 % intervals of the geometric mean.",
    data=pd.DataFrame({"seed": run.seeds, "variation": steady, "error": worse}),
)

# %% tags=["remove-cell"]
claims.check(
    "bias.needs-little", verdicts.ratio(steady, 0.0, 1.0), context, unit="times"
)
claims.check(
    "bias.leave-alone", verdicts.ratio(worse, 1.0), formulas, unit="times"
)
prose.ratio("steady", steady, ".2f")
prose.ratio("worse", worse, ".1f")

# %% [markdown]
# {claim}`bias.needs-little` Measured: {glue:text}`steady` times. {claim}`bias.leave-alone` Measured: {glue:text}`worse` times the error, for an offset of three
# standard deviations of the noise.
#
# ## How this can mislead
#
# - **The equalities are for one loss.** Ball and penalty have the same solutions because this loss is convex. In a network each
#   penalized minimum is still a minimum on its ball, but a ball may have a best point that no penalty gives.
# - **A prior that nobody holds.** Few people believe that weights are normally distributed. That the constant comes out as $\sigma^2/(n\tau^2)$ does not make the belief true; it
#   says what you would have to believe.
# - **No offset, no difference.** Penalizing the bias costs only because the targets have an offset. With centered targets it costs almost nothing.
# - **Centered inputs.** The bias is steady because the pixels were centered. Without that it also carries the error of all weights, and we would
#   expect it to vary more. This was not run.
# - **Units of gradients.** The factor of Adam's two rates depends on the ratio of the gradients, here one hundred, and on the noise. In a network, layers differ
#   by such factors.

# %% [markdown]
# ## Summary
#
# {by-verdict}`constraint.same-solution | holds: **For linear regression a penalty is a fence whose place you do not choose,** | fails:
# **Here penalty and fence do not agree,** | undecided: **Penalty and fence are not settled,** | not-run: **In theory a penalty is a fence,**`
# {by-verdict}`map.gaussian | holds: **and a belief of which you look at the peak only.** | fails: **nor are penalty and belief.** | undecided: **nor is the
# belief.** | not-run: **and a belief.**`
#
# - The ball's radius falls with the penalty, along a curve that differs from problem to problem.
# - A Gaussian belief of variance $\tau^2$ is the penalty $\sigma^2/(n\tau^2)$; a Laplace belief of scale $b$ is $\sigma^2/(nb)$.
# - Under Adam the same penalty pulled one of two weights down {glue:text}`faster` times as much as the other.
#
# **If you train networks:** with Adam use decoupled decay (`AdamW`), and do not copy a penalty from SGD. Leave biases out. If steps explode, shorten them first. A projection
# after each step bounds the weights, but you must choose a radius, and this page did not try it on a network.
#
# **Open.** A prior centered at zero says that a network knows nothing. What if it were centered at a network that has already learned something?

# %% [markdown]
# ## Exercises
#
# For the first two you need only the imports of the set-up.
#
# ```{exercise} Into the box: 15 minutes
# :label: priors-and-constraints-ex-box
#
# A fence need not be round. Complete `into_box`: return the point of the box $|w_i| \le r$ that is nearest to $w$. Hand in: the function,
# and one sentence on which points of the box a minimum is likely to touch.
# ```


# %% tags=["exercise"]
def into_box(w: Tensor, r: float) -> Tensor:
    """Return the nearest point whose entries all lie between -r and r."""
    ### BEGIN SOLUTION
    return w.clamp(-r, r)
    ### END SOLUTION


# %% tags=["check"]
given = torch.tensor([0.3, -2.0, 5.0, -0.4, 0.0]).double()
answer = into_box(given.clone(), 1.0)
assert answer is not None, "nothing is returned yet: write the body"
assert answer.shape == given.shape, "one entry for each weight"
assert float(answer.abs().max()) <= 1.0, "a point lies outside the box"
assert torch.equal(answer[[0, 3, 4]], given[[0, 3, 4]]), "leave what is inside"
for size in (0.1, 0.5, 2.0):
    w = torch.randn(6, generator=generator(0, "box", str(size))).double() * 2
    mine = into_box(w.clone(), size)
    other = (
        torch.rand(5000, 6, generator=generator(1, "box")).double() * 2 - 1
    ) * size
    nearest = float((other - w).norm(dim=1).min())
    assert float((mine - w).norm()) <= nearest + 1e-9, (
        "another point of the box is nearer"
    )
    assert float(mine.abs().max()) <= size + 1e-12, (
        "a point lies outside the box"
    )
print("Exercise 1: all checks passed")

# %% [markdown]
# ```{exercise} What would you have to believe? 10 minutes
# :label: priors-and-constraints-ex-belief
#
# Somebody uses weight decay $a$ on $n$ examples with noise of standard deviation $\sigma$. Complete `believed`: return the standard deviation
# $\tau$ of the Gaussian prior that they act on. Hand in: the function, and one sentence on what happens to $\tau$ when $n$
# grows and $a$ is left as it is.
# ```


# %% tags=["exercise"]
def believed(a: float, n: int, sigma: float) -> float:
    """Return the standard deviation of the prior behind a penalty."""
    ### BEGIN SOLUTION
    return sigma / math.sqrt(n * a)
    ### END SOLUTION


# %% tags=["check"]
assert believed(0.1, 10, 1.0) is not None, (
    "nothing is returned yet: write the body"
)
for a, n, noise in ((0.1, 10, 1.0), (0.02, 50, 0.3), (3.0, 7, 2.0)):
    spread = float(believed(a, n, noise))
    assert spread > 0, "a standard deviation is positive"
    gen = generator(n, "belief")
    x, y = (
        torch.randn(n, 3, generator=gen).double(),
        torch.randn(n, generator=gen).double(),
    )
    w = torch.linalg.solve(x.T @ x / n + a * torch.eye(3).double(), x.T @ y / n)
    slope = x.T @ (y - x @ w) / noise**2 - w / spread**2
    assert float(slope.abs().max()) < 1e-6, (
        f"these weights are not most probable at a = {a}, n = {n}, sigma = {noise}"
    )
print("Exercise 2: all checks passed")

# %% [markdown]
# ```{exercise} A fence around each unit. Open, two hours, needs PyTorch only
# :label: priors-and-constraints-ex-open
#
# *Max-norm* keeps the incoming weights of every hidden unit in a ball of their own. Train a small network on digits with a step length at which it
# explodes, with and without such a fence. Fix radius, seeds and step lengths before you look. Hand in: one figure with every seed visible, and
# two sentences.
# ```
#
# ## How this was fixed
#
# :::{dropdown} Pilots, seeds, and what changed after looking
# The claims and their predictions were committed before this page existed. Pilots on seeds 9000 to 9007 were used to
# find mistakes in the code and to make the figures readable; noise, sizes, the radius of the fence (the length of the true weights) and the
# step length of 2.5 were left as first written, though the pilots showed that the projected walk ends below its start in fewer than
# half of the problems. The page was then run on seeds 0 to 7.
# :::
#
# ## Sources
#
# ```{bibliography}
# :filter: docname in docnames
# ```
