"""A workspace with two versions for tests of the audit's pages: plain Azerbaijani texts, near duplicates, and documents that mean harm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.pipelines.workspace import DEMO, quiet_build, write_recipe

SCRIPT = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"><style>body{display:none}</style>"
OVERRIDE, NULL, HALF = "\u202e", "\x00", "\ud800"
LONG = 5_000_000
"""Characters of the longest line."""
SCHEMES = (
    "javascript:document.title='owned'",
    "data:text/html,<script>alert(1)</script>",
    "https://x.az/\"><script>document.title='owned'</script>",
)
RIGHT_TO_LEFT = (
    "بو کیتاب کؤهنه باکی شهرینده یاشایان اوستالارین ایشیندن دانیشیر. اونلار هر گون سحر تئزدن دوروب دمیر دؤیوردولر.\n"
    "بازاردا ساتیلان قابلارین چوخو اونلارین الیندن چیخیردی، کندلردن گلنلر ده اونلاری تانیییردی."
)
PROSE = (
    "Kəndin kənarında köhnə bir dəyirman var idi. Dəyirmançı hər səhər suyun səsinə oyanır, daşları yoxlayır, sonra qapını açırdı. "
    "Uşaqlar məktəbdən qayıdanda onun yanına gəlir, un çuvallarının arasında oynayırdılar. Payızda yağışlar başlayanda çay daşır, körpü suyun altında qalırdı."
)
TALE = (
    "Bir gün şəhərdən yaşlı bir usta gəldi və bütün həftə dəyirmanın çarxını təmir etdi. Axşamlar ocağın başında oturub uzaq bazarlardan, dəvə karvanlarından, "
    "dənizin o tayındakı adalardan danışırdı. Kənd əhli işini yarımçıq qoyub ona qulaq asmağa yığışırdı."
)


def hostile_workspace(folder: Path) -> tuple[Path, list[str]]:
    """(workspace, names of its two versions): the second asks for longer documents."""
    raw = folder / "raw.jsonl"
    raw.write_text("".join(json.dumps(row) + "\n" for row in _rows()), encoding="utf-8")  # as ASCII: halves of surrogate pairs are escaped
    sources: dict[str, dict[str, Any]] = {
        "web": {"paths": str(raw), "title": "Web <b>pages</b>"},
        "blogs": {"paths": str(DEMO / "raw" / "blogs" / "blogs.jsonl"), "upsample": 2.5},
    }
    recipe = write_recipe(folder, sources, engine={"task_bytes": 10_000_000})
    workspace = folder / "workspace"
    return workspace, [quiet_build(recipe, workspace, 1, override).folder.name for override in ((), ("filters.length.min_words=40",))]


def _rows() -> list[dict[str, str]]:
    texts = {
        "script": f"{SCRIPT} {PROSE} {SCRIPT}",
        "override": f"{PROSE} {OVERRIDE}gpj.exe{OVERRIDE} {PROSE}",
        "null": f"Sonu {NULL} yoxdur. {PROSE[:150]}",
        "half": f"Yarımçıq {HALF} işarə. {PROSE[10:160]}",
        "line": "uzun" * (LONG // 4),
        "azb": RIGHT_TO_LEFT,
        "digits": "0123 4567 8901 " * 30,
        "short": "Bir söz.",
        "original": f"{TALE} {PROSE} Sonra qış gəldi, qar yağdı və yollar bağlandı.",
        "copy": f"{TALE} {PROSE} Sonra qış gəldi, qar yağdı və yollar açıldı.",
    }
    urls = dict(zip(("script", "override", "null"), SCHEMES, strict=True))
    return [{"id": name, "text": text, "url": urls.get(name, f"https://sayt.example.az/{name}")} for name, text in texts.items()]
