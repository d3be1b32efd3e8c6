"""A pasted signature: who writes, where they work, how they are reached. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from activities.capture.sentences import ADDRESS, flat
from crm.core.names import ACADEMIC, HAN, PARTICLES, split_name

MOST_LINES, LONGEST_LINE = 15, 120
SITE = re.compile(r"\b(?:https?://)?(?:www\.)?(?P<host>[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,})(?:/\S*)?", re.IGNORECASE)
NUMBER = re.compile(r"(?:\+|00)?\(?\d[\d ()./\-–]{5,}\d(?:\s*(?:ext|x|dw|durchwahl)\.?\s*\d+)?", re.IGNORECASE)
COMPANY = re.compile(
    r"(?:^|[\s&.,])(?:gmbh|ag|kg|kgaa|ohg|se|ug|e\.?\s?k\.?|e\.?\s?v\.?|inc|llc|llp|ltd|limited|corp|corporation|company|co|plc|s\.?a\.?|s\.?a\.?s|sarl|s\.?l|s\.?p\.?a|"
    r"s\.?r\.?l|b\.?v|n\.?v|a/s|aps|oy|ab|as|pty|pvt|group|holding|gruppe|university|universitat|institute|bank)\b\.?",
)
TITLE = re.compile(
    r"\b(?:ceo|cto|cfo|coo|cmo|cio|vp|svp|evp|president|chief|head|director|manager|lead|leader|officer|engineer|developer|consultant|analyst|assistant|"
    r"associate|partner|founder|owner|sales|marketing|purchas\w*|procurement|account\w*|executive|specialist|coordinator|architect|designer|representative|"
    r"professor|buyer|controller|leiter\w*|leitung|geschaftsfuhr\w*|vertrieb\w*|einkauf\w*|einkaufer\w*|berater\w*|assistenz|referent\w*|inhaber\w*|"
    r"vorstand\w*|prokurist\w*|ingenieur\w*|entwickler\w*|sachbearbeiter\w*|projekt\w*|kaufmann|kauffrau|team)\b",
)
GREETING = re.compile(
    r"^(?:best|kind|warm|many thanks|thanks|thank you|regards|cheers|sincerely|yours|mit freundlichen|freundliche|viele|beste|herzliche|liebe|gruss|vg|mfg|lg|--|__|"
    r"sent from|gesendet von|von meinem)"
)
PLACE = re.compile(r"\d{4,5}|\b(?:street|st|road|rd|avenue|ave|suite|floor|platz|weg|allee|gasse)\b|strasse\b|str\.")
LABEL = re.compile(
    r"^\s*(?:e-?mail|mail|e|tel(?:efon|ephone)?|phone|t|p|mobile?|mobil|cell|handy|m|fax|f|web|www|w|direct|office|büro)\s*[.:]+\s*|^\s*[|•·]\s*", re.IGNORECASE
)
FAX = re.compile(r"\b(?:tele)?fax\b|^\s*f\s*[.:]", re.IGNORECASE)
MOBILE = re.compile(r"\b(?:mobile?|mobil|cell|handy)\b|^\s*m\s*[.:]", re.IGNORECASE)
NAME = re.compile(r"^[^\W\d_][\w.'’´-]*(?:\s+[^\W\d_][\w.'’´-]*){1,4}$")
FREE_MAIL = frozenset(
    "gmail.com googlemail.com outlook.com hotmail.com live.com yahoo.com icloud.com me.com aol.com gmx.de gmx.net gmx.at web.de t-online.de freenet.de".split()
)


@dataclass(frozen=True)
class Card:
    """A person as a signature tells of them. `phones`: (number as written, "work" or "mobile")."""

    first_name: str = ""
    last_name: str = ""
    job_title: str = ""
    company: str = ""
    emails: tuple[str, ...] = ()
    phones: tuple[tuple[str, str], ...] = ()
    domain: str = ""


def read_card(text: str) -> Card | None:
    """The person of a pasted signature; None when it is none: no name beside an address or a number, or too much else."""
    lines = [line.strip(" \t|•·*_>-–,") for line in text.replace("\x00", " ").splitlines()]
    lines = [piece.strip() for line in lines for piece in re.split(r"\s+[|•·]\s+|\t+", line) if piece.strip()]
    if not 2 <= len(lines) <= MOST_LINES or any(len(line) > LONGEST_LINE for line in lines):
        return None
    emails = tuple(dict.fromkeys(match.group().strip(".").lower() for line in lines for match in ADDRESS.finditer(line)))
    phones = tuple(dict.fromkeys(found for line in lines if not FAX.search(line) for found in _phones(line)))
    if not emails and not phones:
        return None
    words = [line for line in lines if _wordy(line)]
    name = next((line for line in words if _is_name(line)), "")
    first, last = split_name(name) if name else _from_address(emails)
    if not (first or last):
        return None
    rest = [line for line in words if line != name]
    domain = _domain(lines, emails)
    company = _company(rest, domain)
    title = next((line for line in rest if line != company and TITLE.search(flat(line))), "")
    if not title and name and rest and rest[0] != company and lines.index(rest[0]) == lines.index(name) + 1:
        title = rest[0]
    title, company = _title_at(title, company)
    return Card(first[:100], last[:100], title[:120], company[:200], emails[:5], phones[:5], domain)


def _phones(line: str) -> list[tuple[str, str]]:
    if ADDRESS.search(line) and not re.search(r"\d{3}", ADDRESS.sub("", line)):
        return []
    kind = "mobile" if MOBILE.search(line) else "work"
    found = [match.group().strip(" .-–") for match in NUMBER.finditer(ADDRESS.sub("", line))]
    return [(number, kind) for number in found if 7 <= sum(char.isdigit() for char in number) <= 17 and not PLACE.search(line.replace(number, ""))]


def _wordy(line: str) -> bool:
    """Words about the person: no address, number, street or greeting."""
    bare = LABEL.sub("", line)
    folded = flat(bare)
    plain = not (ADDRESS.search(bare) or NUMBER.search(bare) or PLACE.search(folded) or GREETING.match(folded))
    return plain and not SITE.fullmatch(bare) and any(char.isalpha() for char in bare)


def _is_name(line: str) -> bool:
    """Two to five words in capitals that name neither a firm nor a post; or two to four Chinese characters."""
    bare = ACADEMIC.sub("", line).strip()
    folded = flat(bare)
    if HAN.match(bare):
        return True
    words = all(word[:1].isupper() or word in PARTICLES or word.lower() == word.upper() for word in bare.split())
    return words and bool(NAME.match(bare)) and not COMPANY.search(folded) and not TITLE.search(folded)


def _from_address(emails: Sequence[str]) -> tuple[str, str]:
    """ann.lee@… is called Ann Lee."""
    parts = re.split(r"[._]", emails[0].partition("@")[0]) if emails else []
    return (parts[0].capitalize(), parts[1].capitalize()) if len(parts) == 2 and all(part.isalpha() and len(part) > 1 for part in parts) else ("", "")


def _company(lines: Sequence[str], domain: str) -> str:
    """The line with a legal form, else one that is called as the website, else one of words that is no post."""
    others = [line for line in lines if not TITLE.search(flat(line)) and len(line) < 60]
    legal = next((line for line in lines if COMPANY.search(flat(line))), "")
    called = next((line for line in others if any(len(word) > 3 and word in domain for word in flat(line).split())), "")
    return legal or called or next(iter(others), "")


def _title_at(title: str, company: str) -> tuple[str, str]:
    """ "Head of Sales, Acme Ltd" and "Buyer at Acme" say both."""
    for line in dict.fromkeys((title, company)):
        match = re.match(r"(?P<title>.+?)(?:\s+(?:at|bei|@)\s+|\s*[,|]\s*)(?P<company>.+)$", line)
        whole = line == company or not company  # else the company has a line of its own
        if match and TITLE.search(flat(match["title"])) and (whole or not TITLE.search(flat(match["company"]))):
            return match["title"].strip(), match["company"].strip() if whole else company
    return title, company


def _domain(lines: Sequence[str], emails: Sequence[str]) -> str:
    hosts = [address.rpartition("@")[2] for address in emails]
    hosts += [match["host"].lower() for line in lines for match in SITE.finditer(ADDRESS.sub("", line)) if "." in match["host"]]
    return next((host for host in hosts if host not in FREE_MAIL), "")
