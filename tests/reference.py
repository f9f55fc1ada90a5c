"""Short, dumb references in float64: one network, one example, one seed at a time."""

import torch
import torch.nn.functional as F


def forward_one(config, params, i, x, train=False, masks=()):
    """Logits [batch, classes] of model i, layer by layer, with plain torch operators."""

    def get(name):
        return params[name][i] if name in params else None

    def normalize(name, z):
        if not config.batch_norm:
            return z
        running = [get(f"{name}.{part}") for part in ("running_mean", "running_var")]
        scale, shift = get(f"{name}.scale"), get(f"{name}.shift")
        return F.batch_norm(z, *running, scale, shift, training=train)

    pad = config.kernel_size // 2
    for j in range(len(config.channels)):
        if config.kind == "cnn":
            z = F.conv2d(x, get(f"conv{j}.weight"), get(f"conv{j}.bias"), config.stride, pad)
            x = F.relu(normalize(f"conv{j}", z))
        else:
            x = F.relu(normalize(f"local{j}", connect_locally(config, get, j, F.pad(x, [pad] * 4))))
    x = x.flatten(1)
    for j in range(len(config.hidden) + 1):
        x = F.linear(x, get(f"dense{j}.weight"), get(f"dense{j}.bias"))
        if j < len(config.hidden):
            x = F.relu(normalize(f"dense{j}", x))
            x = x * masks[j] if masks else x
    return x


def connect_locally(config, get, j, x):
    """Locally connected layer j on padded images, one place at a time."""
    size, stride, weight = config.kernel_size, config.stride, get(f"local{j}.weight")
    rows = range(0, x.shape[2] - size + 1, stride)
    columns = range(0, x.shape[3] - size + 1, stride)
    outputs = []
    for r in rows:
        for c in columns:
            patch = x[:, :, r : r + size, c : c + size].flatten(1)
            place = len(outputs)
            bias = get(f"local{j}.bias")
            outputs.append(F.linear(patch, weight[place], None if bias is None else bias[place]))
    return torch.stack(outputs, 2).unflatten(2, (len(rows), len(columns)))


def train_one(model, config, params, i, x, y, gen, noise=None):
    """Train model i alone with torch.optim; return its parameters and accuracy a epoch."""
    alone = {name: p[i : i + 1].clone() for name, p in params.items()}
    trained = {n: p.requires_grad_() for n, p in alone.items() if "running" not in n}

    def mine(name):
        value = getattr(config, name)
        return value[i] if isinstance(value, tuple) else value

    lr, decay = mine("learning_rate"), mine("weight_decay")
    if config.optimizer == "sgd":
        optimizer = torch.optim.SGD(
            trained.values(), lr=lr, momentum=mine("momentum"), weight_decay=decay
        )
    else:
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[config.optimizer]
        optimizer = kind(trained.values(), lr=lr, weight_decay=decay)

    def normal(like, level):
        return level * torch.randn(like.shape, generator=noise, dtype=like.dtype) if level else 0

    accuracies = []
    for _ in range(config.max_epochs):
        for rows in torch.randperm(len(x), generator=gen).split(config.batch_size):
            optimizer.zero_grad()
            seen = x[rows] + normal(x[rows], mine("input_noise"))
            if rate := mine("input_dropout"):
                kept = torch.rand(seen.shape, generator=noise, dtype=x.dtype) >= rate
                seen = seen * kept / (1 - rate)
            at = {n: p + normal(p[0], mine("weight_noise")) for n, p in trained.items()}
            rate, masks = mine("dropout"), []
            for width in model.hidden if rate else ():
                kept = torch.rand(len(rows), width, generator=noise, dtype=x.dtype) >= rate
                masks.append(kept / (1 - rate))
            outputs = forward_one(model, alone | at, 0, seen, train=True, masks=masks)
            if config.loss == "squared_error":
                target = y[rows] if y.is_floating_point() else F.one_hot(y[rows], model.num_classes)
                loss = ((outputs - target) ** 2).sum() / 2 / len(rows)
            else:
                smoothing = mine("label_smoothing")
                loss = F.cross_entropy(outputs, y[rows], label_smoothing=smoothing)
            loss.backward()
            optimizer.step()
            if l1 := mine("l1"):
                with torch.no_grad():
                    for p in trained.values():
                        p.copy_(p.sign() * (p.abs() - lr * l1).clamp(min=0))
        if y.is_floating_point():
            continue
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
