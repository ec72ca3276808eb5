#!/usr/bin/env python3
"""Times `bptplr.audit_labels` beside cleanlab, on the same probabilities of made-up networks.

usage: tools/bench/audit_labels.py [--sizes 50000x10 ...] [--tools bptplr cleanlab] [--rounds N]

Needs the package, cleanlab and scikit-learn. Each round of a tool is a process of its own and prints
a line of JSON: `seconds` by the clock, `cpu_seconds` of all its threads and processes, `mib` that it
takes beside the input at most, `auc` of its ranking, and how many wrong labels it `found`, of `wrong`.
For cleanlab that is find_label_issues, get_label_quality_scores and estimate_joint, each once.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np

import audit_inputs

#: Accuracy of the made-up network, by the number of classes.
ACCURACY = {10: 0.9, 100: 0.8, 1000: 0.75}
SIZES = ["50000x10", "50000x100", "50000x1000", "200000x100", "1000000x10"]


def softmax(z):
    """Overwrites logits with their probabilities."""
    for begin in range(0, len(z), audit_inputs.CHUNK):
        part = z[begin : begin + audit_inputs.CHUNK]
        part -= part.max(axis=1, keepdims=True)
        np.exp(part, out=part)
        part /= part.sum(axis=1, keepdims=True)
    return z


def bptplr_audit(probabilities, labels):
    import bptplr

    def run():
        audit = bptplr.audit_labels(labels=labels, probabilities=probabilities)
        place = np.empty(len(labels))
        place[audit.ranking] = np.arange(len(labels))
        return place, audit.expected_wrong

    return run


def cleanlab_audit(probabilities, labels):
    from cleanlab.count import estimate_joint
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    def run():
        found = find_label_issues(labels, probabilities).sum()
        scores = get_label_quality_scores(labels, probabilities, method="self_confidence")
        estimate_joint(labels, probabilities)
        return scores, found

    return run


TOOLS = {"bptplr": bptplr_audit, "cleanlab": cleanlab_audit}


def cpu_seconds():
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in uses)


def peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(tool, size):
    from sklearn.metrics import roc_auc_score

    samples, classes = map(int, size.split("x"))
    logits, labels, true = audit_inputs.make(samples, classes, ACCURACY.get(classes, 0.8))
    run = TOOLS[tool](softmax(logits), labels)
    before, cpu, mib = time.perf_counter(), cpu_seconds(), peak_mib()
    score, found = run()
    line = {
        "tool": tool,
        "size": size,
        "seconds": round(time.perf_counter() - before, 2),
        "cpu_seconds": round(cpu_seconds() - cpu, 2),
        "mib": round(peak_mib() - mib),
        "auc": round(roc_auc_score(labels == true, score), 4),
        "found": round(float(found)),
        "wrong": int((labels != true).sum()),
    }
    print(json.dumps(line), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", default=SIZES)
    parser.add_argument("--tools", nargs="+", default=list(TOOLS), choices=list(TOOLS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--once", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        return measure(*options.once)
    for size in options.sizes:
        for _ in range(options.rounds):
            for tool in options.tools:
                subprocess.run([sys.executable, __file__, "--once", tool, size], check=True)


if __name__ == "__main__":
    main()
