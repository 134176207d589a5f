"""A loader that loads in the main process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch.utils.data.sampler import BatchSampler, SequentialSampler


class DataLoader:
    """Batches of a dataset; `collate` makes a batch of a list of items."""

    def __init__(self, dataset: Sequence[Any], batch_size: int, collate: Callable[[list[Any]], Any]) -> None:
        self.dataset = dataset
        self.collate = collate
        self.batch_sampler = BatchSampler(SequentialSampler(dataset), batch_size)

    def __iter__(self) -> Iterator[Any]:
        return _SingleProcessDataLoaderIter(self)


class _BaseDataLoaderIter:
    def __init__(self, loader: DataLoader) -> None:
        self._dataset = loader.dataset
        self._collate = loader.collate
        self._index_sampler = loader.batch_sampler
        self._indices = iter(loader.batch_sampler)
        self._num_workers = 0
        self._num_yielded = 0

    def __iter__(self) -> _BaseDataLoaderIter:
        return self

    def __next__(self) -> Any:
        batch = self._next_data()
        self._num_yielded += 1
        return batch

    def _next_data(self) -> Any:
        raise StopIteration


class _SingleProcessDataLoaderIter(_BaseDataLoaderIter):
    def _next_data(self) -> Any:
        return self._collate([self._dataset[index] for index in next(self._indices)])
