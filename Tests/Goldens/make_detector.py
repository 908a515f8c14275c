#!/usr/bin/env python3
"""Creates Models/yunet.safetensors: outputs of a face detector with YuNet's layers, and the faces that follow from them.

Requires torch and safetensors. Runs in any folder:
    python Tests/Goldens/make_detector.py
No package contains YuNet, so this is a plain implementation of the paper (Wu et al. 2023) with the names of the published file.
Weights and pictures are computed by formulas that the tests repeat. The file contains results only.
"""
import hashlib
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

LEAST = 0.3
OUT = Path(__file__).parent / "Models"


def unit(a, b, norm=True):
    part = nn.Module()
    part.conv1, part.conv2 = nn.Conv2d(a, b, 1), nn.Conv2d(b, b, 3, padding=1, groups=b)
    if norm:
        part.bn = nn.BatchNorm2d(b)
    return part


def apply(part, x):
    x = part.conv2(part.conv1(x))
    return F.relu(part.bn(x)) if hasattr(part, "bn") else x


class YuNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Module()
        stem = nn.Module()
        stem.conv1, stem.conv2, stem.bn1 = nn.Conv2d(3, 16, 3, 2, 1), unit(16, 16), nn.BatchNorm2d(16)
        self.backbone.model0 = stem
        for i in range(1, 6):
            block, a = nn.Module(), 16 if i == 1 else 64
            block.conv1, block.conv2 = unit(a, a), unit(a, 64)
            setattr(self.backbone, f"model{i}", block)
        self.neck = nn.Module()
        self.neck.lateral_convs = nn.ModuleList(unit(64, 64) for _ in range(3))
        self.bbox_head = nn.Module()
        self.bbox_head.multi_level_share_convs = nn.ModuleList(nn.Sequential(unit(64, 64)) for _ in range(3))
        for name, count in (("cls", 1), ("bbox", 4), ("obj", 1), ("kps", 10)):
            units = nn.ModuleList(unit(64, count, norm=False) for _ in range(3))
            setattr(self.bbox_head, "multi_level_" + name, units)

    def forward(self, x):
        stem = self.backbone.model0
        x = F.max_pool2d(apply(stem.conv2, F.relu(stem.bn1(stem.conv1(x)))), 2)
        maps = []
        for i in range(1, 6):
            block = getattr(self.backbone, f"model{i}")
            x = apply(block.conv2, apply(block.conv1, x))
            maps.append(x)
            if 2 <= i <= 4:
                x = F.max_pool2d(x, 2)
        maps = maps[2:]
        for i in (2, 1, 0):
            maps[i] = apply(self.neck.lateral_convs[i], maps[i])
            if i:
                maps[i - 1] = maps[i - 1] + F.interpolate(maps[i], scale_factor=2, mode="nearest")
        levels, head = [], self.bbox_head
        for i, value in enumerate(maps):
            value = apply(head.multi_level_share_convs[i][0], value)
            cls, obj, box, points = (apply(getattr(head, "multi_level_" + name)[i], value)
                                     for name in ("cls", "obj", "bbox", "kps"))
            levels.append((cls.sigmoid(), obj.sigmoid(), box, points))
        return levels


def bounds(key, tensor):
    if tensor.dim() >= 2:
        inputs = tensor[0].numel()
        # There is no activation between the two convolutions of a unit.
        limit = ((3 if inputs == 9 else 6) / inputs) ** 0.5
        return -limit, limit
    if key.endswith("running_var"):
        return 0.5, 1.5
    return (0.8, 1.2) if key.endswith("weight") else (-0.1, 0.1)


def fill(state):
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for key, tensor in state.items():
            if not key.endswith("num_batches_tracked"):
                tensor.uniform_(*bounds(key, tensor), generator=generator)


def pictures(count, height, width):
    n = torch.arange(count).view(-1, 1, 1, 1)
    c, y, x = (torch.arange(size).view(shape) for size, shape in
               ((3, (1, 3, 1, 1)), (height, (1, 1, -1, 1)), (width, (1, 1, 1, -1))))
    return ((x * (3 + n) + y * (5 + 2 * c) + x * y // 8 + 40 * c) % 256).float()


def faces(levels, picture, least, overlap):
    """Rows of score, x, y, width, height and five points, cell by cell (section 3 of the paper)."""
    rows = []
    for level, (cls, obj, box, points) in enumerate(levels):
        stride = 8 << level
        for row in range(cls.shape[2]):
            for column in range(cls.shape[3]):
                score = (cls[picture, 0, row, column] * obj[picture, 0, row, column]).sqrt().item()
                if score < least:
                    continue
                x, y, w, h = box[picture, :, row, column].tolist()
                width, height = (stride * torch.tensor([w, h]).exp()).tolist()
                places = points[picture, :, row, column].tolist()
                rows.append([score, (column + x) * stride - width / 2, (row + y) * stride - height / 2, width, height]
                            + [(p + (column, row)[k % 2]) * stride for k, p in enumerate(places)])
    rows.sort(key=lambda r: -r[0])
    gaps = [a[0] - b[0] for a, b in zip(rows, rows[1:])]
    assert min(gaps) > 2e-5, f"scores too near to each other for a test: {min(gaps)}"
    kept = []
    for r in rows:
        def shared(k):
            width = max(0, min(r[1] + r[3], k[1] + k[3]) - max(r[1], k[1]))
            height = max(0, min(r[2] + r[4], k[2] + k[4]) - max(r[2], k[2]))
            return width * height / (r[3] * r[4] + k[3] * k[4] - width * height)
        if all(shared(k) <= overlap for k in kept):
            kept.append(r)
    return len(rows), torch.tensor(kept)


network = YuNet().eval()
state = network.state_dict()
lines = [f"{key} {list(tensor.shape)}\n" for key, tensor in state.items()]
fill(state)
# Nearly black, because with untrained weights the outputs of brighter pictures overflow.
images = pictures(2, 90, 120) / 128
with torch.no_grad():
    levels = network(F.pad(images.flip(1), (0, 8, 0, 6)))
found = {f"level{i}/{name}": value for i, level in enumerate(levels)
         for name, value in zip(("classes", "objects", "boxes", "points"), level)}
for picture in range(2):
    everything, found[f"faces{picture}"] = faces(levels, picture, LEAST, 0.3)
    print(f"picture {picture}: {len(found[f'faces{picture}'])} faces of {everything} cells")
save_file({key: value.contiguous() for key, value in found.items()}, OUT / "yunet.safetensors",
          {"keys": str(len(lines)), "keysDigest": hashlib.sha256("".join(lines).encode()).hexdigest()})
(OUT / "yunet.safetensors").chmod(0o644)
