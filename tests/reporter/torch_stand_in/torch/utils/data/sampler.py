"""Samplers of batches, in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


class SequentialSampler:
    """Every index in order."""

    def __init__(self, data_source: Sequence[object]) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class BatchSampler:
    """Lists of indices."""

    def __init__(self, sampler: SequentialSampler, batch_size: int) -> None:
        self.sampler = sampler
        self.batch_size = batch_size

    def __iter__(self) -> Iterator[list[int]]:
        indices = list(self.sampler)
        return (indices[i : i + self.batch_size] for i in range(0, len(indices), self.batch_size))

    def __len__(self) -> int:
        return (len(self.sampler) + self.batch_size - 1) // self.batch_size
