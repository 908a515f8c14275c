"""Part self-test of scripts/gpu-check: results of the device against the CPU."""

import re
import time

from common import last_lines


def self_test(check, budget):
    """Runs all checks in both precisions. A check that ends its process is reported, and the others go on."""
    end = time.monotonic() + budget
    found = {}
    precisions = ["fp32", "bf16"]
    # Emulated bfloat16 is slow on most processors.
    if check.small:
        groups = [["--only", "operators", "layers", "losses", "penalties"], ["--only", "operators", "losses"]]
    else:
        groups = [[], []]
    for precision, only in zip(precisions, groups):
        rows, first, crashes = [], 0, 0
        while time.monotonic() < end and crashes < 20:
            status, text, _, _ = check.ours(
                f"self-test {precision} from {first}", "doctor", "self-test", "--device", check.chosen.device, "--precision",
                precision, "--from", str(first), *only, limit=end - time.monotonic())
            begun = None
            for line in text.splitlines():
                match = re.match(r"(\d+) +(\w+): (.*?)  +(\S+) +(ok|FAILED.*)$", line)
                if match:
                    rows.append({"index": int(match[1]), "group": match[2], "name": match[3], "error": match[4],
                                 "result": match[5]})
                    begun = None
                elif re.match(r"\d+ +\w+: ", line):
                    begun = line
            if re.search(r"^\d+ passed, \d+ failed", text, re.M):
                break
            if begun is None:
                rows.append({"index": first, "group": "process", "name": "self-test", "error": "",
                             "result": f"FAILED: status {status}: {last_lines(text)}"})
                break
            match = re.match(r"(\d+) +(\w+): (\S.*?)(  |$)", begun)
            reason = "time limit" if status is None else f"ended the process: {last_lines(text)}"
            rows.append({"index": int(match[1]), "group": match[2], "name": match[3], "error": "",
                         "result": "FAILED: " + reason})
            first, crashes = int(match[1]) + 1, crashes + 1
        found[precision] = rows
        passed = sum(row["result"] == "ok" for row in rows)
        check.say(f"{precision}: {passed} of {len(rows)} checks passed")
        for group in dict.fromkeys(row["group"] for row in rows):
            errors = [float(row["error"]) for row in rows if row["group"] == group and re.match(r"[\d.]+e", row["error"])]
            count = sum(row["group"] == group for row in rows)
            check.say(f"    {group:12} {count:4} checks, largest error {max(errors, default=0):.1e}")
        for row in rows:
            if row["result"] != "ok":
                check.say(f"    {row['group']}: {row['name']}: {row['error']} {row['result']}")
    check.results["parts"]["self-test"] = found
