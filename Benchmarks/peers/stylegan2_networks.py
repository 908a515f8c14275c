"""Networks of a compact StyleGAN2 at 64 x 64 pixels in PyTorch, after Karras et al. 2020 (arXiv:1912.04958)."""

import math

import torch
import torch.nn.functional as F
from torch import nn


class Equalized(nn.Module):
    """Convolution or linear layer with equalized learning rate."""

    def __init__(self, inputs, outputs, kernel=0, padding=0, gain=math.sqrt(2)):
        super().__init__()
        shape = (outputs, inputs, kernel, kernel) if kernel else (outputs, inputs)
        self.weight, self.bias = nn.Parameter(torch.randn(shape)), nn.Parameter(torch.zeros(outputs))
        self.scale, self.padding = gain / math.sqrt(math.prod(shape[1:])), padding

    def forward(self, x):
        weight = self.weight * self.scale
        if weight.dim() == 2:
            return F.linear(x, weight, self.bias)
        return F.conv2d(x, weight, self.bias, padding=self.padding)


class Modulated(nn.Module):
    """Convolution with modulated inputs and demodulated outputs, noise, bias and activation (StyleGAN2).

    `form` is the form of the convolution. separate: a convolution that is the same for all pictures, and the filter.
    folded: the same with the filter in the weights, which are computed once, for inference. grouped: weights for each picture.
    """

    form = "separate"
    folded = None

    def __init__(self, inputs, outputs, up, filters):
        super().__init__()
        self.affine = Equalized(512, inputs, gain=1)
        nn.init.ones_(self.affine.bias)
        self.weight, self.bias = nn.Parameter(torch.randn(outputs, inputs, 3, 3)), nn.Parameter(torch.zeros(outputs))
        self.strength = nn.Parameter(torch.zeros(()))
        self.scale, self.up, self.filters = 1 / math.sqrt(inputs * 9), up, filters

    def forward(self, x, w):
        style = self.affine(w).float()
        weight = self.weight * self.scale
        factors = (style.square() @ weight.square().sum((2, 3)).t() + 1e-8).rsqrt()
        if self.form == "grouped":
            x = self.grouped(x, weight[None] * style[:, None, :, None, None] * factors[:, :, None, None, None])
        else:
            x = x * style[:, :, None, None].to(x.dtype)
            if not self.up:
                x = F.conv2d(x, weight, padding=1)
            elif self.form == "folded":
                x = F.conv_transpose2d(x, self.folded_weight(weight), stride=2, padding=2)
            else:
                x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
                x = blurred(x, self.filters * 4, 1)
            x = x * factors[:, :, None, None].to(x.dtype)
        noise = torch.randn(len(x), 1, *x.shape[2:], device=x.device, dtype=x.dtype) * self.strength.to(x.dtype)
        return F.leaky_relu(x + noise + self.bias[None, :, None, None].to(x.dtype), 0.2) * math.sqrt(2)

    def folded_weight(self, weight):
        if self.folded is None:
            outputs, inputs = weight.shape[:2]
            kernels = F.conv2d(weight.reshape(-1, 1, 3, 3), self.filters[None, None] * 4, padding=3)
            self.folded = kernels.reshape(outputs, inputs, 6, 6).transpose(0, 1).contiguous()
        return self.folded

    def grouped(self, x, weights):
        count, outputs, inputs = weights.shape[:3]
        x = x.reshape(1, count * inputs, *x.shape[2:])
        if self.up:
            weights = weights.transpose(1, 2).reshape(count * inputs, outputs, 3, 3)
            x = F.conv_transpose2d(x, weights, stride=2, groups=count)
            x = blurred(x, self.filters * 4, 1)
        else:
            x = F.conv2d(x, weights.reshape(count * outputs, inputs, 3, 3), padding=1, groups=count)
        return x.reshape(count, outputs, *x.shape[2:])


def blurred(x, filters, padding, stride=1):
    kernel = filters.to(x.dtype).expand(x.shape[1], 1, 4, 4)
    return F.conv2d(x, kernel, stride=stride, padding=padding, groups=x.shape[1])


class StyleGenerator(nn.Module):
    def __init__(self, widths, filters):
        super().__init__()
        self.filters = filters
        self.mapping = nn.Sequential(
            *[nn.Sequential(Equalized(512, 512), nn.LeakyReLU(0.2)) for _ in range(2)])
        self.constant = nn.Parameter(torch.randn(1, widths[0], 4, 4))
        self.layers, self.colors, self.styles = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for index, width in enumerate(widths):
            below = widths[max(index - 1, 0)]
            self.layers.append(nn.ModuleList(
                ([Modulated(below, width, True, filters)] if index else []) + [Modulated(width, width, False, filters)]))
            self.styles.append(Equalized(512, width, gain=1))
            self.colors.append(Equalized(width, 3, 1, gain=1))

    def forward(self, z):
        w = self.mapping(z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt())
        x, image = self.constant.expand(len(z), -1, -1, -1).contiguous(memory_format=torch.channels_last), None
        for layers, style, color in zip(self.layers, self.styles, self.colors):
            for layer in layers:
                x = layer(x, w)
            found = color(x * style(w)[:, :, None, None].to(x.dtype))
            if image is not None:
                image = F.interpolate(image, scale_factor=2, mode="bilinear")
            image = found if image is None else image + found
        return image


class StyleBlock(nn.Module):
    def __init__(self, inputs, outputs, filters):
        super().__init__()
        self.first, self.second = Equalized(inputs, inputs, 3, 1), Equalized(inputs, outputs, 3)
        self.shortcut, self.filters = Equalized(inputs, outputs, 1, gain=1), filters

    def forward(self, x):
        y = F.leaky_relu(self.first(x), 0.2)
        y = F.leaky_relu(F.conv2d(
            blurred(y, self.filters, 2), self.second.weight * self.second.scale, self.second.bias, stride=2), 0.2)
        return (y + self.shortcut(blurred(x, self.filters, 1, 2))) * math.sqrt(0.5)


def stylegan2_networks(widths, device):
    """Generator and discriminator with these channels at 4, 8, ... pixels."""
    ramp = torch.tensor([1.0, 3.0, 3.0, 1.0])
    filters = (ramp[:, None] * ramp / 64).to(device)
    down = [StyleBlock(a, b, filters) for a, b in zip(widths[::-1], widths[::-1][1:])]
    last = widths[0]
    return StyleGenerator(widths, filters), nn.Sequential(
        Equalized(3, widths[-1], 1), nn.LeakyReLU(0.2), *down, Equalized(last, last, 3, 1), nn.LeakyReLU(0.2),
        nn.Flatten(), Equalized(last * 16, last), nn.LeakyReLU(0.2), Equalized(last, 1, gain=1))
