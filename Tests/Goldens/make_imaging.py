"""Creates Tests/Goldens/Imaging: files written and read by Pillow.

    python3 Tests/Goldens/make_imaging.py        (requires pillow and numpy)

Every `X.rgb`, `X.rgba` or `X.grey` contains the 8-bit pixels (HWC) that Pillow reads from the file of that name.
`resize.json` lists the resizes. Their results are PNG files.
"""

import io
import json
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, __version__

out = Path(__file__).parent / "Imaging"
random = np.random.default_rng(7)


def scene(width, height, channels=3):
    """A picture with gradients, edges and noise."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    planes = []
    for c in range(channels):
        plane = 128 + 90 * np.sin(x / (5 + 3 * c) + c) * np.cos(y / (9 - 2 * c))
        plane[(x - width * 0.6) ** 2 + (y - height * 0.4) ** 2 < (min(width, height) * 0.25) ** 2] = 230 - 90 * c
        plane[height // 2 :, : width // 4] = 20 + 40 * c
        planes.append(plane + random.normal(0, 12, plane.shape) * (x > width * 0.7))
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def picture(array):
    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)


def keep(name, data, mode):
    (out / name).write_bytes(data)
    pixels = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert({"grey": "L"}.get(mode, mode.upper()))
    (out / (name.rsplit(".", 1)[0] + "." + mode)).write_bytes(pixels.tobytes())


def encoded(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def resizes():
    sources = {"colour": scene(61, 47), "grey": scene(53, 38, 1), "wide": scene(90, 1), "tall": scene(1, 70),
               "photo": scene(178, 178), "dot": scene(1, 1)}
    for name, array in sources.items():
        (out / f"source-{name}.png").write_bytes(encoded(picture(array), "PNG"))
    cases = []
    jobs = [
        ("colour", (32, 32), None), ("colour", (61, 20), None), ("colour", (17, 47), None), ("colour", (150, 101), None),
        ("colour", (1, 1), None), ("colour", (60, 48), None), ("colour", (24, 24), (3.25, 1.5, 58.75, 44.1)),
        ("grey", (16, 16), None), ("grey", (100, 99), None), ("grey", (7, 38), None), ("wide", (33, 1), None),
        ("wide", (180, 3), None), ("tall", (4, 31), None), ("photo", (64, 64), None), ("dot", (5, 4), None),
    ]
    filters = {"lanczos": Image.LANCZOS, "box": Image.BOX, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}
    for source, size, box in jobs:
        for name, code in filters.items():
            result = picture(sources[source]).resize(size, code, box=box)
            file = f"resized-{len(cases)}.png"
            (out / file).write_bytes(encoded(result, "PNG", optimize=True))
            cases.append({"source": f"source-{source}.png", "filter": name, "box": box, "result": file})
    (out / "resize.json").write_text(json.dumps({"pillow": __version__, "cases": cases}, indent=0) + "\n")


def jpegs():
    colour, grey = picture(scene(45, 35)), picture(scene(45, 35, 1))
    for sampling in (0, 1, 2):
        keep(f"sampling-{sampling}.jpg", encoded(colour, "JPEG", quality=90, subsampling=sampling), "rgb")
    keep("grey.jpg", encoded(grey, "JPEG", quality=90), "grey")
    keep("progressive.jpg", encoded(colour, "JPEG", quality=85, progressive=True), "rgb")
    keep("restart.jpg", encoded(colour, "JPEG", quality=85, restart_marker_blocks=2), "rgb")
    keep("cmyk.jpg", encoded(colour.convert("CMYK"), "JPEG", quality=92), "rgb")
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        keep(f"orientation-{orientation}.jpg", encoded(colour, "JPEG", quality=80, exif=exif), "rgb")


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def raw_png(width, height, depth, colour, rows, extra=b"", interlace=0):
    """A PNG file with the given packed scan lines, with filter byte 0."""
    data = b"".join(b"\0" + row for row in rows)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))
            + extra + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b""))


def pack(values, depth):
    """Packed bytes of rows of small numbers."""
    rows = []
    for row in values:
        bits = "".join(format(int(v), f"0{depth}b") for v in row)
        bits += "0" * (-len(bits) % 8)
        rows.append(int(bits, 2).to_bytes(len(bits) // 8, "big"))
    return rows


def interlaced(array):
    """Rows of the seven Adam7 passes, in order."""
    rows = []
    for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
        part = array[y0::dy, x0::dx]
        if part.size:
            rows += [row.tobytes() for row in part]
    return rows


def expected(name, data, array, mode):
    """Writes a file that Pillow intentionally reads differently, with the pixels that the PNG specification defines."""
    (out / name).write_bytes(data)
    (out / (name.rsplit(".", 1)[0] + "." + mode)).write_bytes(array.astype(np.uint8).tobytes())


def pngs():
    small = scene(19, 13)
    for depth in (1, 2, 4):
        values = scene(19, 13, 1)[..., 0] >> (8 - depth)
        expected(f"grey-{depth}.png", raw_png(19, 13, depth, 0, pack(values, depth)), values * (255 // (2**depth - 1)), "grey")
        palette = random.integers(0, 256, (2**depth, 3), dtype=np.uint8)
        keep(f"palette-{depth}.png", raw_png(19, 13, depth, 3, pack(values, depth), chunk(b"PLTE", palette.tobytes())), "rgb")
    values = scene(19, 13, 1)[..., 0]
    palette = random.integers(0, 256, (256, 3), dtype=np.uint8)
    rows = [row.tobytes() for row in values]
    transparency = chunk(b"PLTE", palette.tobytes()) + chunk(b"tRNS", bytes(range(0, 200, 2)))
    keep("palette-8-alpha.png", raw_png(19, 13, 8, 3, rows, transparency), "rgba")
    keep("grey-8.png", raw_png(19, 13, 8, 0, rows), "grey")
    key = int(values[5, 5])
    alpha = np.where(values == key, 0, 255)
    expected("grey-8-key.png", raw_png(19, 13, 8, 0, rows, chunk(b"tRNS", struct.pack(">H", key))),
             np.stack([values] * 3 + [alpha], -1), "rgba")
    deep = random.integers(0, 65536, (13, 19, 1), dtype=np.uint16)
    expected("grey-16.png", raw_png(19, 13, 16, 0, [r.astype(">u2").tobytes() for r in deep]),
             np.round(deep / 257), "grey")
    deep = random.integers(0, 65536, (13, 19, 3), dtype=np.uint16)
    expected("rgb-16.png", raw_png(19, 13, 16, 2, [r.astype(">u2").tobytes() for r in deep]), np.round(deep / 257), "rgb")
    keep("rgb-8.png", encoded(picture(small), "PNG"), "rgb")
    keep("rgb-interlaced.png", raw_png(19, 13, 8, 2, interlaced(small), interlace=1), "rgb")
    keep("rgba-8.png", encoded(picture(scene(19, 13, 4)), "PNG"), "rgba")
    two = np.stack([values, 255 - values], -1)
    keep("grey-alpha.png", raw_png(19, 13, 8, 4, [r.tobytes() for r in two]), "rgba")
    frames = [picture(scene(19, 13)) for _ in range(3)]
    keep("animated.png", encoded(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=100), "rgb")


def webps():
    keep("lossless.webp", encoded(picture(scene(33, 21)), "WEBP", lossless=True), "rgb")
    keep("lossy.webp", encoded(picture(scene(33, 21)), "WEBP", quality=80), "rgb")
    keep("alpha.webp", encoded(picture(scene(33, 21, 4)), "WEBP", lossless=True, exact=True), "rgba")


if __name__ == "__main__":
    out.mkdir(exist_ok=True)
    for old in out.iterdir():
        old.unlink()
    resizes()
    jpegs()
    pngs()
    webps()
    print(sum(f.stat().st_size for f in out.iterdir()), "bytes in", len(list(out.iterdir())), "files", file=sys.stderr)
