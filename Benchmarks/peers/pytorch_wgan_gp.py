"""Measures the critic step of WGAN-GP in PyTorch. Prints a JSON object with images per second for every few steps.

A plain implementation of the paper: residual blocks of 3 x 3 convolutions and means over 2 x 2 pixels, float32, one pass over
real and one over generated pictures, the gradient between them by autograd.grad with create_graph, Adam. The pictures are
noise. There is no generator.
"""

import argparse
import json
import time

import torch
import torch.nn.functional as F
from torch import nn


class Down(nn.Module):
    """Residual block that halves the side, without normalization."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, inputs, 3, padding=1)
        self.conv2 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x):
        y = self.conv2(F.relu(self.conv1(F.relu(x))))
        return F.avg_pool2d(y, 2) + self.shortcut(F.avg_pool2d(x, 2))


def critic(filters, resolution):
    """Pictures [N, 3, R, R] to scores [N, 1]. The last maps are 4 x 4."""
    widths = [min(filters << i, 512) for i in range(resolution.bit_length() - 3)]
    return nn.Sequential(
        nn.Conv2d(3, widths[0], 3, padding=1),
        *[Down(a, b) for a, b in zip(widths, widths[1:] + widths[-1:])],
        nn.Flatten(), nn.Linear(widths[-1] * 16, 1))


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--batch", type=int, default=32)
    options.add_argument("--filters", type=int, default=64)
    options.add_argument("--resolution", type=int, default=64)
    options.add_argument("--steps", type=int, default=8)
    options.add_argument("--every", type=int, default=2)
    chosen = options.parse_args()

    torch.manual_seed(0)
    net = critic(chosen.filters, chosen.resolution)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-4, betas=(0.0, 0.9))
    shape = (chosen.batch, 3, chosen.resolution, chosen.resolution)
    real, fake = torch.rand(shape) * 2 - 1, torch.rand(shape) * 2 - 1

    def step():
        optimizer.zero_grad()
        weight = torch.rand(chosen.batch, 1, 1, 1)
        mixed = (weight * real + (1 - weight) * fake).requires_grad_()
        gradient, = torch.autograd.grad(net(mixed).sum(), mixed, create_graph=True)
        penalty = 10 * (gradient.flatten(1).norm(dim=1) - 1).square().mean()
        loss = net(fake).mean() - net(real).mean() + penalty
        loss.backward()
        optimizer.step()
        return loss.item()

    rates, loss = [], 0
    for _ in range(0, chosen.steps, chosen.every):
        start = time.perf_counter()
        for _ in range(chosen.every):
            loss = step()
        rates.append(chosen.every * chosen.batch / (time.perf_counter() - start))
    print(json.dumps({"imagesPerSecond": rates, "loss": loss}))


if __name__ == "__main__":
    main()
