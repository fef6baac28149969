"""How many threads the library behind models may use."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController


@contextmanager
def one_thread() -> Iterator[None]:
    """Let scikit-learn compute in the calling thread alone.

    Models are small: more threads save milliseconds on an idle machine, and on a busy one they spin for each other's turn for minutes.
    """
    with _controller().limit(limits=1, user_api="openmp"):
        yield


@cache
def _controller() -> ThreadpoolController:
    # It knows the libraries that are loaded by then.
    import sklearn.ensemble  # noqa: F401

    return ThreadpoolController()
