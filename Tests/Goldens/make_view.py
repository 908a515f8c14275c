"""Creates the goldens of discriminator augmentation: each operation with given parameters, computed by other packages.

Requires numpy, scipy, scikit-image, PyWavelets, torch and safetensors. Runs in any folder: python Tests/Goldens/make_view.py
"""
from pathlib import Path

import numpy as np
import pywt
import torch
from safetensors.numpy import save_file
from scipy import ndimage, signal
from scipy.spatial.transform import Rotation
from skimage.transform import AffineTransform

OUT = Path(__file__).parent / "Objectives"
random = np.random.default_rng(3)
N, H, W = 3, 9, 12
images = random.uniform(-1, 1, (N, 3, H, W))
found = {"images": images}

# --- filters --------------------------------------------------------------------------------------------------------

sym6 = np.array(pywt.Wavelet("sym6").rec_lo)
found["sym6"] = sym6

sym2 = pywt.Wavelet("sym2")
low = np.convolve(sym2.dec_lo, sym2.rec_lo) / 2
high = np.convolve(sym2.dec_hi, sym2.rec_hi) / 2


def spread(taps, factor):
    return signal.upfirdn([1], taps, up=factor)


bands = [
    np.convolve(np.convolve(low, spread(low, 2)), spread(low, 4)),
    np.convolve(np.convolve(low, spread(low, 2)), spread(high, 4)),
    np.convolve(low, spread(high, 2)),
    high,
]
bands = np.stack([np.pad(b, (43 - len(b)) // 2) for b in bands])
found["bands"] = bands

gains = np.array([[1.0, 1, 1, 1], [0.5, 2, 1, 1.5], [1.2, 0.1, 3, 0.4]])
taps = gains @ bands
filtered = [
    ndimage.convolve1d(ndimage.convolve1d(picture, t, axis=1, mode="mirror"), t, axis=2, mode="mirror")
    for picture, t in zip(images, taps)
]
found |= {"filter.gains": gains, "filter": np.stack(filtered)}

# Gain 1.7 in the third band, then 0.6 in the first. The power of a picture with the spectrum 1/f is preserved.
power = np.array([10, 1, 1, 1]) / 13
amplified = np.ones(4)
for band, factor in ((2, 1.7), (0, 0.6)):
    factors = np.where(np.arange(4) == band, factor, 1)
    amplified = amplified * factors / np.sqrt(power @ factors**2)
found["amplified"] = amplified

# --- geometry -------------------------------------------------------------------------------------------------------

# mirrored, quarter turns, shift x, y, scale, rotation before, stretch, rotation after, translation x, y
parameters = np.array([
    [0, 0, 0, 0, 1, 0, 1, 0, 0, 0],
    [1, 1, 1, -2, 1.3, 0.4, 0.8, -1.1, 0.7, -1.6],
    [0, 3, -1, 0, 0.75, -2.5, 1.2, 0.3, -2.2, 0.1],
])
matrices = []
for mirrored, quarters, sx, sy, scale, before, stretch, after, mx, my in parameters:
    steps = [
        AffineTransform(scale=(-1 if mirrored else 1, 1)), AffineTransform(rotation=quarters * np.pi / 2),
        AffineTransform(translation=(sx, sy)), AffineTransform(scale=scale), AffineTransform(rotation=before),
        AffineTransform(scale=(stretch, 1 / stretch)), AffineTransform(rotation=after),
        AffineTransform(translation=(mx, my)),
    ]
    whole = steps[0]
    for step in steps[1:]:
        whole = whole + step
    matrices.append(np.linalg.inv(whole.params)[:2])
matrices = np.stack(matrices)
found |= {"geometry.parameters": parameters, "geometry": matrices}


def oversampled(picture, matrix, margin=40):
    """Warps a picture: mirrored padding, upsampling by 2, bilinear sampling, downsampling by 2."""
    dense = np.pad(picture, ((0, 0), (margin, margin), (margin, margin)), mode="reflect")
    for axis in (1, 2):
        dense = signal.upfirdn(sym6, dense, up=2, axis=axis)
    middle = sym6 @ np.arange(12) / sym6.sum() + np.array([W - 1, H - 1])
    rows, columns = np.meshgrid(np.arange(2 * H + 10), np.arange(2 * W + 10), indexing="ij")
    view = np.stack([columns, rows], -1) - middle
    places = view @ matrix[:, :2].T + 2 * matrix[:, 2] + middle + 2 * margin
    grid = 2 * places / (np.array(dense.shape[:0:-1]) - 1) - 1
    assert abs(grid).max() < 1
    seen = torch.nn.functional.grid_sample(
        torch.tensor(dense)[None], torch.tensor(grid)[None], mode="bilinear", align_corners=True)[0].numpy()
    for axis in (1, 2):
        seen = signal.upfirdn(sym6[::-1], seen, axis=axis)
    return seen[:, 11:, 11:][:, :2 * H:2, :2 * W:2]


def bilinear(picture, matrix, mode):
    """Matrix for scipy, which has rows first and the origin in the corner."""
    matrix = matrix[::-1]
    turned, middle = matrix[:, 1::-1], np.array([H - 1, W - 1]) / 2
    offset = matrix[:, 2] + middle - turned @ middle
    return np.stack([ndimage.affine_transform(p, turned, offset, order=1, mode=mode) for p in picture])


found["oversampled"] = np.stack([oversampled(*pair) for pair in zip(images, matrices)])
found["mirrored"] = np.stack([bilinear(*pair, "mirror") for pair in zip(images, matrices)])
found["zeros"] = np.stack([bilinear(*pair, "grid-constant") for pair in zip(images, matrices)])

# --- colors --------------------------------------------------------------------------------------------------------

# brightness, contrast, luma flipped, hue, saturation
parameters = np.array([[0, 1, 0, 0, 1], [0.3, 1.4, 1, 2.0, 0.5], [-0.2, 0.7, 0, -0.9, 2.5]])
colours = []
for picture, (brightness, contrast, flipped, hue, saturation) in zip(images, parameters):
    x = (picture + brightness) * contrast
    if flipped:
        x = x - 2 * x.mean(0)
    turn = Rotation.from_rotvec(hue * np.ones(3) / np.sqrt(3))
    x = turn.apply(x.reshape(3, -1).T).T.reshape(x.shape)
    grey = x.mean(0)
    colours.append(grey + (x - grey) * saturation)
found |= {"colours.parameters": parameters, "colours": np.stack(colours)}

# --- corruption -----------------------------------------------------------------------------------------------------

noise = random.standard_normal(images.shape)
deviations = np.array([0, 0.1, 0.25])
corrupted = images + noise * deviations[:, None, None, None]
corrupted[1, :, 0:4, 7:12] = 0
corrupted[2, :, 3:8, 0:6] = 0
found |= {"noise": noise, "noise.deviations": deviations, "corrupted": corrupted}

# --- diffaugment ----------------------------------------------------------------------------------------------------

# brightness, saturation, contrast, shift x, y
parameters = np.array([[0, 1, 1, 0, 0], [0.4, 1.7, 0.6, 2, -1], [-0.3, 0.2, 1.4, -1, 1]])
changed = []
for picture, (brightness, saturation, contrast, sx, sy) in zip(images, parameters):
    x = picture + brightness
    x = (x - x.mean(0, keepdims=True)) * saturation + x.mean(0, keepdims=True)
    x = (x - x.mean()) * contrast + x.mean()
    changed.append(ndimage.shift(x, (0, sy, sx), order=0, mode="constant", cval=0))
changed = np.stack(changed)
changed[1, :, 5:9, 8:12] = 0
changed[2, :, 0:3, 2:8] = 0
found |= {"diffaugment.parameters": parameters, "diffaugment": changed}

OUT.mkdir(exist_ok=True)
save_file({key: np.ascontiguousarray(value) for key, value in found.items()}, OUT / "view.safetensors")
