"""Trains networks in PyTorch on a GPU. Prints a JSON line for each peer: images per second and peak memory in bytes.

The pictures are random bytes on the device, so no peer waits for data. dcgan has three variants: `plain` is PyTorch's example
in float32; `tuned` has bfloat16 by autocast, channels-last, fused Adam, and no gradients of the discriminator's weights in the
generator's step; `graphed` is the tuned step as one CUDA graph. The other peers are eager, in bfloat16 by autocast, with
channels-last, TF32 and cuDNN's benchmark mode. Their networks have the sizes of FaceGAN's recipes.
"""

import argparse
import json
import math
import time

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from dcgan_networks import discriminator, generator, initialize
from stylegan2_networks import Equalized, stylegan2_networks


class Setting:
    """Device, sizes and random pictures of a peer."""

    def __init__(self, chosen):
        self.device, self.seconds, self.small = torch.device(chosen.device), chosen.seconds, chosen.small
        self.count = 256 if chosen.small else 16384

    def pictures(self, side):
        """Bytes [count, 3, side, side] on the device."""
        return torch.randint(0, 256, (self.count, 3, side, side), dtype=torch.uint8, device=self.device)

    def batch(self, pictures, size):
        """Random pictures, mirrored with a probability of a half, in -1...1."""
        rows = pictures[torch.randint(0, len(pictures), (size,), device=self.device)]
        rows = torch.where(torch.rand(size, 1, 1, 1, device=self.device) < 0.5, rows.flip(3), rows)
        return rows.float().div_(127.5).sub_(1).contiguous(memory_format=torch.channels_last)

    def autocast(self, enabled=True):
        return torch.autocast(self.device.type, torch.bfloat16, enabled=enabled)

    def adam(self, network, rate=2e-4, betas=(0.5, 0.999), graphed=False):
        return torch.optim.Adam(network.parameters(), lr=rate, betas=betas, fused=True, capturable=graphed)

    def synchronize(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def measure(self, step, images):
        """Images per second of a step, after warm-up."""
        for _ in range(2 if self.small else 5):
            step()
        self.synchronize()
        rates, begin = [], time.perf_counter()
        while time.perf_counter() - begin < self.seconds or len(rates) < 2:
            count = 1 if self.small else 10
            start = time.perf_counter()
            for _ in range(count):
                step()
            self.synchronize()
            rates.append(count * images / (time.perf_counter() - start))
        return sorted(rates)[len(rates) // 2]

    def captured(self, step):
        """The step as one CUDA graph."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(5):
                step()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            step()
        return graph.replay


def frozen(network, value):
    for parameter in network.parameters():
        parameter.requires_grad_(not value)


def dcgan(setting, size, variant):
    filters = 8 if setting.small else 64
    tuned = variant != "plain"
    graphed = variant == "graphed"
    net_g, net_d = generator(filters, 4).to(setting.device), discriminator(filters, 4).to(setting.device)
    for net in (net_g, net_d):
        net.apply(initialize)
        if tuned:
            net.to(memory_format=torch.channels_last)
    optimizer_g, optimizer_d = (setting.adam(net, graphed=graphed) for net in (net_g, net_d))
    pictures = setting.pictures(64)
    ones, zeros = torch.ones(size, device=setting.device), torch.zeros(size, device=setting.device)

    def loss(images, target):
        return F.binary_cross_entropy_with_logits(net_d(images).view(-1).float(), target)

    def step():
        real = setting.batch(pictures, size)
        with setting.autocast(tuned):
            fake = net_g(torch.randn(size, 100, 1, 1, device=setting.device))
            loss_d = loss(real, ones) + loss(fake.detach(), zeros)
        optimizer_d.zero_grad(set_to_none=True)
        loss_d.backward()
        optimizer_d.step()
        frozen(net_d, tuned)
        with setting.autocast(tuned):
            loss_g = loss(fake, ones)
        optimizer_g.zero_grad(set_to_none=True)
        loss_g.backward()
        optimizer_g.step()
        frozen(net_d, False)

    return setting.measure(setting.captured(step) if graphed else step, size)


class Attention(nn.Module):
    """Self-attention of SAGAN with pooled keys and values."""

    def __init__(self, channels):
        super().__init__()
        self.query, self.key = (spectral_norm(nn.Conv2d(channels, channels // 8, 1, bias=False)) for _ in range(2))
        self.value = spectral_norm(nn.Conv2d(channels, channels // 2, 1, bias=False))
        self.output = spectral_norm(nn.Conv2d(channels // 2, channels, 1, bias=False))
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        query = self.query(x).flatten(2)
        key, value = (F.max_pool2d(layer(x), 2).flatten(2) for layer in (self.key, self.value))
        weights = torch.softmax(query.transpose(1, 2) @ key, 2)
        found = (value @ weights.transpose(1, 2)).view(x.shape[0], -1, x.shape[2], x.shape[3])
        return x + self.gamma * self.output(found)


class Residual(nn.Module):
    """Residual block that doubles the side, with batch normalization, or halves it, without."""

    def __init__(self, inputs, outputs, up, norm):
        super().__init__()
        middle = outputs if up else inputs
        self.up = up
        self.norm1, self.norm2 = (nn.BatchNorm2d(inputs), nn.BatchNorm2d(middle)) if up else (None, None)
        self.conv1 = norm(nn.Conv2d(inputs, middle, 3, padding=1))
        self.conv2 = norm(nn.Conv2d(middle, outputs, 3, padding=1))
        self.shortcut = norm(nn.Conv2d(inputs, outputs, 1))

    def forward(self, x):
        if self.up:
            y = self.conv1(F.interpolate(F.relu(self.norm1(x)), scale_factor=2))
            return self.conv2(F.relu(self.norm2(y))) + F.interpolate(self.shortcut(x), scale_factor=2)
        y = self.conv2(F.relu(self.conv1(F.relu(x))))
        return F.avg_pool2d(y, 2) + self.shortcut(F.avg_pool2d(x, 2))


def residual(filters, limit, spectral):
    """Generator and critic for 64 x 64 pixels."""
    norm = spectral_norm if spectral else lambda layer: layer
    widths = [min(filters << i, limit) for i in range(5)]
    up = [Residual(a, b, True, norm) for a, b in zip(widths[::-1], widths[::-1][1:])]
    down = [Residual(a, b, False, norm) for a, b in zip(widths, widths[1:])]
    if spectral:
        up.insert(3, Attention(widths[1]))
        down.insert(1, Attention(widths[1]))
    net_g = nn.Sequential(
        nn.Linear(128, widths[-1] * 16), nn.Unflatten(1, (widths[-1], 4, 4)), *up, nn.BatchNorm2d(widths[0]),
        nn.ReLU(), norm(nn.Conv2d(widths[0], 3, 3, padding=1)), nn.Tanh())
    net_d = nn.Sequential(
        norm(nn.Conv2d(3, widths[0], 3, padding=1)), *down, nn.Flatten(), norm(nn.Linear(widths[-1] * 16, 1)))
    return net_g, net_d


def adversarial(setting, nets, size, side, latent, loss_d, loss_g, critic_steps=1, penalty=None):
    """Images per second of discriminator and generator steps."""
    net_g, net_d = (net.to(setting.device, memory_format=torch.channels_last) for net in nets)
    optimizer_g, optimizer_d = (setting.adam(net, 1e-4, (0.0, 0.9)) for net in (net_g, net_d))
    pictures = setting.pictures(side)

    def generate():
        return net_g(torch.randn(size, latent, device=setting.device))

    def step():
        for _ in range(critic_steps):
            real = setting.batch(pictures, size)
            with setting.autocast():
                with torch.no_grad():
                    fake = generate()
                loss = loss_d(net_d(real).float(), net_d(fake).float())
                if penalty:
                    loss = loss + penalty(net_d, real, fake)
            optimizer_d.zero_grad(set_to_none=True)
            loss.backward()
            optimizer_d.step()
        frozen(net_d, True)
        with setting.autocast():
            loss = loss_g(net_d(generate()).float())
        optimizer_g.zero_grad(set_to_none=True)
        loss.backward()
        optimizer_g.step()
        frozen(net_d, False)

    return setting.measure(step, size * critic_steps)


def gradient_penalty(net, real, fake):
    weight = torch.rand(len(real), 1, 1, 1, device=real.device)
    mixed = (weight * real + (1 - weight) * fake).detach().requires_grad_()
    gradient, = torch.autograd.grad(net(mixed).float().sum(), mixed, create_graph=True)
    return 10 * (gradient.float().flatten(1).norm(dim=1) - 1).square().mean()


def wgan_gp(setting, size):
    return adversarial(
        setting, residual(8 if setting.small else 64, 512, False), size, 64, 128,
        lambda real, fake: fake.mean() - real.mean(), lambda fake: -fake.mean(), 5, gradient_penalty)


def sagan(setting, size):
    return adversarial(
        setting, residual(8 if setting.small else 64, 1024, True), size, 64, 128,
        lambda real, fake: F.relu(1 - real).mean() + F.relu(1 + fake).mean(), lambda fake: -fake.mean())


class PixelNorm(nn.Module):
    def forward(self, x):
        return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()


def progan(setting, size):
    """Progressive growing at its first side, 4 x 4 pixels."""
    width = 64 if setting.small else 512
    net_g = nn.Sequential(
        PixelNorm(), Equalized(512, width * 16, gain=math.sqrt(2) / 4), nn.Unflatten(1, (width, 4, 4)),
        nn.LeakyReLU(0.2), PixelNorm(), Equalized(width, width, 3, 1), nn.LeakyReLU(0.2), PixelNorm(),
        Equalized(width, 3, 1, gain=1))
    net_d = nn.Sequential(
        Equalized(3, width, 1), nn.LeakyReLU(0.2), Equalized(width, width, 3, 1), nn.LeakyReLU(0.2),
        Equalized(width, width, 4), nn.LeakyReLU(0.2), nn.Flatten(), Equalized(width, 1, gain=1))
    return adversarial(
        setting, (net_g, net_d), size, 4, 512,
        lambda real, fake: fake.mean() - real.mean() + 1e-3 * real.square().mean(), lambda fake: -fake.mean(), 1,
        gradient_penalty)


class Enlarging(nn.Module):
    """SRResNet from 32 x 32 to 128 x 128 pixels."""

    def __init__(self, filters, blocks):
        super().__init__()

        def conv(inputs, outputs):
            return nn.Conv2d(inputs, outputs, 3, padding=1)

        self.first = conv(3, filters)
        self.blocks = nn.ModuleList(
            nn.Sequential(conv(filters, filters), nn.ReLU(), conv(filters, filters)) for _ in range(blocks))
        self.last = nn.Sequential(
            conv(filters, 4 * filters), nn.PixelShuffle(2), nn.LeakyReLU(0.1), conv(filters, 4 * filters),
            nn.PixelShuffle(2), nn.LeakyReLU(0.1), conv(filters, filters), nn.LeakyReLU(0.1), conv(filters, 3))

    def forward(self, x):
        y = self.first(x)
        for block in self.blocks:
            y = y + block(y)
        return self.last(y) + F.interpolate(x, scale_factor=4, mode="bilinear")


def superres(setting, size):
    """Adversarial phase without a perceptual loss."""
    filters, blocks = (8, 2) if setting.small else (64, 16)
    widths = [3] + [min(filters << i, 8 * filters) for i in range(5)]
    layers = []
    for a, b in zip(widths, widths[1:]):
        layers += [nn.Conv2d(a, b, 3, padding=1), nn.LeakyReLU(0.2), nn.Conv2d(b, b, 4, 2, 1, bias=False),
                   nn.BatchNorm2d(b), nn.LeakyReLU(0.2)]
    net_d = nn.Sequential(*layers, nn.Flatten(), nn.Linear(widths[-1] * 16, 100), nn.LeakyReLU(0.2), nn.Linear(100, 1))
    net_g = Enlarging(filters, blocks)
    net_g, net_d = (net.to(setting.device, memory_format=torch.channels_last) for net in (net_g, net_d))
    optimizer_g, optimizer_d = (setting.adam(net, betas=(0.9, 0.99)) for net in (net_g, net_d))
    setting.count = min(setting.count, 2048)
    pictures = setting.pictures(128)

    def step():
        real = setting.batch(pictures, size)
        frozen(net_d, True)
        with setting.autocast():
            fake = net_g(F.interpolate(real, size=32, mode="bicubic", antialias=True))
            loss = F.l1_loss(fake.float(), real) + 5e-3 * F.softplus(-net_d(fake).float()).mean()
        optimizer_g.zero_grad(set_to_none=True)
        loss.backward()
        optimizer_g.step()
        frozen(net_d, False)
        with setting.autocast():
            loss = F.softplus(-net_d(real).float()).mean() + F.softplus(net_d(fake.detach()).float()).mean()
        optimizer_d.zero_grad(set_to_none=True)
        loss.backward()
        optimizer_d.step()

    return setting.measure(step, size)


def stylegan2(setting, size):
    """Compact StyleGAN2 at 64 x 64 pixels with R1 every 16 steps."""
    net_g, net_d = stylegan2_networks([16] * 5 if setting.small else [256, 256, 256, 256, 128], setting.device)
    net_g, net_d = (net.to(setting.device, memory_format=torch.channels_last) for net in (net_g, net_d))
    optimizer_g, optimizer_d = (setting.adam(net, 2.5e-3, (0.0, 0.99)) for net in (net_g, net_d))
    pictures, state = setting.pictures(64), {"step": 0}

    def generate():
        return net_g(torch.randn(size, 512, device=setting.device))

    def step():
        real = setting.batch(pictures, size)
        with setting.autocast():
            with torch.no_grad():
                fake = generate()
            loss = F.softplus(-net_d(real).float()).mean() + F.softplus(net_d(fake).float()).mean()
        optimizer_d.zero_grad(set_to_none=True)
        loss.backward()
        optimizer_d.step()
        if state["step"] % 16 == 0:
            leaf = real.detach().requires_grad_()
            with setting.autocast():
                slope, = torch.autograd.grad(net_d(leaf).float().sum(), leaf, create_graph=True)
            optimizer_d.zero_grad(set_to_none=True)
            (slope.float().square().sum((1, 2, 3)).mean() * 0.4).backward()
            optimizer_d.step()
        state["step"] += 1
        frozen(net_d, True)
        with setting.autocast():
            loss = F.softplus(-net_d(generate()).float()).mean()
        optimizer_g.zero_grad(set_to_none=True)
        loss.backward()
        optimizer_g.step()
        frozen(net_d, False)

    return setting.measure(step, size)


def main():
    # The key of a peer, and its function of a setting and a batch size.
    peers = {
        "dcgan-plain": lambda s, n: dcgan(s, n, "plain"), "dcgan-tuned": lambda s, n: dcgan(s, n, "tuned"),
        "dcgan-graphed": lambda s, n: dcgan(s, n, "graphed"), "wgan-gp": wgan_gp, "sagan": sagan, "progan": progan,
        "superres": superres, "stylegan2": stylegan2,
    }
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("peer", choices=peers)
    options.add_argument("--batch", type=int, default=128)
    options.add_argument("--seconds", type=float, default=4)
    options.add_argument("--device", default="cuda")
    options.add_argument("--small", action="store_true", help="few filters, for a test of the script")
    chosen = options.parse_args()
    torch.manual_seed(0)
    # The plain variant keeps PyTorch's defaults.
    if chosen.peer != "dcgan-plain":
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
    rate = peers[chosen.peer](Setting(chosen), chosen.batch)
    peak = torch.cuda.max_memory_allocated() if chosen.device != "cpu" else None
    print(json.dumps({"peer": chosen.peer, "batch": chosen.batch, "imagesPerSecond": rate, "peakBytes": peak}))


if __name__ == "__main__":
    main()
