"""Measures FaceGAN relative to its peers. Benchmarks/run describes the usage."""

import argparse
import glob
import json
import os
import re
import shutil
import statistics
import sys

import archive
import plot
import roofline
from measure import Comparison, Failed, has_bfloat16, machine, run, table, write

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FACEGAN = os.environ.get("FACEGAN_BINARY") or os.path.join(ROOT, ".build/release/facegan")
PEERS = os.path.join(ROOT, "Benchmarks/peers")
FOLDER = os.path.join(ROOT, "out/bench")


class Sizes:
    """Sizes of all measurements."""

    def __init__(self, quick, bfloat16):
        # Whether this machine computes in bfloat16. If not, it would be emulated, at a tenth of the speed of float32.
        self.bfloat16 = bfloat16
        self.pairs = 1 if quick else 5
        # Training: filters, steps, steps between two times. The first interval is excluded.
        self.filters = 8 if quick else 64
        self.steps, self.every = (6, 2) if quick else (20, 4)
        self.criticSteps, self.criticEvery = (2, 1) if quick else (8, 2)
        self.faces = 1000 if quick else 20000
        self.photographs = 100 if quick else 4000
        self.seconds = 0.5 if quick else 3
        self.generated = 64 if quick else 1024
        self.starts = 3 if quick else 21


def say(text):
    print(text, file=sys.stderr, flush=True)


def facegan(*words, cores=None):
    return run([FACEGAN, *words], cores=cores, environment={"FACEGAN_CACHE": f"{FOLDER}/cache"})


def peer(name, *words, cores=None):
    return run([sys.executable, f"{PEERS}/{name}.py", *words], cores=cores)


def images_per_second(output):
    """Rate in the JSON object of `facegan measure use` and of its peer."""
    return json.loads(output)["imagesPerSecond"]


def pictures_per_second(output):
    """Rate in the output of `facegan data prepare`."""
    found = re.search(r"\(([\d,.]+) pictures/s\)", output)
    if not found:
        raise Failed(f"no rate in the output of data prepare:\n{output}")
    return float(found.group(1).replace(",", ""))


def in_pairs(count, ours, theirs, take):
    """Runs both in pairs, with alternating order, and passes the results to `take`."""
    for pair in range(count):
        first, second = (ours, theirs) if pair % 2 == 0 else (theirs, ours)
        a, b = first(), second()
        take(*((a, b) if pair % 2 == 0 else (b, a)))
        say(f"  pair {pair + 1} of {count}")


def steady(rates):
    """Median of the rates without the first one, which contains the warm-up of the engine."""
    return statistics.median(rates[1:])


def toy_store(sizes):
    path = f"{FOLDER}/toy-{sizes.faces}.faces"
    if not os.path.exists(path):
        facegan("data", "prepare", f"builtin:{sizes.faces}", "--out", path)
    return path


# ---- The measurements ----------------------------------------------------------------------------------


def training(sizes):
    """Training with default settings, relative to the plain example and to a tuned script."""
    store = toy_store(sizes)
    goal = ">= 4" if sizes.bfloat16 else ">= 2.6"
    rate = Comparison("training", "training DCGAN-64", "images/s", "PyTorch, plain", goal=goal)
    memory = Comparison(
        "trainingMemory", "  peak memory", "MB", "PyTorch, plain", more_is_better=False, goal="<= 0.6")
    best_peer = "PyTorch, tuned" if sizes.bfloat16 else "PyTorch, tuned, float32"
    tuned = Comparison(
        "trainingTuned", "training DCGAN-64", "images/s", best_peer, goal=">= 1.6" if sizes.bfloat16 else None)
    tuned_memory = Comparison("trainingTunedMemory", "  peak memory", "MB", best_peer, more_is_better=False)
    folder = f"{FOLDER}/run"
    sizing = [
        word for name in ("generator", "discriminator") for word in ("--set", f"{name}.filters={sizes.filters}")]

    def ours():
        ended = facegan(
            "train", "--recipe", "dcgan", "--data", store, "--out", folder, "--restart", "--steps", sizes.steps,
            "--set", f"training.logSteps={sizes.every}", *sizing)
        with open(f"{folder}/log.jsonl") as log:
            return [json.loads(line)["machine"]["imagesPerSecond"] for line in log], ended.peak_bytes

    def theirs(variant):
        ended = peer(
            "pytorch_dcgan", store, "--variant", variant, "--filters", sizes.filters, "--steps", sizes.steps,
            "--every", sizes.every, "--precision", "bf16" if sizes.bfloat16 else "fp32")
        return json.loads(ended.output)["imagesPerSecond"], ended.peak_bytes

    def take(mine, others):
        plain, best = others
        rate.add(steady(mine[0]), steady(plain[0]))
        memory.add(mine[1] / 1e6, plain[1] / 1e6)
        tuned.add(steady(mine[0]), steady(best[0]))
        tuned_memory.add(mine[1] / 1e6, best[1] / 1e6)

    in_pairs(sizes.pairs, ours, lambda: (theirs("plain"), theirs("tuned")), take)
    return [rate, memory, tuned, tuned_memory]


