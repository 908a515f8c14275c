"""Creates the goldens of StyleGAN2: outputs and gradients of all architectures, and ten training steps with R1 and path-length
regularization.

Runs in any folder (requires torch and safetensors):
    python Tests/Goldens/make_stylegan2.py
"""
import math

import torch
import torch.nn.functional as F

import stylegan2
from recording import record_gradients, write
from stylegan2 import Sizes

STEPS, BATCH = 10, 8


def constant(noise):
    return lambda side, name: noise[name + ".noise_const"][None, None]


def networks(found):
    cases = [
        ("skip", Sizes(16, 128, 12, w=10, z=6, layers=2, labels=3)),
        ("residual", Sizes(16, 128, 12, w=10, z=6, layers=2, generator="residual", discriminator="skip", clamp=1.5)),
        ("plain", Sizes(8, 64, 12, w=10, z=6, layers=1, generator="plain", discriminator="plain")),
    ]
    for index, (name, sizes) in enumerate(cases):
        random = torch.Generator().manual_seed(100 + index)
        g, d, noise = stylegan2.parameters(sizes, random)
        for tensor in list(g.values()) + list(d.values()):
            tensor.requires_grad_()
        count = 8
        z = torch.randn(count, sizes.z, generator=random)
        labels = torch.randint(-1, 2, (count, sizes.labels), generator=random).float() if sizes.labels else None
        w = stylegan2.mapping(g, "mapping.", sizes, z, labels)
        ws = w[:, None].repeat(1, stylegan2.layer_count(sizes), 1)
        images = stylegan2.synthesis(g, sizes, ws, constant(noise))
        pictures = torch.randn(count, 3, sizes.resolution, sizes.resolution, generator=random)
        logits = stylegan2.discriminator(d, sizes, pictures, labels)
        found.update({f"{name}.z": z, f"{name}.w": w, f"{name}.pictures": pictures})
        if labels is not None:
            found[f"{name}.labels"] = labels
        record_gradients(found, name, (("generator", g, images), ("discriminator", d, logits)), random)
        for key, tensor in noise.items():
            found[f"{name}.generator.start.{key}"] = tensor
        found[f"{name}.generator.start.mapping.w_avg"] = torch.randn(sizes.w, generator=random)


class Training:
    """Ten steps in the order of the trainer: discriminator, R1 every 4 steps, generator, path length every 2 steps."""

    R1, EVERY_R1, PATH, EVERY_PATH, MIXING, RATE, DECAY = 0.5, 4, 2.0, 2, 0.5, 0.0025, 0.998

    def __init__(self, seed):
        self.sizes = Sizes(16, 128, 12, w=10, z=6, layers=2)
        self.g, self.d, self.noise = stylegan2.parameters(self.sizes, torch.Generator().manual_seed(200))
        self.start = {"generator": dict(self.g) | dict(self.noise), "discriminator": dict(self.d)}
        self.start = {n: {k: t.clone() for k, t in p.items()} for n, p in self.start.items()}
        self.average = torch.zeros(self.sizes.w)
        self.start["generator"]["mapping.w_avg"] = self.average.clone()
        self.latents = torch.Generator().manual_seed(seed + 1)
        self.paths = torch.Generator().manual_seed(seed + 5)
        self.path_mean = torch.zeros([])
        for tensor in list(self.g.values()) + list(self.d.values()):
            tensor.requires_grad_()
        self.optimizers = [self.adam(self.g, self.EVERY_PATH), self.adam(self.d, self.EVERY_R1)]

    def adam(self, p, every):
        ratio = every / (every + 1)
        return torch.optim.Adam(p.values(), lr=self.RATE * ratio, betas=(0.0, 0.99 ** ratio), eps=1e-8, fused=True)

    def generate(self, count, random):
        """w+ with style mixing, and pictures with random noise."""
        sizes, rows = self.sizes, stylegan2.layer_count(self.sizes)
        z = torch.randn(count, sizes.z, generator=random)
        w = stylegan2.mapping(self.g, "mapping.", sizes, z, None)
        self.average.lerp_(w.detach().mean(0), 1 - self.DECAY)
        other = torch.randn(count, sizes.z, generator=random)
        where, coin = torch.rand(2, generator=random)
        other = stylegan2.mapping(self.g, "mapping.", sizes, other, None)
        cutoff = 1 + int(where * (rows - 1)) if coin < self.MIXING else rows
        ws = torch.stack([w] * cutoff + [other] * (rows - cutoff), 1)

        def noise(side, name):
            return torch.randn(count, 1, side, side, generator=random)

        return ws, stylegan2.synthesis(self.g, sizes, ws, noise)

    def apply(self, index, loss):
        p = (self.g, self.d)[index]
        gradients = torch.autograd.grad(loss, list(p.values()), allow_unused=True)
        for tensor, gradient in zip(p.values(), gradients):
            # The fused Adam does not check that gradients have the strides of their tensors.
            tensor.grad = None if gradient is None else gradient.contiguous()
        self.optimizers[index].step()

    def step(self, index, real):
        fake = self.generate(BATCH, self.latents)[1]
        d = lambda images: stylegan2.discriminator(self.d, self.sizes, images)
        self.apply(1, F.softplus(-d(real)).mean() + F.softplus(d(fake.detach())).mean())
        if index % self.EVERY_R1 == 0:
            leaf = real.clone().requires_grad_()
            slope = torch.autograd.grad(d(leaf).sum(), leaf, create_graph=True)[0]
            self.apply(1, slope.square().sum((1, 2, 3)).mean() * (self.R1 / 2 * self.EVERY_R1))
        self.apply(0, F.softplus(-d(fake)).mean())
        if index % self.EVERY_PATH == 0:
            ws, images = self.generate(BATCH // 2, self.paths)
            noise = torch.randn(images.shape, generator=self.paths) / math.sqrt(images.shape[2] * images.shape[3])
            slope = torch.autograd.grad((images * noise).sum(), ws, create_graph=True)[0]
            lengths = slope.square().sum(2).mean(1).sqrt()
            # As in the authors' code, the mean inside the penalty has gradients; the stored one has none.
            mean = self.path_mean.lerp(lengths.mean(), 0.01)
            self.path_mean = mean.detach()
            self.apply(0, (lengths - mean).square().mean() * (self.PATH * self.EVERY_PATH))


def training(found, seed=7):
    run = Training(seed)
    random = torch.Generator().manual_seed(300)
    for network, p in run.start.items():
        found.update({f"start.{network}.{key}": tensor for key, tensor in p.items()})
    coarse = torch.randint(0, 256, (STEPS, BATCH, 3, 8, 8), generator=random, dtype=torch.uint8)
    for index in range(STEPS):
        real = F.interpolate(coarse[index].float(), scale_factor=2) / 127.5 - 1
        run.step(index, real)
    for network, p in (("generator", run.g), ("discriminator", run.d)):
        found.update({f"end.{network}.{key}": tensor for key, tensor in p.items()})
    found.update({"coarse": coarse, "end.w_avg": run.average, "end.path_mean": run.path_mean})


if __name__ == "__main__":
    write([("Models/stylegan2", networks), ("Training/stylegan2", training)])
