"""A version's report: one page with its figures as charts and tables, and samples of what each rule rejected. It loads nothing and runs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from curation.audit import charts
from curation.audit.page import Html, page, table, text, visible
from curation.audit.summary import RANDOM, RuleCount, Summary
from curation.audit.svg import digits, percent
from curation.writers.card import composition_rows

REPORT = "report.html"
VERSION = 1
"""Raised when the same version gives another page."""
MOST_BYTES = 4_500_000
"""Size up to which samples are put into the page."""
MOST_ROWS = 60
"""Sources or rules of a chart or table; the rest is in the manifest."""
NAME = 300
"""Characters of an address or a name that are shown."""

STYLE = (
    charts.COLOURS
    + """
body{max-width:56em}h1{font-size:1.7em;line-height:1.25;margin:.2em 0}h2{font-size:1.25em;margin:2.2em 0 .4em;border-bottom:1px solid var(--line);padding-bottom:.2em}
h3{font-size:1em;margin:1.6em 0 .3em}p{max-width:46em}nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.2em 1.2em;padding:0}a{color:var(--b)}
dl.figures{display:flex;flex-wrap:wrap;gap:.4em 2.4em;margin:1.2em 0}dl.figures div{display:flex;flex-direction:column-reverse}
dl.figures dd{margin:0;font-size:1.6em;font-weight:600;font-variant-numeric:tabular-nums}dl.figures dt{color:var(--faint);font-size:.9em}
figure{margin:1em 0 1.6em}figcaption{color:var(--faint);font-size:.9em;max-width:50em;margin-top:.3em}
.wide{overflow-x:auto}.wide svg{min-width:46em}.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(19em,1fr));gap:.6em 1.4em}.grid figure{margin:.4em 0}
td{font-variant-numeric:tabular-nums}blockquote{margin:.3em 0;overflow-wrap:anywhere}mark{background:#f6d9a8;color:#1d2127;padding:0 .1em}
@media(max-width:40em){body{margin:1em auto}td,th{padding:.15em .4em}dl.figures{gap:.4em 1.4em}dl.figures dd{font-size:1.3em}}
@media print{:root{--ground:#fff;--ink:#000;--faint:#444;--line:#bbb;--b:#2f6db3;--alarm:#a33a1e}body{font-size:10.5pt;margin:0;max-width:none}
nav{display:none}h2,h3{break-after:avoid}figure,article,tr{break-inside:avoid}.wide,.scroll{overflow:visible}.wide svg{min-width:0}
table{font-size:8.5pt}td,th{padding:.1em .4em}
.grid{grid-template-columns:repeat(2,1fr)}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""
)


@dataclass(frozen=True)
class Sample:
    """A document that a rule rejected. `pieces` are its text, or a part of it, as (piece, whether the rule points at it); `unseen` says why there are none."""

    rule: str
    nearest: bool
    id: str
    source: str
    address: str
    value: float | None
    threshold: float | None
    others: tuple[str, ...]
    pieces: tuple[tuple[str, bool], ...]
    unseen: str = ""


def report(summary: Summary, samples: Iterable[Sample]) -> str:
    """The page. The same version gives the same bytes, and never more than 5 MB of them: samples that no longer fit are left out, and the page says so."""
    manifest = summary.manifest
    sections = [(name, title, _section(name, title, part(summary))) for name, title, part in PARTS]
    shown = [(name, title, section) for name, title, section in sections if section]
    size = sum(len(section.encode()) for _, _, section in shown)
    samples_part = _samples(summary, samples, MOST_BYTES - size)
    if samples_part:
        shown.append(("samples", "Samples", samples_part))
    links = "".join(f'<li><a href="#{name}">{title}</a></li>' for name, title, _ in shown)
    title = str(manifest["title"] or manifest["name"])
    body = [
        _head(summary, title),
        Html(f'<nav aria-label="Contents"><ul>{links}</ul></nav>'),
        *(section for _, _, section in shown),
        _foot(manifest),
    ]
    return page(f"{title}: report", [Html("<main>"), *body, Html("</main>")], STYLE)


def _head(summary: Summary, title: str) -> Html:
    manifest, totals = summary.manifest, summary.manifest["totals"]
    figures = [
        ("documents read", f"{totals['read']:,}"),
        ("kept", f"{totals['kept']:,}"),
        ("of those read", percent(totals["kept"], totals["read"])),
        ("words", f"{totals['words']:,}"),
        ("words with copies", f"{totals['final_words']:,}"),
        ("sources", f"{len(manifest['sources']):,}"),
    ]
    told = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in figures)
    if alarms := len(manifest["alarms"]):
        told += f'<div><dt><a href="#alarms">alarms</a></dt><dd class="alarm">{alarms:,}</dd></div>'
    facts = f"Version <code>{text(manifest['version'])}</code> · language <code>{text(manifest['language'])}</code>"
    facts += f" · licence {text(manifest['licence'])}" if manifest["licence"] else ""
    described = f'<p dir="auto">{visible(manifest["description"])}</p>' if manifest["description"] else ""
    return Html(
        f'<header><h1><bdi>{visible(title)}</bdi></h1><p class="faint">{facts}</p>{described}<dl class="figures">{told}</dl></header>'
    )


def _alarms(summary: Summary) -> Html:
    alarms = summary.manifest["alarms"]
    items = "".join(f'<li class="alarm">{visible(alarm["message"])}</li>' for alarm in alarms[:MOST_ROWS])
    items += f"<li>{len(alarms) - MOST_ROWS:,} more are in the manifest.</li>" if len(alarms) > MOST_ROWS else ""
    since = summary.manifest["since"]
    compared = f"<p>Compared with <code>{text(since['version'])}</code>.</p>" if since else ""
    return Html(compared + (f"<ul>{items}</ul>" if items else "<p>None.</p>"))


def _documents(summary: Summary) -> Html:
    flows = sorted(summary.flows, key=lambda flow: (-flow.read, flow.source))[:MOST_ROWS]
    totals = summary.manifest["totals"]
    heads = ("Data source", "Read", "Failed", "Rejected", "Duplicate", "Kept")
    rows = [(_short(flow.source), flow.read, flow.failed, flow.rejected, flow.duplicate, flow.kept) for flow in flows]
    total = ("Total", *(totals[name] for name in ("read", "failed", "rejected", "duplicate", "kept")))
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in summary.manifest["duplicates"].items() if count)
    duplicates = f"<p>Duplicates by kind: {text(kinds)}. Each names the better document that it repeats.</p>" if kinds else ""
    return Html(
        _figure(
            charts.funnel(summary.flows),
            "Documents from the sources to the version. Bands are as wide as their documents are many; at the right what is kept of each source.",
        )
        + _figure(charts.fates(flows), "What became of the documents of each source, as shares of what was read.")
        + table(heads, [*rows, total], total=True)
        + duplicates
    )


