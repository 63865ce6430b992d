"""The contract of a transformer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, TypeVar

import pyarrow as pa

from starhaul.api.declaration import check_declaration
from starhaul.api.formats import Formats
from starhaul.api.params import Params
from starhaul.api.task import Task

P = TypeVar("P", bound=Params)


class Transformer(ABC, Generic[P]):
    """Changes or drops rows between a reader and a writer.

    The engine builds one instance per use in a job and calls `accept` once when the job is planned, then
    `apply` for every batch, from several threads at once (or in other processes, where `accept` is called
    again first). Rows are independent of one another: no state is kept between batches.
    """

    name: ClassVar[str]
    """Canonical name, lower case (`dx_substr`)."""

    params_type: ClassVar[type[Params]]

    formats: Formats = Formats()
    """How the job wants values as text (`settings.conversion`), for transformers that make text of them. The engine
    sets it on each instance before it calls anything."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_declaration(cls, "transformer")

    def __init__(self, params: P) -> None:
        self.params = params

    @abstractmethod
    def accept(self, source: pa.Schema) -> pa.Schema:
        """The schema of the batches that `apply` returns for batches of `source`. Raises `ConfigError` if the
        parameters do not fit it: everything that can be wrong with them is found here, not row by row."""

    @abstractmethod
    def apply(self, batch: pa.RecordBatch, task: Task) -> pa.RecordBatch:
        """The transformed batch. Runs in the reader thread; vectorised, as it is on the hot path.

        Rows left out are counted as filtered. A row that cannot be transformed goes to `task.reject` (as it
        was before) and is left out.
        """
