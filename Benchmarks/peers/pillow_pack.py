"""Converts the first JPEGs of a zip archive to 64 x 64 with Pillow. Prints a JSON object with pictures per second."""

import argparse
import io
import json
import time
import zipfile

import numpy as np
from PIL import Image


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("archive")
    options.add_argument("--crop", type=int, required=True, help="side of the center square")
    options.add_argument("--size", type=int, default=64)
    options.add_argument("--limit", type=int, required=True)
    options.add_argument("--out", required=True, help="an .npy file")
    chosen = options.parse_args()

    archive = zipfile.ZipFile(chosen.archive)
    names = sorted(name for name in archive.namelist() if name.lower().endswith(".jpg"))[:chosen.limit]
    packed = np.lib.format.open_memmap(
        chosen.out, "w+", np.uint8, (len(names), chosen.size, chosen.size, 3))
    start = time.perf_counter()
    for index, name in enumerate(names):
        picture = Image.open(io.BytesIO(archive.read(name))).convert("RGB")
        left, top = (picture.width - chosen.crop) // 2, (picture.height - chosen.crop) // 2
        picture = picture.crop((left, top, left + chosen.crop, top + chosen.crop))
        packed[index] = np.asarray(picture.resize((chosen.size, chosen.size), Image.Resampling.LANCZOS))
    packed.flush()
    print(json.dumps({"perSecond": len(names) / (time.perf_counter() - start), "count": len(names)}))


if __name__ == "__main__":
    main()
