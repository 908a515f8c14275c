"""Creates the goldens of GAN layers with PyTorch: values, gradients, and second derivatives.

Spectral normalization is PyTorch's. The others are implemented from their papers. All values are computed in double precision from
inputs in single precision, so that the goldens have no rounding errors.
Requires torch and safetensors. Runs in any folder: python Tests/Goldens/make_gan_layers.py
"""
import math
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm

OUT = Path(__file__).parent


class Equalized(nn.Module):
    """Karras et al. 2018, section 4.1, with the learning-rate factor of StyleGAN's mapping."""

    def __init__(self, shape, gain=math.sqrt(2), rate=1.0, **options):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(shape) / rate)
        self.bias = nn.Parameter(torch.randn(shape[0]))
        self.scale, self.rate, self.options = gain / math.sqrt(math.prod(shape[1:])), rate, options

    def forward(self, x):
        weight, bias = self.weight * self.scale * self.rate, self.bias * self.rate
        return F.conv2d(x, weight, bias, **self.options) if weight.dim() == 4 else F.linear(x, weight, bias)


class MinibatchDeviation(nn.Module):
    """Minibatch deviation, group by group."""

    def __init__(self, group):
        super().__init__()
        self.group = group

    def forward(self, x):
        count, _, height, width = x.shape
        groups = count // min(self.group, count)
        channel = [None] * count
        for first in range(groups):
            members = x[first::groups]
            spread = ((members - members.mean(0)).square().mean(0) + 1e-8).sqrt().mean()
            for index in range(first, count, groups):
                channel[index] = spread.expand(1, height, width)
        return torch.cat([x, torch.stack(channel)], 1)


class ConditionalNorm(nn.Module):
    def __init__(self, channels, conditions, norm):
        super().__init__()
        self.scale, self.shift = nn.Linear(conditions, channels), nn.Linear(conditions, channels)
        self.norm = norm(channels, momentum=0.3, eps=1e-3, affine=False)

    def forward(self, x, y):
        scale, shift = self.scale(y), self.shift(y)
        x = self.norm(x)
        while scale.dim() < x.dim():
            scale, shift = scale[..., None], shift[..., None]
        return x * (1 + scale) + shift


class Attention(nn.Module):
    """Zhang et al. 2019, with maxima of 2 x 2 keys and values, position by position."""

    def __init__(self, channels, norm=lambda layer: layer):
        super().__init__()

        def pointwise(a, b):
            return norm(nn.Conv2d(a, b, 1, bias=False))

        self.gamma = nn.Parameter(torch.tensor(0.7))
        self.query, self.key = pointwise(channels, channels // 8), pointwise(channels, channels // 8)
        self.value, self.output = pointwise(channels, channels // 2), pointwise(channels // 2, channels)

    def forward(self, x):
        query, key, value = self.query(x), F.max_pool2d(self.key(x), 2), F.max_pool2d(self.value(x), 2)
        shares = torch.einsum("ncij,nckl->nijkl", query, key)
        shares = shares.flatten(3).softmax(3).view(shares.shape)
        return x + self.gamma * self.output(torch.einsum("nckl,nijkl->ncij", value, shares))


class Projection(nn.Module):
    def __init__(self, features, labels, norm=lambda layer: layer):
        super().__init__()
        self.embed = norm(nn.Linear(labels, features, bias=False))

    def forward(self, h, y):
        return torch.einsum("nc,nc->n", self.embed(y), h)


found = {}


def flat(state):
    """State with the statistics beside the linear layers, not in a submodule."""
    return {key.removeprefix("norm."): value.clone() for key, value in state.items()}


def record(name, module, x, *others):
    """Output, gradients, and gradients of the squared gradient with respect to the input."""
    x = x.double().requires_grad_()
    others = [other.double() for other in others]
    output = module(x, *others)
    seed = torch.randn(output.shape).double()
    leaves = {"input": x} | dict(module.named_parameters())
    found.update({f"{name}/input": x, f"{name}/output": output, f"{name}/seed": seed})
    found.update({f"{name}/condition": other for other in others})
    gradients = torch.autograd.grad(output, list(leaves.values()), seed, create_graph=True)
    found.update({f"{name}/gradient.{key}": value for key, value in zip(leaves, gradients)})
    again = torch.autograd.grad(gradients[0].square().sum(), list(leaves.values()), allow_unused=True)
    found.update({f"{name}/second.{key}": value for key, value in zip(leaves, again) if value is not None})


def case(name, module, shape, condition=None, steps=1):
    """Passes in training mode. For a module with state, also the state after them and a pass in inference mode."""
    for key, parameter in module.named_parameters():
        if "weight" not in key and parameter.dim() > 0:
            nn.init.normal_(parameter, 0, 0.3)
    module.double()

    def others():
        return [] if condition is None else [torch.randn(shape[0], condition)]

    found.update({f"{name}/state.{key}": value for key, value in flat(module.state_dict()).items()})
    for step in range(steps):
        record(f"{name}-{step}", module, torch.randn(shape) * 1.5, *others())
    if list(module.buffers()):
        found.update({f"{name}/after.{key}": value for key, value in flat(module.state_dict()).items()})
        record(f"{name}-use", module.eval(), torch.randn(shape) * 1.5, *others())


def save(room):
    global found
    single = {key: value.detach().to(torch.float32 if value.is_floating_point() else value.dtype)
              for key, value in found.items()}
    save_file({key: value.clone().contiguous() for key, value in single.items()},
              OUT / room / "gan-layers.safetensors")
    found = {}


torch.manual_seed(3)
case("spectral-conv", spectral_norm(nn.Conv2d(3, 6, 4, 2, 1)), (2, 3, 6, 8), steps=3)
case("spectral-conv-plain", spectral_norm(nn.Conv2d(4, 3, 1, bias=False)), (2, 4, 3, 2), steps=2)
case("spectral-linear", spectral_norm(nn.Linear(5, 7)), (4, 5), steps=3)
case("equalized-conv", Equalized((6, 3, 3, 3), padding=1), (2, 3, 4, 5))
case("equalized-linear", Equalized((7, 5)), (4, 5))
case("equalized-mapping", Equalized((7, 5), gain=1.0, rate=0.01), (4, 5))
case("deviation", MinibatchDeviation(4), (8, 3, 4, 2))
# Groups of three or more: the second derivative of the deviation of two values is zero except for epsilon.
case("deviation-threes", MinibatchDeviation(3), (6, 2, 2, 2))
case("deviation-small", MinibatchDeviation(4), (3, 2, 2, 2))
case("conditional-norm", ConditionalNorm(3, 5, nn.BatchNorm2d), (4, 3, 5, 4), 5, steps=3)
case("conditional-norm-vector", ConditionalNorm(3, 5, nn.BatchNorm1d), (6, 3), 5, steps=2)
save("TorchNN")

case("attention", Attention(16), (2, 16, 4, 6))
case("attention-spectral", Attention(16, spectral_norm), (2, 16, 4, 4), steps=2)
case("projection", Projection(6, 5), (4, 6), 5)
case("projection-spectral", Projection(6, 5, spectral_norm), (4, 6), 5, steps=2)
save("Models")
