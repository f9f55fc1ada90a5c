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
# (ensembles-and-dropout)=
# # Is dropout an ensemble?
#
# Ten networks that vote are usually right more often than one of them, and cost ten times as much.
# Then came a trick that seemed to give the vote for free: in every step of training, **switch off
# half of the units at random**. Each step trains another small network inside the large one. At the
# end, the large network is said to answer for all of them.
#
# That is how {term}`dropout` is explained, by {cite:t}`hinton2012improving`, who introduced it, in the
# longer paper {cite:p}`srivastava2014dropout`, and in textbooks {cite:p}`goodfellow2016deep`. Is it a
# fact, or a picture that helps to remember it?
#
# :::{dropdown} Show me the answer
# {by-verdict}`dropout.test-time | holds: **With one layer it is a fact, exactly.** | fails: **Not
# even with one layer.** | undecided: **With one layer that stays open.** | not-run: With one layer
# it was not checked in this build.` {by-verdict}`dropout.test-time-deep | holds: With two layers it
# is still exact. | fails: With two layers it is not exact any more. | undecided: With two layers
# that stays open. | not-run: Nor was it with two.`
# {by-verdict}`dropout.less-than-bagging | holds: And ten networks that were trained separately are
# still better than one that was trained with dropout. | fails: And ten networks that were trained
# separately are no better than one trained with dropout. | undecided: Whether ten networks that
# were trained separately are better, the runs of this page cannot tell. | not-run: Whether ten
# separate networks are better was not run in this build.`
# :::
#
# **What is measured.** Small networks learn digits from few examples, so that there is something to
# gain. Some differ only in their start; some get another sample of the examples; some are trained
# with dropout. How much of their error do they share? What does dropout do to the gap between
# training and test accuracy, to the hidden units, and to the answers?
#
# **What theory predicts.** Averaging removes the part of the error that the members do *not* share,
# and no more. For one dropped layer in front of a {term}`softmax`, the large network *is* an
# average of all small ones. For two layers, no theorem says so.
#
# **What you need.** Calculus, means, and enough PyTorch to recognize a layer. On this page $k$
# counts the members of an ensemble, not classes.

# %% tags=["parameters", "remove-cell"]
profile = "cpu"
device = "auto"
seeds = ""

# %% tags=["hide-input"] title="Set-up: imports, sizes, data"
import dataclasses
import itertools

import matplotlib.pyplot as plt
import pandas as pd
import torch
from torch import Tensor

from dlnotes import rng
from dlnotes.rng import generator
from dlnotes.data import datasets
from dlnotes.networks import metrics, models, stacks, training
from dlnotes.lab import claims, figures, prose, verdicts
from dlnotes.lab.settings import Settings
from dlnotes.stats import mean_interval

figures.style()
usual = {"cpu": "0-11"}.get(profile, "")  # eight decide too little here
run = Settings(profile=profile, device=device, seeds=seeds or usual).prepare()
size = run.scale(smoke=100, cpu=400, gpu=5000)  # training examples
tests = run.scale(smoke=200, cpu=5000, gpu=10_000)  # test images of a seed
looks = run.scale(smoke=200, cpu=1500, gpu=10_000)  # where masks are many
side = run.scale(smoke=8, cpu=14, gpu=28)  # pixels
EPOCHS = run.scale(smoke=6, cpu=40, gpu=60)
HIDDEN = run.scale(smoke=(32, 32), cpu=(192, 192), gpu=(1024, 1024))
MEMBERS, BOOTSTRAPS = 10, 4  # networks of a seed
HALF = 0.5  # the usual rate of dropout
RATES = (0.0, 0.3, HALF, 0.7)

(name,) = run.scale(smoke=["digits"], cpu=["mnist"], gpu=["mnist"])
data = datasets.load_all([name], stand_in="digits", side=side)
((train, test),) = data.values()
size, tests = min(size, len(train)), min(tests, len(test))
looks = min(looks, tests)
context = claims.Context(settings=run, data=[train], needs=("mnist",))
anywhere = dataclasses.replace(context, needs=())  # for identities
plain = models.ModelConfig(
    kind="mlp",
    input_shape=train.x.shape[1:],
    num_classes=10,
    hidden=HIDDEN,
)
context

