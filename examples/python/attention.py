#!/usr/bin/env python3
"""Attention on torch tensors, or on numpy arrays where torch is not installed:
compiles a kernel, runs it on the arrays' own memory, compares with a formula.

    attention.py KERNELS     the folder of the kernels, <prefix>/share/attn_grid/kernels
"""

import sys

import attn_grid as ag
import numpy as np

try:
    import torch
except ImportError:
    torch = None


def plain_attention(q, k, v, scale):
    """softmax(scale q k^T) v by its definition, in f64."""
    scores = scale * (q.astype(float) @ np.swapaxes(k.astype(float), -1, -2))
    p = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return p / p.sum(axis=-1, keepdims=True) @ v.astype(float)


def main(kernels):
    rng = np.random.default_rng(1)
    q, k, v = (rng.standard_normal((2, 3, n, 64)).astype("f4") for n in (100, 120, 120))
    expected = plain_attention(q, k, v, 0.125)
    if torch:
        q, k, v = map(torch.from_numpy, (q, k, v))

    # Consts by name; nothing is compiled before the first launch.
    flash = ag.Module.from_file(f"{kernels}/flash/flash_fwd.ag").kernel("flash_fwd", causal=False)

    # Outputs left away are made, as tensors of the library that the inputs are of.
    o = flash(q, k, v, scale=0.125).o
    # Any strides will do, and outputs may be given.
    same = (torch if torch else np).zeros_like(o)
    flash(q, k, v, same, scale=0.125)

    error = np.abs(np.asarray(o) - expected).max()
    print(f"{type(o).__module__}.{type(o).__name__}, kernel and formula differ by {error:.1e}")

    # Every mistake is an exception, raised before anything is written.
    try:
        flash(q, k, v[:, :, :99], o)
    except ag.InvalidArgument as mistake:
        print(f"a wrong launch says: {mistake}")
    return 0 if error < 2e-5 and (np.asarray(o) == np.asarray(same)).all() else 1


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
