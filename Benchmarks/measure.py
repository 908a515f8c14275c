"""Processes with their time and peak memory, and comparisons with ratios and ranges."""

import json
import os
import statistics
import subprocess
import sys
import time


class Failed(Exception):
    """Error of a measured program."""


class Ended:
    """Output, duration in seconds and peak memory in bytes of a program."""

    def __init__(self, output, seconds, peak_bytes):
        self.output, self.seconds, self.peak_bytes = output, seconds, peak_bytes


def run(command, cores=None, environment=None):
    """Runs a program until it ends.

    cores: cores that the program may use; None for all. peak_bytes: largest resident memory of the program.
    """
    before = (lambda: os.sched_setaffinity(0, cores)) if cores else None
    start = time.perf_counter()
    process = subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})}, preexec_fn=before)
    # The outputs are a few lines, so neither stream fills its pipe.
    output, errors = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if process.returncode != 0:
        text = (output + errors).strip()[-2000:]
        raise Failed(f"{' '.join(str(word) for word in command)}\nended with {process.returncode}:\n{text}")
    scale = 1 if sys.platform == "darwin" else 1024
    return Ended(output, seconds, usage.ru_maxrss * scale)


class Comparison:
    """One quantity of FaceGAN and of a peer, measured in pairs."""

    def __init__(self, key, title, unit, peer=None, more_is_better=True, goal=None, note=None):
        self.key, self.title, self.unit, self.peer = key, title, unit, peer
        self.more_is_better, self.goal, self.note = more_is_better, goal, note
        self.ours, self.theirs = [], []

    def add(self, ours, theirs=None):
        self.ours.append(ours)
        if theirs is not None:
            self.theirs.append(theirs)

    @property
    def ratios(self):
        """FaceGAN divided by the peer, for each pair."""
        return [a / b for a, b in zip(self.ours, self.theirs)]

    def as_json(self):
        found = {
            "key": self.key, "title": self.title, "unit": self.unit, "moreIsBetter": self.more_is_better,
            "ours": self.ours,
        }
        if self.theirs:
            found |= {
                "peer": self.peer, "theirs": self.theirs, "ratio": statistics.median(self.ratios),
                "ratioRange": [min(self.ratios), max(self.ratios)],
            }
        if self.goal:
            found["goal"] = self.goal
        if self.note:
            found["note"] = self.note
        return found


def number(value):
    """About three significant digits, with separators."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(comparisons):
    """Comparisons as text: medians, and the median and range of the ratios."""
    rows = [("", "FaceGAN", "peer", "", "ratio", "range", "goal")]
    for one in comparisons:
        if not one.ours:
            continue
        row = [f"{one.title}, {one.unit}", number(statistics.median(one.ours))]
        if one.theirs:
            row += [
                number(statistics.median(one.theirs)), one.peer, f"{statistics.median(one.ratios):.2f}",
                f"{min(one.ratios):.2f}–{max(one.ratios):.2f}",
            ]
        else:
            row += ["", "", "", f"{number(min(one.ours))}–{number(max(one.ours))}"]
        rows.append(tuple(row + [one.goal or ""]))
    widths = [max(len(row[i]) for row in rows) for i in range(7)]
    left = {0, 3}
    return "\n".join(
        "  ".join(cell.ljust(w) if i in left else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths)))
        .rstrip() for row in rows)


def machine():
    """Processor, load and system of this machine."""
    name, features = "unknown", []
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key.strip() == "model name" and name == "unknown":
                    name = value.strip()
                if key.strip() in ("flags", "Features") and not features:
                    known = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "bf16")
                    features = [flag for flag in known if flag in value.split()]
    except OSError:
        pass
    return {
        "processor": name, "features": features, "cores": os.cpu_count(),
        "loadAtStart": os.getloadavg()[0], "system": f"{os.uname().sysname} {os.uname().machine}",
        "python": sys.version.split()[0],
    }


def has_bfloat16(features):
    """Whether products in bfloat16 are faster than in float32, and not emulated; as `CPUFeatures.hasFastBFloat16`.

    features: those of `machine`.
    """
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA") or ""
    without = ("SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2", "AVX512_CORE", "AVX512_CORE_VNNI")
    return limit.upper() not in without and any(name in features for name in ("avx512_bf16", "amx_bf16", "bf16"))


def write(path, document):
    """Writes JSON atomically."""
    with open(path + ".new", "w") as file:
        json.dump(document, file, indent=2)
        file.write("\n")
    os.replace(path + ".new", path)
