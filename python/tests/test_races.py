"""Labels that another thread writes to while a call has checked them and goes on without the lock."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys, threading
import numpy as np
import bptplr

N = 100_000
rng = np.random.default_rng(0)
labels = np.zeros(N, np.int64)
starts = np.zeros(N, np.uint8)
clean = rng.random(N)
logits = rng.normal(size=(N, 10)).astype(np.float32)
images = np.zeros((500, 4, 4, 3), np.uint8)
moments = {"mean": (0.5,) * 3, "std": (0.2,) * 3}
done = False


def write():
    while not done:
        labels[:] = 10**9
        starts[:] = 200
        labels[:] = 0
        starts[:] = 0


def tensors():
    import torch

    bptplr.class_sets(torch.from_numpy(logits), torch.from_numpy(labels), kappa=1)


calls = {
    "class_sets": lambda: bptplr.class_sets(logits, labels, kappa=1),
    "class_sets of tensors": tensors,
    "balanced_partition": lambda: bptplr.balanced_partition(clean, labels, num_classes=10),
    "Selection": lambda: bptplr.Selection("uniform", 10).divide([clean], labels),
    "jensen_shannon_distance": lambda: bptplr.jensen_shannon_distance(logits, logits, labels),
    "gmm_fit": lambda: bptplr.gmm_fit(np.stack([clean, clean], 1), max_iter=1, init_labels=starts),
    "symmetric_noise": lambda: bptplr.symmetric_noise(labels, 10, 0.5, 1),
    "asymmetric_noise_cifar10": lambda: bptplr.asymmetric_noise_cifar10(labels, 0.5, 1),
    "asymmetric_noise_cifar100": lambda: bptplr.asymmetric_noise_cifar100(labels, 0.5, 1),
    "instance_noise": lambda: bptplr.instance_noise(images, labels[:500], 10, 0.3, 1, **moments),
    "audit_labels": lambda: bptplr.audit_labels(logits[:500], labels[:500]),
}
thread = threading.Thread(target=write)
thread.start()
for _ in range(int(sys.argv[2])):
    try:
        calls[sys.argv[1]]()
    except (ValueError, bptplr.Error):
        pass
done = True
thread.join()
"""

#: Number of calls, enough for those that used the caller's labels to crash.
CALLS = {
    "class_sets": 150,
    "class_sets of tensors": 150,
    "balanced_partition": 50,
    "Selection": 20,
    "jensen_shannon_distance": 20,
    "gmm_fit": 20,
    "symmetric_noise": 50,
    "asymmetric_noise_cifar10": 50,
    "asymmetric_noise_cifar100": 50,
    "instance_noise": 50,
    "audit_labels": 3,
}


@pytest.mark.parametrize("function", CALLS)
def test_labels_may_change_meanwhile(function):
    if "tensors" in function:
        pytest.importorskip("torch")
    call = [sys.executable, "-c", SCRIPT, function, str(CALLS[function])]
    result = subprocess.run(call, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
