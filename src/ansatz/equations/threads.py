"""How many threads factorizations use."""

from typing import Any

import scipy.linalg  # noqa: F401  (its BLAS must be loaded to be limited)
from threadpoolctl import threadpool_limits


def one_thread() -> Any:
    """Return a context in which LAPACK, which a compiled step calls too, runs on one thread.

    OpenBLAS hands the small blocks of a factorization to and fro between threads that wait by spinning.
    Where another process wants the cores, a Cholesky factor of a 1000 × 1000 matrix then takes a hundred
    times as long as on one thread; on idle cores nothing is gained below some thousand rows.

    >>> from threadpoolctl import threadpool_info
    >>> with one_thread():
    ...     {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}
    {1}
    """
    return threadpool_limits(limits=1, user_api="blas")
