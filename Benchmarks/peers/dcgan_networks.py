"""Networks of DCGAN in PyTorch."""

from torch import nn


def stack(widths, make, norm, act):
    layers = []
    for index, (a, b) in enumerate(zip(widths, widths[1:])):
        layers.append(make(index, a, b))
        if norm(index):
            layers.append(nn.BatchNorm2d(b))
        layers += act(index)
    return nn.Sequential(*layers)


def generator(filters, depth):
    """z [N, 100, 1, 1] to pictures [N, 3, R, R], R = 4 x 2^depth."""
    widths = [100] + [filters << i for i in reversed(range(depth))] + [3]
    last = len(widths) - 2
    return stack(
        widths, lambda i, a, b: nn.ConvTranspose2d(a, b, 4, 2 if i else 1, 1 if i else 0, bias=False),
        lambda i: i < last, lambda i: [nn.ReLU(True)] if i < last else [nn.Tanh()])


def discriminator(filters, depth):
    """Pictures to logits [N, 1, 1, 1]."""
    widths = [3] + [filters << i for i in range(depth)] + [1]
    last = len(widths) - 2
    return stack(
        widths, lambda i, a, b: nn.Conv2d(a, b, 4, 2 if i < last else 1, 1 if i < last else 0, bias=False),
        lambda i: 0 < i < last, lambda i: [nn.LeakyReLU(0.2, True)] if i < last else [])


def initialize(module):
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1, 0.02)
        nn.init.zeros_(module.bias)
