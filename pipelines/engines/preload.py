"""Imported once by the fork server, so that workers are born with every module imported and every kernel loaded.

Loading the compiled kernels from numba's cache takes about a second; without this each worker of each stage would spend it again.
Kernels alone are touched: a thread started here would not exist in the workers.
"""

from __future__ import annotations

import gc

import numpy as np
import pyarrow as pa

import curation.readers
import pipelines.cli  # every worker imports the main program anew; from here it finds it loaded
from curation.dedup.parameters import Near
from curation.dedup.signatures import signature_table
from curation.filters.choice import make_filters
from curation.languages.profile import load_profile
from curation.text.buffers import TextBatch
from curation.writers.mixture import copies
from pipelines.engines import local
from pipelines.recipe import Recipe
from pipelines.stages import compose, decide, dedup, extract, measure

__all__ = ["compose", "curation", "decide", "dedup", "extract", "local", "measure", "pipelines"]

COMMONEST = "azj_Latn"
"""Its filters stand for those of other profiles: the kernels are the same."""


def load_kernels() -> None:
    """Call every kernel that most builds use, once, with arguments of the types that builds have."""
    texts, profile = pa.array(["Salam,\u00a0dünya!\n"], pa.string()), load_profile(COMMONEST)
    for spec in Recipe.model_fields["formatters"].default:
        texts, *_ = spec.make("formatter").apply(texts, profile)
    batch = TextBatch(texts)
    for asked in make_filters(profile.thresholds()):
        asked.measure(batch, profile)
    signature_table(pa.array(["id"]), batch, profile.fold_table, Near())
    copies(np.zeros((1, 2), np.uint64), 1.5, 0)


load_kernels()
gc.set_threshold(100_000, 20, 20)  # rows on their way to a table are no cycles
gc.freeze()  # what is imported lives as long as the worker: no collection need look at it again
