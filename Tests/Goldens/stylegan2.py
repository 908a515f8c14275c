"""StyleGAN2 in PyTorch as its paper describes it (arXiv:1912.04958), with the parameter names of the authors' code.

Filters are separate operators, and modulated convolutions scale the maps. Used by make_stylegan2.py.
"""
import math

import torch
import torch.nn.functional as F

SQRT2 = math.sqrt(2)
FILTER = torch.outer(torch.tensor([1.0, 3.0, 3.0, 1.0]), torch.tensor([1.0, 3.0, 3.0, 1.0])) / 64


def fir(x, padding, stride=1):
    c = x.shape[1]
    return F.conv2d(x, FILTER.expand(c, 1, 4, 4), padding=padding, stride=stride, groups=c)


def doubled(x):
    c = x.shape[1]
    stuffed = x.new_zeros(x.shape[0], c, 2 * x.shape[2], 2 * x.shape[3])
    stuffed[:, :, ::2, ::2] = x
    return F.conv2d(F.pad(stuffed, (2, 1, 2, 1)), FILTER.expand(c, 1, 4, 4) * 4, groups=c)


def sides(resolution):
    return [4 << i for i in range(resolution.bit_length() - 2)]


class Sizes:
    def __init__(self, resolution, base, limit, w, z, layers, labels=0, generator="skip", discriminator="residual",
                 clamp=None, group=4):
        self.__dict__.update(locals())

    def channels(self, side):
        return min(self.base // side, self.limit)


def normalized(x):
    return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()


def linear(x, p, name, rate=1.0):
    w = p[name + ".weight"]
    return F.linear(x, w * (rate / math.sqrt(w.shape[1])), p[name + ".bias"] * rate)


def mapping(p, prefix, sizes, z, labels, rate=0.01):
    parts = ([normalized(z)] if z is not None else [])
    parts += [normalized(linear(labels, p, prefix + "embed"))] if labels is not None else []
    w = torch.cat(parts, 1)
    for i in range(sizes.layers):
        w = F.leaky_relu(linear(w, p, f"{prefix}fc{i}", rate), 0.2) * SQRT2
    return w


def clamped(x, sizes, gain=1.0):
    return x if sizes.clamp is None else x.clamp(-sizes.clamp * gain, sizes.clamp * gain)


def modulated(x, w, p, name, up, noise, sizes, gain=1.0):
    weight = p[name + ".weight"]
    s = linear(w, p, name + ".affine")
    d = ((weight[None] * s[:, None, :, None, None]).square().sum((2, 3, 4)) + 1e-8).rsqrt()
    x = x * s[:, :, None, None]
    if up:
        x = fir(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2), 1) * 4
    else:
        x = F.conv2d(x, weight, padding=1)
    x = x * d[:, :, None, None]
    if noise is not None:
        x = x + noise * p[name + ".noise_strength"]
    x = F.leaky_relu(x + p[name + ".bias"][:, None, None], 0.2) * (SQRT2 * gain)
    return clamped(x, sizes, gain)


def colors(x, w, p, name, sizes):
    weight = p[name + ".weight"]
    s = linear(w, p, name + ".affine") / math.sqrt(weight.shape[1])
    return clamped(F.conv2d(x * s[:, :, None, None], weight) + p[name + ".bias"][:, None, None], sizes)


def synthesis(p, sizes, ws, noise):
    """noise(side, name) returns an image [N or 1, 1, side, side] or None."""
    x = p["synthesis.b4.const"][None].repeat(ws.shape[0], 1, 1, 1)
    image, row = None, 0
    for side in sides(sizes.resolution):
        b = f"synthesis.b{side}."
        convs = ["conv1"] if side == 4 else ["conv0", "conv1"]
        residual = sizes.generator == "residual" and side > 4
        shortcut = None
        if residual:
            k = p[b + "skip.weight"]
            shortcut = doubled(F.conv2d(x, k * math.sqrt(0.5 / k.shape[1])))
        for name in convs:
            gain = math.sqrt(0.5) if residual and name == "conv1" else 1.0
            x = modulated(x, ws[:, row], p, b + name, name == "conv0", noise(side, b + name), sizes, gain)
            row += 1
        if residual:
            x = x + shortcut
        if image is not None:
            image = doubled(image)
        if sizes.generator == "skip" or side == sizes.resolution:
            own = colors(x, ws[:, row], p, b + "torgb", sizes)
            image = own if image is None else image + own
    return image


def layer_count(sizes):
    return 2 * len(sides(sizes.resolution))


