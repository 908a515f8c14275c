"""Generates the faces of the first seeds of a DCGAN model file with PyTorch, and writes each to a PNG file with Pillow."""

import argparse
import os

import numpy as np
import torch
from PIL import Image

from pytorch_dcgan import generator
from stores import tensors


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("model", help="a model file or a state of a FaceGAN run")
    options.add_argument("--filters", type=int, default=64)
    options.add_argument("--resolution", type=int, default=64)
    options.add_argument("--count", type=int, default=512)
    options.add_argument("--batch", type=int, default=64)
    options.add_argument("--out", required=True, help="a folder")
    chosen = options.parse_args()

    net = generator(chosen.filters, chosen.resolution.bit_length() - 3).eval()
    prefix = "average.main."
    net.load_state_dict({
        name[len(prefix):]: torch.from_numpy(np.array(value))
        for name, value in tensors(chosen.model).items() if name.startswith(prefix)
    }, strict=False)
    os.makedirs(chosen.out, exist_ok=True)
    with torch.no_grad():
        for start in range(0, chosen.count, chosen.batch):
            seeds = range(start, min(chosen.count, start + chosen.batch))
            z = torch.cat([torch.randn(1, 100, generator=torch.Generator().manual_seed(seed)) for seed in seeds])
            images = net(z[:, :, None, None])
            pixels = ((images + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
            for seed, face in zip(seeds, pixels):
                Image.fromarray(face).save(f"{chosen.out}/seed-{seed:06}.png")


if __name__ == "__main__":
    main()
