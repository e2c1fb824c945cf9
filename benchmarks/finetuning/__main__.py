"""Fine-tune an encoder on a classification task, beside the same architecture with fresh weights.

    python -m benchmarks.finetuning --model FOLDER --task sib200-az --data FOLDER --out OUT --seeds 5 [--scratch] [--train-limit N]

The model is a folder that transformers loads, such as WORKSPACE/models/NAME/final; DATA holds the task's files. Some learning rates are tried at seed 1, and
the best one on validation is taken for all seeds, or a lower one where a seed collapses; each run keeps its best state on validation; the test split is read
when all are trained. OUT gets the runs, with a prediction for each item, and results/: scores with intervals as JSON and Markdown, plots. Killed and run again,
it makes the runs that are missing. Scores are the same each time with the same number of threads (OMP_NUM_THREADS).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.finetuning.report import markdown, report
from benchmarks.finetuning.runs import PRETRAINED, SCRATCH, Comparison, run
from benchmarks.finetuning.stored import facts_of
from benchmarks.finetuning.tasks import TASKS
from curation.errors import DollmaError


def main(arguments: list[str] | None = None) -> None:
    """Make the runs, print the tables."""
    given = parsed(arguments)
    ways = (PRETRAINED, SCRATCH) if given.scratch else (PRETRAINED,)
    asked = Comparison(given.model, given.task, given.data, ways, given.seeds, given.train_limit)
    try:
        finished = run(asked, given.out, lambda told: print(told, flush=True))
        found = report(asked, finished, given.out)
    except DollmaError as error:
        sys.exit(f"error: {error}")
    folders = {folder for done in finished.done.values() for folder in (*done.grid, *done.seeds, *done.left)}
    print(
        f"\n{markdown(found)}\n{len(folders)} runs, {sum(facts_of(folder)['cpu_seconds'] for folder in folders):,.0f} s of CPU time in training"
    )


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.finetuning", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--task", choices=TASKS, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=_positive, default=5)
    parser.add_argument("--scratch", action="store_true", help="fresh weights too, and the difference")
    parser.add_argument("--train-limit", type=_positive, help="train on so many texts, always the same ones")
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


if __name__ == "__main__":
    main()
