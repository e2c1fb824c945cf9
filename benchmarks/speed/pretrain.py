"""Pre-training a BERT: ours beside the two ways of transformers' run_mlm, in one run, on the same text, in real tokens a second.

    python -m benchmarks.speed.pretrain [--data FOLDER | --version FOLDER] [--tokenizer FOLDER] [--shape small] [--length 128] [--seconds 60] [--device cpu]
    python -m benchmarks.speed.pretrain --gate tests/gates/pretrain.yaml    # `make gate-speed`: fails below the floors

*Real tokens* are tokens of text: neither padding nor [CLS] nor [SEP]. The text of `--data` is the documents of text_az/ and web_az/ in that folder. To run_mlm a line is
an example, as it is to that script; to us a document is one. All have the same shape, tokenizer, masking rate and rows a step, no dropout, float32 on a CPU and bf16 on
CUDA. Each way runs its own loop (the library's Trainer; the step of `modeling.train` with its loader), in turn, in an order that changes from round to round; steps that
warm up are left out. Before, the loss that both give for the same masked places is compared: more than 1e-5 apart, and the run ends.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, NamedTuple

import torch
import transformers
import yaml
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from benchmarks.machine import processor
from benchmarks.speed import pretrain_texts, run_mlm
from benchmarks.speed.stopwatch import Stopwatch
from modeling.attention import implementation
from modeling.config import Batch, Horizon, Masking, Model, Pretraining
from modeling.cross_entropy import IGNORED
from modeling.model import build, configured, forward_masked
from modeling.optimiser import adamw, update
from modeling.ranks import Ranks, joined
from modeling.shapes import described
from modeling.step import accumulate, asked_of, micro_batch, packed
from modeling.tokenizer import Vocabulary, vocabulary
from modeling.tokens import Rows, batches, pack

SAME = 1e-5
"""Nats that the losses for the same places may be apart."""
CHECKED = 4
"""Rows that are compared."""
SEED = 1
Way = Callable[[Stopwatch], list[int]]
"""Trains until the watch has enough; gives the real tokens of each batch it made."""
NAMES = {
    "lines": "run_mlm, `line_by_line`, padded to the row",
    "documents": "run_mlm, `line_by_line` with a document as a line, cut or padded to the row",
    "grouped": "run_mlm, `group_texts`",
    "ours": "ours: packed rows, head at masked places alone",
}


class Setting(NamedTuple):
    """What all ways share."""

    config: Pretraining
    size: int
    ranks: Ranks
    words: Vocabulary

    def model(self, attention: str = "sdpa") -> PreTrainedModel:
        """A fresh one."""
        shape = configured("bert", self.config.model.shape, self.words, self.config.length)
        return build(shape, SEED, attention).to(self.ranks.device)


def ours(setting: Setting, rows: Rows) -> Way:
    """The steps of `modeling.train`, with its loader; the model and its optimiser stay from round to round."""
    config, ranks = setting.config, setting.ranks
    model = setting.model(implementation(ranks.device, config.length, config.model.dropout))
    optimiser = adamw(model, config.optimiser)
    module = packed(model, config, ranks)
    micro = micro_batch(config, ranks)
    feed = batches(rows, setting.words, seed=SEED, start=0, size=micro, rate=config.masking.rate, workers=config.run.workers)

    def run(watch: Stopwatch) -> list[int]:
        counts = []
        while True:
            fed = [next(feed) for _ in range(setting.size // micro)]
            counts.append(sum(batch.text for batch in fed))
            asked = [asked_of(batch, causal=False) for batch in fed]
            labels = sum(int((one.labels != IGNORED).sum()) for one in asked)
            accumulate(module, model, asked, labels, config, ranks, sample=0)
            update(optimiser, model, config.learning_rate, config.optimiser.clip)
            if watch.step():
                return counts

    return run


def losses_apart(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, examples: list[dict[str, Any]], rate: float) -> float:
    """How far the library's loss of a batch as run_mlm makes it, over dense logits, is from ours over the same masked places."""
    torch.manual_seed(SEED)
    batch: run_mlm.Batch = run_mlm.collator(tokenizer, rate)(examples)
    ids, wanted = batch["input_ids"], batch["labels"]
    real = batch.get("attention_mask", torch.ones_like(ids)).bool()
    places = (wanted != IGNORED).int().argsort(descending=True, stable=True)[:, : int((wanted != IGNORED).sum(1).max())]
    positions = torch.arange(ids.shape[1]).expand_as(ids)
    pieces = torch.where(real, 0, -1)
    with torch.inference_mode():
        dense = model(**batch).loss
        nll, _ = forward_masked(model, ids, positions, pieces, places, wanted.gather(1, places))
    return abs(float(dense) - float(nll.sum()) / int((wanted != IGNORED).sum()))