def conv(x, p, name, sizes, gain=1.0, down=False):
    w = p[name + ".weight"]
    w = w / math.sqrt(w[0].numel())
    x = F.conv2d(fir(x, 2), w, stride=2) if down else F.conv2d(x, w, padding=w.shape[2] // 2)
    return clamped(F.leaky_relu(x + p[name + ".bias"][:, None, None], 0.2) * (SQRT2 * gain), sizes, gain)


def deviation(x, group):
    n, c, h, w = x.shape
    g = min(group, n)
    y = x.reshape(g, n // g, c, h, w)
    y = (y - y.mean(0)).square().mean(0)
    y = (y + 1e-8).sqrt().mean((1, 2, 3)).reshape(-1, 1, 1, 1).repeat(g, 1, h, w)
    return torch.cat([x, y], 1)


def discriminator(p, sizes, images, labels=None):
    x = None
    for side in sides(sizes.resolution)[:0:-1]:
        b = f"b{side}."
        if side == sizes.resolution or sizes.discriminator == "skip":
            own = conv(images, p, b + "fromrgb", sizes)
            x = own if x is None else x + own
        if sizes.discriminator == "skip":
            images = fir(images, 1, stride=2)
        start = x
        residual = sizes.discriminator == "residual"
        x = conv(x, p, b + "conv0", sizes)
        x = conv(x, p, b + "conv1", sizes, math.sqrt(0.5) if residual else 1.0, down=True)
        if residual:
            k = p[b + "skip.weight"]
            x = x + F.conv2d(fir(start, 1, stride=2), k * math.sqrt(0.5 / k.shape[1]))
    if sizes.discriminator == "skip":
        x = x + conv(images, p, "b4.fromrgb", sizes)
    x = conv(deviation(x, sizes.group), p, "b4.conv", sizes)
    x = F.leaky_relu(linear(x.flatten(1), p, "b4.fc"), 0.2) * SQRT2
    x = linear(x, p, "b4.out")
    if labels is None:
        return x[:, 0]
    mapped = mapping(p, "mapping.", sizes, None, labels)
    return (x * mapped).sum(1) / math.sqrt(mapped.shape[1])


def parameters(sizes, random):
    """Random parameters of both networks; all differ from the initial values that hide errors."""
    def normal(*shape, scale=1.0, mean=0.0):
        return torch.randn(shape, generator=random) * scale + mean

    def dense(p, name, outputs, inputs, mean=0.0, rate=1.0):
        p[name + ".weight"] = normal(outputs, inputs, scale=1 / rate)
        p[name + ".bias"] = normal(outputs, scale=0.1 / rate, mean=mean)

    def maps(p, name, outputs, inputs, kernel, bias=True):
        p[name + ".weight"] = normal(outputs, inputs, kernel, kernel)
        if bias:
            p[name + ".bias"] = normal(outputs, scale=0.1)

    g, d = {}, {}
    if sizes.labels:
        dense(g, "mapping.embed", sizes.w, sizes.labels)
        dense(d, "mapping.embed", sizes.w, sizes.labels)
    for i in range(sizes.layers):
        first = sizes.z + (sizes.w if sizes.labels else 0)
        dense(g, f"mapping.fc{i}", sizes.w, first if i == 0 else sizes.w, rate=0.01)
        if sizes.labels:
            dense(d, f"mapping.fc{i}", sizes.w, sizes.w, rate=0.01)
    g["synthesis.b4.const"] = normal(sizes.channels(4), 4, 4)
    for side in sides(sizes.resolution):
        b, o = f"synthesis.b{side}.", sizes.channels(side)
        i = sizes.channels(side // 2) if side > 4 else o
        for name, inputs in ([("conv0", i)] if side > 4 else []) + [("conv1", o)]:
            maps(g, b + name, o, inputs, 3)
            dense(g, b + name + ".affine", inputs, sizes.w, mean=1.0)
            g[b + name + ".noise_strength"] = normal(scale=0.3)
        if sizes.generator == "skip" or side == sizes.resolution:
            maps(g, b + "torgb", 3, o, 1)
            dense(g, b + "torgb.affine", o, sizes.w, mean=1.0)
        if sizes.generator == "residual" and side > 4:
            maps(g, b + "skip", o, i, 1, bias=False)
    for side in sides(sizes.resolution)[:0:-1]:
        b, i, o = f"b{side}.", sizes.channels(side), sizes.channels(side // 2)
        if side == sizes.resolution or sizes.discriminator == "skip":
            maps(d, b + "fromrgb", i, 3, 1)
        maps(d, b + "conv0", i, i, 3)
        maps(d, b + "conv1", o, i, 3)
        if sizes.discriminator == "residual":
            maps(d, b + "skip", o, i, 1, bias=False)
    c = sizes.channels(4)
    if sizes.discriminator == "skip":
        maps(d, "b4.fromrgb", c, 3, 1)
    maps(d, "b4.conv", c, c + 1, 3)
    dense(d, "b4.fc", c, 16 * c)
    dense(d, "b4.out", sizes.w if sizes.labels else 1, c)
    noise = {k.replace("noise_strength", "noise_const"): normal(*[int(k.split(".")[1][1:])] * 2)
             for k in g if k.endswith("noise_strength")}
    return g, d, noise
