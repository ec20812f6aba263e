"""JSON Schemas of the criteria files, for editors that check while one types."""

from __future__ import annotations

import json
from pathlib import Path

from scoring import phrase_set, scorecard

FOLDER = Path(__file__).parent


def schema_files() -> dict[Path, str]:
    """Return the text of every shipped schema file by its path."""
    schemas = {"scorecard": scorecard.json_schema(), "phrase_set": phrase_set.json_schema()}
    return {
        FOLDER / f"{name}.schema.json": json.dumps(schema, ensure_ascii=False, indent=1) + "\n"
        for name, schema in schemas.items()
    }


def write_schemas() -> None:
    """Write the schema files anew: ``python -m scoring.schemas``."""
    for path, text in schema_files().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_schemas()
