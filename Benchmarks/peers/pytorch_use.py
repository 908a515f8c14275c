"""Measures inference of a generator or a classifier in eager float32. Prints a JSON object with images per second."""

import argparse
import json
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F

from pytorch_dcgan import generator
from stylegan2_networks import Modulated, stylegan2_networks


class Unit(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)])
        self.around = None
        if stride > 1 or inputs != outputs:
            self.around = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.norms[1](self.second(F.relu(self.norms[0](self.first(x)))))
        return F.relu(y + (self.around(x) if self.around else x))


def classifier(width):
    layers = [nn.Conv2d(3, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    channels = width
    for level in range(4):
        for index in range(2):
            layers.append(Unit(channels, width << level, 2 if index == 0 and level > 0 else 1))
            channels = width << level
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 40))


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("network", choices=["generator", "classifier", "features", "stylegan2"])
    options.add_argument("--batch", type=int, default=64)
    options.add_argument("--width", type=int)
    options.add_argument("--form", choices=["separate", "folded", "grouped"], default="separate",
                         help="form of the modulated convolutions of stylegan2")
    options.add_argument("--seconds", type=float, default=3)
    chosen = options.parse_args()
    torch.manual_seed(0)
    if chosen.network == "generator":
        net, given = generator(chosen.width or 64, 4).eval(), torch.randn(chosen.batch, 100, 1, 1)
    elif chosen.network == "stylegan2":
        Modulated.form = chosen.form
        net, _ = stylegan2_networks([chosen.width or 256] * 4 + [chosen.width or 128], "cpu")
        net, given = net.eval().to(memory_format=torch.channels_last), torch.randn(chosen.batch, 512)
    else:
        side = 64 if chosen.network == "features" else 128
        net, given = classifier(chosen.width or 32).eval(), torch.randn(chosen.batch, 3, side, side)

    def make():
        result = net(given)
        if chosen.network in ("generator", "stylegan2"):
            return ((result.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()
        return result

    rates = []
    with torch.no_grad():
        for _ in range(3):
            make()
        start = time.perf_counter()
        while time.perf_counter() - start < chosen.seconds or len(rates) < 3:
            begun = time.perf_counter()
            make()
            rates.append(chosen.batch / (time.perf_counter() - begun))
    print(json.dumps({"imagesPerSecond": statistics.median(rates)}))


if __name__ == "__main__":
    main()
