"""Speed of single convolutions, and the limit of the processor."""

import json

# A forward pass and each of the two gradients have the same number of operations.
PASSES = ["Forward", "Input", "Weight"]


def limit(report, layer):
    """Operations per second of a plain product or a plain copy, whichever is less."""
    return min(report["productPerSecond"], report["copyBytesPerSecond"] * layer["operations"] / layer["bytes"])


def rows(report):
    """For each layer: name, GFLOP, MB, limit, and the speed of the three passes with fast and plain kernels, in GFLOP/s."""
    found = []
    for layer in report["layers"]:
        found.append({
            "name": layer["name"], "gflop": layer["operations"] / 1e9, "megabytes": layer["bytes"] / 1e6,
            "limit": limit(report, layer) / 1e9,
            **{kernels: [layer["operations"] / layer[kernels + one] / 1e9 for one in PASSES]
               for kernels in ("fast", "plain")},
        })
    return found


def table(report):
    """Markdown table."""
    lines = [
        "| layer | GFLOP | MB | limit | forward | input's gradient | weights' gradient |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows(report):
        cells = [f"{fast:.0f} ({plain:.0f})" for fast, plain in zip(row["fast"], row["plain"])]
        lines.append(
            f"| {row['name']} | {row['gflop']:.2f} | {row['megabytes']:.0f} | {row['limit']:.0f} | "
            + " | ".join(cells) + " |")
    return "\n".join(lines)


def write(path, report):
    with open(path, "w") as file:
        json.dump(report, file, indent=2)
        file.write("\n")
