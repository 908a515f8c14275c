"""Writes the pictures of a packed store as a zip of JPEGs: store_to_zip.py STORE ZIP LIMIT

LIMIT is the largest size in bytes. The quality of the JPEGs is 92, or less if they exceed the limit; if quality 80 is not
enough, the zip has as many of the pictures as fit.
"""

import io
import pathlib
import sys
import zipfile

from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "peers"))

from stores import pictures  # noqa: E402


def encoded(image, quality):
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=quality, subsampling=0, optimize=True)
    return stream.getvalue()


def main():
    store, path, limit = sys.argv[1], sys.argv[2], int(sys.argv[3])
    images = pictures(store)
    # A file in a zip has about 120 bytes of headers with such a name.
    sample = images[:: max(1, len(images) // 500)]
    quality = 92
    while quality > 80 and sum(len(encoded(one, quality)) + 120 for one in sample) / len(sample) * len(images) > 0.98 * limit:
        quality -= 4
    written = size = 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for index, image in enumerate(images):
            data = encoded(image, quality)
            if size + len(data) + 120 > limit:
                break
            archive.writestr(f"{index:06d}.jpg", data)
            written, size = written + 1, size + len(data) + 120
    print(f"{written} of {len(images)} pictures with quality {quality}, {size >> 20} MiB")


if __name__ == "__main__":
    main()
