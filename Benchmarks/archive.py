"""JPEG photographs to pack: CelebA if it is available, else built-in faces."""

import io
import os
import sys
import zipfile


def photographs(folder, facegan, count):
    """Path of a zip archive with at least `count` JPEGs of 178 x 218, and a description of them."""
    real = os.path.join(os.environ.get("FACEGAN_REAL_DATA") or "", "celeba/img_align_celeba.zip")
    if os.path.isfile(real):
        return real, "CelebA's photographs"
    path = os.path.join(folder, f"photographs-{count}.zip")
    if not os.path.exists(path):
        _draw(folder, facegan, count, path)
    return path, "built-in faces as JPEGs of CelebA's size (FACEGAN_REAL_DATA has no photographs)"


def _draw(folder, facegan, count, path):
    from PIL import Image

    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers"))
    from stores import pictures

    # A few different faces suffice, because every file is decoded.
    store = os.path.join(folder, "large.faces")
    facegan("data", "prepare", f"builtin:{min(count, 500)}", "--resolution", "256", "--out", store)
    faces = pictures(store)
    with zipfile.ZipFile(path + ".new", "w") as archive:
        for index in range(count):
            file = io.BytesIO()
            Image.fromarray(faces[index % len(faces)][19:237, 39:217]).save(file, "JPEG", quality=92)
            archive.writestr(f"img_align_celeba/{index + 1:06}.jpg", file.getvalue())
    os.replace(path + ".new", path)
