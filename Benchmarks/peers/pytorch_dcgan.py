"""Trains DCGAN in PyTorch on a packed store. Prints a JSON object with images per second for every few steps.

The plain variant is PyTorch's well-known example on the CPU: float32, batch 64, sigmoid and binary cross entropy, and a
backward pass for each half of the discriminator's loss. The tuned variant has bfloat16 by autocast (or float32, on machines
that emulate bfloat16), channels-last, fused Adam, batch 128, and no gradients of the discriminator's weights in the
generator's step.
"""

import argparse
import contextlib
import json
import time

import numpy as np
import torch
from torch import nn

from dcgan_networks import discriminator, generator, initialize
from stores import pictures


def batches(images, size):
    """Infinite shuffled batches [size, 3, H, W] in -1...1, with random mirroring."""
    random = np.random.default_rng(0)
    while True:
        order = random.permutation(len(images))
        for start in range(0, len(order) - size + 1, size):
            batch = images[np.sort(order[start:start + size])]
            flip = random.random(size) < 0.5
            batch[flip] = batch[flip, :, ::-1]
            yield torch.from_numpy(batch).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("store")
    options.add_argument("--variant", choices=["plain", "tuned"], default="plain")
    options.add_argument("--precision", choices=["bf16", "fp32"], default="bf16", help="of the tuned variant")
    options.add_argument("--batch", type=int)
    options.add_argument("--filters", type=int, default=64)
    options.add_argument("--steps", type=int, default=20)
    options.add_argument("--every", type=int, default=4)
    chosen = options.parse_args()
    tuned = chosen.variant == "tuned"
    halves = tuned and chosen.precision == "bf16"
    size = chosen.batch or (128 if tuned else 64)

    torch.manual_seed(0)
    images = pictures(chosen.store)
    depth = images.shape[1].bit_length() - 3
    net_g, net_d = generator(chosen.filters, depth), discriminator(chosen.filters, depth)
    for net in (net_g, net_d):
        net.apply(initialize)
        if tuned:
            net.to(memory_format=torch.channels_last)
    adam = dict(lr=2e-4, betas=(0.5, 0.999), fused=tuned or None)
    optimizer_g = torch.optim.Adam(net_g.parameters(), **adam)
    optimizer_d = torch.optim.Adam(net_d.parameters(), **adam)
    cross_entropy, from_logits = nn.BCELoss(), nn.BCEWithLogitsLoss()
    ones, zeros = torch.ones(size), torch.zeros(size)

    def adversarial_loss(pictures, target):
        with torch.autocast("cpu", torch.bfloat16) if halves else contextlib.nullcontext():
            logits = net_d(pictures).view(-1)
        if tuned:
            return from_logits(logits.float(), target)
        return cross_entropy(torch.sigmoid(logits), target)

    def generate():
        with torch.autocast("cpu", torch.bfloat16) if halves else contextlib.nullcontext():
            return net_g(torch.randn(size, 100, 1, 1))

    def step(real):
        net_d.zero_grad()
        loss_real = adversarial_loss(real, ones)
        loss_real.backward()
        fake = generate()
        loss_fake = adversarial_loss(fake.detach(), zeros)
        loss_fake.backward()
        optimizer_d.step()

        net_g.zero_grad()
        if tuned:
            net_d.requires_grad_(False)
        loss = adversarial_loss(fake, ones)
        loss.backward()
        optimizer_g.step()
        if tuned:
            net_d.requires_grad_(True)
        return loss_real.item() + loss_fake.item(), loss.item()

    stream = batches(images, size)
    rates, losses = [], (0, 0)
    start = time.perf_counter()
    for number in range(1, chosen.steps + 1):
        real = next(stream)
        losses = step(real.contiguous(memory_format=torch.channels_last) if tuned else real.contiguous())
        if number % chosen.every == 0:
            now = time.perf_counter()
            rates.append(chosen.every * size / (now - start))
            start = now
    print(json.dumps({"imagesPerSecond": rates, "lossD": losses[0], "lossG": losses[1]}))


if __name__ == "__main__":
    main()
