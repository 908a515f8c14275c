"""Reads shuffled batches with random mirroring from a packed store with numpy. Prints a JSON object with images per second."""

import argparse
import json
import time

import numpy as np

from stores import pictures


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("store")
    options.add_argument("--batch", type=int, default=128)
    options.add_argument("--seconds", type=float, default=3)
    chosen = options.parse_args()

    images = pictures(chosen.store)
    images.max()  # loads the file into memory
    random = np.random.default_rng(0)
    order, position, taken = random.permutation(len(images)), 0, 0
    start = time.perf_counter()
    while time.perf_counter() - start < chosen.seconds:
        if position + chosen.batch > len(order):
            order, position = random.permutation(len(images)), 0
        batch = images[order[position:position + chosen.batch]]
        flip = random.random(len(batch)) < 0.5
        batch[flip] = batch[flip, :, ::-1]
        position += chosen.batch
        taken += len(batch)
    print(json.dumps({"perSecond": taken / (time.perf_counter() - start)}))


if __name__ == "__main__":
    main()
