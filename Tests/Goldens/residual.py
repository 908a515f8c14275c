"""Plain residual networks of Gulrajani et al. 2017 for the scripts that create goldens."""
import torch.nn.functional as F
from torch import nn


def widths(filters, resolution):
    """Channels at each level, from the picture inwards."""
    return [min(filters << i, 512) for i in range(resolution.bit_length() - 3)]


class Up(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(a)
        self.conv1 = nn.Conv2d(a, b, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(b)
        self.conv2 = nn.Conv2d(b, b, 3, padding=1)
        self.shortcut = nn.Conv2d(a, b, 1)

    def forward(self, x):
        y = self.conv1(F.interpolate(F.relu(self.norm1(x)), scale_factor=2))
        return self.conv2(F.relu(self.norm2(y))) + self.shortcut(F.interpolate(x, scale_factor=2))


class Down(nn.Module):
    def __init__(self, a, b, normal):
        super().__init__()
        self.norm1 = nn.GroupNorm(1, a) if normal else nn.Identity()
        self.conv1 = nn.Conv2d(a, a, 3, padding=1, bias=not normal)
        self.norm2 = nn.GroupNorm(1, a) if normal else nn.Identity()
        self.conv2 = nn.Conv2d(a, b, 3, padding=1)
        self.shortcut = nn.Conv2d(a, b, 1)

    def forward(self, x):
        y = self.conv2(F.relu(self.norm2(self.conv1(F.relu(self.norm1(x))))))
        return F.avg_pool2d(y, 2) + self.shortcut(F.avg_pool2d(x, 2))


class Generator(nn.Module):
    def __init__(self, filters, resolution, latent):
        super().__init__()
        w = widths(filters, resolution)[::-1]
        self.stem = nn.Linear(latent, w[0] * 16)
        self.blocks = nn.Sequential(*[Up(a, b) for a, b in zip(w[:1] + w, w)])
        self.norm = nn.BatchNorm2d(w[-1])
        self.output = nn.Conv2d(w[-1], 3, 3, padding=1)

    def forward(self, z):
        x = self.stem(z)
        x = self.blocks(x.view(len(z), -1, 4, 4))
        return self.output(F.relu(self.norm(x))).tanh()


class Critic(nn.Module):
    def __init__(self, filters, resolution, normal=False):
        super().__init__()
        w = widths(filters, resolution)
        self.input = nn.Conv2d(3, w[0], 3, padding=1)
        self.blocks = nn.Sequential(*[Down(a, b, normal) for a, b in zip(w, w[1:] + w[-1:])])
        self.head = nn.Linear(w[-1] * 16, 1)

    def forward(self, images):
        return self.head(self.blocks(self.input(images)).flatten(1)).squeeze(1)
