"""Creates Tests/Goldens/Metrics/judges.*: metrics of other programs on the same features, logits and pictures.

    pip install numpy scipy scikit-learn scikit-image torch torchvision safetensors
    pip install pytorch-fid torch-fidelity prdc torchmetrics
    python Tests/Goldens/make_judges.py

The pictures are those of make_metrics.py, repeated to larger sides.
"""

import json
import pathlib

import numpy as np
import torch

try:  # A torchvision without compiled operators cannot be imported unless these names exist.
    library = torch.library.Library("torchvision", "DEF")
    for name in ["nms", "qnms"]:
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
except RuntimeError:
    pass

from prdc import compute_prdc
from pytorch_fid.fid_score import calculate_frechet_distance
from safetensors.numpy import load_file, save_file
from scipy.stats import spearmanr
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_isc import isc_features_to_metric
from torch_fidelity.metric_kid import kernel_mmd
from torch_fidelity.metric_prc import calculate_precision_recall_full, calculate_precision_recall_part
from torch_fidelity.noise import batch_lerp, batch_slerp_any
from torchmetrics.functional.image import (
    multiscale_structural_similarity_index_measure,
    peak_signal_noise_ratio as torchmetrics_psnr,
    structural_similarity_index_measure,
)

HERE = pathlib.Path(__file__).parent / "Metrics"
KID = dict(kid_kernel="poly", kid_kernel_poly_degree=3, kid_kernel_poly_gamma=None, kid_kernel_poly_coef0=1)
BETAS = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]


def features(count, dimension, seed, mean=0.0, scale=1.0):
    """Correlated and skewed features, as those of networks."""
    rng = np.random.default_rng(seed)
    mix = np.random.default_rng(9).normal(size=(dimension, dimension)) / np.sqrt(dimension)
    x = rng.normal(size=(count, dimension)) @ mix * scale + mean
    return np.maximum(x, 0.1 * x).astype(np.float32)


def frechet(a, b):
    a, b = a.astype(np.float64), b.astype(np.float64)
    ours = fid_statistics_to_metric(
        *(fid_features_to_statistics(torch.from_numpy(x)) for x in (a, b)), verbose=False)
    theirs = calculate_frechet_distance(
        a.mean(0), np.cov(a, rowvar=False), b.mean(0), np.cov(b, rowvar=False))
    return {"torchFidelity": ours["frechet_inception_distance"], "pytorchFID": float(theirs)}


def kernel(a, b, subsets):
    a, b = a.astype(np.float64), b.astype(np.float64)
    return {
        "whole": float(kernel_mmd(a[:200], b[:200], **KID)),
        "mean": float(np.mean([kernel_mmd(a[i], b[j], **KID) for i, j in zip(*subsets)])),
    }


def neighbours(real, made):
    cases = []
    for k, density_k in [(3, 5), (1, 2), (5, 3)]:
        two = [compute_prdc(real, made, nearest_k=n) for n in (k, density_k)]
        fidelity = [f(torch.from_numpy(made), torch.from_numpy(real), k, 64)
                    for f in (calculate_precision_recall_full, calculate_precision_recall_part)]
        assert np.allclose(fidelity[0], fidelity[1]), fidelity
        cases.append({
            "neighbours": k, "densityNeighbours": density_k,
            "precision": float(two[0]["precision"]), "recall": float(two[0]["recall"]),
            "density": float(two[1]["density"]), "coverage": float(two[1]["coverage"]),
            "fidelityPrecision": fidelity[0][0], "fidelityRecall": fidelity[0][1]})
    return cases


def pairs(real, made):
    """Metrics of pairs of pictures, bytes [N, H, W, 3]. All programs receive the same levels in 0...1."""
    x, y = (a.astype(np.float64) / 255 for a in (real, made))
    tx, ty = (torch.from_numpy(a).permute(0, 3, 1, 2) for a in (x, y))
    # The luma of scikit-image is in 16...235, unrounded.
    lx, ly = (rgb2ycbcr(a)[..., 0] for a in (x, y))
    window = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
    side = x.shape[1]
    scales = max(s for s in range(1, 6) if side >> (s - 1) >= 11)
    betas = np.array(BETAS[:scales]) / (1 if scales == 5 else sum(BETAS[:scales]))

    def mirrored(a, b, **more):
        return structural_similarity_index_measure(a, b, data_range=1.0, reduction="none", **more)

    multi = multiscale_structural_similarity_index_measure(
        tx, ty, data_range=1.0, betas=tuple(betas.tolist()), normalize="relu", reduction="none")
    # The same without the mirrored borders of torchmetrics at the coarsest scale.
    sx, sy = tx, ty
    for _ in range(scales - 1):
        sx, sy = (torch.nn.functional.avg_pool2d(a, 2) for a in (sx, sy))
    last = np.array([
        structural_similarity(a, b, data_range=1.0, channel_axis=0, **window)
        for a, b in zip(sx.numpy(), sy.numpy())])
    inside = multi.numpy() * (last.clip(0) / mirrored(sx, sy).numpy().clip(1e-12)) ** betas[-1]
    return {
        "psnr": [peak_signal_noise_ratio(a, b, data_range=1.0) for a, b in zip(x, y)],
        "psnrTorchmetrics": torchmetrics_psnr(
            tx, ty, data_range=1.0, reduction="none", dim=(1, 2, 3)).tolist(),
        "psnrLuma": [peak_signal_noise_ratio(a[4:-4, 4:-4], b[4:-4, 4:-4], data_range=255.0)
                     for a, b in zip(lx, ly)],
        "ssimInside": [structural_similarity(a, b, data_range=1.0, channel_axis=2, **window)
                       for a, b in zip(x, y)],
        "ssimLumaInside": [structural_similarity(a, b, data_range=255.0, **window) for a, b in zip(lx, ly)],
        "ssimMirrored": mirrored(tx, ty).tolist(),
        "scales": scales, "msSSIMMirrored": multi.tolist(), "msSSIMInside": inside.tolist(),
    }


