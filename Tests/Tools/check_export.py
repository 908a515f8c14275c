"""Loads the exports of scripts/test-export in PyTorch, and compares pictures with those of the command.

    python Tests/Tools/check_export.py FOLDER NAME

FOLDER has NAME-generator.pt, NAME-generator.safetensors, the same for the discriminator, NAME-z.safetensors, and the pictures
of its rows in NAME/. The networks are those of Tests/Goldens/stylegan2.py, which shares no code with the Swift ones.
"""
import json
import struct
import sys
import zlib
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "Goldens"))
import stylegan2  # noqa: E402

TYPES = {"F32": torch.float32, "F16": torch.float16}


def read_safetensors(path):
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = entry["data_offsets"]
        content = bytearray(data[8 + size + start:8 + size + end])
        tensors[name] = torch.frombuffer(content, dtype=TYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def read_png(path):
    """Pixels [H, W, 3] of an RGB picture with 8 bits, not interlaced."""
    data, position, compressed = path.read_bytes(), 8, b""
    while position < len(data):
        length, kind = struct.unpack(">I4s", data[position:position + 8])
        body = data[position + 8:position + 8 + length]
        if kind == b"IHDR":
            width, height, depth, color, _, _, interlaced = struct.unpack(">IIBBBBB", body)
            assert (depth, color, interlaced) == (8, 2, 0), path
        elif kind == b"IDAT":
            compressed += body
        position += 12 + length
    raw, rows, before = zlib.decompress(compressed), [], bytearray(3 * width)
    for y in range(height):
        kind, line = raw[y * (3 * width + 1)], bytearray(raw[y * (3 * width + 1) + 1:(y + 1) * (3 * width + 1)])
        for i in range(3 * width):
            a, b, c = line[i - 3] if i >= 3 else 0, before[i], before[i - 3] if i >= 3 else 0
            paeth = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            line[i] = (line[i] + (0, a, b, (a + b) // 2, paeth)[kind]) & 255
        rows.append(torch.tensor(list(line)).reshape(width, 3))
        before = line
    return torch.stack(rows)


class Shapes(stylegan2.Sizes):
    """Sizes of a network, read from its tensors."""

    def __init__(self, tensors, weight, prefix):
        found = [s for s in (4 << i for i in range(9)) if weight.format(s) in tensors]
        self.widths = {s: tensors[weight.format(s)].shape[0] for s in found}
        self.resolution = found[-1]
        layers = sum(f"{prefix}fc{i}.weight" in tensors for i in range(32))
        super().__init__(self.resolution, 0, 0, 0, 0, layers)

    def channels(self, side):
        return self.widths[side]


def same(a, b):
    assert a.keys() == b.keys(), sorted(a.keys() ^ b.keys())
    for key in a:
        assert torch.equal(a[key], b[key]), key


def main(folder, name):
    files = {n: (torch.load(folder / f"{name}-{n}.pt", weights_only=True), read_safetensors(folder / f"{name}-{n}.safetensors"))
             for n in ("generator", "discriminator")}
    for pair in files.values():
        same(*pair)
    latents = read_safetensors(folder / f"{name}-z.safetensors")
    z, labels = latents["z"], latents.get("labels")

    g = files["generator"][0]
    sizes = Shapes(g, "synthesis.b{}.conv1.weight", "mapping.")
    w = stylegan2.mapping(g, "mapping.", sizes, z, labels)
    rows = w[:, None].repeat(1, stylegan2.layer_count(sizes), 1)
    images = stylegan2.synthesis(g, sizes, rows, lambda side, key: g[key + ".noise_const"][None, None])
    own = (images.clamp(-1, 1) * 127.5 + 127.5).round().permute(0, 2, 3, 1)
    paths = sorted((folder / name).glob("*.png"))
    assert len(paths) == len(z), paths
    made = torch.stack([read_png(p) for p in paths]).float()
    # The same values may round to neighboring levels.
    difference = (own - made).abs()
    assert difference.max() <= 1 and difference.mean() < 0.01, (difference.max(), difference.mean())
    assert made.std() > 10, "the pictures are of one color"

    d = files["discriminator"][0]
    sizes_of_d = Shapes(d, "b{}.conv0.weight", "mapping.")
    logits = stylegan2.discriminator(d, sizes_of_d, images, labels)
    assert logits.shape == (len(z),) and torch.isfinite(logits).all(), logits
    print(f"{name}: {len(g)} and {len(d)} tensors; {len(z)} pictures of {sizes.resolution}², largest difference {int(difference.max())}")


if __name__ == "__main__":
    with torch.no_grad():
        main(Path(sys.argv[1]), sys.argv[2])
