"""Part speed of scripts/gpu-check: every recipe with and without CUDA graphs, beside PyTorch."""

import json
import re
import shutil
import sys
import time

from common import last_lines
from runs import rates, settings, side_of, store

# The most relevant first, because the time may end.
RECIPES = ["dcgan", "wgan-gp", "sagan", "stylegan2", "r3gan", "conditional", "progan", "superres", "dfl", "attributes", "convert",
           "detail", "lsgan", "wgan", "dcgan-dense"]


def measure(check, recipe, words, seconds, name, more=()):
    """Trains a recipe for some seconds. Returns rate, memory and the reason of a failure."""
    folder = check.work / "runs" / re.sub(r"[^\w.-]+", "-", name)
    labeled = recipe in ("conditional", "convert", "attributes")
    side = side_of(recipe, check.small)
    # The pictures have 64 x 64 pixels and no attributes.
    built_in = "builtin:256" if check.small else "builtin:2000"
    try:
        data = built_in if labeled or side > 64 else store(check, side)
    except RuntimeError as error:
        return {"error": str(error)}
    steps = ["--steps", "6"] if check.small else ["--minutes", f"{seconds / 60:.4f}"]
    # A line of the log waits for the device, so fast recipes have few lines.
    fast = recipe in ("dcgan", "lsgan", "wgan", "conditional", "dcgan-dense", "attributes", "progan")
    log = 1 if check.small else 5 if recipe == "wgan-gp" else 50 if fast else 10
    assignments = [part for text in [*settings(recipe, check.small), f"training.logSteps={log}", *more]
                   for part in ("--set", text)]
    status, text, spent, memory = check.ours(
        name, "train", "--recipe", recipe, "--data", data, "--out", folder, "--restart", "--device",
        check.chosen.device, *steps, *assignments, *words, limit=seconds + 45)
    found = rates(folder)
    shutil.rmtree(folder, ignore_errors=True)
    # The first third is warm-up: cuDNN's search, captures, caches.
    found = sorted(found[len(found) // 3:])
    if status != 0 or not found:
        return {"error": f"status {status}: {last_lines(text)}", "seconds": spent}
    return {"imagesPerSecond": found[len(found) // 2], "memoryBytes": memory, "seconds": spent}


def peer(check, name, batch, seconds):
    status, text, _, memory = check.run(
        f"peer {name} {batch}",
        [sys.executable, check.peers / "pytorch_gpu.py", name, "--batch", str(batch), "--seconds", str(seconds),
         "--device", check.chosen.device, *(["--small"] if check.small else [])], 60)
    try:
        found = json.loads(text.splitlines()[-1])
        return {"imagesPerSecond": found["imagesPerSecond"], "peakBytes": found["peakBytes"], "memoryBytes": memory}
    except (ValueError, IndexError, KeyError):
        return {"error": f"status {status}: {last_lines(text)}"}


def number(found):
    if not found:
        return "-"
    return f"{found['imagesPerSecond']:,.0f}" if "imagesPerSecond" in found else "FAILED"


def gigabytes(found):
    bytes = (found or {}).get("memoryBytes")
    return f"{bytes / 1e9:.1f}" if bytes else "-"


def speed(check, budget):
    """A table of images per second: FaceGAN with and without CUDA graphs, and PyTorch in the same run."""
    end = time.monotonic() + budget
    seconds = 1 if check.small else 3
    status, text, _, _ = check.ours("recipes", "recipes", limit=30)
    known = [name for name in RECIPES if re.search(rf"^\s*{re.escape(name)}\b", text, re.M)]
    if check.small:
        known = [name for name in known if name in ("dcgan", "wgan-gp", "sagan", "progan", "superres", "dfl")]
    graphs = check.has_option("train", "--no-graphs")
    if not graphs:
        check.say("note: this version of `facegan train` has no --no-graphs; each recipe is measured once")
    size = 8 if check.small else 128
    large = 8 if check.small else 512
    # Recipe or variant, its settings, its peers with their batch sizes.
    rows = []
    for recipe in known:
        peers = {"wgan-gp": [("wgan-gp", 64)], "sagan": [("sagan", 64)], "progan": [("progan", 128)],
                 "superres": [("superres", 16)], "stylegan2": [("stylegan2", 128)], "conditional": [("dcgan-tuned", 128)],
                 "dcgan": [("dcgan-plain", size), ("dcgan-tuned", size), ("dcgan-graphed", size)]}.get(recipe, [])
        rows.append((recipe, recipe, [f"batchSize={size}"] if recipe == "dcgan" else [], peers))
        if recipe == "dcgan":
            rows.append((f"dcgan, batch {large}", recipe, [f"batchSize={large}"],
                         [("dcgan-tuned", large), ("dcgan-graphed", large)]))
    found, done = {}, {}
    check.results["parts"]["speed"] = found
    for title, recipe, more, peers in rows:
        row = found[title] = {"peers": {}}
        if time.monotonic() > end - 20:
            row["graphs"] = {"error": "no time was left"}
            continue
        row["graphs"] = measure(check, recipe, [], seconds, f"train {title}", more)
        if graphs:
            row["eager"] = measure(check, recipe, ["--no-graphs"], seconds, f"train {title} without graphs", more)
        for name, batch in peers:
            if check.small:
                batch = 4
            if check.chosen.device == "cpu" and name.endswith("graphed"):
                continue
            if (name, batch) not in done:
                done[name, batch] = peer(check, name, batch, seconds)
            row["peers"][name] = done[name, batch]
        check.write()
    check.say(f"{'images/s':26} {'graphs':>9} {'eager':>9} {'GB':>6}   PyTorch")
    for title, row in found.items():
        others = ", ".join(f"{name} {number(one)}" for name, one in row["peers"].items())
        best = max((one.get("imagesPerSecond", 0) for one in row["peers"].values()), default=0)
        mine = row["graphs"].get("imagesPerSecond")
        ratio = f" ({mine / best:.2f} of the fastest)" if mine and best else ""
        check.say(f"{title:26} {number(row['graphs']):>9} {number(row.get('eager')):>9} {gigabytes(row['graphs']):>6}   "
                  f"{others}{ratio}".rstrip())
    for title, row in found.items():
        for kind, one in [*((kind, row.get(kind)) for kind in ("graphs", "eager")), *row["peers"].items()]:
            if one and "error" in one:
                check.say(f"    {title}, {kind}: {one['error']}")
    generation(check, found)


def generation(check, found):
    """Faces per second of the generator, to bytes in memory, and the time of the first face of a process."""
    batch = 8 if check.small else 512
    one = {}
    status, text, _, _ = check.ours(
        "measure generator", "measure", "use", "generator", "--batch", str(batch), "--seconds", "2", "--device",
        check.chosen.device, *(["--width", "8"] if check.small else []), limit=60)
    match = re.search(r'\{"imagesPerSecond": ([\d.e+]+)\}', text)
    one["facesPerSecond"] = float(match[1]) if match else None
    if not match:
        check.say(f"    generation: status {status}: {last_lines(text)}")
    else:
        check.say(f"generation, DCGAN-64 with batch {batch}: {one['facesPerSecond']:,.0f} faces/s to bytes")
    found["generation"] = {"peers": {}, "graphs": {"imagesPerSecond": one["facesPerSecond"] or 0}}
