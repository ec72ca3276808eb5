#!/usr/bin/env python3
"""The parts of check_audit.sh that are not bptplr.
usage: check_audit.py images DATA_DIR HUMAN_LABELS OUT IMAGES TEST_IMAGES FOLDS SEED
           writes a balanced part of CIFAR-10 as PNG files and manifests: OUT/part1/*.png, ...,
           OUT/test/*.png; all.csv to train on all parts, fold1.csv on all but part1, ...
       check_audit.py seconds RUN
           prints how long a run trained
       check_audit.py cleanlab ALL_CSV PREDICTIONS...
           judges the labels of all.csv by out-of-sample predictions of `bptplr predict --all`
"""

import csv
import json
import pathlib
import pickle
import struct
import sys
import zlib

import numpy as np

SIDE = 32


def read_batch(path):
    """Images [n, 32, 32, 3] and labels [n] of one file of CIFAR-10."""
    if path.suffix == ".bin":
        records = np.fromfile(path, np.uint8).reshape(-1, 1 + 3 * SIDE * SIDE)
        labels, pixels = records[:, 0], records[:, 1:]
    else:
        batch = pickle.loads(path.read_bytes(), encoding="latin1")
        labels, pixels = np.array(batch["labels"]), np.asarray(batch["data"])
    return pixels.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1), labels.astype(int)


def read_cifar10(folder):
    suffix = ".bin" if (folder / "data_batch_1.bin").exists() else ""
    batches = [read_batch(folder / f"data_batch_{i}{suffix}") for i in range(1, 6)]
    images, labels = (np.concatenate(part) for part in zip(*batches))
    return images, labels, *read_batch(folder / f"test_batch{suffix}")


def read_human_labels(path):
    if path.suffix == ".npy":
        return np.load(path, allow_pickle=True).item()["worse_label"].astype(int)
    return np.array(json.loads(path.read_text()))


def png(image):
    """The bytes of a PNG file."""

    def chunk(kind, content):
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    rows = b"".join(b"\0" + row.tobytes() for row in image)
    header = struct.pack(">IIBBBBB", image.shape[1], image.shape[0], 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def write_png(out, name, image):
    path = out / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(image))


def write_manifest(path, rows):
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "label", "true_label", "split"])
        writer.writerows(rows)


def write_images(data, human, out, count, test_count, folds, seed):
    images, truth, test_images, test_labels = read_cifar10(data)
    given = read_human_labels(human)
    if len(given) != len(truth):
        sys.exit(f"check: {human} has {len(given)} labels for {len(truth)} images")
    random = np.random.default_rng(seed)
    parts = [[] for _ in range(folds)]
    for label in range(10):
        of_class = random.permutation(np.flatnonzero(truth == label))[: count // 10]
        for k, index in enumerate(of_class):
            name = f"part{k % folds + 1}/{index:05}.png"
            write_png(out, name, images[index])
            parts[k % folds].append([name, given[index], truth[index]])
    test = []
    for index in range(test_count):
        test.append([f"test/{index:05}.png", test_labels[index], test_labels[index], "test"])
        write_png(out, test[-1][0], test_images[index])
    everything = [row + ["train"] for part in parts for row in part]
    write_manifest(out / "all.csv", everything + test)
    for k, held_out in enumerate(parts):
        rows = [row + ["train"] for part in parts if part is not held_out for row in part]
        write_manifest(out / f"fold{k + 1}.csv", rows + [row + ["test"] for row in held_out])
    print(f"{len(everything)} images, {np.mean([a != b for _, a, b, _ in everything]):.1%} wrong")


def seconds(run):
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return sum(sum(json.loads(line)["seconds"].values()) for line in lines)


def read_table(path):
    with open(path, newline="") as stream:
        return list(csv.DictReader(stream))


def auc(score, positive):
    """Of a score that should be higher for positives; ties count half."""
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    wins = ranks[positive].sum() - positive.sum() * (positive.sum() + 1) / 2
    return wins / (positive.sum() * (~positive).sum())


def judge(manifest, tables):
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    samples = {row["path"]: row for row in read_table(manifest) if row["split"] == "train"}
    labels, truth, probabilities = [], [], []
    for table in tables:
        for row in read_table(table):
            sample = samples[str(pathlib.Path(row["path"]).relative_to(manifest.parent))]
            labels.append(int(sample["label"]))
            truth.append(int(sample["true_label"]))
            probabilities.append([float(row[f"p_{c}"]) for c in range(10)])
    if len(labels) != len(samples):
        sys.exit(f"check: {len(labels)} predictions for {len(samples)} images")
    labels, truth, probabilities = np.array(labels), np.array(truth), np.array(probabilities)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    wrong = labels != truth
    quality = get_label_quality_scores(labels, probabilities, method="self_confidence")
    issues = find_label_issues(labels, probabilities, return_indices_ranked_by="self_confidence")
    first = np.argsort(quality, kind="stable")[:500]
    print(f"held-out accuracy {np.mean(probabilities.argmax(axis=1) == truth):.2%}")
    print(f"cleanlab flags {len(issues)}, {wrong[issues].sum()} of {wrong.sum()} wrong labels")
    print(f"the 500 lowest scores alone: {wrong[first].mean():.4f} wrong")
    # find_label_issues is what its documentation recommends; where it finds fewer, scores go on.
    ranking = np.concatenate([issues, first[~np.isin(first, issues)]])[:500]
    print(f"cleanlab auc {auc(-quality, wrong):.4f} p500 {wrong[ranking].mean():.4f}")


def main(arguments):
    path = pathlib.Path
    if len(arguments) == 8 and arguments[0] == "images":
        write_images(*map(path, arguments[1:4]), *map(int, arguments[4:]))
    elif len(arguments) == 2 and arguments[0] == "seconds":
        print(f"{seconds(path(arguments[1])):.1f}")
    elif len(arguments) >= 3 and arguments[0] == "cleanlab":
        judge(path(arguments[1]), arguments[2:])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
