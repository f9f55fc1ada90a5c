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
    lr, momentum, decay, smoothing = (
        value[i] if isinstance(value, tuple) else value
        for value in (
            config.learning_rate,
            config.momentum,
            config.weight_decay,
            config.label_smoothing,
        )
    )
    if config.optimizer == "sgd":
        optimizer = torch.optim.SGD(alone.values(), lr=lr, momentum=momentum, weight_decay=decay)
    else:
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[config.optimizer]
        optimizer = kind(alone.values(), lr=lr, weight_decay=decay)
    accuracies = []
    for _ in range(config.max_epochs):
        for rows in torch.randperm(len(x), generator=gen).split(config.batch_size):
            optimizer.zero_grad()
            logits = forward_one(model, alone, 0, x[rows])
            F.cross_entropy(logits, y[rows], label_smoothing=smoothing).backward()
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
