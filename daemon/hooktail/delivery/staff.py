"""Which processes send: the workers of the configuration in force, and those it has replaced."""

from __future__ import annotations

from hooktail.delivery.worker_pool import WorkerPool


class Staff:
    """Whoever asks for `workers` may use them until `dismiss`, past any change of their count."""

    def __init__(self) -> None:
        self.workers: WorkerPool | None = None
        """None stands for the daemon itself."""
        self._retired: list[WorkerPool] = []

    async def have(self, count: int) -> None:
        """Has so many processes ready to send for whoever asks from now on."""
        if count == (1 if self.workers is None else self.workers.count):
            return
        if self.workers is not None:
            self._retired.append(self.workers)
            self.workers = None
        if count > 1:
            self.workers = await WorkerPool(count).__aenter__()

    async def dismiss(self) -> None:
        """Ends the workers of earlier counts; nobody may use them any more."""
        while self._retired:
            await self._retired.pop().__aexit__(None, None, None)
