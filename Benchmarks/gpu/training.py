"""Part train of scripts/gpu-check: training, grids, scores and the exported model."""

import shutil
import time

from common import last_lines
from runs import rates, settings, side_of, store


def train(check, budget):
    """Trains a recipe, then writes a grid, scores and the exported model."""
    end = time.monotonic() + budget
    recipe = check.chosen.recipe
    folder = check.work / "runs" / f"final-{recipe}"
    shutil.rmtree(folder, ignore_errors=True)
    data = store(check, side_of(recipe, check.small))
    # Scores and files take the last part of the time.
    seconds = 4 if check.small else max(20, budget - 75)
    assignments = [part for text in (settings(recipe, True)[3:] if check.small else []) for part in ("--set", text)]
    status, text, spent, memory = check.ours(
        f"training {recipe}", "train", "--recipe", recipe, "--data", data, "--out", folder, "--device",
        check.chosen.device, "--minutes", f"{seconds / 60:.4f}", *assignments, limit=seconds + 60)
    speeds = rates(folder)
    found = {"recipe": recipe, "status": status, "seconds": spent, "imagesPerSecond": speeds[-1] if speeds else None,
             "lastLine": last_lines(text, 1)}
    check.results["parts"]["train"] = found
    check.say(f"{recipe}: {found['lastLine']}")
    if status != 0:
        check.say(f"FAILED: status {status}: {last_lines(text)}")
        return
    place = check.out / "trained"
    place.mkdir(exist_ok=True)
    for path in [*sorted(folder.glob("*.png")), *sorted(folder.glob("previews/*.png"))[-6:], folder / "log.jsonl",
                 folder / "recipe.yaml"]:
        if path.exists():
            shutil.copy(path, place / path.name)
    device = ["--device", check.chosen.device]
    count = "256" if check.small else "2500"
    for name, words, limit in (
            ("faces", ["generate", folder, "--seeds", "0-63", "--out", place / "faces.png", *device], 30),
            ("export", ["export", folder, "--half", "--out", place / "model.safetensors"], 30),
            ("scores", ["evaluate", folder, "--count", count, "--metrics", "swd" if check.small else
                        "fd-face,kd-face,swd", *device], 60)):
        if time.monotonic() > end:
            check.say(f"    {name}: no time was left")
            continue
        status, text, spent, _ = check.ours(f"{name} of {recipe}", *words, limit=min(limit, end - time.monotonic() + 10))
        found[name] = {"status": status, "seconds": spent}
        if status != 0:
            check.say(f"    {name}: FAILED: status {status}: {last_lines(text)}")
        elif name == "scores":
            found[name]["output"] = text
            for line in text.splitlines():
                if line.strip():
                    check.say("    " + line)
        else:
            check.say(f"    {name}: {spent:.1f} s")
