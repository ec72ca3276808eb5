#!/usr/bin/env python3
"""Makes a folder of CIFAR-10 pictures with planted wrong labels, and features of them.

Writes OUT/photos/CLASS/NUMBER.jpg, of which a share lies in the folder of a wrong class drawn at
random; OUT/photos.csv with paths, labels and true labels; OUT/features.npy with a row for each
picture in the order of their paths. Needs numpy, cifar10-jpeg.tar.xz and the folder of features.

usage: plant_wrong_labels.py DATA OUT [--images 2000] [--wrong 0.1] [--seed 1]
"""

import argparse
import csv
import json
import pathlib
import tarfile

import numpy as np

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--wrong", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    features = np.load(args.data / "features" / "cifar10_train_5000.npy")
    index = np.load(args.data / "features" / "cifar10_train_5000_index.npy")
    official = np.array(json.loads((args.data / "cifar10_train_clean_labels.json").read_text()))
    # The archive numbers the pictures of each class.
    place = np.zeros(len(official), int)
    for c in range(len(CLASSES)):
        place[official == c] = np.arange((official == c).sum())

    chosen = np.sort(rng.permutation(len(index))[: args.images])
    true = official[index[chosen]]
    given = true.copy()
    for i in rng.permutation(len(chosen))[: round(args.wrong * len(chosen))]:
        given[i] = (true[i] + rng.integers(1, len(CLASSES))) % len(CLASSES)
    wanted = {
        f"train/{CLASSES[t]}/{place[index[k]]:04d}.jpg": i
        for i, (k, t) in enumerate(zip(chosen, true))
    }
    paths = [f"photos/{CLASSES[g]}/{index[k]:05d}.jpg" for k, g in zip(chosen, given)]
    with tarfile.open(args.data / "cifar10-jpeg.tar.xz") as archive:
        for member in archive:
            name = "/".join(pathlib.PurePosixPath(member.name).parts[-3:])
            if name in wanted:
                path = args.out / paths[wanted[name]]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(archive.extractfile(member).read())
    order = sorted(range(len(paths)), key=lambda i: paths[i])
    np.save(args.out / "features.npy", features[chosen[order]])
    with open(args.out / "photos.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("path", "label", "true_label"))
        for i in order:
            table.writerow((paths[i], CLASSES[given[i]], CLASSES[true[i]]))
    print(
        f"{len(paths)} pictures in {args.out / 'photos'}, {int((given != true).sum())} of them wrong"
    )


if __name__ == "__main__":
    main()
