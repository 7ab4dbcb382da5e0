"""spaCy's matrix products, with rows independent of their neighbours.

A BLAS picks its kernel by the shape of the product, so the last bits of a row move with the number of rows
beside it, and with them, rarely, a parse. numpy's (OpenBLAS) is given the same number of rows always, the last ones
padded; where it has AVX-512 that is enough, and twice as fast as spaCy's own BLIS. With AVX2 its kernels differ from
row to row as well: there BLIS is taken, whose rows agree in all shapes.
"""

from functools import lru_cache

import numpy as np
from thinc.api import NumpyOps

ROWS = 256
_INNER = (64, 96, 288, 480)  # widths of the pipeline's products


@lru_cache(maxsize=1)
def numpy_rows_agree() -> bool:
    """Whether numpy gives equal rows equal products wherever they stand among ROWS, on this processor."""
    rng = np.random.default_rng(0)
    for inner in _INNER:
        row, y = (rng.normal(size=(n, inner)).astype(np.float32) for n in (1, 96))
        products = np.dot(np.repeat(row, ROWS, axis=0), y.T)
        if not (products == products[0]).all():
            return False
    return True


class FixedRowsOps(NumpyOps):
    def gemm(self, x, y, out=None, trans1=False, trans2=False):
        """x (N, K), y (K, M) -> (N, M); trans1 and trans2 as in thinc."""
        if trans1 or x.dtype != np.float32 or y.dtype != np.float32 or not numpy_rows_agree():
            return super().gemm(x, y, out=out, trans1=trans1, trans2=trans2)
        y = y.T if trans2 else y
        out = np.empty((x.shape[0], y.shape[1]), dtype=np.float32) if out is None else out
        full = len(x) - len(x) % ROWS
        for at in range(0, full, ROWS):
            np.dot(x[at : at + ROWS], y, out=out[at : at + ROWS])
        if full < len(x):
            padded = np.zeros((ROWS, x.shape[1]), dtype=np.float32)
            padded[: len(x) - full] = x[full:]
            out[full:] = np.dot(padded, y)[: len(x) - full]
        return out