# %% tags=["hide-input"] title="Code of the figure"
shape = (HIDDEN[0] // 16, 16)
begin = models.init(plain, [generator(0, "shown")])
units = models.dense(
    begin["dense0.weight"], begin["dense0.bias"], train.x[:1].flatten(1).mT
)
units = units.relu().flatten()
keep = torch.rand(4, len(units), generator=generator(0, "shown masks")) >= HALF
keep = keep.float()
rows = {
    "the image": train.x[:1].expand(4, -1, -1, -1),
    "its hidden units": units.expand(4, -1).unflatten(1, (1, *shape)),
    "the mask": keep.unflatten(1, (1, *shape)),
    "what goes on": (units * keep).unflatten(1, (1, *shape)),
}
left = keep.sum(1).int().tolist()
figures.show(
    figures.image_rows(
        {label: images.numpy() for label, images in rows.items()},
        [f"step {i}" for i in range(1, 5)],
        size=0.95,
    ),
    "masks",
    alt=f"An image of {train.name}, the {len(units)} outputs of a hidden layer "
    f"drawn as a picture, four random masks, and the products. The masks keep "
    f"{left} units.",
    caption=f"One image in four steps of training. The {len(units)} units of a "
    "hidden layer are drawn as a small picture, bright where the output is "
    "large. A mask of zeros (dark) and ones removes about half of them, "
    "another half each time. The weights are held fixed here, and what goes "
    "on is not yet divided by the share kept.",
    data=pd.DataFrame({"step": range(1, 5), "units kept": left}),
)

# %% [markdown]
# ## Dropout in two lines
#
# With the rate $q$ each unit is set to zero with probability $q$. On average a sum then keeps only the
# share $1-q$ of its size, so the kept units are divided by $1-q$. This is called *inverted scaling*.
# Then a trained network can be used as it is: no mask, no factor.

# %%
q = 0.25
h = torch.rand(4, 8, generator=generator(0, "units"), dtype=torch.float64)
kept = torch.rand(h.shape, generator=generator(0, "mask")) >= q
print((h * kept / (1 - q)).numpy().round(2))

# %% [markdown]
# Each row is one example and has its own mask. What a mask leaves of a network is a *sub-network*. A
# layer of $d$ units has $2^d$ masks. For a few units we can write down all of them, each with its
# probability.


# %%
def all_masks(units: int, q: float) -> tuple[Tensor, Tensor]:
    """Return every mask of a layer, scaled, and how likely each one is."""
    ends = torch.tensor([0.0, 1.0], dtype=torch.float64)
    kept = torch.cartesian_prod(*[ends] * units)
    likely = (kept * (1 - q) + (1 - kept) * q).prod(1)
    return kept / (1 - q), likely


off = {"divided": 0.0, "not divided": 0.0}
for q in (0.2, 0.5, 0.8):
    masks, likely = all_masks(8, q)
    for way, factor in (("divided", 1), ("not divided", 1 - q)):
        mean = torch.einsum("m,mu,iu->iu", likely, factor * masks, h)
        off[way] = max(off[way], float((mean - h).abs().max()))
print(f"all {len(masks)} masks averaged, largest error:")
for way, error in off.items():
    print(f"{way} by the share kept: {error:.1e}")

# %% tags=["remove-cell"]
prose.number("masks-8", len(masks))
found = verdicts.identity(off["divided"], 1e-12, reason="8 units, three rates")
claims.check("dropout.expectation", found, anywhere, unit="")

# %% [markdown]
# {claim}`dropout.expectation` {by-verdict}`dropout.expectation | holds: So what reaches the next
# layer is right in the mean. What the *answers* of all sub-networks are in the mean is another
# question, since a network is not linear. | fails: So the scaling is wrong, and the code above has
# an error. | undecided: Whether the scaling is right stays open.` First: what can any ensemble gain?
#
# ## What an ensemble can gain
#
# An *ensemble* is a set of trained models, its members, whose answers are averaged. The error of a
# member is its probability for a class minus the right value, 1 for the label's class and 0 for the
# others; squares are averaged over classes and images.
#
# ```{prf:proposition} The error of an average
# :label: ensembles-and-dropout-average
#
# Among some members let $v$ be the mean square of one member's error, and $c$ the mean product of
# the errors of two different ones. The mean squared error, averaged over all ensembles of $k$ of them,
# is
#
# $$ \frac{v}{k} + \frac{k-1}{k}\, c . $$
#
# :::{symbols}
# $v$ | `v`, for ten networks of the first seed, on {glue:text}`v-images` images: {glue:text}`v-first`
# $c$ | `c`, for the same ten and the same images: {glue:text}`c-first`
# $k$ | `k`, 1 to {glue:text}`members`
# :::
# ```
#
# ```{dropdown} The proof, in two sentences
# The square of a mean of $k$ errors is a sum of $k^2$ products divided by $k^2$: $k$ of them are
# squares, $k(k-1)$ are products of two different errors. Over all sets of $k$ members each member
# comes equally often, and so does each pair, so these products have the means $v$ and $c$.
# ```
#
# Written as $c + (v-c)/k$ it says: the part $c$, which members share, stays however many there are,
# and the rest is divided by $k$. **No number of such members brings the error below the share $c/v$
# of what one member has.** The first four bring three quarters of all that can be gained.
#
# Members have to be made different. *Bagging* {cite:p}`breiman1996bagging` gives each one a
# *bootstrap sample*: as many examples, drawn from the training set with replacement, so that some
# come twice and more than a third not at all. Networks differ even without bagging, since each one
# starts at other random weights {cite:p}`lakshminarayanan2017simple`. For every seed we train
# {glue:text}`members` networks that differ in start and batch order (*start*, from here on, means
# both), and {glue:text}`bootstraps` that get a bootstrap sample as well.

# %% tags=["hide-input"] title="How the networks are trained"
TRAINING = datasets.rows(train, size, gens=rng.each(run.seeds, "subset"))
TESTS = datasets.rows(test, tests, gens=rng.each(run.seeds, "test images"))
RECIPE = training.TrainConfig(
    batch_size=run.scale(smoke=20, cpu=50, gpu=100),
    max_epochs=EPOCHS,
    learning_rate=0.02,
    momentum=0.9,
    curve_every=0,
)


def examples(seed: int, member: int, bootstrap: bool) -> Tensor:
    """Return the rows of the training set that a network sees."""
    own = TRAINING[run.seeds.index(seed)]
    if not bootstrap:
        return own
    gen = generator(seed, "bootstrap", member)
    return own[torch.randint(size, (size,), generator=gen)]


def fit(
    members: range = range(1),
    bootstrap: bool = False,
    model: models.ModelConfig = plain,
    **changes,
) -> stacks.Params:
    """Train networks of all seeds; members of a seed follow each other.

    Member i has its own start, batch order and sample, the same in every arm.
    """
    nets = list(itertools.product(run.seeds, members))
    where = run.torch_device
    return training.train(
        model,
        dataclasses.replace(RECIPE, **changes),
        models.init(
            model, [generator(s, "init", i) for s, i in nets], device=where
        ),
        train.x.to(where),
        train.y.to(where),
        gens=[generator(s, "batch order", i) for s, i in nets],
        noise=[generator(s, "masks", i, device=where) for s, i in nets],
        rows=torch.stack([examples(s, i, bootstrap) for s, i in nets]).to(
            where
        ),
    ).params


def answers(params: stacks.Params, model: models.ModelConfig = plain) -> Tensor:
    """Return probabilities [seeds, members, tests, classes], float64."""
    count = stacks.num_models(params) // len(run.seeds)
    found = []
    for at, rows in enumerate(TESTS):
        mine = stacks.select(params, range(at * count, (at + 1) * count))
        x = test.x[rows].to(run.torch_device)
        found.append(models.forward(model, mine, x).double().softmax(2).cpu())
    return torch.stack(found)


def one_and_two(errors: Tensor) -> tuple[float, float]:
    """Return v and c of the errors [members, images, classes]."""
    flat = errors.flatten(1)
    products = flat @ flat.T / flat.shape[1]
    pairs = ~torch.eye(len(flat), dtype=torch.bool)
    return float(products.diagonal().mean()), float(products[pairs].mean())


SEPARATE, BAGGED = "other start", "bootstrap sample"
members = {
    SEPARATE: fit(range(MEMBERS)),
    BAGGED: fit(range(BOOTSTRAPS), bootstrap=True),
}
probabilities = {kind: answers(params) for kind, params in members.items()}
truth = test.y[TESTS]  # seeds tests
right = torch.nn.functional.one_hot(truth, 10)[:, None].double()
errors = {kind: p - right for kind, p in probabilities.items()}
print(f"{sum(map(stacks.num_models, members.values()))} networks trained")

# %% [markdown]
# The formula, checked for ten networks on their true errors: all ensembles of $k$ among ten, for
# every $k$, against the two numbers $v$ and $c$.


# %%
def over_all(errors: Tensor, k: int) -> float:
    """Return the mean squared error of all ensembles of k members."""
    sets = itertools.combinations(errors, k)
    means = [torch.stack(some).mean(0) for some in sets]
    return float(torch.stack([m.square().mean() for m in means]).mean())


some = errors[SEPARATE][0, :, :200]
v, c = one_and_two(some)
found = {k: over_all(some, k) for k in range(1, MEMBERS + 1)}
wrong = max(abs(found[k] - (v / k + (k - 1) * c / k)) for k in found)
print(f"v {v:.4f}, c {c:.4f}; largest error of the formula {wrong:.0e}")

# %% tags=["remove-cell"]
same = verdicts.identity(wrong, 1e-12, reason="1,023 ensembles of ten networks")
claims.check("bagging.variance", same, anywhere, unit="")
prose.number("v-first", v, ".4f")
prose.number("c-first", c, ".4f")
prose.number("v-images", some.shape[1])
prose.number("members", MEMBERS)
prose.number("bootstraps", BOOTSTRAPS)
both = {k: [one_and_two(e) for e in errors[k]] for k in errors}
shared = {k: [100 * c / v for v, c in both[k]] for k in both}
pairs = zip(shared[SEPARATE], shared[BAGGED], strict=True)
more = [a / b for a, b in pairs]
claims.check("bagging.ceiling", verdicts.ratio(more, 1), context, unit="times")
for k, short in ((SEPARATE, "start"), (BAGGED, "bagged")):
    prose.mean(f"share-{short}", shared[k], ".0f")
    prose.mean(f"one-{short}", [1000 * v for v, _ in both[k]], ".1f")
    ten = [1000 * (v / MEMBERS + (1 - 1 / MEMBERS) * c) for v, c in both[k]]
    prose.mean(f"ten-{short}", ten, ".1f")

# %% tags=["hide-input"] title="Code of the figure"
figure, axis = plt.subplots(figsize=(5.6, 3.6))
counts = torch.arange(1, MEMBERS + 1)
table = []
for i, (kind, pairs) in enumerate(both.items()):
    lines = [
        [1000 * (v / k + (1 - 1 / k) * c) for k in counts] for v, c in pairs
    ]
    look = {"color": figures.COLORS[i]}
    axis.plot(counts, torch.tensor(lines).T, linewidth=0.6, alpha=0.5, **look)
    mean = torch.tensor(lines).mean(0)
    marker = figures.MARKERS[i]
    axis.plot(counts, mean, marker=marker, markersize=5, label=kind, **look)
    ceiling = 1000 * sum(c for _, c in pairs) / len(pairs)
    axis.axhline(ceiling, linestyle=(0, (2, 2)), linewidth=1, **look)
    table += [
        (kind, s, int(k), float(e))
        for s, line in zip(run.seeds, lines, strict=True)
        for k, e in zip(counts, line, strict=True)
    ]
axis.set(xlabel="members k of the ensemble", xticks=[1, 2, 4, 6, 8, 10])
axis.set(ylabel="squared error (thousandths)")
axis.legend(loc="upper right", title="members differ by")
last = pd.DataFrame(table, columns=["members by", "seed", "k", "error"])
ends = last[last.k.isin([1, MEMBERS])].groupby(["members by", "k"]).error.mean()
spoken = {f"{kind}, k = {k}": e for (kind, k), e in ends.items()}
figures.show(
    figure,
    "ensemble",
    alt="Mean squared error of the probabilities, in thousandths, against the "
    f"number of members. {figures.words(spoken, '.1f')}.",
    caption="Squared error of the averaged probabilities on new images, a thin "
    "line a seed, the mean strong. Both curves are the formula, with v and c "
    f"measured on {MEMBERS} networks (other start) and on {BOOTSTRAPS} "
    "(bootstrap sample). Dashed: what infinitely many such members would "
    "leave. The vertical axis does not begin at zero.",
    data=last,
)

# %% [markdown]
# {claim}`bagging.variance` And how much do members share?
#
# {claim}`bagging.ceiling` Networks with other starts share {glue:text}`share-start` % of their
# squared error, bagged ones {glue:text}`share-bagged` %. {by-verdict}`bagging.ceiling | holds: All
# networks of the first kind learned the same examples, so they make the mistakes that these
# examples suggest; other samples suggest other mistakes. | fails: So here another sample does not
# make members more different than another start does. | undecided: Which of the two shares more
# stays open here.`
#
# Sharing less is not the whole account, since a bagged member sees fewer different examples. In
# thousandths, one member with another start has the squared error {glue:text}`one-start` and ten
# together {glue:text}`ten-start`. Bagged, one has {glue:text}`one-bagged` and ten would
# have {glue:text}`ten-bagged`, by the formula from {glue:text}`bootstraps` trained ones.
#
# ## All sub-networks at once
#
# We call the network without a mask the *whole network*; the claims call it the *scaled network*. It
# is said to answer for all sub-networks. How should a large number of answers be averaged? There are two
# usual ways. The arithmetic mean adds probabilities. The *geometric mean* multiplies them and
# takes a root, which is the same as averaging their logarithms; it is then *normalized*, divided
# by its sum over the classes, so that probabilities again sum to one.
#
# ```{prf:proposition} One dropped layer: the average is exact
# :label: ensembles-and-dropout-exact
#
# Let the inputs $h$ of a softmax layer be dropped at any rate $q < 1$. The geometric mean of all
# $2^d$ sub-networks, weighted with the probabilities $P(m)$ of their masks $m$ and normalized, is
# what the layer says without a mask:
#
# $$
# \begin{aligned}
# \prod_m \operatorname{softmax}(&W (m \odot h) + b)^{P(m)} \\
#  \propto\; \operatorname{softmax}(&W h + b) .
# \end{aligned}
# $$
#
# :::{symbols}
# $h$ | `h`, {glue:text}`units` outputs of a hidden layer
# $d$ | how many they are
# $\propto$ | equal but for one factor, the same for all classes
# $m$ | a row of `masks`: 0 or $1/(1-q)$ for each unit; $\odot$ multiplies unit by unit
# $P(m)$ | `likely`
# $W, b$ | `W`, `b`: weights and biases of the last layer
# :::
# ```
#
# ```{dropdown} The proof, in three sentences
# The logarithm of a softmax is the {term}`logits <logits>` minus a number that is the same for all classes.
# Averaging over masks gives the mean of the logits, $W\, \mathbb{E}[m \odot h] + b = W h + b$, by
# the identity above, minus again a number that is the same for all classes. Normalizing removes
# every such number.
# ```
#
# {cite:t}`hinton2012improving` state it for one hidden layer and the rate one half. Here is a small
# network with nine hidden units, trained with dropout. All 512 sub-networks:

# %% tags=["hide-input"] title="How the small networks are trained"
brief = training.TrainConfig(
    batch_size=20,
    max_epochs=run.scale(smoke=10, cpu=40, gpu=40),
    learning_rate=0.01,
    momentum=0.9,
    dropout=0.2,
    curve_every=0,
)


def little(hidden: tuple[int, ...]) -> tuple[models.ModelConfig, stacks.Params]:
    """Train a small network with dropout, in float64."""
    model = dataclasses.replace(plain, hidden=hidden)
    start = models.init(model, [generator(0, "little")], dtype=torch.float64)
    rows = TRAINING[0]
    params = training.train(
        model,
        brief,
        start,
        train.x[rows].double(),
        train.y[rows],
        gens=[generator(0, "little order")],
        noise=[generator(0, "little masks")],
    ).params
    return model, params


x = test.x[TESTS[0, :100]].double()
model, one = little((9,))
h = models.dense(one["dense0.weight"], one["dense0.bias"], x.flatten(1).mT)
h = h.relu()[0].mT  # images units
W, b = one["dense1.weight"][0], one["dense1.bias"][0]

# %%
worst = 0.0
for q in (0.2, 0.5, 0.8):
    masks, likely = all_masks(9, q)
    logits = (masks[:, None] * h) @ W.T + b  # masks images classes
    mean = torch.einsum("m,mic->ic", likely, logits.log_softmax(2))
    geometric = mean.softmax(1)  # normalizes
    scaled = (h @ W.T + b).softmax(1)
    worst = max(worst, float((geometric - scaled).abs().max()))
print(f"{len(masks)} sub-networks, largest difference {worst:.0e}")

# %% tags=["remove-cell"]
same = verdicts.identity(worst, 1e-9, reason="512 sub-networks, three rates")
claims.check("dropout.test-time", same, anywhere, unit="")
prose.number("units", h.shape[1])

# %% [markdown]
# {claim}`dropout.test-time` {by-verdict}`dropout.test-time | holds: The large network speaks for
# all of its parts, in one pass. | fails: That contradicts the proof, so the code has an error. |
# undecided: Whether the code agrees with the proof stays open.`
# Most networks have more than one hidden layer, though. Drop two layers of six units each, which
# makes 4,096 sub-networks, at 0.2, the rate it was trained with, and at 0.5:

# %%
model, two = little((6, 6))
whole = models.forward(model, two, x)[0].softmax(1)
deep, off = {}, {}
for q in (0.2, HALF):
    masks, likely = all_masks(12, q)
    copies = {n: t.expand(len(masks), *t.shape[1:]) for n, t in two.items()}
    parts = [masks[:, None, :6], masks[:, None, 6:]]
    logits = models.forward(model, copies, x, masks=parts)
    mean = torch.einsum("m,mic->ic", likely, logits.log_softmax(2))
    deep[q] = mean.softmax(1)
    off[q] = (deep[q] - whole).abs()
    print(f"rate {q}: largest difference {off[q].max():.3f}")

# %% tags=["remove-cell"]
gap = float(max(some.max() for some in off.values()))
same = verdicts.identity(gap, 1e-9, reason="4,096 sub-networks, two rates")
claims.check("dropout.test-time-deep", same, anywhere, unit="")
for q, some in off.items():
    prose.number(f"deep-worst-{q:g}", 100 * float(some.max()), ".0f")
typical = 100 * float(off[HALF].amax(1).mean())
prose.number("deep-typical", typical, ".1f")
agree = (deep[HALF].argmax(1) == whole.argmax(1)).double().mean()
prose.number("deep-agree", 100 * float(agree), ".0f")

# %% tags=["hide-input"] title="Code of the figure"
masks, likely = all_masks(9, HALF)
mean = torch.einsum(
    "m,mic->ic", likely, ((masks[:, None] * h) @ W.T + b).log_softmax(2)
)
drawn = {
    "one dropped layer": (mean.softmax(1), (h @ W.T + b).softmax(1)),
    "two dropped layers": (deep[HALF], whole),
}
figure, panels = plt.subplots(1, 2, figsize=(5.6, 3.2), sharey=True)
for axis, (title, (all_parts, one_pass)) in zip(
    panels, drawn.items(), strict=True
):
    axis.plot([0, 1], [0, 1], color=figures.INK, linewidth=1, linestyle=":")
    axis.scatter(
        all_parts.flatten(), one_pass.flatten(), s=8, alpha=0.5, linewidths=0
    )
    axis.set(title=title, xlabel="all sub-networks", aspect="equal")
    axis.set(xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
panels[0].set_ylabel("whole network")
figures.show(
    figure,
    "geometric",
    alt="Probability given by the whole network against the geometric mean of "
    f"all sub-networks. One layer: largest difference {worst:.0e}. Two layers: "
    f"largest difference {gap:.2f}.",
    caption="A dot is a probability of one class for one test image. With one "
    "dropped layer all dots lie on the line: the whole network is the "
    "geometric mean. With two they do not. Both at the rate one half.",
    data=pd.concat(
        pd.DataFrame({"layers": n, "parts": a.flatten(), "whole": b_.flatten()})
        for n, (a, b_) in drawn.items()
    ),
)

# %% [markdown]
# {claim}`dropout.test-time-deep` {by-verdict}`dropout.test-time-deep | holds: So the second layer
# changes nothing. | fails: The ReLU between the layers is why: the mean of a kinked function is not
# the function of the mean. From here on "an average of all sub-networks" is an approximation, and
# whether it is a good one is a question for measurements. | undecided: Whether it is exact stays open.`
# {cite:t}`baldi2013understanding` bound its error in deep networks; {cite:t}`wardefarley2014empirical`
# compare it with the exact mean in small networks with ReLU.
#
# At the rate 0.2 the probability that is furthest off is off by {glue:text}`deep-worst-0.2` points, at
# one half by {glue:text}`deep-worst-0.5`. At one half, on average over images the largest difference is
# {glue:text}`deep-typical` points, and the class with the largest probability is the same on
# {glue:text}`deep-agree` % of the images.
#
# ## Is the approximation good?
#
# :::{predict}
# :guess: differ
# :kind: number
# :unit: %
# Now the networks from above, with two hidden layers of {glue:text}`width` units, trained with dropout at
# the rate one half. Ask the whole network; then ask 100 random sub-networks and add up their
# probabilities. On which share of new images do the two answers differ?
# :::

# %% tags=["hide-input"] title="How the networks with dropout are trained and asked"
arms = {rate: fit(dropout=rate) for rate in RATES[1:]}
first = range(0, MEMBERS * len(run.seeds), MEMBERS)
arms = {0.0: stacks.select(members[SEPARATE], first)} | arms


def sub_networks(params: stacks.Params, at: int, count: int) -> Tensor:
    """Return the probabilities of sub-networks of one seed's network."""
    gen = generator(run.seeds[at], "sub-networks")
    masks = [
        (torch.rand(count, 1, width, generator=gen) >= HALF) / (1 - HALF)
        for width in HIDDEN
    ]
    masks = [mask.to(run.torch_device) for mask in masks]
    copies = stacks.select(params, [at] * count)
    x = test.x[TESTS[at, :looks]].to(run.torch_device)
    logits = models.forward(plain, copies, x, masks=masks)
    return logits.double().softmax(2).cpu()


def score(p: Tensor, at: int) -> Tensor:
    """Return the accuracy in percent of probabilities [..., images, classes]."""
    y = truth[at, : p.shape[-2]]
    return 100 * (p.argmax(-1) == y).double().mean(-1)


whole = answers(arms[HALF])[:, 0]
asked = []
for at, seed in enumerate(run.seeds):
    parts = sub_networks(arms[HALF], at, 100)
    mean, full = parts.mean(0), whole[at, :looks]
    other = 100 * (mean.argmax(1) != full.argmax(1)).double().mean()
    asked.append(
        {
            "seed": seed,
            "differ": float(other),
            "v": 1000 * float((parts - right[at, :, :looks]).square().mean()),
            "left": 1000 * float((mean - right[at, 0, :looks]).square().mean()),
            "one sub-network": float(score(parts, at).mean()),
            "mean of 100 sub-networks": float(score(mean, at)),
            "whole network": float(score(full, at)),
        }
    )
asked = pd.DataFrame(asked)

# %% tags=["remove-cell"]
alone = asked["one sub-network"]
ways = ("mean of 100 sub-networks", "whole network")
beaten = {
    way: verdicts.above((asked[way] - alone).tolist(), 0.0) for way in ways
}
rarely = verdicts.below(asked.differ.tolist(), 2.0, unit="% of images")
claims.check(
    "dropout.approximates-bagging",
    verdicts.all_of({"answers that differ": rarely, **beaten}),
    context,
    unit="percentage points",
)
prose.mean("differ", asked.differ.tolist())
prose.mean("alone", alone.tolist(), ".1f")
prose.mean("hundred", asked[ways[0]].tolist(), ".1f")
prose.mean("one-part", asked.v.tolist())
prose.mean("parts-left", asked.left.tolist())
prose.mean("whole", asked[ways[1]].tolist(), ".1f")
prose.number("width", HIDDEN[0])

# %% [markdown]
# {predicted}`differ <differ>` They differ on {glue:text}`differ` % of the images.
# {claim}`dropout.approximates-bagging` One sub-network alone is right on {glue:text}`alone` % (the
# *mean sub-network*: the accuracy of a sub-network, averaged), the mean of 100 on
# {glue:text}`hundred` %, the whole network on {glue:text}`whole` %. {by-verdict}`dropout.approximates-bagging | holds: So
# as an approximation the picture is good: the whole network answers as its parts do together, and at
# the price of one pass. | fails: So one of the three parts of the statement is wrong here; the card
# says which. | undecided: For one of the three parts these runs leave it open; the card says for
# which.`
#
# ## What dropout does to a network
#
# Training stops at the same epoch for every rate. Masks are used in training only.

# %% tags=["hide-input"] title="How the controls and the accuracies are computed"
wide = dataclasses.replace(plain, hidden=tuple(3 * w // 2 for w in HIDDEN))
short = run.scale(smoke=2, cpu=4, gpu=4)  # epochs
controls = {
    "half again as wide": (wide, fit(model=wide)),
    f"only {short} epochs": (plain, fit(max_epochs=short)),
}
nets = {f"rate {q:g}": (plain, arms[q]) for q in RATES} | controls


def two_accuracies(model: models.ModelConfig, params: stacks.Params) -> dict:
    """Return training and test accuracy in percent, a list over seeds."""
    where = run.torch_device
    got = {}
    for part, rows, data in (("train", TRAINING, train), ("test", TESTS, test)):
        x, y = data.x.to(where), data.y.to(where)
        found = metrics.evaluate(model, params, x, y, rows=rows.to(where))[1]
        got[part] = (100 * found).tolist()
    return got


scores = pd.DataFrame(
    [
        (label, seed, a, b)
        for label, net in nets.items()
        for seed, a, b in zip(
            run.seeds, *two_accuracies(*net).values(), strict=True
        )
    ],
    columns=["network", "seed", "train %", "test %"],
)
scores["gap"] = scores["train %"] - scores["test %"]
scores["rate"] = scores.network.str.removeprefix("rate ")


def column(label: str, what: str) -> list[float]:
    """Return the numbers of a network, seed by seed."""
    return scores[scores.network == label][what].tolist()


def fewer(what: str, first: str, second: str) -> list[float]:
    """Return second minus first, seed by seed."""
    pairs = zip(column(first, what), column(second, what), strict=True)
    return [b - a for a, b in pairs]


# %% tags=["hide-input"] title="Code of the figure"
curves = scores[scores.network.str.startswith("rate")].copy()
curves["rate"] = curves.rate.astype(float)
long = curves.melt(["rate", "seed"], ["train %", "test %"], "on", "accuracy")
long["on"] = long.on.map({"train %": "training set", "test %": "new images"})
figure, axis = plt.subplots(figsize=(5.6, 3.6))
figures.seed_points(axis, long, x="rate", y="accuracy", hue="on")
axis.set(xlabel="dropout rate q in training", ylabel="accuracy (%)")
axis.set(xticks=RATES)
axis.legend(loc="center left")
means = curves.groupby("rate")[["train %", "test %", "gap"]].mean()
told = {f"q = {q:g}": m for q, m in means["test %"].items()}
figures.show(
    figure,
    "gap",
    alt="Accuracy against the dropout rate. On new images: "
    f"{figures.words(told, '.1f')}; on the training set "
    f"{means['train %'].min():.1f} to {means['train %'].max():.1f} %.",
    caption="Accuracy of the whole network, dots are seeds, bars 95 % "
    "intervals. What lies between the two curves is the gap.",
    data=long,
)

# %% tags=["remove-cell"]
PLAIN, DROPPED = "rate 0", f"rate {HALF:g}"
narrower = fewer("gap", DROPPED, PLAIN)  # plain minus dropout
claims.check(
    "dropout.gap",
    verdicts.above(narrower, 0.0),
    context,
    unit="percentage points",
)
for label, key in ((PLAIN, "plain"), (DROPPED, "drop")):
    prose.mean(f"gap-{key}", column(label, "gap"))
    prose.mean(f"test-{key}", column(label, "test %"))
    prose.mean(f"train-{key}", column(label, "train %"))
SHORT = f"only {short} epochs"
prose.mean("gap-short", column(SHORT, "gap"))
prose.mean("test-short", column(SHORT, "test %"))
prose.number("short", short)
prose.number("size", size, ",")

# %% [markdown]
# {claim}`dropout.gap` Without dropout the {term}`generalization gap` is {glue:text}`gap-plain`
# points, with the rate one half {glue:text}`gap-drop`. A gap can also shrink because the training
# set is learned less well; here the training accuracies are {glue:text}`train-plain` % and
# {glue:text}`train-drop` %. On new images the accuracy is {glue:text}`test-plain` % without and
# {glue:text}`test-drop` % with dropout.
#
# These networks have {glue:text}`size` examples. On all of MNIST, three layers of 1,024 ReLU units with
# dropout and a limit on the length of each unit's incoming weights (*max-norm*) came to a test error of
# 1.06 % {cite:p}`srivastava2014dropout`.
#
# ### Units that do not rely on each other
#
# The paper's second explanation: a unit that may be missing cannot be relied on, so no unit can
# specialize in repairing the mistakes of a certain other one. Such mutual reliance is called
# *co-adaptation*. Remove units from a *trained* network, and see. Move the slider: it sets the rate
# used in training.

# %% tags=["hide-input"] title="How units are removed"
CUTS = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
few = run.scale(smoke=100, cpu=500, gpu=10_000)  # images


def without(
    model: models.ModelConfig, params: stacks.Params, cut: float, draws: int
) -> list[float]:
    """Return accuracies in percent with a share of hidden units removed.

    Every image has masks of its own; what is kept is divided by its share.
    """
    found = []
    for at, seed in enumerate(run.seeds):
        x = test.x[TESTS[at, :few]].to(run.torch_device)
        one, total = stacks.select(params, at), 0.0
        for draw in range(draws):
            gen = generator(seed, "removed", draw)
            masks = [
                ((torch.rand(1, few, w, generator=gen) >= cut) / (1 - cut)).to(
                    x.device
                )
                for w in model.hidden
            ]
            logits = models.forward(model, one, x, masks=masks)[0]
            total += float(score(logits.cpu(), at))
        found.append(total / draws)
    return found


def lost(model: models.ModelConfig, params: stacks.Params) -> list[float]:
    """Return the accuracy that the loss of half of the units costs."""
    pairs = zip(
        without(model, params, 0.0, 1),
        without(model, params, HALF, 5),
        strict=True,
    )
    return [a - b for a, b in pairs]


losses = {label: lost(*net) for label, net in nets.items()}

# %% tags=["hide-input"] title="Code of the figure"
removed = {q: [without(plain, arms[q], c, 1) for c in CUTS] for q in RATES}
books, alts, says = {}, {}, {}
usual = torch.tensor(removed[0.0]).mean(1)
cuts = [100 * cut for cut in CUTS]
for q in RATES:
    frame, axis = plt.subplots(figsize=(5.6, 3.6))
    seen = torch.tensor(removed[q])
    axis.plot(cuts, usual, ":", color=figures.INK, label="without dropout")
    look = {"color": figures.COLORS[0]}
    axis.plot(cuts, seen, linewidth=0.6, alpha=0.5, **look)
    axis.plot(
        cuts, seen.mean(1), marker="o", label=f"trained at q = {q:g}", **look
    )
    axis.axvline(100 * q, color=figures.COLORS[1], linewidth=1)
    axis.set(xlim=(-2, 92), ylim=(0, 100), ylabel="accuracy (%)")
    axis.set(xlabel="hidden units removed at random (%)")
    axis.legend(loc="lower left")
    whole_, half_ = (float(seen[CUTS.index(c)].mean()) for c in (0.0, 0.5))
    says[q] = (
        f"Trained at q = {q:g}: {whole_:.0f} % right with all units, "
        f"{half_:.0f} % with half of them."
    )
    alts[q] = f"Accuracy against the share of units removed. {says[q]}"
    books[q] = frame
figures.flipbook(
    books,
    "removed",
    label="dropout rate q in training",
    alts=alts,
    says=says,
    caption="What a trained network still gets right when units are removed, a "
    "thin line a seed. The vertical line is the rate used in training, the "
    "dotted curve a network trained without dropout.",
    data=pd.DataFrame(
        [
            (q, cut, seed, value)
            for q, lines in removed.items()
            for cut, line in zip(cuts, lines, strict=True)
            for seed, value in zip(run.seeds, line, strict=True)
        ],
        columns=["rate", "removed %", "seed", "accuracy %"],
    ),
    default=HALF,
)

# %% tags=["remove-cell"]
spared = [a - b for a, b in zip(losses[PLAIN], losses[DROPPED], strict=True)]
claims.check(
    "dropout.co-adaptation",
    verdicts.above(spared, 0.0),
    context,
    unit="percentage points",
)
for label, key in (
    (PLAIN, "plain"),
    (DROPPED, "drop"),
    ("half again as wide", "wide"),
    (SHORT, "short"),
):
    prose.mean(f"lost-{key}", losses[label])
cost = {label: sum(values) / len(values) for label, values in losses.items()}
left_over = min(cost["half again as wide"], cost[SHORT]) - cost[DROPPED]
most = left_over > (cost[PLAIN] - cost[DROPPED]) / 2
prose.number(
    "neither",
    "So neither explains most of it."
    if most
    else "So at least one explains half of it or more.",
)

# %% [markdown]
# {claim}`dropout.co-adaptation` Half of the units cost the network without dropout
# {glue:text}`lost-plain` points and the other one {glue:text}`lost-drop`. But is it dropout, or only a
# network that has units to spare, or one that has not yet learned to rely on any? Two controls
# without dropout: one with 1.5 times as many units loses {glue:text}`lost-wide` points, one trained for
# {glue:text}`short` epochs loses {glue:text}`lost-short`. {glue:text}`neither`
#
# :::{predict}
# :guess: correlated
# :kind: choice
# :choices: less correlated | just as correlated | more correlated
# Not relying on each other sounds like being different from each other. Compared with a network
# trained without dropout, are the hidden units of one trained with it ...
# :::


# %%
def correlation(params: stacks.Params, at: int, x: Tensor) -> float:
    """Return the mean |correlation| of two units of a hidden layer."""
    h, found = x.flatten(1).mT, []
    for i in range(len(HIDDEN)):
        weight, bias = params[f"dense{i}.weight"], params[f"dense{i}.bias"]
        h = models.dense(weight[[at]], bias[[at]], h).relu()
        alive = h[0][h[0].std(1) > 0]  # a constant unit has no correlation
        pairs = torch.corrcoef(alive.double()).abs()
        count = len(alive) * (len(alive) - 1)
        found.append(float(pairs.sum() - len(alive)) / count)
    return sum(found) / len(found)


# %% tags=["remove-cell"]
inits = models.init(
    plain, rng.each(run.seeds, "init", 0), device=run.torch_device
)
alike = {
    label: [
        correlation(params, at, test.x[TESTS[at, :looks]].to(run.torch_device))
        for at in range(len(run.seeds))
    ]
    for label, params in (
        ("before training", inits),
        ("without dropout", arms[0.0]),
        (f"dropout {HALF:g}", arms[HALF]),
    )
}
before, usual_, dropped_ = alike.values()
change = [b - a for a, b in zip(usual_, dropped_, strict=True)]
claims.check(
    "dropout.correlation",
    verdicts.below(change, 0.0),
    context,
    unit="correlation",
)
for values, key in ((before, "start"), (usual_, "plain"), (dropped_, "drop")):
    prose.mean(f"correlation-{key}", values, ".3f")

# %% tags=["hide-input"] title="Code of the figure"
figure, axis = plt.subplots(figsize=(5.6, 2.4))
figures.seed_rows(axis, alike)
axis.set(xlabel="mean |correlation| of two hidden units")
means = {k: sum(v) / len(v) for k, v in alike.items()}
figures.show(
    figure,
    "correlation",
    alt="Mean absolute correlation of two hidden units on new images; means: "
    f"{figures.words(means, '.3f')}.",
    caption="How alike two units of a hidden layer are on new images, a dot a "
    "seed, the bar a 95 % interval of the mean. {by-verdict}"
    "`dropout.correlation | holds: With dropout they are less alike. | fails: "
    "With dropout they are more alike, not less. | undecided: Which of the "
    "two is larger the seeds do not tell.`",
    data=pd.DataFrame(
        [(k, e) for k, v in alike.items() for e in v],
        columns=["network", "correlation"],
    ),
)

# %% [markdown]
# {predicted}`correlated` {claim}`dropout.correlation` The mean absolute correlation is
# {glue:text}`correlation-plain` without dropout and {glue:text}`correlation-drop` with it; at the
# start it was {glue:text}`correlation-start`. {by-verdict}`dropout.correlation | holds: So here "not
# relying on each other" does mean "being different". | fails: **It goes the other way.** One reading:
# who may lose any colleague needs a second one who can do some of the same work. The difference is
# small, and this reading was not tested. Robust is not the same as diverse. | undecided: So from
# robust it does not follow that units are more alike or less.`
#
# ## Against ten networks
#
# If dropout is an ensemble, how does it stand against a real one? Ten networks cost ten times the
# training and ten times the work for every answer.

# %% tags=["hide-input"] title="Code of the figure"
of_all = probabilities[SEPARATE].mean(1)
ten = [float(score(p, at)) for at, p in enumerate(of_all)]
mild = f"rate {RATES[1]:g}"
race = {
    f"dropout {RATES[1]:g}": column(mild, "test %"),
    f"dropout {HALF:g}": column(DROPPED, "test %"),
    "ten networks": ten,
}
base = column(PLAIN, "test %")
race = {
    name: [a - b for a, b in zip(values, base, strict=True)]
    for name, values in race.items()
}
figure, axis = plt.subplots(figsize=(5.6, 2.6))
figures.seed_rows(axis, race)
axis.axvline(0, color=figures.INK, linewidth=1, linestyle=(0, (2, 2)))
axis.set(xlabel="accuracy gained over one plain network (points)")
means = {k: sum(v) / len(v) for k, v in race.items()}
figures.show(
    figure,
    "race",
    alt="Percentage points of accuracy on new images gained over one network "
    f"without dropout; means: {figures.words(means, '.1f')}.",
    caption="What dropout, and what the mean of ten networks without it, gain over "
    "one network without dropout, seed by seed. The bar is a 95 % interval "
    "of the mean.",
    data=pd.DataFrame(
        [(k, e) for k, v in race.items() for e in v],
        columns=["network", "gain"],
    ),
)

# %% tags=["remove-cell"]
ahead = [a - b for a, b in zip(ten, column(DROPPED, "test %"), strict=True)]
claims.check(
    "dropout.less-than-bagging",
    verdicts.above(ahead, 0.0),
    context,
    unit="percentage points",
)
prose.mean("ten-test", ten)
seen = errors[SEPARATE].mean(1)[:, :looks]  # the images of the sub-networks
prose.mean("ten-looks", [1000 * float(e.square().mean()) for e in seen])
prose.mean("mild-test", column(mild, "test %"))
prose.number("mild", RATES[1], "g")

# %% [markdown]
# {claim}`dropout.less-than-bagging` Ten networks with other starts are right on
# {glue:text}`ten-test` %, the one with dropout on {glue:text}`test-drop` %.
# {by-verdict}`dropout.less-than-bagging | holds: Parts that share all of their weights and
# were trained together do not replace networks that share nothing but their examples. | fails: So at
# these sizes dropout does not fall behind ten separate networks. | undecided: At these sizes, which
# of them is ahead stays open.` In squared error (thousandths), on
# the images that the sub-networks saw, one sub-network has {glue:text}`one-part`, 100 of them averaged
# {glue:text}`parts-left`, and ten separate networks {glue:text}`ten-looks`.
#
# One half is the paper's rate for hidden units and was not tuned here; at the
# rate {glue:text}`mild` a network is right on {glue:text}`mild-test` %.
#
# ## One mask a batch, or one an example?
#
# Dropout is often told as "every mini-batch gets a new mask". PyTorch and the other frameworks, and
# this book, draw a mask for *every example*. Both satisfy every formula above. A shared mask makes
# the gradient of a batch noisier, since all examples lose the same units.


# %% tags=["hide-input"] title="The same training, with one mask a batch"
def with_shared_masks() -> stacks.Params:
    """Train at the rate one half, each batch with one mask for its examples."""
    where = run.torch_device
    start = models.init(plain, rng.each(run.seeds, "init", 0), device=where)
    params = {n: p.requires_grad_() for n, p in start.items()}
    optimizer = torch.optim.SGD(
        params.values(), lr=RECIPE.learning_rate, momentum=RECIPE.momentum
    )
    orders = rng.each(run.seeds, "batch order", 0)
    gens = rng.each(run.seeds, "shared masks")
    for _ in range(EPOCHS):
        drawn = [torch.randperm(size, generator=gen) for gen in orders]
        order = TRAINING.gather(1, torch.stack(drawn))
        for rows in order.split(RECIPE.batch_size, dim=1):
            masks = [
                torch.stack([torch.rand(1, w, generator=g) for g in gens])
                for w in HIDDEN
            ]
            masks = [(m.to(where) >= HALF) / (1 - HALF) for m in masks]
            logits = models.forward(
                plain, params, train.x[rows].to(where), masks=masks
            )
            optimizer.zero_grad()
            y = train.y[rows].to(where)
            metrics.cross_entropy(logits, y).sum().backward()
            optimizer.step()
    return {n: p.detach() for n, p in params.items()}


batchwise = two_accuracies(plain, with_shared_masks())["test"]
pairs = zip(column(DROPPED, "test %"), batchwise, strict=True)
costs = [a - b for a, b in pairs]
prose.mean("batchwise", batchwise)
prose.interval("batchwise-costs", mean_interval(costs))
print(f"{len(batchwise)} networks trained with one mask a batch")

# %% [markdown]
# With one mask a batch and everything else equal, the accuracy on new images is
# {glue:text}`batchwise` %. A mask for every example brings {glue:text}`batchwise-costs` points more (the
# difference was taken before rounding), with a 95 % interval from
# {glue:text}`batchwise-costs-interval`. If all of the interval is above zero, the noisier gradient costs
# accuracy here. (Exercise 3 is about the two kinds.)
#
# ## How this can mislead
#
# - **A gap of zero is easy.** A network that was never trained has no gap. After only
#   {glue:text}`short` epochs without dropout the gap is {glue:text}`gap-short` points, and the
#   accuracy {glue:text}`test-short` %. A gap without its accuracy says nothing.
# - **Which average?** The theorem speaks of the geometric mean, the 100 sub-networks were averaged
#   arithmetically, as ensembles are.
# - **Equal steps, not equal cost.** Ten networks cost ten times as much as one. All networks had the
#   same number of epochs. Dropout usually profits from wider layers, more epochs and a limit on the
#   weights, which the paper used.
# - **Robust against what?** Co-adaptation was measured by removing units at random, which is what
#   dropout trains for. Another damage may give another order.
# - **What the intervals cover.** A seed draws training and test images, starts, orders, samples and
#   masks. The intervals speak of other seeds, not of other data sets.
# - **Small sets.** With all of MNIST the members make fewer mistakes, and what an average can gain
#   is smaller.

# %% [markdown]
# ## Summary
#
# {by-verdict}`dropout.test-time | holds: **With one dropped layer, yes: the whole network is exactly
# the normalized geometric mean of all its sub-networks.** | fails: **Not even with one layer.** |
# undecided: **With one dropped layer that stays open.**` {by-verdict}`dropout.test-time-deep | holds:
# With two layers, too. | fails: **With more layers it is an approximation.** | undecided: **With more
# layers that stays open.**` {by-verdict}`dropout.less-than-bagging | holds: **And it does not replace
# ten networks that were trained separately.** | fails: **It does not fall behind ten separate networks
# here.** | undecided: **Whether it replaces separate networks stays open here.**`
#
# - Networks with other starts share {glue:text}`share-start` % of their squared error, bagged ones
#   {glue:text}`share-bagged` %: that much of the error stays, however many there are.
# - At the rate one half the whole network and 100 of its sub-networks answer differently on
#   {glue:text}`differ` % of the images.
# - Accuracy on new images: {glue:text}`test-plain` % for one network, {glue:text}`test-drop` % with
#   dropout at the rate one half, {glue:text}`ten-test` % for ten.
#
# **If you train networks:** where data are few, try dropout, also at rates below one half, and
# switch it off for answers (`model.eval()` in PyTorch). If you can pay for several networks, train
# them from different starts and average their probabilities: four members bring three quarters of
# the gain in squared error that any number could bring.
#
# **Open.** An ensemble gains by disagreement. {by-verdict}`dropout.correlation | holds: Dropout makes
# its units a little less alike. | fails: Dropout does not make its units disagree. | undecided:
# Whether dropout makes its units disagree stays open.` Is there a way to train one network whose parts
# disagree? **Next:** {doc}`when should training stop? <early-stopping>`

# %% [markdown]
# ## Exercises
#
# For the first three you need only the imports of the set-up, not the experiment.
#
# ```{exercise} How many members are enough? 15 minutes, imports only
# :label: ensembles-and-dropout-ex-enough
#
# Members have mean squared error $v$ and mean product $c$, with $0 < c \le v$. What infinitely many
# of them would leave is $c$. Complete `enough`: return the smallest number of members whose mean
# squared error is at most $(1 + r)\,c$, for $r > 0$. Hand in: the function, and one sentence on how
# the answer changes when the members become more alike.
# ```


# %% tags=["exercise"]
def enough(v: float, c: float, r: float) -> int:
    """Return the smallest k with v/k + (k-1)c/k at most (1+r)c."""
    ### BEGIN SOLUTION
    k = 1
    while v / k + (k - 1) * c / k > (1 + r) * c:
        k += 1
    return k
    ### END SOLUTION


# %% tags=["check"]
for v, c, r in (
    (1.0, 0.7, 0.11),
    (3.0, 1.0, 0.3),
    (2.0, 0.9, 0.017),
    (1.0, 0.99, 0.5),
    (0.04, 0.04, 0.1),
    (5.0, 0.3, 1.7),
):
    k = enough(v, c, r)
    assert k is not None, "nothing is returned yet: write the body"
    assert k == int(k), f"members come whole, got {k}"
    assert k >= 1, f"an ensemble has at least one member, got {k}"
    at = f"for v = {v}, c = {c}, r = {r}"
    pair = torch.full((99, 99), c, dtype=torch.float64).fill_diagonal_(v)
    assert pair[: int(k), : int(k)].mean() <= (1 + r) * c, f"too few {at}"
    if k > 1:
        fewer_ = int(k) - 1
        assert pair[:fewer_, :fewer_].mean() > (1 + r) * c, (
            f"not the smallest number {at}"
        )
print("Exercise 1: all checks passed")

# %% [markdown]
# ```{exercise} The geometric mean: 20 minutes, imports only
# :label: ensembles-and-dropout-ex-geometric
#
# Complete `geometric`: from the logits of several members, `[members, examples, classes]`, return
# their normalized geometric mean, `[examples, classes]`, all members weighted equally. Logits may be
# as large as 2,000, so that a probability can be too small for a float. Hand in: the function, and
# two answers, in numbers, for which the geometric and the arithmetic mean choose different classes.
# ```


# %% tags=["exercise"]
def geometric(logits: Tensor) -> Tensor:
    """Return the normalized geometric mean of the members' probabilities."""
    ### BEGIN SOLUTION
    return logits.log_softmax(2).mean(0).softmax(1)
    ### END SOLUTION


# %% tags=["check"]
drawn = torch.randn(3, 50, 4, generator=generator(0, "logits")).double()
given = drawn.clone()
mean = geometric(given)
assert mean is not None, "nothing is returned yet: write the body"
assert torch.equal(given, drawn), "leave the logits unchanged"
assert mean.shape == (50, 4), f"one row an example, got {tuple(mean.shape)}"
assert torch.allclose(mean.sum(1), torch.ones(50).double()), (
    "probabilities of an example must sum to one"
)
odds = mean[:, :1] / mean  # odds of a geometric mean: geometric means of odds
each = drawn.softmax(2)
product = (each[:, :, :1] / each).prod(0)
assert torch.allclose(odds**3, product), (
    "the odds between two classes must be the cube root of the product of the "
    "three members' odds"
)
lifted = drawn + torch.tensor([5.0, -3.0, 40.0])[:, None, None]
assert torch.allclose(geometric(lifted), mean), (
    "adding a number to all logits of a member must not matter"
)
large = torch.tensor([[[2000.0, 0.0]], [[0.0, 1999.0]]], dtype=torch.float64)
assert geometric(large).isfinite().all(), "large logits must not give nan"
assert geometric(large)[0, 0] > geometric(large)[0, 1], (
    "with logits 2000 against 1999 the first class must win"
)
print("Exercise 2: all checks passed")

# %% [markdown]
# ```{exercise} One mask a batch: 20 minutes, imports only
# :label: ensembles-and-dropout-ex-shared
#
# Complete `drop` with inverted scaling for a batch of hidden units, `[examples, units]`. If `shared`
# is true, all examples get one mask, else each gets its own. Hand in: the function, and your reason
# why the sum over the batch has the same mean in both cases, but not the same variance.
# ```


# %% tags=["exercise"]
def drop(h: Tensor, q: float, gen: torch.Generator, *, shared: bool) -> Tensor:
    """Return h, each unit zero with probability q, the others scaled."""
    ### BEGIN SOLUTION
    drawn = torch.rand(h[:1].shape if shared else h.shape, generator=gen)
    return h * (drawn >= q) / (1 - q)
    ### END SOLUTION


# %% tags=["check"]
batch = 1 + torch.rand(300, 200, generator=generator(0, "batch"))
for q, shared in itertools.product((0.0, 0.3, 0.8), (False, True)):
    at = f"with q = {q} and shared = {shared}"
    given = batch.clone()
    out = drop(given, q, generator(0, "drop"), shared=shared)
    assert out is not None, "nothing is returned yet: write the body"
    assert torch.equal(given, batch), "leave the batch unchanged"
    assert out.shape == batch.shape, f"the shape changed: {tuple(out.shape)}"
    on = out != 0
    share = float(on.float().mean())
    near = 0.12 if shared else 0.01
    assert abs(share - (1 - q)) < near, (
        f"{share:.2f} of the units are kept {at}"
    )
    assert torch.allclose(out[on], batch[on] / (1 - q)), (
        f"kept units must be divided by the share kept {at}"
    )
    once = drop(batch.clone(), q, generator(0, "drop"), shared=shared)
    assert torch.equal(once, out), "equal generators must give equal results"
    if q:
        later = drop(batch.clone(), q, generator(1, "drop"), shared=shared)
        assert not torch.equal(later, out), "draw from the given generator"
        kinds = len(on.unique(dim=0))
        assert (kinds == 1) == shared, f"{kinds} different masks {at}"
        assert kinds in (1, 300), f"{kinds} different masks {at}"
        assert len(on.unique(dim=1)[0]) > 1, (
            "units must be dropped one by one, not whole examples"
        )
print("Exercise 3: all checks passed")

# %% [markdown]
# ```{exercise} Parts that disagree: open, two hours, needs the run
# :label: ensembles-and-dropout-ex-open
#
# Measure $c/v$ for sub-networks of a network trained with dropout, for rates from 0.1 to 0.9, and
# put it beside the two values of this page. Fix seeds and rates before you look. Then repeat with
# masks that stay the same through all of training, ten of them, so that ten fixed sub-networks are
# trained inside one network. Hand in: one figure with every seed visible, and three sentences. Do
# fixed parts disagree more? Is their average more accurate?
# ```
#
# ## How this was fixed
#
# :::{dropdown} Pilots, seeds, and what changed after looking
# The ten predictions were committed before the page was written. Sizes were settled on seeds 9000 to
# 9007. With 128 or 160 units and a larger step, dropout brought little, so there was nothing to
# explain; 192 units and the learning rate 0.02 were taken. With 300 examples the share of different
# answers was so near to 2 % that no affordable number of seeds would decide; with 400 it is not. At
# neighboring sizes eight pilot seeds left the last two claims undecided, so the page takes twelve. To save
# time there are four bagged networks a seed: the curve of bagging beyond four members is the formula. The
# rate one half is the paper's and was not tuned. After
# the first run on seeds 0 to 11 two things were changed, both in the example with twelve units: it
# is asked at two rates in place of one, and the small networks take shorter steps, with which they
# learned better on the pilot seeds. No verdict changed. The numbers of all other networks are those
# of the first run.
# :::
#
# ## Sources
#
# ```{bibliography}
# :filter: docname in docnames
# ```
