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
# (noise-tolerance)=
# # How much noise can a minimum bear?
#
# A trained network has thousands of weights, each stored to seven digits. Does it need them? Add a
# little noise to every weight, and nothing happens. Add more, and the network breaks. Somewhere in
# between lies the noise that it can just bear, and that size is a measurement: **it says how
# exactly the weights must be known.** A weight that may be off by a lot can be told in a short
# message. So the noise that a network bears says how much its weights have to say.
#
# {cite:t}`hinton1993keeping` proposed to count weights like this. The bound of
# {doc}`the last chapter <pac-bayes>` contains the same count. And it is what people mean when they
# say that a *flat* minimum generalizes {cite:p}`keskar2017large`.
#
# :::{dropdown} Show me the answer
# {by-verdict}`pac.kl-order | holds: **Noise in the labels shows in the weights**: a network that has
# learned random labels has to say far more than one that has learned true ones. | fails: **Noise in
# the labels does not show in the weights**, by this count. | undecided: **Whether noise in the
# labels shows in the weights stays open here.** | not-run: This build did not run the experiment.`
# {by-verdict}`pac.flat | holds: Small batches end in minima that bear more noise and have less to
# say. | fails: Small batches do not end where less has to be said: bearing more noise is only half
# of the count, and the other half is how far the weights went. | undecided: Whether small batches
# end where less has to be said stays open. | not-run: Look at another build.`
# {by-verdict}`pac.flat-rescaled | holds: And the count belongs to the weights, not to the function:
# rewriting the same function changes it. | fails: Rewriting the same function leaves the count as
# it is. | undecided: Whether rewriting the function changes it stays open.`
# :::
#
# **What is measured.** Networks with one hidden layer on small handwritten digits, all trained to
# the same training loss. For each: the size $s$ of the noise at which the training loss has risen
# by 0.1, and the count that follows from it.
#
# **What theory predicts.** The bound of the last chapter rises with the count. It promises nothing
# about batches, labels or steps. Those are folklore, and a talk that this part grew from says them
# {cite:p}`chang2020information`.
#
# **What you need.** The {term}`normal distribution`, logarithms, and from the last chapter the words
# *prior* and *divergence*.

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
from torch import Tensor

from dlnotes import rng
from dlnotes.rng import generator
from dlnotes.data import corruption, datasets
from dlnotes.networks import metrics, models, stacks, training
from dlnotes.theory import information, posterior
from dlnotes.lab import claims, figures, prose, records, sweeps, verdicts
from dlnotes.lab.settings import Settings

figures.style()
many = seeds or "0-11"  # eight decided one claim too rarely in a pilot
run = Settings(profile=profile, device=device, seeds=many).prepare()
size = run.scale(smoke=100, cpu=1000, gpu=10_000)  # training examples
side = run.scale(smoke=8, cpu=14, gpu=28)  # pixels
hidden = run.scale(smoke=16, cpu=128, gpu=512)

name = run.scale(smoke="digits", cpu="mnist", gpu="mnist")
data = datasets.load_all([name], stand_in="digits", side=side)
train, test = next(iter(data.values()))
size = min(size, len(train))
context = claims.Context(settings=run, data=[train], needs=("mnist",))
context

# %% [markdown]
# ## A network in the noise
#
# Here is a network that has learned {glue:text}`size` digits. Each square shows how the weights
# of one hidden unit have changed since the start: what it has learned to look for. Move the slider,
# and noise is added to all weights of the network, in multiples of what it can just bear.

