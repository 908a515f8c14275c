"""Creates Tests/Goldens/Editing/closed_form.safetensors: eigenvectors and principal components of numpy.

    pip install numpy safetensors
    python Tests/Goldens/make_editing.py
"""

import pathlib

import numpy as np
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent / "Editing"
COUNT = 5


def oriented(rows):
    """Unit vectors whose component with the largest absolute value is positive."""
    return np.stack([row * np.sign(row[np.argmax(np.abs(row))]) for row in rows])


def leading(matrix):
    values, vectors = np.linalg.eigh(matrix)
    order = np.argsort(values)[::-1][:COUNT]
    return oriented(vectors[:, order].T)


def main():
    rng = np.random.default_rng(7)
    # Scales along the axes keep the eigenvalues apart.
    scales = np.linspace(3, 0.5, 12)
    weights = rng.normal(size=(40, 12)) * scales
    latents = rng.normal(size=(200, 12)) * scales + rng.normal(size=12)
    features = rng.normal(size=(200, 9)) * np.linspace(4, 0.5, 9) + latents[:, :9]
    rows = weights / np.linalg.norm(weights, axis=1, keepdims=True)
    centered = latents - latents.mean(0)
    coordinates = (features - features.mean(0)) @ leading(np.cov(features.T)).T
    carried = np.linalg.lstsq(coordinates, centered, rcond=None)[0]
    carried /= np.linalg.norm(carried, axis=1, keepdims=True)
    HERE.mkdir(exist_ok=True)
    tensors = {
        "weights": weights,
        "sefa": leading(rows.T @ rows),
        "latents": latents,
        "components": leading(np.cov(latents.T)),
        "features": features,
        "carried": carried,
    }
    save_file({k: np.ascontiguousarray(v, np.float32) for k, v in tensors.items()}, HERE / "closed_form.safetensors")


if __name__ == "__main__":
    main()
