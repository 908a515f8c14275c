"""Creates the goldens of growing networks, and of residual networks with spectral normalization, attention and labels.

Runs in any folder (requires torch and safetensors):
    python Tests/Goldens/make_families.py

Every network is a plain implementation of its paper: doubling then convolution, convolution then averaging.
"""
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils import spectral_norm

OUT = Path(__file__).parent / "Models"
found = {}


class Equalized(nn.Module):
    def __init__(self, *shape, gain=math.sqrt(2), bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(shape))
        self.bias = nn.Parameter(torch.randn(shape[0]) * 0.1) if bias else None
        self.scale = gain / math.sqrt(self.weight[0].numel())

    def forward(self, x):
        w = self.weight * self.scale
        return F.linear(x, w, self.bias) if w.dim() == 2 else F.conv2d(x, w, self.bias, padding=w.shape[2] // 2)


def pixel_norm(x):
    return x / torch.sqrt(x.square().mean(1, keepdim=True) + 1e-8)


def act(x):
    return F.leaky_relu(x, 0.2)


def equalized(inputs, outputs):
    return Equalized(outputs, inputs, 1, 1, gain=1, bias=False)


def spectral(inputs, outputs):
    return spectral_norm(nn.Conv2d(inputs, outputs, 1, bias=False))


class Attention(nn.Module):
    def __init__(self, channels, layer):
        super().__init__()
        self.gamma = nn.Parameter(torch.tensor(0.7))
        self.query = layer(channels, channels // 8)
        self.key = layer(channels, channels // 8)
        self.value = layer(channels, channels // 2)
        self.output = layer(channels // 2, channels)

    def forward(self, x):
        q, k, v = self.query(x), F.max_pool2d(self.key(x), 2), F.max_pool2d(self.value(x), 2)
        shares = (q.flatten(2).transpose(1, 2) @ k.flatten(2)).softmax(2)
        seen = (v.flatten(2) @ shares.transpose(1, 2)).view(len(x), -1, *x.shape[2:])
        return x + self.gamma * self.output(seen)


# ---- Progressive ------------------------------------------------------------------------------------

class Up(nn.Module):
    def __init__(self, a, b, residual, attention):
        super().__init__()
        self.conv1, self.conv2 = Equalized(b, a, 3, 3), Equalized(b, b, 3, 3)
        if residual:
            self.shortcut = Equalized(b, a, 1, 1, gain=1, bias=False)
        if attention:
            self.attention = Attention(b, equalized)

    def forward(self, x):
        doubled = F.interpolate(x, scale_factor=2)
        y = pixel_norm(act(self.conv2(pixel_norm(act(self.conv1(doubled))))))
        if hasattr(self, "shortcut"):
            smooth = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            y = pixel_norm(y + self.shortcut(smooth))
        return pixel_norm(self.attention(y)) if hasattr(self, "attention") else y


class Down(nn.Module):
    def __init__(self, a, b, residual):
        super().__init__()
        self.conv1, self.conv2 = Equalized(a, a, 3, 3), Equalized(b, a, 3, 3)
        if residual:
            self.shortcut = Equalized(b, a, 1, 1, gain=1, bias=False)

    def forward(self, x):
        y = act(F.avg_pool2d(self.conv2(act(self.conv1(x))), 2))
        return (y + self.shortcut(F.avg_pool2d(x, 2))) / math.sqrt(2) if hasattr(self, "shortcut") else y


class Grower(nn.Module):
    def __init__(self, latent, channels, residual=False, attention=None):
        super().__init__()
        w = channels[0]
        self.stem, self.first = Equalized(w * 16, latent, gain=math.sqrt(2) / 4), Equalized(w, w, 3, 3)
        self.blocks = nn.ModuleList(
            Up(a, b, residual, attention == 8 << i) for i, (a, b) in enumerate(zip(channels, channels[1:])))
        self.to_rgb = nn.ModuleList(Equalized(3, c, 1, 1, gain=1) for c in channels)

    def forward(self, z, side, alpha):
        x = pixel_norm(act(self.stem(pixel_norm(z)).view(len(z), -1, 4, 4)))
        x = pixel_norm(act(self.first(x)))
        level = int(math.log2(side)) - 2
        before = None
        for block in self.blocks[:level]:
            before, x = x, block(x)
        colours = self.to_rgb[level](x)
        if alpha == 1:
            return colours
        old = F.interpolate(self.to_rgb[level - 1](before), scale_factor=2)
        return (1 - alpha) * old + alpha * colours


class Shrinker(nn.Module):
    def __init__(self, channels, residual=False, labels=0):
        super().__init__()
        w = channels[0]
        self.from_rgb = nn.ModuleList(Equalized(c, 3, 1, 1) for c in channels)
        self.blocks = nn.ModuleList(Down(b, a, residual) for a, b in zip(channels, channels[1:]))
        self.last, self.dense = Equalized(w, w + 1, 3, 3), Equalized(w, w * 16)
        self.head = Equalized(1, w, gain=1)

    def forward(self, x, alpha):
        level = int(math.log2(x.shape[2])) - 2
        y = act(self.from_rgb[level](x))
        for index in reversed(range(level)):
            y = self.blocks[index](y)
            if index == level - 1 and alpha < 1:
                y = (1 - alpha) * act(self.from_rgb[index](F.avg_pool2d(x, 2))) + alpha * y
        groups = y.view(4, -1, *y.shape[1:])
        deviation = (groups.var(0, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3))
        y = torch.cat([y, deviation.repeat(4).view(-1, 1, 1, 1).expand(-1, 1, 4, 4)], 1)
        return self.head(act(self.dense(act(self.last(y)).flatten(1)))).squeeze(1)


# ---- Residual, with spectral normalization, attention and labels ---------------------------------------------

class ConditionalNorm(nn.Module):
    def __init__(self, channels, labels):
        super().__init__()
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.register_buffer("num_batches_tracked", torch.tensor(0))
        self.scale, self.shift = nn.Linear(labels, channels), nn.Linear(labels, channels)

    def forward(self, x, y):
        x = F.batch_norm(x, self.running_mean, self.running_var, training=True)
        return x * (1 + self.scale(y))[:, :, None, None] + self.shift(y)[:, :, None, None]


class SpectralUp(nn.Module):
    def __init__(self, a, b, labels):
        super().__init__()
        self.norm1, self.norm2 = ConditionalNorm(a, labels), ConditionalNorm(b, labels)
        self.conv1 = spectral_norm(nn.Conv2d(a, b, 3, padding=1, bias=False))
        self.conv2 = spectral_norm(nn.Conv2d(b, b, 3, padding=1))
        self.shortcut = spectral_norm(nn.Conv2d(a, b, 1))

    def forward(self, x, y):
        h = self.conv1(F.interpolate(F.relu(self.norm1(x, y)), scale_factor=2))
        h = self.conv2(F.relu(self.norm2(h, y)))
        return h + self.shortcut(F.interpolate(x, scale_factor=2))


class SpectralGenerator(nn.Module):
    def __init__(self, latent, widths, labels, attention):
        super().__init__()
        self.latent, self.side = latent, attention
        self.stem = spectral_norm(nn.Linear(latent, widths[0] * 16))
        self.blocks = nn.ModuleList(SpectralUp(a, b, labels) for a, b in zip(widths[:1] + widths, widths))
        self.attention = Attention(widths[int(math.log2(attention)) - 3], spectral)
        self.norm = nn.BatchNorm2d(widths[-1])
        self.output = spectral_norm(nn.Conv2d(widths[-1], 3, 3, padding=1))

    def forward(self, code):
        z, y = code[:, :self.latent], code[:, self.latent:]
        x = self.stem(z).view(len(z), -1, 4, 4)
        for block in self.blocks:
            x = block(x, y)
            if x.shape[2] == self.side:
                x = self.attention(x)
        return self.output(F.relu(self.norm(x))).tanh()


class SpectralDown(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.conv1 = spectral_norm(nn.Conv2d(a, a, 3, padding=1))
        self.conv2 = spectral_norm(nn.Conv2d(a, b, 3, padding=1))
        self.shortcut = spectral_norm(nn.Conv2d(a, b, 1))

    def forward(self, x):
        y = self.conv2(F.relu(self.conv1(F.relu(x))))
        return F.avg_pool2d(y, 2) + self.shortcut(F.avg_pool2d(x, 2))


class LabelHead(nn.Module):
    def __init__(self, features, labels):
        super().__init__()
        self.embed = spectral_norm(nn.Linear(labels, features, bias=False))
        self.classifier = nn.Linear(features, labels)


class SpectralCritic(nn.Module):
    def __init__(self, widths, labels, attention):
        super().__init__()
        self.side = attention
        self.input = spectral_norm(nn.Conv2d(3, widths[0], 3, padding=1))
        outputs = widths[1:] + widths[-1:]
        self.blocks = nn.ModuleList(SpectralDown(a, b) for a, b in zip(widths, outputs))
        level = len(widths) + 1 - int(math.log2(attention))
        self.attention = Attention(outputs[level], spectral)
        self.head = spectral_norm(nn.Linear(widths[-1], 1))
        self.label_head = LabelHead(widths[-1], labels)

    def forward(self, images, y):
        x = self.input(images)
        for block in self.blocks:
            x = block(x)
            if x.shape[2] == self.side:
                x = self.attention(x)
        h = F.relu(x).sum((2, 3))
        logits = self.head(h).squeeze(1) + (self.label_head.embed(y) * h).sum(1)
        return logits, self.label_head.classifier(h)


def record(name, net, output, inputs):
    """Output, and gradients of a weighted sum of it."""
    outputs = output if isinstance(output, tuple) else (output,)
    seeds = [torch.randn_like(value) for value in outputs]
    leaves = {f"{name}.gradient.{key}": p for key, p in net.named_parameters()}
    gradients = torch.autograd.grad(outputs, list(leaves.values()), seeds, allow_unused=True)
    # Layers for larger pictures have no gradient in the small stage, so their keys are absent.
    found.update({key: value for key, value in zip(leaves, gradients)
                  if value is not None and (not name.endswith("small") or value.numel() < 100)})
    for index, (value, seed) in enumerate(zip(outputs, seeds)):
        found.update({f"{name}.output{index}": value, f"{name}.seed{index}": seed})
    found.update({f"{name}.{key}": value for key, value in inputs.items()})


def start(name, net):
    found.update({f"{name}.start.{key}": value.clone() for key, value in net.state_dict().items()})
    return net


torch.manual_seed(5)
for name, options in {"progressive": {}, "detail": {"residual": True}}.items():
    channels = [8, 8, 8]
    attention = {"attention": 16} if name == "detail" else {}
    generator = start(f"{name}.generator", Grower(6, channels, **options, **attention))
    critic = start(f"{name}.critic", Shrinker(channels, **options))
    for stage, (side, alpha) in {"full": (16, 1.0), "fading": (16, 0.3), "small": (8, 1.0)}.items():
        z, images = torch.randn(4, 6), torch.randn(4, 3, side, side)
        record(f"{name}.generator.{stage}", generator, generator(z, side, alpha), {"input": z})
        record(f"{name}.critic.{stage}", critic, critic(images, alpha), {"input": images})

LABELS = 3
generator = start("sagan.generator", SpectralGenerator(6, [16, 8], LABELS, 8))
critic = start("sagan.critic", SpectralCritic([8, 16], LABELS, 8))
code, images = torch.randn(4, 6 + LABELS), torch.randn(4, 3, 16, 16)
labels = torch.randint(-1, 2, (4, LABELS)).float()
record("sagan.generator.full", generator, generator(code), {"input": code})
record("sagan.critic.full", critic, critic(images, labels), {"input": images, "labels": labels})
for name, net in {"generator": generator, "critic": critic}.items():
    found.update({f"sagan.{name}.end.{key}": value.clone() for key, value in net.state_dict().items()})
save_file({key: value.detach().contiguous() for key, value in found.items()}, OUT / "families.safetensors")
