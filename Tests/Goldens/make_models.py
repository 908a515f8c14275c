"""Creates the goldens of the module Models with PyTorch: DCGAN as in PyTorch's examples, DCGAN with a dense stem, and residual
networks.

Runs in any folder. Without arguments it writes the small goldens (requires torch and safetensors):
    python Tests/Goldens/make_models.py
With arguments it writes one case to a file of torch.save (requires torch only):
    python Tests/Goldens/make_models.py dcgan --filters 64 --resolution 64 --latent 100 --batch 16 --out FILE.pth

The first steps of Adam have the size of the learning rate for any size of the gradient. For gradients near zero, rounding
determines the direction. Networks with millions of weights have such gradients: in PyTorch, single weights after ten steps differ
by tens of percent between one and two threads. Therefore `--same-kernels` uses losses on logits and the fused Adam, as FaceGAN
does, and `--threads` sets the number of threads.
"""
import argparse
import json
from pathlib import Path

import torch
from torch import nn

import residual

OUT = Path(__file__).parent / "Models"
STEPS = 10
SEED = 7


def widths(filters, resolution):
    """Channels at each level, from the picture inwards."""
    return [filters << i for i in range(resolution.bit_length() - 3)]


class Generator(nn.Module):
    """netG of the example. For 64 x 64 the widths are 8, 4, 2 and 1 times the filters."""

    def __init__(self, filters, resolution, latent):
        super().__init__()
        w = widths(filters, resolution)[::-1]
        layers = [nn.ConvTranspose2d(latent, w[0], 4, 1, 0, bias=False), nn.BatchNorm2d(w[0]), nn.ReLU(True)]
        for a, b in zip(w, w[1:]):
            layers += [nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU(True)]
        self.main = nn.Sequential(*layers, nn.ConvTranspose2d(w[-1], 3, 4, 2, 1, bias=False), nn.Tanh())

    def forward(self, z):
        return self.main(z[:, :, None, None])


class Discriminator(nn.Module):
    """netD of the example, which outputs probabilities."""

    def __init__(self, filters, resolution):
        super().__init__()
        w = widths(filters, resolution)
        layers = [nn.Conv2d(3, w[0], 4, 2, 1, bias=False), nn.LeakyReLU(0.2, True)]
        for a, b in zip(w, w[1:]):
            layers += [nn.Conv2d(a, b, 4, 2, 1, bias=False), nn.BatchNorm2d(b), nn.LeakyReLU(0.2, True)]
        self.main = nn.Sequential(*layers, nn.Conv2d(w[-1], 1, 4, 1, 0, bias=False), nn.Sigmoid())

    def forward(self, images):
        return self.main(images).view(-1, 1).squeeze(1)


class DenseGenerator(nn.Module):
    def __init__(self, filters, resolution, latent):
        super().__init__()
        w = widths(filters, resolution)[::-1]
        self.stem = nn.Linear(latent, w[0] * 16)
        layers = [nn.Unflatten(1, (w[0], 4, 4)), nn.BatchNorm2d(w[0]), nn.ReLU(True)]
        for a, b in zip(w, w[1:]):
            layers += [nn.ConvTranspose2d(a, b, 5, 2, 2, 1), nn.BatchNorm2d(b), nn.ReLU(True)]
        self.main = nn.Sequential(*layers, nn.ConvTranspose2d(w[-1], 3, 5, 2, 2, 1), nn.Tanh())

    def forward(self, z):
        return self.main(self.stem(z))


class DenseDiscriminator(nn.Module):
    def __init__(self, filters, resolution):
        super().__init__()
        w = widths(filters, resolution)
        layers = [nn.Conv2d(3, w[0], 5, 2, 2), nn.LeakyReLU(0.2, True)]
        for a, b in zip(w, w[1:]):
            layers += [nn.Conv2d(a, b, 5, 2, 2), nn.BatchNorm2d(b), nn.LeakyReLU(0.2, True)]
        self.main = nn.Sequential(*layers)
        self.head = nn.Linear(w[-1] * 16, 1)

    def forward(self, images):
        return torch.sigmoid(self.head(self.main(images).flatten(1))).squeeze(1)


def weights_init(module):
    """Initialization of the example."""
    name = type(module).__name__
    if name.startswith(("Conv", "Linear")):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif name.startswith("BatchNorm"):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


class ResidualCritic(residual.Critic):
    """Residual critic with probabilities as output."""

    def forward(self, images):
        return torch.sigmoid(super().forward(images))


def networks(kind, filters, resolution, latent):
    if kind == "residual":
        return residual.Generator(filters, resolution, latent), ResidualCritic(filters, resolution)
    if kind == "dcgan":
        return Generator(filters, resolution, latent), Discriminator(filters, resolution)
    return DenseGenerator(filters, resolution, latent), DenseDiscriminator(filters, resolution)


