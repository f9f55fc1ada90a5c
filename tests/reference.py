"""Short, dumb references in float64: one network, one example, one seed at a time."""

import torch
import torch.nn.functional as F


def forward_one(config, params, i, x):
    """Logits [batch, classes] of model i, layer by layer, with plain torch operators."""
    if config.kind == "cnn":
        for j in range(len(config.channels)):
            weight, bias = params[f"conv{j}.weight"][i], params[f"conv{j}.bias"][i]
            pad = config.kernel_size // 2
            x = F.relu(F.conv2d(x, weight, bias, stride=config.stride, padding=pad))
    x = x.flatten(1)
    for j in range(len(config.hidden) + 1):
        x = x @ params[f"dense{j}.weight"][i] + params[f"dense{j}.bias"][i]
        if j < len(config.hidden):
            x = F.relu(x)
    return x


def train_one(model, config, params, i, x, y, gen):
    """Train model i alone with torch.optim.SGD; return its parameters and accuracy a epoch."""
    alone = {name: p[i : i + 1].clone().requires_grad_() for name, p in params.items()}
    optimizer = torch.optim.SGD(
        alone.values(),
        lr=config.learning_rate,
        momentum=config.momentum,
        weight_decay=config.weight_decay,
    )
    accuracies = []
    for _ in range(config.max_epochs):
        for rows in torch.randperm(len(x), generator=gen).split(config.batch_size):
            optimizer.zero_grad()
            F.cross_entropy(forward_one(model, alone, 0, x[rows]), y[rows]).backward()
            optimizer.step()
        right = forward_one(model, alone, 0, x).argmax(1) == y
        accuracies.append(right.double().mean().item())
        if config.stop_accuracy is not None and accuracies[-1] >= config.stop_accuracy:
            break
    return {name: p.detach() for name, p in alone.items()}, accuracies


def accuracy_by_loop(logits, y):
    """Share of right answers, one example at a time."""
    right = sum(
        max(range(len(row)), key=row.__getitem__) == label
        for row, label in zip(logits, y, strict=True)
    )
    return right / len(y)