def _words(summary: Summary) -> Html:
    sources = sorted(summary.manifest["sources"].values(), key=lambda source: (-source["final_words"], source["title"]))
    rows = [(source["title"], source["words"], source["final_words"]) for source in sources if source["words"]]
    chart = charts.words_by_source(rows[:MOST_ROWS])
    gone = " · ".join(
        f"{summary.words[name]:,} in {told}" for name, told in (("rejected", "rejected documents"), ("duplicate", "duplicates"))
    )
    return Html(
        _figure(
            chart,
            "Words by source, between white space: in the texts that are kept, and in all their copies, with the share of the corpus.",
        )
        + table(("Data source", "Words", "Up-sampling", "Final words"), composition_rows(summary.manifest), total=True)
        + f"<p>Left out: {gone}.</p>"
    )


def _labels(summary: Summary) -> Html:
    figures = [
        _figure(
            charts.mix(kept, read, f"Documents by {name}"),
            f"Documents by {name}, as a filter tells it: kept, of those that were read.",
            wide=False,
        )
        for name, (kept, read) in sorted(summary.labels.items())
    ]
    return Html(f'<div class="grid">{"".join(figures)}</div>' if figures else "")


def _rules(summary: Summary) -> Html:
    fired = [rule for rule in summary.rules if rule.documents]
    if not summary.rules:
        return Html("<p>No rule is in force.</p>")
    read = summary.manifest["totals"]["read"]
    heads = ("Rule", "Keeps", "Documents", "Share", "Alone", "Words")
    rows = [
        (rule.rule, _keeps(rule), rule.documents, percent(rule.documents, read), rule.alone, rule.words)
        for rule in summary.rules[:MOST_ROWS]
    ]
    more = f"<p>{len(summary.rules) - MOST_ROWS:,} more rules are in the manifest.</p>" if len(summary.rules) > MOST_ROWS else ""
    pages = [(rule, count) for rule, count in sorted(summary.pages.items(), key=lambda item: (-item[1], item[0]))]
    return Html(
        _figure(
            charts.rule_bars(fired[:MOST_ROWS], read),
            "Documents by rule, and their share of what was read. A document that fails several rules counts for each; the darker part fails no other, "
            "and would be judged by deduplication alone without this rule.",
        )
        + _figure(
            charts.overlap(fired, summary.pairs),
            "Rules that fail together: per cent of the documents that fail the rule of a row and fail that of the column too.",
        )
        + table(heads, rows, texts=2)
        + more
        + ("<h3>Pages cut from books that are kept</h3>" + table(("Rule", "Pages"), pages) if pages else "")
    )


def _measures(summary: Summary) -> Html:
    figures = [
        f"<figure>{charts.histogram(m.name, m.scale.edges, m.counts, m.lines, m.scale.log)}</figure>" for m in summary.measures[:MOST_ROWS]
    ]
    told = (
        "Documents by value of each measure that a rule compares, and of words. Heights are logarithmic, and inside of a bar the parts are in proportion: kept, "
        "duplicate, rejected by any rule. Lines are thresholds, and what they exclude is shaded. The outermost bars hold what lies beyond the axis."
    )
    return Html(f'<p>{told}</p>{charts.key()}<div class="grid">{"".join(figures)}</div>' if figures else "")


