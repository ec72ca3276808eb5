"""LongReMix (Cordeiro et al., Pattern Recognition 2023): a first training run finds the samples
that are called clean epoch after epoch; a second one, from new networks, keeps them labelled and
goes through its labelled set again and again.

Both runs train by dividemix.training_iteration. docs/methods.md has the equations and where they
come from.
"""

import numpy as np

import dividemix
import selection


def high_confidence(clean_history, run_length=5):
    """Booleans [N]: called clean in each of the last `run_length` epochs. `clean_history`: one row
    of booleans an epoch, warm-up epochs included, ending with the epoch under way."""
    return np.all(clean_history[-run_length:], axis=0)


def largest_set(sets, last=150):
    """The largest of the high-confidence sets of the `last` epochs, of equal ones the latest."""
    candidates = sets[-last:][::-1]
    return candidates[int(np.argmax([s.sum() for s in candidates]))]


def select_first_stage(logits, labels, history, clean_history, initial_labels, average_over=1,
                       threshold=0.5, run_length=5):
    """Selection of one network in the first run: the mixture's w, but only samples of long runs
    are labelled. `clean` joins `clean_history` afterwards."""
    chosen = dividemix.select(logits, labels, history, initial_labels, average_over, threshold)
    clean = chosen["w"] > threshold
    confident = high_confidence(np.stack([*clean_history, clean]), run_length)
    chosen["labelled"], chosen["unlabelled"] = selection.divide(confident)
    return {**chosen, "clean": clean}


def select_second_stage(logits, labels, history, confident, initial_labels, average_over=1,
                        threshold=0.5):
    """Selection of one network in the second run: w = 1 for the samples of the set `confident`."""
    chosen = dividemix.select(logits, labels, history, initial_labels, average_over, threshold)
    chosen["w"] = np.where(confident, 1.0, chosen["w"])
    chosen["labelled"], chosen["unlabelled"] = selection.divide(chosen["w"] > threshold)
    return chosen


def first_stage_batches(size_x, size_u, batch):
    return dividemix.batches(size_x, size_u, batch)


def second_stage_batches(size_x, size_u, batch):
    """floor((|X| + |U|) / B) + 1 iterations: X is oversampled, incomplete batches are trained on."""
    return selection.batches(size_x, size_u, batch, batch, keep_incomplete=True,
                             iterations=(size_x + size_u) // batch + 1)


training_iteration = dividemix.training_iteration