def critic(sizes):
    """Critic step of WGAN-GP with default settings, relative to a plain implementation of the paper."""
    rate = Comparison("critic", "critic of WGAN-GP, 64²", "images/s", "PyTorch, plain", goal=">= 5")
    memory = Comparison("criticMemory", "  peak memory", "MB", "PyTorch, plain", more_is_better=False)
    length = ["--steps", sizes.criticSteps, "--every", sizes.criticEvery]

    def ours():
        return facegan(
            "measure", "critic", "--recipe", "wgan-gp", "--set", "batchSize=32", "--set",
            f"discriminator.filters={sizes.filters}", "--set", "generator.filters=8", *length)

    def theirs():
        return peer("pytorch_wgan_gp", "--batch", 32, "--filters", sizes.filters, *length)

    def take(mine, other):
        rate.add(*(steady(json.loads(one.output)["imagesPerSecond"]) for one in (mine, other)))
        memory.add(mine.peak_bytes / 1e6, other.peak_bytes / 1e6)

    in_pairs(sizes.pairs, ours, theirs, take)
    return [rate, memory]


def packing(sizes):
    """Conversion of JPEG photographs to 64 x 64 samples, both on one core."""
    import numpy

    jpegs, note = archive.photographs(FOLDER, facegan, sizes.photographs)
    rate = Comparison(
        "packing", "packing JPEGs to 64²", "pictures/s per core", "Pillow", goal=">= 4", note=note)
    core = {max(os.sched_getaffinity(0))} if hasattr(os, "sched_getaffinity") else None
    store, other = f"{FOLDER}/packed.faces", f"{FOLDER}/packed.npy"

    def ours():
        return pictures_per_second(facegan(
            "data", "prepare", jpegs, "--protocol", "celeba64-178", "--limit", sizes.photographs, "--threads", 1,
            "--out", store, cores=core).output)

    def theirs():
        ended = peer(
            "pillow_pack", jpegs, "--crop", 178, "--limit", sizes.photographs, "--out", other, cores=core)
        return json.loads(ended.output)["perSecond"]

    in_pairs(sizes.pairs, ours, theirs, rate.add)
    # The comparison is valid only if both have equal results.
    sys.path.insert(0, PEERS)
    from stores import pictures
    difference = numpy.abs(pictures(store).astype(int) - numpy.load(other, mmap_mode="r"))
    rate.note += f"; mean difference from Pillow's samples: {difference.mean():.2f} levels"
    if difference.mean() > 1:
        raise Failed(f"packing: the samples differ from Pillow's by {difference.mean():.2f} levels on average")
    return [rate]


def batches(sizes):
    """Batches of 128 from a packed store in memory, shuffled, with random mirroring."""
    store = toy_store(sizes)
    rate = Comparison("batches", "store to batches", "images/s", "NumPy indexing", goal=">= 50,000/s")

    def ours():
        ended = facegan(
            "data", "measure", store, "--batch-size", 128, "--seconds", sizes.seconds, "--threads", 1)
        return float(re.search(r"flips +(\d+) images/s", ended.output).group(1))

    def theirs():
        return json.loads(peer("numpy_batches", store, "--batch", 128, "--seconds", sizes.seconds).output)["perSecond"]

    in_pairs(sizes.pairs, ours, theirs, rate.add)
    return [rate]


