"""Names of people. Pure."""

from __future__ import annotations

import re

PARTICLES = frozenset(("von", "van", "de", "der", "den", "la", "di", "da", "zu", "bin", "al"))
HAN = re.compile(r"^[\u4e00-\u9fff]{2,4}$")
ACADEMIC = re.compile(
    r"^(?:(?:dr|prof|dipl|ing|mag|med|mr|mrs|ms|herr|frau|h\.?c)\b\.?[\s-]*)+|,?\s*(?:m\.?b\.?a|ph\.?\s?d|m\.?sc|b\.?sc|cfa|cpa|esq|pmp)\.?$", re.IGNORECASE
)


def split_name(name: str) -> tuple[str, str]:
    """("Ann Marie", "Lee"), ("Ludwig", "van Beethoven"), ("小龙", "李")."""
    name = ACADEMIC.sub("", name).strip()
    if HAN.match(name):
        return name[1:], name[0]
    words = [word.lower() if word.lower() in PARTICLES else word.title() for word in name.split()] if name.isupper() else name.split()
    at = next((place for place, word in enumerate(words) if place and word in PARTICLES), len(words) - 1)
    return " ".join(words[:at]), " ".join(words[at:])
