"""Processes, deadline and results of scripts/gpu-check."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
import time


class Memory:
    """Largest memory in use on the GPU, of all processes, in bytes. None where nothing can tell it."""

    def __init__(self, device):
        self.peak = None
        self.enabled = device == "cuda" and shutil.which("nvidia-smi") is not None

    def sample(self):
        try:
            text = subprocess.run(
                ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "--id=0"],
                capture_output=True, text=True, timeout=5).stdout
            self.peak = max(self.peak or 0, int(text.split()[0]) << 20)
        except (OSError, ValueError, IndexError, subprocess.TimeoutExpired):
            self.enabled = False

    def watch(self, process):
        def loop():
            while self.enabled and process.poll() is None:
                self.sample()
                time.sleep(0.5)
        threading.Thread(target=loop, daemon=True).start()


class Check:
    """Paths, deadline and results of a run of this script."""

    def __init__(self, chosen, paths):
        self.chosen = chosen
        self.start = time.monotonic()
        self.deadline = self.start + 60 * chosen.minutes
        self.out = pathlib.Path(chosen.out).resolve()
        self.work = self.out / "work"
        (self.out / "logs").mkdir(parents=True, exist_ok=True)
        self.work.mkdir(exist_ok=True)
        self.facegan, self.peers, zipped = paths
        self.small = chosen.device == "cpu"
        pictures = chosen.data or (str(zipped) if zipped.exists() else "builtin:2000")
        self.pictures = f"builtin:{256}" if self.small and not chosen.data else pictures
        self.results = {"device": chosen.device, "pictures": self.pictures, "parts": {}}
        self.report = []
        self.environment = dict(
            os.environ, NO_COLOR="1", COLUMNS="120", FACEGAN_CACHE=str(self.work / "cache"),
            PYTHON=sys.executable)

    def left(self):
        return self.deadline - time.monotonic()

    def say(self, text=""):
        self.report.append(text)
        print(text, flush=True)
        (self.out / "report.txt").write_text("\n".join(self.report) + "\n")

    def write(self):
        path = self.out / "results.json"
        path.with_suffix(".new").write_text(json.dumps(self.results, indent=1) + "\n")
        os.replace(path.with_suffix(".new"), path)

    def run(self, name, words, limit, folder=None, environment=None):
        """Runs a process for at most `limit` seconds. Returns (status or None, output, seconds, memory of the GPU)."""
        limit = max(1, min(limit, self.left()))
        log = self.out / "logs" / (re.sub(r"[^\w.-]+", "-", name) + ".log")
        memory = Memory(self.chosen.device)
        begin = time.monotonic()
        with open(log, "w") as file:
            print("$", *words, file=file, flush=True)
            process = subprocess.Popen(
                [str(word) for word in words], stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                cwd=folder or self.work, env={**self.environment, **(environment or {})}, start_new_session=True)
            memory.watch(process)
            try:
                status = process.wait(limit)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                status = None
        return status, log.read_text(errors="replace").partition("\n")[2], time.monotonic() - begin, memory.peak

    def ours(self, name, *words, limit, folder=None):
        return self.run(name, [self.facegan, *words], limit, folder)

    def has_option(self, command, option):
        status, text, _, _ = self.ours(f"help of {command}", command, "--help", limit=30)
        return status == 0 and option in text


def last_lines(text, count=3):
    return " / ".join([line.strip() for line in text.splitlines() if line.strip()][-count:])[:400]