def case(kind, filters, resolution, latent, batch, same_kernels=False):
    """Tensors by name: initial weights, data, values, gradients, and weights after ten steps."""
    torch.manual_seed(SEED)
    generator, discriminator = networks(kind, filters, resolution, latent)
    nets = {"generator": generator, "discriminator": discriminator}
    torch.manual_seed(SEED)
    for net in nets.values():
        # Residual networks have PyTorch's default initialization. With that of the example, all logits are equal, and the
        # gradients of real and generated pictures cancel except for rounding.
        if kind != "residual":
            net.apply(weights_init)
    found = {}

    def record(name, net):
        found.update({f"{name}.{key}": value.clone() for key, value in net.state_dict().items()})

    def restart():
        for name, net in nets.items():
            net.load_state_dict({key: found[f"start.{name}.{key}"] for key in net.state_dict()})

    for name, net in nets.items():
        record(f"start.{name}", net)
    torch.manual_seed(SEED + 1)
    latents = torch.stack([torch.randn(batch, latent) for _ in range(STEPS)])
    # Blocks of color are more similar to pictures than noise.
    coarse = torch.randint(0, 256, (STEPS, batch, 3, 4, 4), dtype=torch.uint8)
    images = coarse.repeat_interleave(resolution // 4, 3).repeat_interleave(resolution // 4, 4)
    found |= {"latents": latents, "coarse": coarse}
    reals = images.float() / 127.5 - 1
    bce = nn.BCELoss()
    ones, zeros = torch.ones(batch), torch.zeros(batch)

    with torch.no_grad():
        found["value.images"] = generator(latents[0])
        found["value.probabilities"] = discriminator(reals[0])

    def gradients(name, loss, net):
        for (key, parameter), gradient in zip(
                net.named_parameters(), torch.autograd.grad(loss, list(net.parameters()))):
            found[f"gradient.{name}.{key}"] = gradient

    restart()
    loss = bce(discriminator(reals[0]), ones) + bce(discriminator(generator(latents[0]).detach()), zeros)
    found["loss.discriminator"] = loss.detach()
    gradients("discriminator", loss, discriminator)
    for name in ("nonSaturating", "saturating"):
        restart()
        output = discriminator(generator(latents[0]))
        loss = bce(output, ones) if name == "nonSaturating" else -bce(output, zeros)
        found[f"loss.{name}"] = loss.detach()
        gradients(name, loss, generator)

    # Training loop of the example.
    restart()
    optimizers = [torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999), fused=same_kernels or None)
                  for net in (generator, discriminator)]
    if same_kernels:
        discriminator.main = discriminator.main[:-1]
        bce = nn.BCEWithLogitsLoss()
    probability = torch.sigmoid if same_kernels else lambda output: output
    log = []
    for z, real in zip(latents, reals):
        discriminator.zero_grad()
        on_real = discriminator(real)
        loss_real = bce(on_real, ones)
        loss_real.backward()
        fake = generator(z)
        on_fake = discriminator(fake.detach())
        loss_fake = bce(on_fake, zeros)
        loss_fake.backward()
        optimizers[1].step()
        generator.zero_grad()
        loss = bce(discriminator(fake), ones)
        loss.backward()
        optimizers[0].step()
        log.append(torch.stack([loss_real + loss_fake, loss, probability(on_real).mean(),
                                probability(on_fake).mean()]).detach())
    found["means"] = torch.stack(log).mean(0)
    for name, net in nets.items():
        record(f"end.{name}", net)
    generator.eval()
    with torch.no_grad():
        found["value.used"] = generator(latents[0])
    return {key: value.detach().contiguous() for key, value in found.items()}


def facts(kind, resolution, latent=100):
    """Keys and numbers of parameters of the networks with 64 filters."""
    return [{"keys": list(net.state_dict()), "parameters": sum(p.numel() for p in net.parameters())}
            for net in networks(kind, 64, resolution, latent)]


parser = argparse.ArgumentParser()
parser.add_argument("kind", nargs="?", choices=["dcgan", "dcgan-dense"])
for option, default in {"filters": 64, "resolution": 64, "latent": 100, "batch": 16}.items():
    parser.add_argument("--" + option, type=int, default=default)
parser.add_argument("--same-kernels", action="store_true")
parser.add_argument("--threads", type=int)
parser.add_argument("--out", type=Path)
arguments = vars(parser.parse_args())
out, threads = arguments.pop("out"), arguments.pop("threads")
if threads:
    torch.set_num_threads(threads)
if arguments["kind"]:
    torch.save(case(**arguments), out)
else:
    from safetensors.torch import save_file

    OUT.mkdir(exist_ok=True)
    for kind in ("dcgan", "dcgan-dense", "residual"):
        save_file(case(kind, 4, 32, 10, 4), OUT / f"{kind}.safetensors")
    (OUT / "networks.json").write_text(json.dumps({
        "dcgan": facts("dcgan", 64), "dcgan-dense": facts("dcgan-dense", 64),
        "dcgan128": facts("dcgan", 128), "residual": facts("residual", 64, 128)}, indent=1) + "\n")
