"""Creates Tests/Goldens/Metrics: sliced Wasserstein distances of a plain numpy implementation.

    pip install numpy torch safetensors
    python Tests/Goldens/make_metrics.py

torch is used only for the random positions and directions, which come from the same stream as those of the engine.
"""

import json
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent / "Metrics"
PATCH = 7
GROUPS = 8


def pictures(count, side, seed, frequency, noise, tint):
    """Pictures of waves and noise, bytes [N, H, W, 3]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / side
    out = np.empty((count, side, side, 3))
    for n in range(count):
        for c in range(3):
            a, b, phase = rng.uniform(-frequency, frequency, 2).tolist() + [rng.uniform(0, 6.28)]
            out[n, :, :, c] = 127 + 70 * np.sin(2 * np.pi * (a * x + b * y) + phase) + tint * c
    out += rng.normal(0, noise, out.shape)
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)


def smooth(plane, gain):
    """Filter 1 4 6 4 1 along both axes, with mirrored edges that are not repeated."""
    row = np.array([1, 4, 6, 4, 1]) / 16
    padded = np.pad(plane, 2, mode="reflect")
    height, width = plane.shape
    rows = sum(row[k] * padded[:, k : k + width] for k in range(5))
    return gain * sum(row[k] * rows[k : k + height] for k in range(5))


def pyramid(picture):
    """Laplacian pyramid [C, H, H] of a picture [C, H, H], finest level first."""
    levels = []
    rest = picture
    while rest.shape[1] % 2 == 0 and rest.shape[1] // 2 >= 16:
        half = np.stack([smooth(plane, 1)[::2, ::2] for plane in rest])
        spread = np.zeros_like(rest)
        spread[:, ::2, ::2] = half
        levels.append(rest - np.stack([smooth(plane, 4) for plane in spread]))
        rest = half
    return levels + [rest]


def patches(level, corners):
    return np.stack([level[:, y : y + PATCH, x : x + PATCH] for y, x in corners])


def distance(a, b):
    """Distance of projected patches, [M, D] each."""
    return 1000 * np.mean(np.abs(np.sort(a, axis=0) - np.sort(b, axis=0)))


def jackknife(parts):
    parts = np.array(parts)
    return np.sqrt((len(parts) - 1) / len(parts) * np.sum((parts - parts.mean()) ** 2))


def compare(real, made, per_picture, directions, seed, batch):
    random = torch.Generator().manual_seed(seed)
    count = len(real)

    def levels(bytes):
        return [pyramid(p.transpose(2, 0, 1) / 127.5 - 1) for p in bytes]

    real_levels, made_levels = levels(real), levels(made)
    sides = [level.shape[1] for level in real_levels[0]]
    bags = [([], []) for _ in sides]
    for start in range(0, count, batch):
        members = range(start, min(count, start + batch))
        for index, side in enumerate(sides):
            draws = torch.empty(len(members) * per_picture, 2).uniform_(0, 1, generator=random).numpy()
            corners = (draws * np.float32(side - PATCH + 1)).astype(int).reshape(len(members), per_picture, 2)
            for place, member in zip(corners, members):
                bags[index][0].append(patches(real_levels[member][index], place))
                bags[index][1].append(patches(made_levels[member][index], place))
    group_count = min(GROUPS, count)
    groups = np.repeat(np.arange(count) % group_count, per_picture)
    result, parts = [], []
    for side, (a, b) in zip(sides, bags):
        a, b = np.concatenate(a), np.concatenate(b)
        mean, deviation = a.mean((0, 2, 3), keepdims=True), a.std((0, 2, 3), keepdims=True)
        a, b = [((x - mean) / deviation).reshape(len(x), -1) for x in (a, b)]
        slices = torch.randn(directions, a.shape[1], generator=random).numpy().astype(np.float64)
        slices /= np.linalg.norm(slices, axis=1, keepdims=True)
        a, b = a @ slices.T, b @ slices.T
        without = [distance(a[groups != g], b[groups != g]) for g in range(group_count)]
        result.append({"side": side, "value": distance(a, b), "error": jackknife(without)})
        parts.append(without)
    return {
        "levels": result,
        "value": float(np.mean([level["value"] for level in result])),
        "error": float(jackknife(np.mean(parts, axis=0))),
    }


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    real = pictures(24, 32, 1, 3, 5, 0)
    made = pictures(24, 32, 2, 2, 9, 12)
    save_file({"real": real, "made": made}, HERE / "pictures.safetensors")
    cases = []
    for count, per_picture, directions, seed, batch in [(24, 16, 64, 0, 10), (24, 9, 33, 7, 24), (5, 3, 8, 1, 2)]:
        case = compare(real[:count], made[:count], per_picture, directions, seed, batch)
        options = {"patchesPerPicture": per_picture, "directions": directions, "seed": seed, "batchSize": batch}
        cases.append({"count": count} | options | case)
    (HERE / "slicedWasserstein.json").write_text(json.dumps(cases, indent=1) + "\n")
