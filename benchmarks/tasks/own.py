"""Tasks whose rows are made of one's own corpus version (`own_sets`), so that anybody can run them on anything, without a download and without labels by hand."""

from __future__ import annotations

from benchmarks.tasks.task import NATIVE, SPLITS, Fields, Task

MARKS = {",": "B-comma", ".": "B-stop", "!": "B-stop", "…": "B-stop", "?": "B-question"}
"""What is asked of a word, by the mark that follows it."""
NONE = "O"

_FILES = {split: f"{split}.jsonl" for split in SPLITS}
_FAULTS = (
    "Each version makes another set: scores compare where the card's files have the same SHA-256. Of a small version, such as the demo's, it shows that all works, "
    "and tells next to nothing of a model."
)

TASKS: tuple[Task, ...] = (
    Task(
        name="own-sources",
        title="Which source of a version a paragraph is from",
        kind="text",
        language="azj_Latn",
        folder="own_sources",
        files=_FILES,
        shares={},
        train_on=None,
        read=Fields(texts=("text",), answer="source", id="id"),
        labels=(),
        metric="macro_f1",
        also=("accuracy",),
        origin=f"{NATIVE}: one's own version",
        licence="that of the sources: the set's card.json names it",
        source="one's own version, by `dollma bench own`: the set's card.json names it",
        hub=None,
        hashes=None,
        protocol=1,
        paper=None,
        stands_in="AZE-SCI",
        faults=_FAULTS,
    ),
    Task(
        name="own-marks",
        title="Which mark follows each word of a paragraph whose marks and capitals were taken away: a comma, a full stop, a question mark, or none",
        kind="words",
        language="azj_Latn",
        folder="own_marks",
        files=_FILES,
        shares={},
        train_on=None,
        read=Fields(texts=("words",), answer="marks", id="id"),
        labels=(NONE, *dict.fromkeys(MARKS.values())),
        metric="entity_f1",
        also=("token_accuracy",),
        origin=f"{NATIVE}: one's own version",
        licence="that of the sources: the set's card.json names it",
        source="one's own version, by `dollma bench own`: the set's card.json names it",
        hub=None,
        hashes=None,
        protocol=1,
        paper=None,
        stands_in="WikiANN",
        faults=_FAULTS,
    ),
)
"""Read by whoever lists tasks, so nothing is imported here that takes time."""