# %% tags=["hide-input"] title="The networks and how they are trained"
LOSS = 0.05  # nats an example; where training stops
RISE = 0.1  # nats an example; how much the noise may cost
SCALES = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5)
model = models.ModelConfig(
    kind="mlp", input_shape=train.x.shape[1:], num_classes=10, hidden=(hidden,)
)
ARMS = {  # labels, batch size, learning rate
    "small batches": ("true", 10, 0.02),
    "large batches": ("true", size // 2, 0.02),
    "true labels": ("true", 50, 0.05),
    "random labels": ("random", 50, 0.05),
}


def examples(own: list[int]) -> dict[str, Tensor]:
    """Draw each seed's images, their labels, and labels by lot."""
    gens = rng.each(own, "images")
    parts = [datasets.subset(train, size, gen=g) for g in gens]
    lots = [
        corruption.random_labels(p.y, rate=1.0, num_classes=10, gen=g).y
        for p, g in zip(parts, rng.each(own, "labels"), strict=True)
    ]
    return {
        "x": torch.stack([p.x for p in parts]).to(run.torch_device),
        "true": torch.stack([p.y for p in parts]).to(run.torch_device),
        "random": torch.stack(lots).to(run.torch_device),
    }


def trained(own: list[int], arm: str, epochs: int | None = None):
    """Train one arm: to the loss, or for a number of epochs."""
    labels, batch, rate = ARMS[arm]
    few = size // batch  # steps in an epoch
    stop = (
        {} if epochs else {"stop_loss": LOSS, "stop_every": max(1, few // 10)}
    )
    recipe = training.TrainConfig(
        batch_size=batch,
        max_epochs=epochs or run.scale(smoke=60, cpu=400, gpu=800),
        learning_rate=rate,
        momentum=0.9,
        curve_every=20 * few,
        **stop,
    )
    drawn = examples(own)
    start = models.init(model, rng.each(own, "init"), device=run.torch_device)
    orders = rng.each(own, "order")
    x, y = drawn["x"], drawn[labels]
    return start, training.train(model, recipe, start, x, y, gens=orders)


# %% tags=["hide-input"] title="How the noise that a network bears is found"
def count(own: list[int], arm: str, params, center) -> information.AtTolerance:
    """Find the noise that the networks bear, and their divergence."""
    drawn = examples(own)
    return information.at_tolerance(
        model,
        params,
        center,
        drawn["x"],
        drawn[ARMS[arm][0]],
        gens=rng.each(own, "noise"),
        prior_scales=SCALES,
        most=RISE,
        draws=run.scale(smoke=1, cpu=3, gpu=3),
        steps=run.scale(smoke=8, cpu=14, gpu=14),
    )


# %% tags=["hide-input"] title="Code of the figure"
one = [run.seeds[0]]
start, first = trained(one, "true labels")
borne = count(one, "true labels", first.params, start)
bears = float(borne.scale[0])
moved = (first.params["dense0.weight"] - start["dense0.weight"])[0]
loudest = moved.norm(dim=1).argsort(descending=True)[:8]
drawn = examples(one)
unit = posterior.gaussian(
    {k: torch.zeros_like(p) for k, p in first.params.items()}, 1.0
)
z = posterior.sample(unit, [generator(0, "shown")])
books, alts, says, losses = {}, {}, {}, {}
for times in (0.0, 0.5, 1.0, 2.0, 4.0):
    noisy = {k: p + times * bears * z[k] for k, p in first.params.items()}
    loss, right = metrics.evaluate(model, noisy, drawn["x"], drawn["true"])
    change = (noisy["dense0.weight"] - start["dense0.weight"])[0, loudest]
    shown = change.reshape(8, *train.x.shape[1:]).cpu().numpy()
    books[times] = figures.image_rows({"change": shown}, size=0.6)
    losses[times] = float(loss[0])
    says[times] = (
        f"Noise of {times:g} times the tolerated size: training loss "
        f"{losses[times]:.2f}, {100 * float(right[0]):.0f} % of the training "
        "set right."
    )
    alts[times] = (
        f"How the weights of eight hidden units have changed, as images. {says[times]}"
    )
figures.flipbook(
    books,
    "weights-in-noise",
    label="noise, in multiples of what is tolerated",
    alts=alts,
    says=says,
    caption="What eight hidden units of one network have learned, with noise on "
    f"all weights. Up to a noise of {bears:.3f} the training loss stays near "
    f"{losses[0.0]:.2f}; with four times as much it is {losses[4.0]:.1f}.",
    data=pd.DataFrame({"times": list(losses), "loss": list(losses.values())}),
    default=1.0,
)

# %% tags=["remove-cell"]
parameters = stacks.num_parameters(first.params)
prose.number("size", size, ",")
prose.number("hidden", hidden)
prose.number("parameters", parameters, ",")
prose.number("stop-loss", LOSS, "g")
prose.number("rise", RISE, "g")
prose.number("bears", bears, ".3f")
prose.number("count-one", float(borne.nats[0]), ",.0f")
prose.number("each-one", float(borne.nats[0]) / parameters, ".2f")
prose.number("bits-one", float(borne.nats[0]) / parameters / math.log(2), ".2f")

# %% [markdown]
# The pictures are covered with snow long before the network minds: every unit adds up many pixels,
# and the noise averages out.
#
# ## From noise to a count
#
# Let the final weights be $w$, and let the loss bear normal noise of size $s$ on each of them. Then
# nobody needs $w$ itself: any draw from $Q = N(w, s^2)$ will do. Compare it with what was believed
# before the data came, the prior $P = N(w_0, t^2)$ around the initial weights $w_0$. The
# {term}`Kullback-Leibler divergence` of the two has a closed form.
#
# ```{prf:proposition} The count
# :label: noise-tolerance-count
#
# For $p$ weights at a distance $|w - w_0|$ from the start,
#
# $$
# \begin{aligned}
# &\mathrm{KL}(Q \| P) = \\
# &\quad p\left(\ln \frac ts + \frac{s^2}{2t^2} - \frac12\right) \\
# &\quad + \frac{|w - w_0|^2}{2 t^2} .
# \end{aligned}
# $$
#
# :::{symbols}
# $s$ | `found.scale`: the noise that is tolerated, {glue:text}`bears` here
# $t$ | `found.prior_scale`: the best of ten sizes that were fixed beforehand
# $p$ | `parameters`, the number of weights, {glue:text}`parameters`
# $w_0$ | `start`, the initial weights
# :::
# ```
#
# The first line is the price of **precision**: how much finer the weights must be known than the
# prior knows them. The second is the price of **distance**: how far they went. It is not the
# message of a compressor that you could run today, but there is a scheme that gets as close to it
# as you like {cite:p}`hinton1993keeping`. By hand, for the network above:

# %%
found, p = borne, parameters
s, t = float(found.scale[0]), float(found.prior_scale[0])
precision = p * (math.log(t / s) + s**2 / (2 * t**2) - 1 / 2)
distance = float(found.distance[0]) ** 2 / (2 * t**2)
print(f"precision {precision:,.0f} nats, distance {distance:,.0f} nats")
print(f"together  {precision + distance:,.0f}")
print(f"package   {float(found.nats[0]):,.0f}")

# %% tags=["remove-cell"]
assert abs(precision + distance - float(found.nats[0])) < 1e-6 * precision
prose.number("precision-one", precision, ",.0f")
prose.number("distance-one", distance, ",.0f")

# %% [markdown]
# We call this sum the **divergence at tolerance**, in {term}`nats <nat>` (one nat is 1.44 bits). This network has
# {glue:text}`count-one` of them, {glue:text}`each-one` for each weight. A weight on your disk takes
# 32 bits; this count says that {glue:text}`bits-one` bits a weight are enough.
#
# It is also the divergence in the bound of {doc}`the last chapter <pac-bayes>`. But do not expect a
# guarantee from it here. For {glue:text}`size` examples the bound with the square root adds more than the
# root of the count over twice the examples; for the networks of this page, trained to the loss, that is
# {glue:text}`adds-least` or more, and an error rate is at most 1. (The networks of
# the chapter on certificates are trained to have a small count; these are not.) What is
# left is the *order*: of two networks with the same training loss, which has less to say?
#
# :::{predict}
# :guess: labels
# :kind: number
# :unit: times
# One network learns true labels, another one labels drawn by lot, on the same images to the same
# training loss. How many times as large is the second one's count?
# :::
#
# ## Labels by lot


# %% tags=["hide-input"] title="How all networks are trained and counted"
def rescaled(params, factor: float):
    """Multiply the first layer by a factor, and divide the second by it."""
    return params | {
        "dense0.weight": factor * params["dense0.weight"],
        "dense0.bias": factor * params["dense0.bias"],
        "dense1.weight": params["dense1.weight"] / factor,
    }


def measured(group: list[dict]) -> list[dict]:
    """Train one arm for all seeds, and count."""
    own, arm = [c["seed"] for c in group], group[0]["arm"]
    start, result = trained(own, arm, group[0]["length"])
    found = count(own, arm, result.params, start)
    other = count(own, arm, rescaled(result.params, 10), start)
    x = examples(own)["x"].double()
    exact = {k: p.double() for k, p in result.params.items()}
    said = [models.forward(model, w, x) for w in (exact, rescaled(exact, 10))]
    apart = (said[0] - said[1]).abs().amax((1, 2)) / said[0].abs().amax((1, 2))
    _, right = metrics.evaluate(model, result.params, test.x, test.y)
    return [
        {
            "noise": float(found.scale[i]),
            "nats": float(found.nats[i]),
            "prior scale": float(found.prior_scale[i]),
            "distance": float(found.distance[i]),
            "nats rescaled": float(other.nats[i]),
            "outputs apart": float(apart[i]),
            "test accuracy": float(right[i]),
            **result.summary(i),
        }
        for i in range(len(own))
    ]


LENGTHS = run.scale(  # epochs; 0 means until the loss is reached
    smoke=(1, 8), cpu=(1, 4, 16, 64), gpu=(1, 4, 16, 64)
)
grid = sweeps.grid(arm=list(ARMS), length=[0], seed=run.seeds)
both = ["true labels", "random labels"]
grid += sweeps.grid(arm=both, length=LENGTHS, seed=run.seeds)
table = records.frame(sweeps.run(grid, measured, settings=run))


def ends(arm: str, what: str, length: int = 0) -> list[float]:
    """Return a number of the runs of an arm, by seed."""
    return records.pick(table, arm=arm, length=length)[what].tolist()


# %% tags=["hide-input"] title="Code of the figure"
figure, axis = plt.subplots(figsize=(5.6, 2.0))
counts = {arm: ends(arm, "nats") for arm in both}
figures.seed_rows(axis, counts, mean="geometric")
axis.set(xlabel="divergence at tolerance (nats)", xlim=(0, None))
means = {arm: float(np.exp(np.mean(np.log(v)))) for arm, v in counts.items()}
figures.show(
    figure,
    "labels",
    alt="Divergence at tolerance of networks that fitted true and random "
    f"labels; geometric means in nats: {figures.words(means, ',.0f')}.",
    caption="What the weights have to say after training to the same loss. "
    "Every dot is a network, the square their geometric mean with its 95 % "
    "interval. {by-verdict}`pac.kl-order | holds: Labels by lot cost several "
    "times as much. | fails: Labels by lot do not cost more. | undecided: The "
    "two cannot be told apart.`",
    data=table[table.length == 0][["arm", "seed", "nats", "noise", "distance"]],
)

# %% tags=["remove-cell"]
more = [a / b for a, b in zip(*reversed(counts.values()), strict=True)]
claims.check("pac.kl-order", verdicts.ratio(more, 1), context, unit="times")
prose.ratio("more", more)
for arm, key in zip(both, ("true", "random"), strict=True):
    prose.number(f"nats-{key}", means[arm], ",.0f")
    prose.mean(f"noise-{key}", ends(arm, "noise"), ".3f")
    prose.mean(f"distance-{key}", ends(arm, "distance"), ".1f")
    prose.mean(f"epochs-{key}", ends(arm, "epochs"), ".0f")
    prose.number(f"each-{key}", means[arm] / size, ".1f")

# %% [markdown]
# {claim}`pac.kl-order` {predicted}`labels <more>` For true labels the count is
# {glue:text}`nats-true` nats, for labels by lot {glue:text}`nats-random`.
# {by-verdict}`pac.kl-order | holds: Both halves of the count grow: the network goes farther, and it
# bears less noise there. | fails: So the count does not see what the labels are. | undecided: The
# networks differ too much from seed to seed to say.`
#
# | | true labels | labels by lot |
# | --- | --- | --- |
# | noise tolerated | {glue:text}`noise-true` | {glue:text}`noise-random` |
# | distance from the start | {glue:text}`distance-true` | {glue:text}`distance-random` |
# | epochs | {glue:text}`epochs-true` | {glue:text}`epochs-random` |
#
# How many nats *should* labels by lot take? There are ten digits and {glue:text}`size` labels, so to
# write them down costs ln 10 ≈ 2.3 nats a label. The network uses {glue:text}`each-random` nats a label.
# So it is a wasteful store; {doc}`a later chapter <price-of-information>` makes it pay.
#
# ## It grows while training goes on
#
# Labels by lot also take longer. Is it the labels, or only the time? We stop both after the same
# number of epochs, and count.

# %% tags=["hide-input"] title="Code of the figure"
long = table[table.length > 0].copy()
figure, axis = plt.subplots(figsize=(5.6, 3.3))
figures.seed_curves(axis, long, x="length", y="nats", hue="arm")
axis.set(xscale="log", yscale="log", ylabel="divergence at tolerance (nats)")
axis.set(xlabel="epochs", xticks=LENGTHS, xticklabels=LENGTHS)
marks = (2000, 5000, 10_000, 20_000, 50_000)
axis.set_yticks(marks, [f"{m:,}" for m in marks])
axis.minorticks_off()
axis.legend(title=None, loc="upper left")
last = {arm: float(np.mean(ends(arm, "nats", LENGTHS[-1]))) for arm in both}
early = {arm: float(np.mean(ends(arm, "nats", LENGTHS[0]))) for arm in both}
figures.show(
    figure,
    "steps",
    alt="Divergence at tolerance against epochs. After the first epoch: "
    f"{figures.words(early, ',.0f')} nats; after {LENGTHS[-1]}: "
    f"{figures.words(last, ',.0f')}.",
    caption="The count while training goes on, for equal numbers of steps; thin "
    "lines are seeds. The two curves part when the pattern is learned and only "
    "memorizing is left. {by-verdict}`pac.kl-grows | holds: Every step costs. "
    "| fails: Not every step costs. | undecided: Some steps are too small to "
    "judge.`",
    data=long[["arm", "length", "seed", "nats", "noise", "distance"]],
)

# %% tags=["remove-cell"]
grows = {}
for arm in both:
    for a, b in itertools.pairwise(LENGTHS):
        few, many = ends(arm, "nats", a), ends(arm, "nats", b)
        ratios = [y / x for x, y in zip(few, many, strict=True)]
        grows[f"{arm}, {a} to {b} epochs"] = verdicts.ratio(ratios, 1)
claims.check("pac.kl-grows", verdicts.all_of(grows), context, unit="times")
equal = [
    a / b
    for a, b in zip(
        ends("random labels", "nats", LENGTHS[-1]),
        ends("true labels", "nats", LENGTHS[-1]),
        strict=True,
    )
]
prose.ratio("equal", equal)
prose.number("length", LENGTHS[-1])
adds = (table.nats / (2 * size)) ** 0.5  # what the bound adds, at least
prose.number("adds-least", adds[table.length == 0].min(), ".1f")

# %% [markdown]
# {claim}`pac.kl-grows` {by-verdict}`pac.kl-grows | holds: This is what the talk says of early
# stopping: it ends training before the weights have said too much. | fails: So early stopping does
# not always mean fewer nats: once all examples are fitted, more steps make the network surer, and a
# surer network bears more noise. | undecided: At some length the count stands still.`
#
# After {glue:text}`length` epochs each, labels by lot still have {glue:text}`equal` times the count. So
# it is not the time alone.
#
# ## Small and large batches
#
# {cite:t}`keskar2017large` found that small batches end in flatter minima, and explained better
# generalization by it. Here both are trained with the same learning rate to the same training loss.
#
# :::{predict}
# :guess: batches
# :kind: choice
# :choices: small batches | large batches | both alike
# Which networks have less to say?
# :::

# %% tags=["hide-input"] title="Code of the figure"
pair = ("small batches", "large batches")
figure, panels = plt.subplots(3, 1, figsize=(5.6, 4.4))
labels = {
    "noise": "noise tolerated",
    "distance": "distance from the start",
    "nats": "divergence at tolerance (nats)",
}
for axis, (what, label) in zip(panels, labels.items(), strict=True):
    figures.seed_rows(axis, {a: ends(a, what) for a in pair}, mean="geometric")
    axis.set(xlabel=label, xlim=(0, None))
figure.tight_layout()
means = {
    f"{what}, {a}": float(np.exp(np.mean(np.log(ends(a, what)))))
    for what in labels
    for a in pair
}
figures.show(
    figure,
    "batches",
    alt="Noise tolerated, distance and divergence of networks trained with "
    f"small and large batches; geometric means: {figures.words(means, '.3g')}.",
    caption="Top: the noise that the networks bear. Middle: how far they went. "
    "Bottom: the count, which is made of both. {by-verdict}`pac.flat | holds: "
    "Small batches bear more and say less. | fails: What small batches gain in "
    "precision they pay in distance. | undecided: One of the two halves is too "
    "close to call.`",
    data=table[table.arm.isin(pair)][
        ["arm", "seed", "noise", "distance", "nats", "test accuracy"]
    ],
)


# %% tags=["remove-cell"]
def against(what: str) -> list[float]:
    """Small over large batches, seed by seed."""
    small, large = (ends(a, what) for a in pair)
    return [a / b for a, b in zip(small, large, strict=True)]


flat = {
    "noise borne": verdicts.ratio(against("noise"), 1),
    "smaller divergence": verdicts.ratio([1 / r for r in against("nats")], 1),
}
claims.check("pac.flat", verdicts.all_of(flat), context, unit="times")
prose.ratio("noise-ratio", against("noise"))
prose.ratio("distance-ratio", against("distance"))
prose.ratio("nats-ratio", against("nats"))
winner = (
    "small batches" if np.mean(np.log(against("nats"))) < 0 else "large batches"
)
prose.number("fewer", winner)
for arm, key in zip(pair, ("small", "large"), strict=True):
    prose.mean(f"test-{key}", [100 * v for v in ends(arm, "test accuracy")])
    prose.number(f"batch-{key}", ARMS[arm][1])

# %% [markdown]
# {claim}`pac.flat` {predicted}`batches <fewer>` (The bound of the last chapter rises with the count and with nothing else
# here, so the smaller count has the smaller bound.)
# Small batches bear {glue:text}`noise-ratio` times the noise, go {glue:text}`distance-ratio` times as
# far, and have {glue:text}`nats-ratio` times the count. {by-verdict}`pac.flat | holds: Flatness wins
# over distance. | fails: **Flat is not the same as short.** Flatness is one half of the count, and
# distance the other: small batches end farther from the start. | undecided: One half
# outweighs the other too little.` On new images small batches are right on {glue:text}`test-small` %,
# large ones on {glue:text}`test-large` %.
#
# ## The same function, another count
#
# There is an older objection to flatness, and it takes four lines {cite:p}`dinh2017sharp`. Multiply the first layer by ten
# and divide the second by ten. A {term}`ReLU` lets the factor through, so every output stays as it is.

# %%
net = first.params
moved = net | {
    "dense0.weight": 10 * net["dense0.weight"],
    "dense0.bias": 10 * net["dense0.bias"],
    "dense1.weight": net["dense1.weight"] / 10,
}
x, y = drawn["x"][0], drawn["true"][0]
before = models.forward(model, net, x)
after = models.forward(model, moved, x)
print(f"largest logit {before.abs().max():.1f}")
print(f"largest change {(after - before).abs().max():.0e}")

# %% tags=["hide-input"] title="Code of the figure"
factors = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
lines = []
for factor in factors:
    other = rescaled(net, factor)
    found = count(one, "true labels", other, start)
    lines.append(
        {
            "factor": factor,
            "nats": float(found.nats[0]),
            "noise": float(found.scale[0]),
        }
    )
lines = pd.DataFrame(lines)
figure, axis = plt.subplots(figsize=(5.6, 3.0))
axis.plot(lines.factor, lines.nats, "o-", color=figures.COLORS[0])
axis.set(xscale="log", yscale="log", xlabel="factor on the first layer")
axis.set(ylabel="divergence at tolerance (nats)", xticks=factors)
axis.set_xticklabels([f"{f:g}" for f in factors])
axis.minorticks_off()
figures.show(
    figure,
    "rescaled",
    alt="Divergence at tolerance of one function written with rescaled layers: "
    + ", ".join(
        f"factor {f:g} {n:,.0f} nats"
        for f, n in zip(lines.factor, lines.nats, strict=True)
    )
    + ".",
    caption="One function, written in seven ways: the first layer times a "
    "factor, the second divided by it. The outputs are the same everywhere; the "
    "count is not. Training found the one at factor 1.",
    data=lines,
)

# %% tags=["remove-cell"]
apart = max(v for arm in ARMS for v in ends(arm, "outputs apart"))
change = [
    a / b
    for arm in ARMS
    for a, b in zip(ends(arm, "nats rescaled"), ends(arm, "nats"), strict=True)
]
moves = min(abs(math.log(c)) for c in change) > math.log(1.1)
claims.check(
    "pac.flat-rescaled",
    verdicts.identity(
        apart if moves else math.inf,
        1e-9,
        reason=f"outputs; the count changes at least {min(change):.1f} times",
    ),
    context,
    unit="",
)
prose.number("change", float(np.exp(np.mean(np.log(change)))), ".1f")

# %% [markdown]
# {claim}`pac.flat-rescaled` On average over all networks of this page the count becomes
# {glue:text}`change` times as large. {by-verdict}`pac.flat-rescaled | holds: So a count is never a property of a function. It
# belongs to the function *and* to the prior, which was centered on these initial weights at this
# scale. That is no flaw: a bound may use any prior that was fixed beforehand. But a statement like
# "this function has few nats" needs the words "for this prior". | fails: So the count does not
# depend on how the function is written. | undecided: Whether the count changes stays open.`
#
# ## How this can mislead
#
# - **One size of noise for all weights.** A distribution with its own size for each weight bears
#   more where a weight does not matter. The chapter on certificates trains such sizes, and its counts are far
#   smaller.
# - **The tolerance is a choice.** We allow the loss to rise by {glue:text}`rise` nats. Another
#   tolerance gives another count; all networks here are compared at the same one.
# - **Equal loss, not equal anything else.** Small batches reach the loss after other numbers of
#   steps than large ones. A comparison at equal time would be another experiment.
# - **A count is not a bound.** Here the bound promises nothing, so the count only orders networks. That
#   it orders them like their test errors is not shown on this page.
# - **The linear model** cannot fit labels by lot at this size, so it is no control here: it never
#   comes to the same training loss.

# %% [markdown]
# ## Summary
#
# {by-verdict}`pac.kl-order | holds: **Noise on the weights is a measure of what they have learned:
# to learn labels by lot takes several times the nats of learning digits.** | fails: **This count
# does not tell true labels from random ones.** | undecided: **Not settled by these runs.** | not-run:
# **This build did not run the experiment.**`
#
# - True labels: {glue:text}`nats-true` nats. Labels by lot: {glue:text}`nats-random`, at the same
#   training loss, and {glue:text}`equal` times as many after equally many steps.
# - Small batches: {glue:text}`noise-ratio` times the noise, {glue:text}`nats-ratio` times the count.
# - Rescaling two layers: the same outputs, {glue:text}`change` times the count.
#
# **If you train networks:** before you trust a statement about flat minima, ask three things. Flat
# in which units of the weights? How far from the start? At which training loss?
#
# **Open.** Which way of writing a function down is the right one to count in?
# **Next:** {doc}`what if every nat had a price? <price-of-information>`

# %% [markdown]
# ## Exercises
#
# The first two need only the imports of the set-up.
#
# ```{exercise} The best prior, 15 minutes
# :label: noise-tolerance-ex-prior
#
# Ten sizes $t$ of the prior were tried. There is a formula for the best one: it makes
# $p \ln(t/s) + (p s^2 + |w - w_0|^2) / (2 t^2)$ least. Complete `best_scale`. Hand in: the function,
# and one sentence on why the bound may not simply use this $t$.
# ```


# %% tags=["exercise"]
def best_scale(p: int, s: float, distance: float) -> float:
    """Return the size of the prior that makes the divergence least."""
    ### BEGIN SOLUTION
    return math.sqrt(s**2 + distance**2 / p)
    ### END SOLUTION


# %% tags=["check"]
def divergence(t: float, p: int, s: float, distance: float) -> float:
    """The divergence of Proposition 1, in nats."""
    return p * math.log(t / s) + (p * s**2 + distance**2) / (2 * t**2) - p / 2


assert best_scale(10, 0.1, 1.0) is not None, (
    "nothing is returned yet: write the body"
)
for p, s, way in ((10, 0.1, 1.0), (1000, 0.05, 3.0), (7, 2.0, 0.0)):
    t = float(best_scale(p, s, way))
    assert t > 0, "a size is positive"
    least = divergence(t, p, s, way)
    for near in (0.98 * t, 1.02 * t, 0.5 * t, 2 * t):
        assert divergence(near, p, s, way) > least - 1e-12, (
            f"for p = {p}, s = {s} and distance {way} another size is better"
        )
print("Exercise 1: all checks passed")

# %% [markdown]
# ```{exercise} Noise on a linear unit, 20 minutes
# :label: noise-tolerance-ex-linear
#
# A linear unit computes $w \cdot x$, and its loss is half the mean squared error over the rows of
# `x`. Add independent normal noise of size $s$ to each weight. By how much does the loss rise on
# average? Complete `rise`, without drawing any noise. Hand in: the function, and one sentence on
# what happens to the tolerated $s$ if all inputs are doubled.
# ```


# %% tags=["exercise"]
def rise(x: Tensor, s: float) -> float:
    """Return the expected rise of the loss; x is [examples, inputs]."""
    ### BEGIN SOLUTION
    return float(s**2 * x.square().sum(1).mean() / 2)
    ### END SOLUTION


# %% tags=["check"]
made_up = torch.randn(40, 5, generator=generator(0, "inputs"))
assert rise(made_up, 0.3) is not None, "nothing is returned yet: write the body"
for factor, s in ((1.0, 0.3), (2.0, 0.3), (1.0, 1.0)):
    inputs = factor * made_up
    noise = s * torch.randn(20_000, 5, generator=generator(1, "noise"))
    simulated = float((noise @ inputs.T).square().mean() / 2)
    told = float(rise(inputs.clone(), s))
    at = f"for s = {s}; 20,000 simulated draws disagree"
    assert told > 0.95 * simulated, f"too small {at}"
    assert told < 1.05 * simulated, f"too large {at}"
assert float(rise(made_up, 0.0)) == 0, "without noise nothing rises"
print("Exercise 2: all checks passed")

# %% [markdown]
# ```{exercise} A count that no rescaling changes: open, two hours, needs the run
# :label: noise-tolerance-ex-open
#
# Replace the noise $s$ on every weight by a noise that is a fixed share of each weight, or of each
# unit's weights. Is the count then the same for the rescaled network? Does it still tell random
# from true labels, and small from large batches? Fix the measure and the seeds before you look.
# Hand in: one figure with every seed visible, and three sentences.
# ```
#
# ## How this was fixed
#
# :::{dropdown} Pilots, seeds, sizes
# The claims and their predictions were committed before this page was written. Pilots on seeds
# 9000 to 9007 settled the sizes: 1,000 images and 128 hidden units, with which labels by lot are
# fitted in reasonable time; the learning rates, with which small batches train without jumps; and
# the ten sizes of the prior, which enclose the best one of every arm. The pilots already showed
# small batches with the larger count, against the prediction, which was not touched. There eight
# seeds left little to spare, so the page takes twelve.
# :::
#
# ## Sources
#
# ```{bibliography}
# :filter: docname in docnames
# ```