def generation(sizes):
    """Generation of single PNG files, without the start and the first batch."""
    import numpy
    from PIL import Image

    run_folder = f"{FOLDER}/run-for-generation"
    facegan(
        "train", "--recipe", "dcgan", "--data", f"builtin:{sizes.faces}", "--out", run_folder, "--restart",
        "--steps", 1, "--set", "batchSize=16", "--set", f"generator.filters={sizes.filters}",
        "--set", "discriminator.filters=8")
    rate = Comparison("generation", "generating PNG files", "faces/s", "PyTorch + Pillow", goal=">= 3")
    mine, other = f"{FOLDER}/faces-ours", f"{FOLDER}/faces-peer"

    def per_second(folder):
        written = sorted(os.stat(path).st_mtime_ns for path in glob.glob(f"{folder}/*.png"))
        if len(written) != sizes.generated:
            raise Failed(f"{folder}: {len(written)} pictures instead of {sizes.generated}")
        first = 0 if sizes.generated <= 64 else 63
        return (len(written) - 1 - first) / max(1e-9, (written[-1] - written[first]) / 1e9)

    def ours():
        shutil.rmtree(mine, ignore_errors=True)
        facegan("generate", run_folder, "--count", sizes.generated, "--out", f"{mine}/")
        return per_second(mine)

    def theirs():
        shutil.rmtree(other, ignore_errors=True)
        peer(
            "pytorch_generate", f"{run_folder}/checkpoints/last.safetensors", "--filters", sizes.filters, "--count",
            sizes.generated, "--out", other)
        return per_second(other)

    in_pairs(sizes.pairs, ours, theirs, rate.add)
    # In bfloat16, faces differ by 1 or 2 levels of 255. In float32 they must equal PyTorch's.
    exact = f"{FOLDER}/faces-exact"
    facegan("generate", run_folder, "--seeds", 0, "--precision", "fp32", "--out", f"{exact}/")
    fast, full, peers = (
        numpy.asarray(Image.open(f"{folder}/seed-000000.png")).astype(int) for folder in (mine, exact, other))
    if numpy.abs(full - peers).max() > 1:
        raise Failed("generation: the face of seed 0 differs from PyTorch's")
    difference = numpy.abs(fast - peers)
    if difference.mean() > 1.5:
        raise Failed("generation: the face of seed 0 differs from PyTorch's in bfloat16")
    rate.note = f"mean difference of the face of seed 0: {difference.mean():.2f} levels of 255"
    return [rate]


def use(sizes):
    """Inference without files: default precision of `facegan`, relative to eager float32 with the same batch."""
    found = []
    for key, network, title, unit, batch, goal in [
        ("use", "generator", "DCGAN-64, inference", "faces/s", 64, ">= 5" if sizes.bfloat16 else ">= 3"),
        ("useClassifier", "classifier", "residual classifier, 128²", "images/s", 64, ">= 3"),
        ("useFeatures", "features", "features for fd-face, 64², float32", "images/s", 64, ">= 1"),
    ]:
        rate = Comparison(key, title, unit, "PyTorch, eager", goal=goal, note=f"batches of {batch} in both")
        best = Comparison(key + "Best", title, unit, "PyTorch, best of 16 and 64")
        words = [network, "--batch", batch, "--seconds", sizes.seconds]
        if sizes.filters != 64:
            words += ["--width", 8]

        def ours():
            return images_per_second(facegan("measure", "use", *words).output)

        def theirs():
            rates = [
                images_per_second(peer("pytorch_use", *words, "--batch", size).output) for size in (16, batch)]
            return rates[1], max(rates)

        def take(mine, others):
            rate.add(mine, others[0])
            best.add(mine, others[1])

        in_pairs(sizes.pairs, ours, theirs, take)
        found += [rate, best]
    return found


def stylegan2(sizes):
    """Inference of a compact StyleGAN2 at 64 x 64, relative to the fastest form of its convolutions in eager PyTorch."""
    found = []
    for batch in (1, 16, 64):
        rate = Comparison(
            f"stylegan2At{batch}", f"StyleGAN2-64, batches of {batch}", "faces/s", "PyTorch, best of three forms",
            goal=">= 2.5")
        words = ["stylegan2", "--batch", batch, "--seconds", sizes.seconds]
        if sizes.filters != 64:
            words += ["--width", 16]

        in_pairs(
            sizes.pairs, lambda: images_per_second(facegan("measure", "use", *words).output),
            lambda: max(
                images_per_second(peer("pytorch_use", *words, "--form", form).output)
                for form in ("separate", "folded", "grouped")),
            rate.add)
        found.append(rate)
    return found


