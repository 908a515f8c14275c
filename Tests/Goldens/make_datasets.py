"""Creates the goldens in Tests/Goldens/Datasets. Run it in this folder. Requires numpy, pillow and safetensors.

All values come from other programs, or from independent implementations of the same definitions.
"""

import gzip
import io
import json
import math
import os
import tarfile
import zipfile

import numpy as np
from PIL import Image
from safetensors.numpy import save_file

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "Datasets")
MASK = (1 << 64) - 1


# SplitMix64, seeded with a hash of (seed, stream, index).


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


class Stream:
    def __init__(self, seed, stream=0, index=0):
        key = mix((seed + 0x9E3779B97F4A7C15) & MASK)
        key = mix(key ^ ((stream * 0xD1B54A32D192ED03 + 0x8CB92BA72F3D8DD7) & MASK))
        self.state = mix(key ^ ((index * 0xABC98388FB8FAC03 + 0x2545F4914F6CDD1D) & MASK))

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        return mix(self.state)

    def below(self, bound):
        while True:
            product = self.next() * bound
            if product & MASK >= (1 << 64) % bound:
                return product >> 64

    def permutation(self, count):
        order = list(range(count))
        for i in range(count - 1, 0, -1):
            j = self.below(i + 1)
            order[i], order[j] = order[j], order[i]
        return order


def random_numbers():
    cases = []
    for name in [(0, 0, 0), (1, 2, 3), (MASK, 5, MASK), (123456789, 1, 7)]:
        stream = Stream(*name)
        cases.append({"name": [str(x) for x in name], "values": [str(stream.next()) for _ in range(4)]})
    uniform = Stream(9)
    return {
        "cases": cases,
        "uniform": [(uniform.next() >> 40) / (1 << 24) for _ in range(8)],
        "permutation": Stream(4, 5, 6).permutation(20),
    }


# A picture with detail at every scale, and its samples computed by Pillow.


def picture(width, height, seed):
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    channels = []
    for _ in range(3):
        a, b, c, d = random.uniform(0.02, 0.9, 4)
        channels.append(127 + 60 * np.sin(a * x + b * y) + 60 * np.cos(c * x * 0.3 - d * y * 0.2))
    image = np.stack(channels, -1) + random.normal(0, 8, (height, width, 3))
    return np.clip(image, 0, 255).astype(np.uint8)


def samples():
    celeba = picture(178, 218, 1)
    image = Image.fromarray(celeba)
    boxes = {
        "celeba64-178": (0, 20, 178, 198),
        "celeba64-148": (15, 40, 163, 188),
        "celeba64-128": (25, 57, 153, 185),
        "celeba64-108": (35, 55, 143, 163),
    }
    tensors = {"picture": celeba}
    for name, box in boxes.items():
        tensors[name] = np.asarray(image.crop(box).resize((64, 64), Image.LANCZOS))
    tensors["celeba32-178-box"] = np.asarray(image.crop((0, 20, 178, 198)).resize((32, 32), Image.BOX))
    lfw = picture(250, 250, 2)
    tensors["lfw"] = lfw
    tensors["lfw64-160"] = np.asarray(Image.fromarray(lfw).crop((45, 45, 205, 205)).resize((64, 64), Image.LANCZOS))
    save_file(tensors, os.path.join(HERE, "samples.safetensors"))


# Rotated, zoomed and shifted pictures, computed in numpy.


def warp(image, zoom, angle, flipped, shift_x, shift_y):
    size = image.shape[0]
    middle = size / 2
    y, x = np.mgrid[0:size, 0:size] + 0.5
    dx = (x - middle) * (-1 if flipped else 1)
    dy = y - middle
    sx = middle + shift_x + zoom * (math.cos(angle) * dx - math.sin(angle) * dy) - 0.5
    sy = middle + shift_y + zoom * (math.sin(angle) * dx + math.cos(angle) * dy) - 0.5
    padded = np.pad(image.astype(np.float64), ((size, size), (size, size), (0, 0)), mode="symmetric")
    left, top = np.floor(sx).astype(int), np.floor(sy).astype(int)
    u, v = (sx - left)[..., None], (sy - top)[..., None]

    def at(row, column):
        return padded[row + size, column + size]

    upper = at(top, left) * (1 - u) + at(top, left + 1) * u
    lower = at(top + 1, left) * (1 - u) + at(top + 1, left + 1) * u
    return upper * (1 - v) + lower * v


def colours(image, brightness, contrast, hue, saturation):
    image = image.astype(np.float64) * brightness
    image = (image - 127.5) * contrast + 127.5
    k = np.ones(3) / math.sqrt(3)
    cross = np.cross(np.broadcast_to(k, image.shape), image)
    image = image * math.cos(hue) + cross * math.sin(hue) + k * (image @ k)[..., None] * (1 - math.cos(hue))
    grey = (image @ np.array([0.299, 0.587, 0.114]))[..., None]
    return grey + (image - grey) * saturation


def augmentations():
    image = picture(48, 48, 3)
    warps = [(1, 0.3, 0, 0, 0), (0.8, 0, 0, 3.5, -2), (0.9, -0.5, 1, 1, 2), (1, 0, 1, 0, 0), (1.3, 1.2, 0, 0, 0)]
    changes = [(1.2, 1, 0, 1), (1, 0.7, 0, 1), (1, 1, 0.5, 1), (1, 1, 0, 0), (0.9, 1.1, -0.2, 1.3)]
    tensors = {
        "picture": image,
        "warps": np.array(warps, np.float32),
        "changes": np.array(changes, np.float32),
        "warped": np.stack([np.rint(warp(image, *w)) for w in warps]).astype(np.uint8),
        "changed": np.stack([np.clip(np.rint(colours(image, *c)), 0, 255) for c in changes]).astype(np.uint8),
    }
    save_file(tensors, os.path.join(HERE, "augmentations.safetensors"))


# Archives of small pictures, written by Python's modules.


def png(value):
    buffer = io.BytesIO()
    Image.fromarray(np.full((20, 20, 3), value, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def archives():
    date = (2020, 1, 1, 0, 0, 0)
    with zipfile.ZipFile(os.path.join(HERE, "labelled.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        names = ["00000/img00000002.png", "00000/img00000000.png", "00000/img00000001.png"]
        for i, name in enumerate(names):
            archive.writestr(zipfile.ZipInfo(name, date), png(50 * (i + 1)), zipfile.ZIP_DEFLATED)
        labels = {"labels": [["00000/img00000000.png", 4], ["00000/img00000002.png", 1], ["00000/gone.png", 2]]}
        archive.writestr(zipfile.ZipInfo("dataset.json", date), json.dumps(labels))
        archive.writestr(zipfile.ZipInfo("__MACOSX/00000/._img00000000.png", date), b"not a picture")
    path = os.path.join(HERE, "lfw.tgz")
    with gzip.GzipFile(path, "wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        people = ["Zoe_Zed/Zoe_Zed_0001", "Al_Abel/Al_Abel_0001", "Al_Abel/Al_Abel_0002"]
        for i, name in enumerate(people):
            info = tarfile.TarInfo(f"lfw/{name}.png")
            data = png(60 * (i + 1))
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


os.makedirs(HERE, exist_ok=True)
with open(os.path.join(HERE, "random.json"), "w") as file:
    json.dump(random_numbers(), file, indent=1)
    file.write("\n")
samples()
augmentations()
archives()
