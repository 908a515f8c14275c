"""Part resume of scripts/gpu-check: kill -9 and resume."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

from common import last_lines
from runs import rates, settings, side_of, store


def values(check, path):
    """Tensors of a safetensors file as lists of numbers, with PyTorch only."""
    question = r"""
import json, struct, sys, torch
def load(path):
    data = open(path, "rb").read()
    size, = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + size])
    kinds = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64, "U8": torch.uint8, "BF16": torch.bfloat16,
             "F16": torch.float16, "I32": torch.int32, "BOOL": torch.bool, "I8": torch.int8}
    tensors = {}
    for name, one in header.items():
        if name == "__metadata__": continue
        a, b = one["data_offsets"]
        raw = bytearray(data[8 + size + a:8 + size + b])
        tensors[name] = torch.frombuffer(raw, dtype=kinds[one["dtype"]]).double() if raw else torch.zeros(0).double()
    return tensors
a, b = load(sys.argv[1]), load(sys.argv[2])
worst, equal = (0, ""), a.keys() == b.keys()
for name in a.keys() & b.keys():
    if a[name].shape != b[name].shape: equal = False; continue
    difference = float((a[name] - b[name]).norm() / max(float(b[name].norm()), 1e-12)) if a[name].numel() else 0
    if difference > worst[0]: worst = (difference, name)
print(json.dumps({"keysEqual": equal, "largest": worst[0], "tensor": worst[1], "tensors": len(a)}))
"""
    status, text, _, _ = check.run("comparison of states", [sys.executable, "-c", question, *path], 60)
    return json.loads(text.splitlines()[-1]) if status == 0 else {"error": last_lines(text)}


def resume(check, budget):
    """Kills a run twice, resumes it, and compares its state with that of an uninterrupted run."""
    end = time.monotonic() + budget
    recipe, steps = "dcgan", 12 if check.small else 1500
    data = store(check, side_of(recipe, check.small))
    assignments = [part for text in [*settings(recipe, check.small)[:2], *settings(recipe, check.small)[3:],
                                     "training.saveMinutes=0" if check.small else "training.saveMinutes=0.01",
                                     "training.logSteps=1" if check.small else "training.logSteps=10"]
                   for part in ("--set", text)]

    def words(name):
        return ["train", "--recipe", recipe, "--data", data, "--out", check.work / "runs" / name, "--device",
                check.chosen.device, "--steps", str(steps), "--seed", "5", *assignments]

    def state(name):
        return check.work / "runs" / name / "checkpoints/last.safetensors"

    found = {"steps": steps, "kills": []}
    check.results["parts"]["resume"] = found
    for name in ("whole", "killed"):
        shutil.rmtree(check.work / "runs" / name, ignore_errors=True)
    status, text, seconds, _ = check.ours("uninterrupted run", *words("whole"), limit=end - time.monotonic())
    if status != 0:
        check.say(f"FAILED: the uninterrupted run: status {status}: {last_lines(text)}")
        return
    # A second uninterrupted run shows what the device itself repeats.
    shutil.rmtree(check.work / "runs/again", ignore_errors=True)
    status, _, _, _ = check.ours("repeated run", *words("again"), limit=end - time.monotonic())
    if status == 0:
        found["repeated"] = values(check, [state("again"), state("whole")])
    for number in (1, 2):
        log = check.out / "logs" / f"killed-run-{number}.log"
        with open(log, "w") as file:
            process = subprocess.Popen(
                [str(word) for word in [check.facegan, *words("killed")]], stdout=file, stderr=file,
                stdin=subprocess.DEVNULL, cwd=check.work, env=check.environment, start_new_session=True)
        before, begin = len(rates(check.work / "runs/killed")), time.monotonic()
        # The kill comes after some lines of the log, so that a state was saved.
        wanted = before + max(1, steps // (1 if check.small else 10) // 4)
        while process.poll() is None and time.monotonic() < min(end, begin + 90):
            if len(rates(check.work / "runs/killed")) >= wanted and state("killed").exists():
                break
            time.sleep(0.02)
        alive = process.poll() is None
        if alive:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        found["kills"].append({"wasRunning": alive, "lines": len(rates(check.work / "runs/killed"))})
    status, text, _, _ = check.ours("resumed run", *words("killed"), limit=end - time.monotonic())
    if status != 0:
        check.say(f"FAILED: the run does not resume: status {status}: {last_lines(text)}")
        return
    found["resumedFrom"] = (re.search(r"resuming at step \d[\d,]*\d|resuming at step \d", text) or ["not resumed"])[0]
    found["bytesEqual"] = state("killed").read_bytes() == state("whole").read_bytes()
    found["difference"] = values(check, [state("killed"), state("whole")])
    killed = sum(kill["wasRunning"] for kill in found["kills"])
    verdict = "" if killed and found["resumedFrom"] != "not resumed" else "FAILED: "
    check.say(f"{verdict}killed {killed} times, {found['resumedFrom']} of {steps}, finished")
    for title, one in (("resumed", found["difference"]), ("repeated without a kill", found.get("repeated", {}))):
        if "largest" in one:
            check.say(f"    {title}: largest difference of a tensor {one['largest']:.2e} ({one['tensor'] or 'all are equal'})")
    check.say(f"    states equal byte for byte: {'yes' if found['bytesEqual'] else 'no'}")
    if not found["bytesEqual"] and check.small:
        check.say("    FAILED: on the CPU, states must be equal")