def layers(sizes):
    """Speed of the convolutions of DCGAN-64 and of some of residual networks, and the limit of the processor."""
    words = ["--batch", 4, "--times", 1] if sizes.filters != 64 else []
    report = json.loads(facegan("measure", "layers", *words).output)
    roofline.write(f"{FOLDER}/layers.json", report)
    say(roofline.table(report))
    found = []
    for kind, title in [("Forward", "forward"), ("Input", "gradient of the input"), ("Weight", "gradient of the weights")]:
        one = Comparison("layers" + kind, f"convolutions, {title}", "TFLOP/s", "the engine's kernels")
        for layer in report["layers"]:
            one.add(*(layer["operations"] / layer[kernels + kind] / 1e12 for kernels in ("fast", "plain")))
        one.note = "median and range over layers"
        found.append(one)
    return found


def starting(sizes):
    """Wall time of commands that do not load the engine."""
    found = []
    for key, words in [("help", ["--help"]), ("recipes", ["recipes"])]:
        one = Comparison(
            key, f"facegan {' '.join(words)}", "ms", more_is_better=False, goal="< 50" if key == "help" else None)
        facegan(*words)
        for _ in range(sizes.starts):
            one.add(facegan(*words).seconds * 1000)
        found.append(one)
    return found


def renderer(sizes):
    """Rendering and packing of built-in faces, on all cores."""
    rate = Comparison("renderer", "rendering built-in faces at 64²", "pictures/s", goal=">= 2,000")
    for seed in range(sizes.pairs):
        rate.add(pictures_per_second(facegan(
            "data", "prepare", f"builtin:{sizes.faces}@{seed}", "--out", f"{FOLDER}/drawn.faces").output))
    return [rate]


MEASUREMENTS = [training, critic, packing, batches, use, stylegan2, generation, layers, starting, renderer]


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="tiny sizes; the numbers are meaningless")
    options.add_argument(
        "--only", help="measurements, separated by commas: " + ", ".join(one.__name__ for one in MEASUREMENTS))
    options.add_argument("--pairs", type=int, help="number of pairs")
    options.add_argument("--out", default=f"{ROOT}/out/bench.json", help="JSON file of the results")
    chosen = options.parse_args()
    wanted = chosen.only.split(",") if chosen.only else [one.__name__ for one in MEASUREMENTS]
    unknown = set(wanted) - {one.__name__ for one in MEASUREMENTS}
    if unknown:
        options.error(f"--only: unknown measurements: {', '.join(sorted(unknown))}")
    os.makedirs(FOLDER, exist_ok=True)
    place = machine()
    sizes = Sizes(chosen.quick, has_bfloat16(place["features"]))
    sizes.pairs = chosen.pairs or sizes.pairs
    limits = {name: os.environ[name] for name in ("ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY") if name in os.environ}
    place["limits"] = limits
    say(f"{place['processor']}, {place['cores']} cores, {' '.join(place['features'])}"
        + "".join(f", {name}={value}" for name, value in limits.items()))
    if place["loadAtStart"] > 0.5 and not chosen.quick:
        say(f"warning: the load of this machine is {place['loadAtStart']:.1f}, so the numbers will be noisy")
    found, failed = [], []
    for measurement in MEASUREMENTS:
        if measurement.__name__ not in wanted:
            continue
        say(f"{measurement.__name__} ...")
        try:
            found += measurement(sizes)
        except Failed as error:
            failed.append(f"{measurement.__name__}: {error}")
            say(f"FAILED: {error}")
        # Written after every measurement, so that an interrupted run keeps its results.
        write(chosen.out, {
            "machine": place, "quick": chosen.quick, "pairs": sizes.pairs,
            "results": [one.as_json() for one in found], "failed": failed,
        })
    print(table(found))
    drawn = plot.draw([one.as_json() for one in found])
    if drawn:
        picture = os.path.splitext(chosen.out)[0] + ".svg"
        with open(picture, "w") as file:
            file.write(drawn + "\n")
        say(f"Wrote {picture}")
    for one in found:
        if one.note:
            print(f"{one.title}: {one.note}")
    print(f"\nRatios are FaceGAN divided by the peer: medians of {sizes.pairs} pairs, with ranges. Wrote {chosen.out}")
    if failed:
        sys.exit(1)


if __name__ == "__main__":
    main()
