"""Creates the goldens of R3GAN: parameter counts, outputs and gradients, and ten training steps with scheduled values.

The networks follow Huang et al. 2024 (arXiv:2501.05441). Runs in any folder (requires torch and safetensors):
    python Tests/Goldens/make_r3gan.py
"""
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from recording import record_gradients, write

STEPS, BATCH = 10, 8


@dataclass
class Sizes:
    resolution: int = 64
    base: int = 24576
    most: int = 768
    blocks: int = 2
    expansion: int = 2
    group: int = 16
    z: int = 64
    labels: int = 0

    @property
    def sides(self):
        return [2 ** k for k in range(2, self.resolution.bit_length())]

    def channels(self, side):
        return min(self.base // side, self.most)


SMALL = Sizes(16, base=128, most=12, group=4, z=6)
CONDITIONAL = Sizes(16, base=128, most=12, blocks=1, group=8, z=6, labels=3)


# --- parameters: shapes by name, in the order of the program ------------------------------------------------------------

def block_shapes(sizes, side, prefix):
    channels = sizes.channels(side)
    inner = channels * sizes.expansion
    return {
        prefix + "LinearLayer1.Layer.weight": (inner, channels, 1, 1),
        prefix + "LinearLayer2.Layer.weight": (inner, sizes.group, 3, 3),
        prefix + "LinearLayer3.Layer.weight": (channels, inner, 1, 1),
        prefix + "NonLinearity1.Bias": (inner,),
        prefix + "NonLinearity2.Bias": (inner,),
    }


def generator_shapes(sizes):
    shapes = {}
    for index, side in enumerate(sizes.sides):
        stage, channels = f"MainLayers.{index}.Layers.", sizes.channels(side)
        if side == 4:
            shapes[stage + "0.Basis"] = (channels, 4, 4)
            shapes[stage + "0.LinearLayer.weight"] = (channels, sizes.z + sizes.labels)
        elif sizes.channels(side // 2) != channels:
            shapes[stage + "0.LinearLayer.Layer.weight"] = (channels, sizes.channels(side // 2), 1, 1)
        for block in range(sizes.blocks):
            shapes |= block_shapes(sizes, side, f"{stage}{block + 1}.")
    return shapes | {"AggregationLayer.Layer.weight": (3, sizes.channels(sizes.resolution), 1, 1)}


def discriminator_shapes(sizes):
    shapes = {"ExtractionLayer.Layer.weight": (sizes.channels(sizes.resolution), 3, 1, 1)}
    for index, side in enumerate(reversed(sizes.sides)):
        stage, channels = f"MainLayers.{index}.Layers.", sizes.channels(side)
        for block in range(sizes.blocks):
            shapes |= block_shapes(sizes, side, f"{stage}{block}.")
        last = f"{stage}{sizes.blocks}."
        if side == 4:
            shapes[last + "Basis.weight"] = (channels, 1, 4, 4)
            shapes[last + "LinearLayer.weight"] = (1, channels)
        elif sizes.channels(side // 2) != channels:
            shapes[last + "LinearLayer.Layer.weight"] = (sizes.channels(side // 2), channels, 1, 1)
    if sizes.labels:
        shapes["label_head.embed.weight"] = (sizes.channels(4), sizes.labels)
    return shapes


def count(shapes):
    return sum(math.prod(shape) for shape in shapes.values())


# --- networks -----------------------------------------------------------------------------------------------------------

def taps(channels):
    row = torch.tensor([1.0, 3, 3, 1]) / 8
    return (row[:, None] * row).expand(channels, 1, 4, 4)


def up(x):
    return F.conv_transpose2d(x, 4 * taps(x.shape[1]), stride=2, padding=1, groups=x.shape[1])


def down(x):
    return F.conv2d(x, taps(x.shape[1]), stride=2, padding=1, groups=x.shape[1])


def block(p, prefix, x):
    y = F.conv2d(x, p[prefix + "LinearLayer1.Layer.weight"]) + p[prefix + "NonLinearity1.Bias"][:, None, None]
    weight = p[prefix + "LinearLayer2.Layer.weight"]
    y = F.conv2d(F.leaky_relu(y, 0.2), weight, padding=1, groups=weight.shape[0] // weight.shape[1])
    y = y + p[prefix + "NonLinearity2.Bias"][:, None, None]
    return x + F.conv2d(F.leaky_relu(y, 0.2), p[prefix + "LinearLayer3.Layer.weight"])


def generator(p, sizes, z, labels=None):
    x = z if labels is None else torch.cat([z, labels], 1)
    for index, side in enumerate(sizes.sides):
        stage = f"MainLayers.{index}.Layers."
        if side == 4:
            x = (x @ p[stage + "0.LinearLayer.weight"].T)[:, :, None, None] * p[stage + "0.Basis"]
        else:
            x = up(x)
            if sizes.channels(side // 2) != sizes.channels(side):
                x = F.conv2d(x, p[stage + "0.LinearLayer.Layer.weight"])
        for number in range(sizes.blocks):
            x = block(p, f"{stage}{number + 1}.", x)
    return F.conv2d(x, p["AggregationLayer.Layer.weight"])


def discriminator(p, sizes, images, labels=None):
    x = F.conv2d(images, p["ExtractionLayer.Layer.weight"])
    for index, side in enumerate(reversed(sizes.sides)):
        stage = f"MainLayers.{index}.Layers."
        for number in range(sizes.blocks):
            x = block(p, f"{stage}{number}.", x)
        last = f"{stage}{sizes.blocks}."
        if side > 4:
            if sizes.channels(side // 2) != sizes.channels(side):
                x = F.conv2d(x, p[last + "LinearLayer.Layer.weight"])
            x = down(x)
    h = F.conv2d(x, p[last + "Basis.weight"], groups=x.shape[1]).flatten(1)
    logits = (h @ p[last + "LinearLayer.weight"].T)[:, 0]
    return logits if labels is None else logits + ((labels @ p["label_head.embed.weight"].T) * h).sum(1)


def drawn(shapes, random, scale=0.3):
    """Values without zeros, so that every gradient is tested."""
    return {
        key: torch.randn(shape, generator=random) * (scale / math.sqrt(max(1, math.prod(shape[1:])) / 4))
        for key, shape in shapes.items()
    }


# --- goldens ------------------------------------------------------------------------------------------------------------

def networks(found):
    for index, (name, sizes) in enumerate([("plain", SMALL), ("conditional", CONDITIONAL)]):
        random = torch.Generator().manual_seed(400 + index)
        g, d = drawn(generator_shapes(sizes), random, 1), drawn(discriminator_shapes(sizes), random, 1)
        for tensor in list(g.values()) + list(d.values()):
            tensor.requires_grad_()
        z = torch.randn(4, sizes.z, generator=random)
        labels = torch.randint(-1, 2, (4, sizes.labels), generator=random).float() if sizes.labels else None
        pictures = torch.randn(4, 3, sizes.resolution, sizes.resolution, generator=random)
        found.update({f"{name}.z": z, f"{name}.pictures": pictures})
        if labels is not None:
            found[f"{name}.labels"] = labels
        images, logits = generator(g, sizes, z, labels), discriminator(d, sizes, pictures, labels)
        record_gradients(found, name, (("generator", g, images), ("discriminator", d, logits)), random)
    for side in (32, 64, 256):
        shapes = generator_shapes(Sizes(side)), discriminator_shapes(Sizes(side))
        found[f"counts.{side}"] = torch.tensor([count(one) for one in shapes])


def cosine(start, end, images, length):
    share = min(1, images / length)
    return start + (end - start) * (1 - math.cos(math.pi * share)) / 2


class Training:
    """Ten steps of the trainer: relativistic loss with R1 and R2, then the generator, then the moving average."""

    LENGTH = 60  # images over which all values change

    def __init__(self, seed):
        self.sizes = SMALL
        random = torch.Generator().manual_seed(500)
        self.g = drawn(generator_shapes(self.sizes), random)
        self.d = drawn(discriminator_shapes(self.sizes), random)
        self.start = {n: {k: t.clone() for k, t in p.items()} for n, p in (("generator", self.g), ("discriminator", self.d))}
        self.average = {key: tensor.clone() for key, tensor in self.g.items()}
        self.latents = torch.Generator().manual_seed(seed + 1)
        for tensor in list(self.g.values()) + list(self.d.values()):
            tensor.requires_grad_()
        # With a smaller epsilon, Adam amplifies the rounding of gradients near 0: ten steps in float32 and in float64 then
        # differ by up to 3e-4, and here by less than 2e-5.
        self.optimizers = [torch.optim.Adam(p.values(), betas=(0.0, 0.9), eps=1e-3, fused=True) for p in (self.g, self.d)]

    def apply(self, index, loss, images):
        p = (self.g, self.d)[index]
        for tensor, gradient in zip(p.values(), torch.autograd.grad(loss, list(p.values()))):
            # The fused Adam does not check that gradients have the strides of their tensors.
            tensor.grad = gradient.contiguous()
        group = self.optimizers[index].param_groups[0]
        group["lr"] = 2e-3 * cosine(1, 0.25, images, self.LENGTH)
        group["betas"] = (0.0, cosine(0.9, 0.99, images, self.LENGTH))
        self.optimizers[index].step()

    def step(self, index, real):
        images = index * BATCH
        gamma = cosine(2, 0.2, images, self.LENGTH)
        d = lambda pictures: discriminator(self.d, self.sizes, pictures)
        fake = generator(self.g, self.sizes, torch.randn(BATCH, self.sizes.z, generator=self.latents))
        leaves = [pictures.detach().requires_grad_() for pictures in (real, fake)]
        logits = [d(leaf) for leaf in leaves]
        slopes = [torch.autograd.grad(one.sum(), leaf, create_graph=True)[0] for one, leaf in zip(logits, leaves)]
        penalty = sum(slope.square().sum((1, 2, 3)).mean() for slope in slopes)
        self.apply(1, F.softplus(logits[1] - logits[0]).mean() + gamma / 2 * penalty, images)
        self.apply(0, F.softplus(d(real).detach() - d(fake)).mean(), images)
        half_life = cosine(0, 40, images + BATCH, self.LENGTH)
        decay = 0.5 ** (BATCH / half_life)
        with torch.no_grad():
            for key, tensor in self.g.items():
                self.average[key].lerp_(tensor, 1 - decay)


def training(found, seed=7):
    run = Training(seed)
    random = torch.Generator().manual_seed(600)
    for network, p in run.start.items():
        found.update({f"start.{network}.{key}": tensor for key, tensor in p.items()})
    coarse = torch.randint(0, 256, (STEPS, BATCH, 3, 8, 8), generator=random, dtype=torch.uint8)
    for index in range(STEPS):
        run.step(index, F.interpolate(coarse[index].float(), scale_factor=2) / 127.5 - 1)
    for network, p in (("generator", run.g), ("discriminator", run.d), ("average", run.average)):
        found.update({f"end.{network}.{key}": tensor for key, tensor in p.items()})
    found["coarse"] = coarse


if __name__ == "__main__":
    write([("Models/r3gan", networks), ("Training/r3gan", training)])
