"""The picture of the README: a page of a book, what Tesseract reads on it, and what becomes of that. `python -m benchmarks.ocr.picture docs/ocr-page.png`."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw

from benchmarks.ocr.degrade import degrade
from benchmarks.ocr.pages import tesseract_tsv
from benchmarks.ocr.render import DPI, Style, font, render
from benchmarks.ocr.scores import aligned, tsv_page
from curation.extractors.ocr.options import OcrOptions
from curation.extractors.ocr.recognise import recognise
from curation.extractors.page import Page
from curation.formatters.ocr import Ocr
from curation.languages.profile import load_profile

PARAGRAPHS = (
    "Mayakçının dəftəri",
    "Qış girəndə dəniz hər gün başqa rəngdə olur, dedi qoca mayakçı, «amma sahil həmişə eyni sahildir». O, köhnə dəftərini açıb birinci səhifəni göstərdi: "
    "«Mart ayının səkkizi. Külək şimaldan əsir, gəmi görünmür». Sonra uzun müddət susdu, çünki həmin gün limana «Xəzərin ulduzu» adlı balaca bir gəmi gəlmişdi.",
    "Uşaqlar gülüşdülər. «Bəs balıqçılar?» deyə soruşdu ən kiçiyi. Mayakçı əlini papağına apardı, gözlərini qıyıb üfüqə baxdı və mırıldandı: «Onlar da gəldilər, "
    "oğlum, hamısı gəldi».",
)
"""Written for this picture."""
STYLE, DEGRADATION, LEVEL, SEED = Style("Old Standard", 10.0, 1, 62), "mixed", 2, 7
WIDTH, GAP, TEXT, LEADING = 1200, 16, 16, 25
RED, GREEN, GREY, INK = (255, 205, 200), (200, 240, 205), (110, 110, 110), (30, 30, 30)


def main() -> None:
    """Render, read, repair, draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    printed = render(PARAGRAPHS, STYLE)
    page = degrade(printed.image, DEGRADATION, LEVEL, STYLE.size, SEED)
    truth = "\n".join(line for line in printed.lines if line)
    raw, read = _plain(page), recognise(page, OcrOptions())
    repaired, _ = Ocr().edit_page(_text(read), load_profile("azj_Latn"), "ocr")
    picture(page, truth, raw, repaired).save(out, optimize=True)
    for name, text in (("Tesseract", raw), ("DOLLMA", repaired)):
        print(f"{name}: {aligned(truth, text).distance} of {len(truth)} characters wrong")


def _plain(page: Image.Image) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.png"
        page.save(path, dpi=(DPI, DPI))
        return _text(tsv_page(tesseract_tsv(path, "Latn")))


def _text(page: Page) -> str:
    return "\n".join(line.text for line in page.lines)


def picture(page: Image.Image, truth: str, raw: str, repaired: str) -> Image.Image:
    """The page above, both readings below; on red what differs from the truth, on green what the repair put right."""
    page = page.convert("L").resize((WIDTH, round(page.height * WIDTH / page.width)), Image.Resampling.LANCZOS)
    page = page.crop((0, 40, WIDTH, page.height - 60)).point(
        [min(255, round(value / 32) * 32 + 16 * (value > 200)) for value in range(256)]
    )
    wrong, still = _wrong(truth, raw), _wrong(truth, repaired)
    mended = _wrong(raw, repaired) - still
    rows = max(raw.count("\n"), repaired.count("\n")) + 3
    whole = Image.new("RGB", (WIDTH, page.height + rows * LEADING), "white")
    whole.paste(page, (0, 0))
    draw = ImageDraw.Draw(whole)
    told = f"Tesseract: {aligned(truth, raw).distance} of {len(truth)} characters wrong"
    _panel(draw, GAP, page.height + GAP, told, raw, dict.fromkeys(wrong, RED))
    told = f"DOLLMA: {aligned(truth, repaired).distance}"
    _panel(draw, WIDTH // 2 + GAP // 2, page.height + GAP, told, repaired, dict.fromkeys(mended, GREEN) | dict.fromkeys(still, RED))
    return whole


def _wrong(truth: str, reading: str) -> set[int]:
    """Places in a reading that are not as in the truth; where something is missing, the place behind it."""
    found, place = set(), 0
    for there, here in aligned(truth, reading).pairs:
        if here < 0:
            found.add(place)
            continue
        place = here + 1
        if there < 0 or truth[there] != reading[here]:
            found.add(here)
    return found


def _panel(draw: ImageDraw.ImageDraw, x: int, y: int, title: str, text: str, colours: dict[int, tuple[int, int, int]]) -> None:
    face = font("DejaVu Serif", TEXT)
    draw.text((x, y), title, GREY, font("DejaVu Sans Condensed", TEXT))
    place = 0
    for number, line in enumerate(text.split("\n"), 1):
        across, down = float(x), y + number * LEADING + 4
        for character in line:
            wide = face.getlength(character)
            if place in colours:
                draw.rectangle((across, down - 1, across + wide, down + TEXT + 4), colours[place])
            draw.text((across, down), character, INK, face)
            across, place = across + wide, place + 1
        if place in colours:
            draw.rectangle((across, down - 1, across + 6, down + TEXT + 4), colours[place])
        place += 1


if __name__ == "__main__":
    main()
