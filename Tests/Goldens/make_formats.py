"""Creates Tests/Goldens/Formats: BMP, TIFF, HEIC and AVIF files with the pixels that Pillow reads from them.

    python3 Tests/Goldens/make_formats.py        (requires pillow, pillow-heif and numpy)

Every `X.EXT.rgb` or `X.EXT.rgba` contains the upright 8-bit pixels (HWC) of the file `X.EXT`. Layouts that Pillow cannot
write, or reads incorrectly, are written here byte by byte, with the pixels that the format's specification defines.
"""

import io
import struct
import sys
from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image, ImageOps

out = Path(__file__).parent / "Formats"
W, H = 21, 13


def scene(channels=3):
    """A picture with gradients and an edge."""
    y, x = np.mgrid[0:H, 0:W].astype(np.float64)
    planes = [128 + 100 * np.sin(x / (4 + 2 * c) + c) * np.cos(y / (6 - c)) for c in range(channels)]
    array = np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)
    array[H // 2:, : W // 3, :3] = [240, 30, 60]
    return array


def expected(name, data, array):
    (out / name).write_bytes(data)
    (out / f"{name}.{'rgba' if array.shape[-1] == 4 else 'rgb'}").write_bytes(np.ascontiguousarray(array, np.uint8).tobytes())


def keep(name, data, mode="RGB"):
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert(mode)
    expected(name, data, np.asarray(image))


def encoded(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


# ---- BMP -------------------------------------------------------------------------------------------------------------

def bmp(bits, rows, height=H, header=40, compression=0, palette=b"", masks=b"", extra=b""):
    """A BMP file from its stored rows."""
    if header == 12:
        info = struct.pack("<IHHHH", 12, W, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", header, W, height, 1, bits, compression, len(rows), 2835, 2835,
                           len(palette) // 4 if palette else 0, 0) + extra
    start = 14 + len(info) + len(masks) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start) + info + masks + palette + rows


def padded(rows):
    return b"".join(row + b"\0" * (-len(row) % 4) for row in rows)


def run_lengths(indices, bits):
    """RLE8 or RLE4: runs, literal pixels, a skipped row and a skipped part of a row."""
    data = b""
    for row in indices[::-1]:
        x = 0
        while x < W:
            run = 1
            while x + run < W and run < 255 and row[x + run] == row[x]:
                run += 1
            if run >= 3:
                value = int(row[x])
                data += bytes([run, value if bits == 8 else value * 17])
                x += run
                continue
            literal = min(W - x, 5)
            if literal < 3:
                for value in row[x:x + literal]:
                    data += bytes([1, int(value) if bits == 8 else int(value) * 16])
                x += literal
                continue
            values = [int(v) for v in row[x:x + literal]]
            body = bytes(values) if bits == 8 else bytes(
                values[i] << 4 | (values[i + 1] if i + 1 < literal else 0) for i in range(0, literal, 2))
            data += bytes([0, literal]) + body + b"\0" * (len(body) % 2)
            x += literal
        data += b"\0\0"
    return data + b"\0\1"


def bmps():
    array = scene()
    up = array[::-1]
    keep("rgb24.bmp", encoded(Image.fromarray(array), "BMP"))
    keep("palette8.bmp", encoded(Image.fromarray(array).quantize(200), "BMP"))
    keep("gray8.bmp", encoded(Image.fromarray(array[..., 0]), "BMP"))
    keep("bilevel.bmp", encoded(Image.fromarray(array[..., 0]).convert("1"), "BMP"))
    rows24 = [row[:, ::-1].tobytes() for row in up]
    expected("os2.bmp", bmp(24, padded(rows24), header=12), array)
    expected("topdown.bmp", bmp(24, padded(rows24[::-1]), height=-H), array)
    x32 = np.concatenate([up[..., ::-1], np.full((H, W, 1), 77, np.uint8)], -1)
    expected("x32.bmp", bmp(32, x32.tobytes()), array)
    rgba = scene(4)
    v4 = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + b"\0" * 52
    expected("alpha32.bmp", bmp(32, rgba[::-1][..., [2, 1, 0, 3]].tobytes(), header=108, compression=3, extra=v4), rgba)
    blank = np.concatenate([up[..., ::-1], np.zeros((H, W, 1), np.uint8)], -1)
    opaque = np.concatenate([array, np.full((H, W, 1), 255, np.uint8)], -1)
    expected("alpha32-unused.bmp", bmp(32, blank.tobytes(), header=108, compression=3, extra=v4), opaque)
    five = lambda v: np.round(v * 255 / 31)
    r, g, b = (array[..., c].astype(np.uint16) for c in range(3))
    packed = (r >> 3) << 10 | (g >> 3) << 5 | b >> 3
    expected("rgb555.bmp", bmp(16, padded([row.astype("<u2").tobytes() for row in packed[::-1]])),
             np.stack([five(r >> 3), five(g >> 3), five(b >> 3)], -1))
    packed = (r >> 3) << 11 | (g >> 2) << 5 | b >> 3
    masks = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    expected("rgb565.bmp", bmp(16, padded([row.astype("<u2").tobytes() for row in packed[::-1]]), compression=3, masks=masks),
             np.stack([five(r >> 3), np.round((g >> 2) * 255 / 63), five(b >> 3)], -1))
    for bits in (4, 8):
        indices = array[..., 0] >> 4
        indices[3] = 5
        colors = np.random.default_rng(bits).integers(0, 256, (16, 3), dtype=np.uint8)
        palette = b"".join(bytes([*c[::-1], 0]) for c in colors)
        expected(f"rle{bits}.bmp", bmp(bits, run_lengths(indices, bits), compression=1 if bits == 8 else 2, palette=palette),
                 colors[indices])
    half = array[..., 0] >> 4
    rows = [bytes(int(row[i]) << 4 | (int(row[i + 1]) if i + 1 < W else 0) for i in range(0, W, 2)) for row in half[::-1]]
    expected("palette4.bmp", bmp(4, padded(rows), palette=palette), colors[half])


# ---- TIFF ------------------------------------------------------------------------------------------------------------

def big_endian_tiff(array):
    """An uncompressed RGB file in the byte order of Motorola."""
    pixels = array.tobytes()
    entries = [(256, 4, 1, W), (257, 4, 1, H), (258, 3, 1, 8 << 16), (259, 3, 1, 1 << 16), (262, 3, 1, 2 << 16),
               (273, 4, 1, 8), (277, 3, 1, 3 << 16), (278, 4, 1, H), (279, 4, 1, len(pixels))]
    directory = struct.pack(">H", len(entries)) + b"".join(struct.pack(">HHII", *e) for e in entries) + b"\0" * 4
    return b"MM\0*" + struct.pack(">I", 8 + len(pixels) + len(pixels) % 2) + pixels + b"\0" * (len(pixels) % 2) + directory


def tiffs():
    array = scene()
    image = Image.fromarray(array)
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        keep(f"{compression.replace('tiff_', '')}.tif", encoded(image, "TIFF", compression=compression))
    keep("gray.tif", encoded(image.convert("L"), "TIFF"))
    keep("group4.tif", encoded(image.convert("1"), "TIFF", compression="group4"))
    keep("palette.tif", encoded(image.quantize(99), "TIFF"))
    keep("cmyk.tif", encoded(image.convert("CMYK"), "TIFF"))
    keep("rgba.tif", encoded(Image.fromarray(scene(4)), "TIFF"), "RGBA")
    expected("big-endian.tif", big_endian_tiff(array), array)
    deep = np.random.default_rng(3).integers(0, 65536, (H, W), dtype=np.uint16)
    gray = np.round(deep / 257).astype(np.uint8)
    expected("gray16.tif", encoded(Image.fromarray(deep), "TIFF"), np.stack([gray] * 3, -1))
    for orientation in range(1, 9):
        keep(f"orientation-{orientation}.tif", encoded(image, "TIFF", tiffinfo={274: orientation}, compression="tiff_lzw"))
    pages = encoded(image, "TIFF", save_all=True, append_images=[Image.fromarray(255 - array)])
    keep("pages.tif", pages)


# ---- HEIC, AVIF ------------------------------------------------------------------------------------------------------

def heifs():
    image = Image.fromarray(np.repeat(np.repeat(scene(), 4, 0), 4, 1))
    pillow_heif.register_heif_opener()
    # Chroma at full resolution: programs enlarge reduced chroma in different ways.
    keep("rgb.heic", encoded(image, "HEIF", quality=90, chroma=444))
    deep = (np.asarray(image).astype(np.uint16) << 8).tobytes()
    ten = pillow_heif.from_bytes("RGB;16", image.size, deep)
    buffer = io.BytesIO()
    ten.save(buffer, quality=90, chroma=444)
    keep("rgb10.heic", buffer.getvalue())
    keep("rgb.avif", encoded(image, "AVIF", quality=90, subsampling="4:4:4"))
    alpha = image.copy()
    alpha.putalpha(image.getchannel(0).point(lambda v: 0 if v < 90 else 255))
    keep("alpha.avif", encoded(alpha, "AVIF", quality=100, subsampling="4:4:4"), "RGBA")
    exif = Image.Exif()
    exif[0x0112] = 6
    keep("orientation-6.avif", encoded(image, "AVIF", quality=90, subsampling="4:4:4", exif=exif))


if __name__ == "__main__":
    out.mkdir(exist_ok=True)
    for old in out.iterdir():
        old.unlink()
    bmps()
    tiffs()
    heifs()
    print(sum(f.stat().st_size for f in out.iterdir()), "bytes in", len(list(out.iterdir())), "files", file=sys.stderr)
