"""The catalogue of translated messages: `python -m web.i18n update` and `compile`.

`update` brings every message of the source into translations/*/LC_MESSAGES/messages.po, where people translate it;
`compile` makes the binary files that a running program reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
TRANSLATIONS = ROOT / "web" / "translations"  # folders bear Babel's own names: zh_Hans_CN is its zh_CN
SOURCES = ("web", "qa", "scoring")
EXTRACTORS = [("**.py", "python"), ("templates/**.html", "jinja2")]
KEYWORDS = {**DEFAULT_KEYWORDS, "N_": None}
# No dates and no names: the catalogue changes when a message does.
HEADER = """msgid ""
msgstr ""
"Project-Id-Version: Hotline QA\\n"
"Language: {language}\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
FOREIGN = frozenset({"node_modules", "static", "__pycache__"})


def extract() -> Catalog:
    """Return every message of the source: pages, reasons of marks, refusals."""
    found = Catalog(charset="utf-8")
    for source in SOURCES:
        for _file, _line, message, comments, context in extract_from_dir(
            ROOT / source, EXTRACTORS, keywords=KEYWORDS, directory_filter=is_ours
        ):
            found.add(message, None, auto_comments=comments, context=context)
    return found


def is_ours(folder: str) -> bool:
    return Path(folder).name not in FOREIGN


def po_files() -> Iterator[Path]:
    return TRANSLATIONS.glob("*/LC_MESSAGES/messages.po")


def read(file: Path) -> Catalog:
    with file.open("rb") as content:
        return read_po(content, locale=file.parts[-3], charset="utf-8")


def update() -> None:
    """Add new messages to every catalogue, untranslated, and drop those that are gone."""
    template = extract()
    for file in po_files():
        catalogue = read(file)
        catalogue.update(template, no_fuzzy_matching=True)
        text = BytesIO()
        write_po(text, catalogue, width=110, sort_output=True, ignore_obsolete=True, omit_header=True)
        file.write_bytes(HEADER.format(language="zh_CN").encode() + text.getvalue())


def compile_all() -> None:
    """Make the binary catalogues that are missing or older than their source."""
    for file in po_files():
        binary = file.with_suffix(".mo")
        if not binary.exists() or binary.stat().st_mtime < file.stat().st_mtime:
            with binary.open("wb") as content:
                write_mo(content, read(file))