def _failures(summary: Summary) -> Html:
    found = [
        (_short(reason), _short(source["title"]), count)
        for source in summary.manifest["sources"].values()
        for reason, count in source["failures"].items()
    ]
    found.sort(key=lambda row: (-row[2], row))
    return table(("Reason", "Data source", "Documents"), found[:MOST_ROWS], texts=2)


def _samples(summary: Summary, samples: Iterable[Sample], room: int) -> Html:
    """Samples by rule, in the order of the rules, while there is room."""
    by_rule: dict[str, list[Sample]] = {}
    for sample in samples:
        by_rule.setdefault(sample.rule, []).append(sample)
    parts: list[str] = []
    left_out = []
    for rule in (rule for rule in summary.rules if rule.rule in by_rule):
        keeps = _keeps(rule)
        told = f"{rule.documents:,} documents fail it" + (f"; it keeps <code>{text(rule.measure)}</code> {keeps}" if keeps else "")
        part = f'<section><h3>{text(rule.rule)}</h3><p class="faint">{told}.</p>{"".join(map(_sample, by_rule[rule.rule]))}</section>'
        room -= len(part.encode())
        if room < 0:
            left_out.append(rule.rule)
        else:
            parts.append(part)
    if not by_rule:
        return Html("")
    note = (
        f"Of each rule {RANDOM} documents at random, always the same ones, and those nearest to its threshold: the first say how often the rule is right, "
        "the others whether its threshold is. Texts are those that the rules judged, cut short, with what a rule points at marked; "
        "<code>dollma explain VERSION ID</code> tells all of one."
    )
    rest = f"<p>Left out, for this page would be too large: {text(', '.join(left_out))}.</p>" if left_out else ""
    return _section("samples", "Samples", Html(f"<p>{note}</p>{''.join(parts)}{rest}"))


def _sample(sample: Sample) -> str:
    value = "" if sample.value is None else f"{digits(sample.value)}, the threshold {digits(sample.threshold or 0)} · "
    others = f" · fails too: {text(', '.join(sample.others))}" if sample.others else ""
    chosen = "near the threshold" if sample.nearest else "at random"
    told = f'<p class="faint">{value}{chosen} · <bdi>{visible(sample.source)}</bdi>{others}</p>'
    pieces = "".join(f"<mark>{visible(piece)}</mark>" if marked else visible(piece) for piece, marked in sample.pieces)
    shown = f'<blockquote dir="auto">{pieces}</blockquote>' if pieces.strip() else f'<p class="faint">({text(sample.unseen)})</p>'
    return f'<article>{told}{shown}<p class="faint"><code>{text(sample.id)}</code> {_address(sample.address)}</p></article>'


def _address(address: str) -> str:
    """An address of the web as a link that shows all of itself, anything else as text."""
    plain = address.isascii() and address.isprintable() and " " not in address and len(address) <= NAME
    if plain and address.startswith(("http://", "https://")):
        return f'<a href="{text(address)}" rel="noopener noreferrer" dir="ltr">{text(address)}</a>'
    return f"<bdi>{visible(_short(address))}</bdi>"


def _foot(manifest: Mapping[str, Any]) -> Html:
    packages = ", ".join(f"{name} {version}" for name, version in sorted(manifest["packages"].items()))
    return Html(
        f'<footer><p class="faint">Fingerprint <code>{text(manifest["fingerprint"])}</code>, report {VERSION}. Made with {text(packages)}. '
        "The ledger beside this page has a row for every document that was read.</p></footer>"
    )


def _section(name: str, title: str, content: Html) -> Html:
    return Html(f'<section aria-labelledby="{name}"><h2 id="{name}">{title}</h2>{content}</section>' if content else "")


def _figure(chart: Html, caption: str, wide: bool = True) -> str:
    """A chart with what it shows; a wide one is scrolled where there is no room for it."""
    if not chart:
        return ""
    held = f'<div class="wide" tabindex="0" role="group" aria-label="Chart">{chart}</div>' if wide else chart
    return f"<figure>{held}<figcaption>{text(caption)}</figcaption></figure>"


def _keeps(rule: RuleCount) -> str:
    sign = {"min": "≥", "max": "≤"}.get(rule.bound, "")
    return f"{sign} {', '.join(map(digits, rule.thresholds))}" if rule.thresholds else ""


def _short(name: str) -> str:
    """A name, or the beginning of one."""
    return name if len(name) <= NAME else name[:NAME] + "…"


PARTS: Sequence[tuple[str, str, Callable[[Summary], Html]]] = (
    ("documents", "From the sources to the version", _documents),
    ("alarms", "Alarms", _alarms),
    ("words", "Words", _words),
    ("languages", "Languages and scripts", _labels),
    ("rules", "Rules", _rules),
    ("measures", "Measures and thresholds", _measures),
    ("failures", "What could not be read", _failures),
)
