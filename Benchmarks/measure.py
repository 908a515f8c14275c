"""Runs programs side by side and keeps account: rates, peak memory, ratios with their spread."""

import json
import os
import statistics
import subprocess
import sys
import time


class Failed(Exception):
    """A program that was to be measured ended with an error."""


class Ended:
    """What a program left behind."""

    def __init__(self, output, seconds, peak_bytes):
        self.output, self.seconds, self.peak_bytes = output, seconds, peak_bytes


def run(command, cores=None, environment=None):
    """Runs a program to its end.

    cores: the only cores that it may use. peak_bytes is the largest resident memory of the program itself.
    """
    before = (lambda: os.sched_setaffinity(0, cores)) if cores else None
    start = time.perf_counter()
    process = subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})}, preexec_fn=before)
    # Neither stream of what is measured here fills a pipe: both are a few lines.
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
    """One quantity, ours and a peer's, measured in pairs right after each other."""

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
        """Ours over the peer's, one for each pair."""
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
    """Three digits or so, with separators."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(comparisons):
    """The comparisons as text: medians, and the median of the pairs' ratios with its range."""
    rows = [("", "ours", "peer", "", "ratio", "range", "goal")]
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
    """What the numbers were measured on."""
    name, features = "unknown", []
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key.strip() == "model name" and name == "unknown":
                    name = value.strip()
                if key.strip() == "flags" and not features:
                    known = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
                    features = [flag for flag in known if flag in value.split()]
    except OSError:
        pass
    return {
        "processor": name, "features": features, "cores": os.cpu_count(),
        "loadAtStart": os.getloadavg()[0], "system": f"{os.uname().sysname} {os.uname().machine}",
        "python": sys.version.split()[0],
    }


def write(path, document):
    """Writes JSON, whole or not at all."""
    with open(path + ".new", "w") as file:
        json.dump(document, file, indent=2)
        file.write("\n")
    os.replace(path + ".new", path)