def measured(ways: Mapping[str, Way], rounds: int, watch: Callable[[], Stopwatch]) -> dict[str, dict[str, float]]:
    """Every way in every round, in an order that turns; by way: steps, seconds and real tokens."""
    sums = {name: {"steps": 0.0, "seconds": 0.0, "tokens": 0.0} for name in ways}
    names = list(ways)
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            timed = watch()
            counts = ways[name](timed)
            found = {"steps": timed.measured, "seconds": timed.elapsed, "tokens": timed.counted(counts)}
            sums[name] = {key: sums[name][key] + value for key, value in found.items()}
            print(f"  round {number + 1}, {name}: {found['tokens'] / found['seconds']:,.0f} real tokens/s", file=sys.stderr, flush=True)
    return sums


def report(sums: Mapping[str, Mapping[str, float]], size: int, length: int, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The figures as JSON: real tokens/s, the share of places that hold real tokens, and how many times as fast ours is."""
    speed = {name: of["tokens"] / of["seconds"] for name, of in sums.items()}
    return dict(facts) | {
        "ways": {
            name: {
                "tokens/s": round(speed[name], 1),
                "filled": round(of["tokens"] / (of["steps"] * size * length), 4),
                "steps": int(of["steps"]),
                "seconds": round(of["seconds"], 1),
                "ours is faster by": round(speed["ours"] / speed[name], 2),
            }
            for name, of in sums.items()
        }
    }


def markdown(found: Mapping[str, Any]) -> str:
    """The figures as a table, with what they were measured on."""
    lines = [f"{found['model']}; rows of {found['length']}, {found['rows']} a step, {found['rate']:.0%} masked; {found['machine']}", ""]
    lines += ["| way | real tokens/s | places with real tokens | steps timed | ours is faster by |", "|---|---:|---:|---:|---:|"]
    for name, of in found["ways"].items():
        faster = "" if name == "ours" else f"×{of['ours is faster by']:.2f}"
        lines.append(f"| {NAMES[name]} | {of['tokens/s']:,.0f} | {of['filled']:.1%} | {of['steps']} | {faster} |")
    return "\n".join([*lines, "", f"Losses for the same masked places are {found['losses apart']:.1e} apart (at most {SAME:.0e})."])


def below(found: Mapping[str, Any], floors: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What is slower than a gate's floors allow."""
    ratios = {name: found["ways"][name]["ours is faster by"] for name in floors}
    return [
        f"{name}: ours is ×{ratios[name]:.2f} as fast, the floor is ×{gate['least']:g}"
        for name, gate in floors.items()
        if ratios[name] < gate["least"]
    ]


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """All of it, from text to figures."""
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as temporary, joined(arguments.device) as ranks:
        cuda, folder = ranks.device.type == "cuda", Path(temporary)
        texts = pretrain_texts.version_texts(arguments.version) if arguments.version else pretrain_texts.real_texts(arguments.data)
        texts = pretrain_texts.drawn(texts, arguments.megabytes)
        place = arguments.tokenizer or pretrain_texts.trained(texts, arguments.vocab, folder / "tokenizer")
        size = arguments.rows or (128 if cuda else 16)
        config = Pretraining(
            name="speed",
            tokens="",
            length=arguments.length,
            model=Model(size=arguments.shape),
            masking=Masking(rate=arguments.rate),
            batch=Batch(rows=size),
            horizon=Horizon(steps=1),
        )
        setting, tokenizer = Setting(config, size, ranks, vocabulary(place)), AutoTokenizer.from_pretrained(place)

        lines = [line for text in texts for line in text.splitlines()]
        made = {
            "lines": lambda: run_mlm.line_by_line(lines, tokenizer, config.length),
            "documents": lambda: run_mlm.line_by_line(texts, tokenizer, config.length),
            "grouped": lambda: run_mlm.group_texts(lines, tokenizer, config.length),
        }
        data = {name: make() for name, make in made.items() if name in arguments.ways}
        theirs = setting.model()
        rate = config.masking.rate
        apart = max(losses_apart(theirs.cpu().eval(), tokenizer, [rows[n] for n in range(CHECKED)], rate) for rows in data.values())
        if not apart <= SAME:
            raise RuntimeError(
                f"our loss and the dense one are {apart:g} apart for the same masked places: speeds would compare different things"
            )

        ways: dict[str, Way] = {name: partial(_theirs, theirs.train(), rows, tokenizer, size, rate, cuda) for name, rows in data.items()}
        ways["ours"] = ours(setting, pack(pretrain_texts.stored(texts, place, folder / "store-speed"), "train", config.length))
        share = arguments.seconds / arguments.rounds
        wait = torch.cuda.synchronize if cuda else (lambda: None)
        clock = process_time if arguments.cpu_time else perf_counter
        sums = measured(ways, arguments.rounds, lambda: Stopwatch(arguments.warm_up, share, 10 if cuda else 1, wait, clock))
        timed = "seconds of CPU time" if arguments.cpu_time else "seconds"
        machine = torch.cuda.get_device_name() if cuda else f"{processor()}, torch's threads: {torch.get_num_threads()}, {timed}"
        software = f"Python {platform.python_version()}, torch {torch.__version__}, transformers {transformers.__version__}"
        facts = {
            "model": described(theirs.config),
            "length": config.length,
            "rows": size,
            "rate": rate,
            "machine": f"{machine}, {software}",
        }
        return report(sums, size, config.length, facts | {"losses apart": apart})


def _theirs(
    model: PreTrainedModel, rows: Any, tokenizer: PreTrainedTokenizerBase, size: int, rate: float, cuda: bool, watch: Stopwatch
) -> list[int]:
    return run_mlm.train(model, rows, tokenizer, size, rate, cuda, watch)


def parsed(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line; a gate's settings are defaults."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("DOLLMA_SHARED", "../shared")) / "data")
    parser.add_argument("--version", type=Path, help="a corpus version's folder, instead of --data")
    parser.add_argument("--tokenizer", type=Path, help="a tokenizer's folder; without, a WordPiece one is trained on the text")
    parser.add_argument("--vocab", type=int, default=64_000, help="size of the tokenizer that is trained")
    parser.add_argument("--megabytes", type=float, default=30, help="of text, documents drawn")
    parser.add_argument("--shape", default="small", help="of `modeling.shapes`, family bert")
    parser.add_argument("--length", type=int, default=128, help="tokens of a row")
    parser.add_argument("--rows", type=int, help="of a step; by default 16, on CUDA 128")
    parser.add_argument("--rate", type=float, default=0.15, help="share of tokens masked")
    parser.add_argument("--seconds", type=float, default=60, help="timed, for each way")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--warm-up", type=int, default=2, help="steps at the start of each round that are not timed")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, help="of torch; its own choice unless given")
    parser.add_argument(
        "--cpu-time", action="store_true", help="count CPU time, which other programs on the machine change little; with --threads 1"
    )
    parser.add_argument("--ways", nargs="+", choices=sorted(NAMES), default=list(NAMES), help="`ours` is always among them")
    parser.add_argument("--gate", type=Path, help="settings and floors (.yaml): exit with an error below these")
    first, _ = parser.parse_known_args(arguments)
    if first.gate:
        parser.set_defaults(**yaml.safe_load(first.gate.read_text("utf-8"))["run"])
    return parser.parse_args(arguments)


def main() -> None:
    """Run, print Markdown and JSON, and hold the figures against the floors."""
    arguments = parsed()
    if arguments.gate and not arguments.data.is_dir():
        print(f"{arguments.gate}: not held: no real text in {arguments.data} (--data names its folder)")
        return
    found = run(arguments)
    print(markdown(found) + "\n\n" + json.dumps(found, ensure_ascii=False))
    missed = below(found, yaml.safe_load(arguments.gate.read_text("utf-8"))["floors"]) if arguments.gate else []
    if missed:
        sys.exit("below the floors of " + f"{arguments.gate}: " + "; ".join(missed))


if __name__ == "__main__":
    main()