def paths():
    rng = np.random.default_rng(5)
    a, b = (torch.from_numpy(rng.normal(size=(40, 6))) for _ in range(2))
    b[3], b[7] = 2 * a[3], -a[7]  # no great circle exists
    lengths = rng.gamma(1.0, 3.0, 137)
    low = np.percentile(lengths, 1, method="lower")
    high = np.percentile(lengths, 99, method="higher")
    tensors = {"latentsA": a, "latentsB": b, "spherical": batch_slerp_any(a, b, 0.3), "linear": batch_lerp(a, b, 0.3)}
    kept = lengths[(low <= lengths) & (lengths <= high)]
    return {k: v.numpy() for k, v in tensors.items()} | {"lengths": lengths}, float(kept.mean())


if __name__ == "__main__":
    real, made = features(240, 12, 1), features(200, 12, 2, mean=0.15, scale=1.1)
    few = [features(20, 24, 3), features(16, 24, 4, mean=0.3)]
    fewer = features(10, 12, 7)
    far = [x + np.float32(1000) for x in (real, made)]
    rng = np.random.default_rng(6)
    logits = (rng.normal(size=(120, 10)) * 3).astype(np.float32)
    scores = rng.normal(size=(150, 5)).astype(np.float32)
    labels = (scores + rng.normal(size=scores.shape) > [0.0, 1.5, -1.0, 0.5, 9.0]).astype(np.uint8)
    x = rng.integers(0, 9, 40).astype(np.float64)
    y = x + rng.normal(0, 3, 40).round()
    subsets = [np.stack([rng.choice(n, 50, replace=False) for _ in range(3)]) for n in (240, 200)]
    tensors, kept = paths()
    photos = load_file(HERE / "pictures.safetensors")
    similar = [photos["real"], (0.7 * photos["real"] + 0.3 * photos["made"]).astype(np.uint8)]
    sides = {}
    for repeats, count in [(1, 6), (2, 3), (4, 2), (6, 2)]:
        tiled = [np.tile(a[:count], (1, repeats, repeats, 1)) for a in similar]
        # Make the tiles different: half the brightness at the top.
        side = 32 * repeats
        shade = np.arange(side, 2 * side)[None, :, None, None]
        tiled = [(a * shade // (2 * side)).astype(np.uint8) for a in tiled]
        sides[str(32 * repeats)] = {"repeats": repeats, "count": count} | pairs(*tiled)
    opposite = [photos["real"][:2], 255 - photos["real"][:2]]
    save_file(
        {"real": real, "made": made, "few": few[0], "fewMade": few[1], "logits": logits, "scores": scores,
         "labels": labels, "ranksA": x, "ranksB": y, "similar": similar[1][:6], "fewer": fewer,
         "subsetsFirst": subsets[0], "subsetsSecond": subsets[1], **tensors},
        HERE / "judges.safetensors")
    (HERE / "judges.safetensors").chmod(0o644)
    isc = {str(n): isc_features_to_metric(torch.from_numpy(logits), n, shuffle=False) for n in (1, 7, 10)}
    golden = {
        "frechet": {"usual": frechet(real, made), "far": frechet(*far), "few": frechet(*few),
                    "fewToMany": frechet(fewer, made)},
        "kernel": kernel(real, made, subsets),
        "inceptionScore": {k: v["inception_score_mean"] for k, v in isc.items()},
        "neighbours": neighbours(real, made),
        "pairs": sides, "opposite": pairs(*opposite),
        "keptLength": kept,
        "accuracy": [accuracy_score(labels[:, i], scores[:, i] > 0) for i in range(5)],
        "balancedAccuracy": [balanced_accuracy_score(labels[:, i], scores[:, i] > 0) for i in range(5)],
        "spearman": float(spearmanr(x, y).statistic),
    }
    (HERE / "judges.json").write_text(json.dumps(golden, indent=1) + "\n")
