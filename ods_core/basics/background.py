"""What works beside pages and calls, in a thread of its own, until it is asked to end."""

from __future__ import annotations

import threading


class Background:
    """A thread that `_run` works in; it looks at `_stopped` as often as it can end.

    Args:
        name: of the thread, as a profile shows it.
    """

    def __init__(self, name: str) -> None:
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, patience: float = 10.0) -> None:
        """Finish what is at hand and end; waits at most `patience` seconds for it."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(patience)

    def _run(self) -> None:
        raise NotImplementedError
