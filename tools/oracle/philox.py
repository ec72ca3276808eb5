"""The project's counter-based random numbers (engine/random.hpp) in NumPy."""

import numpy as np

PURPOSE_DROPOUT = 11
_MUL = np.array([0xD2511F53, 0xCD9E8D57], np.uint64)
_WEYL = np.array([0x9E3779B9, 0xBB67AE85], np.uint64)
_MASK = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)


def _philox4x32(counter, key):
    """The ten rounds of Philox4x32 on counters [n, 4] and one key [2]; words as uint64."""
    c0, c1, c2, c3 = counter.T
    for _ in range(10):
        p0, p1 = _MUL[0] * c0, _MUL[1] * c2
        c0, c1, c2, c3 = (p1 >> _SHIFT) ^ c1 ^ key[0], p1 & _MASK, (p0 >> _SHIFT) ^ c3 ^ key[1], p0 & _MASK
        key = (key + _WEYL) & _MASK
    return np.stack([c0, c1, c2, c3], axis=1)


def words(count, seed, purpose, epoch=0, sample=0, draw=0):
    """The first `count` words of Philox(seed, purpose, epoch, sample, draw), as uint64."""
    blocks = -(-count // 4)
    counter = np.zeros((blocks, 4), np.uint64)
    counter[:, 0] = np.arange(blocks)
    counter[:, 1:] = [sample, epoch, purpose | draw << 12]
    key = np.array([seed & 0xFFFFFFFF, seed >> 32], np.uint64)
    return _philox4x32(counter, key).reshape(-1)[:count]


def uniform(count, seed, purpose, epoch=0, sample=0, draw=0):
    """The first `count` numbers of Philox(seed, purpose, epoch, sample, draw).uniform(), float32."""
    drawn = words(count, seed, purpose, epoch, sample, draw)
    return (drawn >> np.uint64(8)).astype(np.float32) * np.float32(2.0 ** -24)
