"""Creates the goldens of the module Objectives with PyTorch: losses and their gradients.

Requires torch and safetensors. Runs in any folder: python Tests/Goldens/make_objectives.py
"""
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.nn import functional as F

OUT = Path(__file__).parent / "Objectives"
torch.manual_seed(7)
found = {}


def record(name, value, **leaves):
    """Stores a value and its gradients."""
    found[name] = value
    gradients = torch.autograd.grad(value, list(leaves.values()), allow_unused=True)
    for (key, leaf), gradient in zip(leaves.items(), gradients):
        found[f"{name}.{key}"] = torch.zeros_like(leaf) if gradient is None else gradient


def given(name, tensor):
    found[name] = tensor
    return tensor.clone().requires_grad_()


# --- adversarial losses ------------------------------------------------------------------------------------------------------

real, fake = given("game.real", torch.randn(9) * 2), given("game.fake", torch.randn(9) * 2)
ones, zeros = torch.ones(9), torch.zeros(9)
bce, mse = F.binary_cross_entropy_with_logits, F.mse_loss
GAMES = {
    "non-saturating": (lambda: bce(real, ones) + bce(fake, zeros), lambda: bce(fake, ones)),
    "saturating": (lambda: bce(real, ones) + bce(fake, zeros), lambda: torch.log(1 - torch.sigmoid(fake)).mean()),
    "wasserstein": (lambda: fake.mean() - real.mean(), lambda: -fake.mean()),
    "least-squares": (lambda: 0.5 * (mse(real, ones) + mse(fake, zeros)), lambda: 0.5 * mse(fake, ones)),
    "hinge": (lambda: F.relu(1 - real).mean() + F.relu(1 + fake).mean(), lambda: -fake.mean()),
    "relativistic": (lambda: -F.logsigmoid(real - fake).mean(), lambda: -F.logsigmoid(fake - real).mean()),
}
for name, (discriminator, generator) in GAMES.items():
    record(f"{name}.discriminator", discriminator(), real=real, fake=fake)
    record(f"{name}.generator", generator(), real=real, fake=fake)
record("smoothed", 0.5 * mse(real, 0.9 * ones), real=real)

# --- penalties on a small critic ------------------------------------------------------------------------------------

images, noise, share = torch.randn(6, 2, 3, 2), torch.rand(6, 2, 3, 2), torch.rand(6, 1, 1, 1)
found |= {"penalty.images": images, "penalty.noise": noise, "penalty.share": share}
first, second = given("penalty.first", torch.randn(5, 12) * 0.4), given("penalty.second", torch.randn(1, 5))


def slopes(x):
    x = x.clone().requires_grad_()
    logits = (torch.tanh(x.flatten(1) @ first.T) @ second.T).squeeze(1)
    return torch.autograd.grad(logits.sum(), x, create_graph=True)[0].flatten(1)


record("r1", 10 / 2 * slopes(images).square().sum(1).mean(), first=first, second=second)
around = images + (1 - share) * 0.5 * images.std(correction=0) * noise
record("dragan", 10 * (slopes(around).norm(dim=1) - 1).square().mean(), first=first, second=second)

# --- feature maps -----------------------------------------------------------------------------------------------------------

SHAPES = [(6, 4, 3, 2), (6, 5, 2, 2), (6, 7)]
fakes = [given(f"maps.fake.{i}", torch.randn(shape)) for i, shape in enumerate(SHAPES)]
reals = [torch.randn(shape) * 1.5 + 0.5 for shape in SHAPES]
found |= {f"maps.real.{i}": value for i, value in enumerate(reals)}


def moments(x):
    x = x.transpose(0, 1).flatten(1)
    return x.mean(1), (x.var(1, correction=0) + 1e-5).sqrt()


def statistics(a, b):
    return sum(mse(x, y) for x, y in zip(moments(a), moments(b)))


MAPS = {
    "means": lambda a, b: torch.linalg.vector_norm(a.mean(0) - b.mean(0)) ** 2,
    "absolute-means": lambda a, b: F.l1_loss(a.mean(0), b.mean(0)),
    "maps": F.l1_loss,
    "absolute": F.l1_loss,
    "squared": mse,
    "statistics": statistics,
    "random-pairs": mse,
}
for name, loss in MAPS.items():
    value = 0.7 * sum(loss(a, b) for a, b in zip(fakes, reals)) / len(SHAPES)
    record(name, value, **{str(i): leaf for i, leaf in enumerate(fakes)})

# --- attributes -----------------------------------------------------------------------------------------------------

logits = given("attributes.given", torch.randn(4, 11) * 3)
signs = torch.randint(-1, 2, (4, 11))
found["attributes.signs"] = signs.to(torch.int8)
known = signs.abs().float()
value = F.binary_cross_entropy_with_logits(logits, (signs > 0).float(), known, reduction="sum") / known.sum()
record("attributes", value, logits=logits)

OUT.mkdir(exist_ok=True)
save_file({key: value.detach().contiguous() for key, value in found.items()}, OUT / "losses.safetensors")
