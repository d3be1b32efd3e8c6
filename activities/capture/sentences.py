"""What a line that somebody typed means: notes, calls, tasks and meetings, and whom they are about. Pure: nothing is looked up here.

`understand("call Ann Lee re pricing, follow up Tue 10:00 !high #renewal", clock, "en")` gives a note about Ann Lee and a task for Tuesday.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time
from itertools import islice

from activities.capture.days import FRIDAY, MONTH
from activities.capture.saying import Clock, When
from activities.capture.times import find
from activities.capture.words import CHORE, CLOSING, FILLERS, HURRY, LABELS, LATER, OPENING, PRIORITIES, REMIND, STOPS, TELLS, URGENT, Verb, compiled
from crm.core.text import unaccent

LANGUAGES = ("en", "de")
LONGEST = 5_000  # characters that are looked at
MOST = 10  # entries
MOST_BREAKS = 200  # places at which something new may begin
SHORT = 80  # so long a text may say what a step is about
PRIORITY = re.compile(r"(?<![\w!])!(?P<word>[^\W_]+|!{0,2})(?![\w!])")
TAG = re.compile(r"(?<![\w&#/])#(?P<word>[^\W\d_][\w-]{0,39})")
COLLEAGUE = re.compile(r"(?<![\w.])@(?P<word>[^\W\d_][\w.-]*)")
ADDRESS = re.compile(r"[^\s<>()@,;]+@[^\s<>()@,;]+\.[^\W\d_]{2,}")
LABEL = re.compile(r"\s*(?P<word>[^\W\d_]+(?:-[^\W\d_]+)?)\s*:\s+")
TITLES = "".join(rf"(?<!\b{title}\.)" for title in ("Dr", "dr", "Mr", "Mrs", "Ms", "Prof", "St", "Nr", "No", "bzgl", "ca"))
# Not at the full stop of "Dr. Braun" and "3. Januar".
BREAK = re.compile(rf"\n+|;\s*|,\s*|[.!?]{TITLES}\s+(?!(?<=\d\.\s)(?i:{MONTH}|märz|jänner)\b)|\s+(?:and|then|und|dann)\s+")
HARD = re.compile(r"\n|;")
LEADING = re.compile(r"^(?:with|to|for|from|of|mit|bei|an|von|für)\s+", re.IGNORECASE)
SIDES = " \t\r\n,;:–-&+/"
EDGES = f"{SIDES}."


@dataclass(frozen=True)
class Entry:
    """One thing to be written. `kind`: note, call (a past one), task or meeting; `task_kind` and `repeat` of a task; `text`: title, or what was
    said."""

    kind: str
    text: str
    task_kind: str = ""
    day: date | None = None
    at: time | None = None
    minutes: int | None = None
    priority: int = 2
    names: tuple[str, ...] = ()
    repeat: str = ""


@dataclass(frozen=True)
class Said:
    """All that a text says. `colleague`: whom the tasks are for; `names` of all entries, in order of appearance."""

    entries: tuple[Entry, ...] = ()
    tags: tuple[str, ...] = ()
    colleague: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for entry in self.entries for name in entry.names))


@dataclass
class Clause:
    """A part of the text that says one thing. `rest`: its words without day, time and marks."""

    text: str
    verb: Verb | None = None
    label: str = ""
    when: When = field(default_factory=When)
    priority: int = 2
    rest: str = ""
    body: str = ""  # the rest without its verb
    whole: str = ""  # with the words that say when: how a note keeps it
    tells: bool = False  # it is a statement
    asks: bool = False  # "remind me to ..."

    @property
    def dated(self) -> bool:
        return self.when.day is not None or self.when.at is not None


def flat(text: str) -> str:
    """Folded, character by character: places stay the same."""
    return text.lower() if text.isascii() else "".join((unaccent(char) or char)[:1] for char in text)


def understand(text: str, clock: Clock, language: str) -> Said:
    """What is said. The words of both languages are known, those of `language` first."""
    text = text.replace("\x00", " ")[:LONGEST].strip()
    if not text:
        return Said()
    text, tags = _taken(TAG, text)
    protected = ADDRESS.sub(lambda match: match.group().replace("@", "\x01"), text)
    protected, colleagues = _taken(COLLEAGUE, protected)
    text = protected.replace("\x01", "@")
    ways = [_read(text, clock, each) for each in dict.fromkeys((language if language in LANGUAGES else "en", *LANGUAGES))]
    clauses = max(ways, key=_understood)  # the first of equals
    return Said(tuple(_entries(clauses, clock)[:MOST]), tuple(dict.fromkeys(tags)), colleagues[0] if colleagues else "")


def _taken(pattern: re.Pattern[str], text: str) -> tuple[str, list[str]]:
    """The text without the marks, and their words."""
    words = [match["word"] for match in pattern.finditer(text)]
    return (pattern.sub("", text) if words else text), words


def _understood(clauses: Sequence[Clause]) -> int:
    return sum(2 * (clause.verb is not None) + bool(clause.when.day) + bool(clause.when.at) for clause in clauses)


# ---- clauses ----


def _read(text: str, clock: Clock, language: str) -> list[Clause]:
    """The clauses of a text; one that says nothing but when goes with its neighbour."""
    clauses: list[Clause] = []
    waiting = ""
    for part in _parts(text, clock, language):
        clause = _clause(f"{waiting} {part}".strip(), clock, language)
        waiting = ""
        if clause.rest and not (clause.asks and compiled(FILLERS[language]).fullmatch(flat(clause.rest))):
            clauses.append(clause)
        elif clauses:
            clauses[-1] = _clause(f"{clauses[-1].text} {part}", clock, language)
        else:
            waiting = part
    if not clauses and any(char.isalnum() for char in waiting):  # a day and nothing else: kept as it is
        clauses.append(Clause(waiting, rest=waiting, whole=waiting, tells=True))
    return clauses


def _parts(text: str, clock: Clock, language: str) -> Iterator[str]:
    """Parts of the text: at line ends and semicolons, and wherever after a comma, a full stop or "and" something new is done."""
    start = 0
    for match in islice(BREAK.finditer(text), MOST_BREAKS):
        before, after = text[start : match.start()], text[match.end() :]
        if before.strip() and (HARD.search(match.group()) or _begins(after, clock, language, sentence=match.group()[0] in ".!?")):
            yield before.strip(SIDES)
            start = match.end()
    yield text[start:].strip(SIDES)


def _begins(text: str, clock: Clock, language: str, *, sentence: bool) -> bool:
    """Does something new that is done begin here: a verb, perhaps after a day and a time?"""
    part = BREAK.split(text, maxsplit=1)[0]
    clause = _clause(part, clock, language)
    if clause.verb is None and not clause.label:
        return sentence and bool(clause.rest) and clause.rest[0].isupper() and len(clause.rest.split()) > 2
    first = flat(_stripped(part, When(spans=clause.when.spans)))
    return clause.verb is not None and (_opening(_unfilled(first, language), language) is not None or sentence or language == "de")


def _clause(text: str, clock: Clock, language: str) -> Clause:
    clause = Clause(text)
    if (label := LABEL.match(text)) and flat(label["word"]) in LABELS.keys() | URGENT:
        clause.label, text = LABELS.get(flat(label["word"]), ""), f"{'' if flat(label['word']) in LABELS else '!! '}{text[label.end() :]}"
    text, clause.priority = _prioritised(text)
    folded = flat(text)
    if (hurry := compiled(HURRY).search(folded)) and not compiled(TELLS[language]).search(folded):
        text, folded, clause.priority = text[: hurry.start()], folded[: hurry.start()], 3
    clause.asks = bool(compiled(REMIND[language]).search(folded))
    clause.when = find(folded, clock, language)
    clause.verb, _body = _verb(_stripped(text, clause.when), language)
    if clause.verb is not None and clause.verb.past and not (clause.verb.either and ahead(clause.when, clock)):
        clause.when = find(compiled(LATER[language]).sub(_blank, folded), clock, language, past=True)
    clause.rest = _unfilled(_stripped(text, clause.when), language)
    if clause.asks:  # "... ihr die Unterlagen zu schicken"
        clause.rest = re.sub(r"\bzu (?=\w+n$)", "", clause.rest)
    clause.verb, clause.body = _verb(clause.rest, language)
    clause.whole = _unfilled(_stripped(text, When()), language)
    clause.tells = clause.verb is None and bool(compiled(TELLS[language]).search(folded))
    return clause


def ahead(when: When, clock: Clock) -> bool:
    """Is it still to come, as far as it is said when it is?"""
    day = when.day or (clock.today if when.at else None)
    return day is not None and (day > clock.today or (day == clock.today and when.at is not None and when.at > clock.now.time()))


def _blank(match: re.Match[str]) -> str:
    return chr(0) * len(match.group())


def _prioritised(text: str) -> tuple[str, int]:
    priority = 2
    for match in reversed(list(PRIORITY.finditer(text))):
        known = PRIORITIES.get(flat(match["word"]) or "!")
        if known:
            priority, text = known, f"{text[: match.start()]}{text[match.end() :]}"
    return text, priority


def _stripped(text: str, when: When) -> str:
    """The text without the words that say when."""
    for start, end in sorted(when.spans, reverse=True):
        text = f"{text[:start]} {text[end:]}"
    return re.sub(r"\s+([,.;:])(?=\s|$)", r"\1", re.sub(r"\s+", " ", text)).strip(EDGES)


def _unfilled(text: str, language: str) -> str:
    """Without "please", "remind me to" and the like at its beginning."""
    while match := compiled(rf"(?:{FILLERS[language]})[\s,:]*").match(flat(text)):
        if match.end() >= len(text):
            break
        text = text[match.end() :]
    return text.strip(EDGES)


def _opening(folded: str, language: str) -> tuple[Verb, int] | None:
    for pattern, verb in OPENING[language]:
        if match := compiled(pattern).match(folded):
            return verb, match.end()
    return None


def _verb(text: str, language: str) -> tuple[Verb | None, str]:
    """What is done, and the text without the word for it."""
    folded = flat(text)
    found = _opening(folded, language)
    if found and not found[0].meets:
        return found[0], text[found[1] :].strip(EDGES)
    for pattern, verb in CLOSING[language]:
        if (match := compiled(pattern).search(folded.rstrip(EDGES))) and (not found or verb == CHORE):  # "Termin mit Ann absagen" is no meeting
            return verb, text[: match.start()].strip(EDGES)
    if found:
        return found[0], text[found[1] :].strip(EDGES)
    for pattern, verb in CLOSING[language]:  # "Ann anrufen wegen der Preise"
        if match := compiled(pattern.replace("|an)", ")").removesuffix("$") + r"\b").search(folded):
            return verb, _stripped(text, When(spans=[match.span()]))
    return None, text


# ---- entries ----


def _entries(clauses: Sequence[Clause], clock: Clock) -> list[Entry]:
    entries: list[Entry] = []
    for place, clause in enumerate(clauses):
        planned_later = any(other.dated and not (other.verb and other.verb.past) for other in clauses[place + 1 :])
        entries.append(_entry(clause, clock, planned_later))
    names = next((entry.names for entry in entries if entry.names), ())
    return [_about(entry, clauses, place, names) for place, entry in enumerate(entries)]


def _entry(clause: Clause, clock: Clock, planned_later: bool) -> Entry:
    verb, when = clause.verb, clause.when
    names = tuple(names_in(clause.body, small=verb.person) if verb else names_in(clause.rest))
    past = when.day < clock.today if when.day and when.day != clock.today else verb is not None and verb.past and not (verb.either and ahead(when, clock))
    if clause.label == "note" or (clause.tells and not clause.label and not clause.asks):
        return Entry("note", clause.whole, names=names)
    if past and not clause.label:
        return _happened(clause, clock, names)
    met = not when.repeat and (clause.label == "meeting" or (verb is not None and verb.meets and when.at is not None))
    if met and when.at is not None:
        day = when.day or _day_for(when.at, clock)
        return Entry("meeting", capitalised(clause.rest), day=day, at=when.at, minutes=when.minutes, names=names)
    # "call Ann re pricing, follow up Tuesday": what comes first is what it is about, not one more thing to do.
    context = verb is None or (planned_later and verb.person)
    if context and not (clause.dated or when.repeat or clause.label or clause.asks or clause.priority != 2):
        return Entry("note", clause.whole, names=names)
    day = when.day or (_day_for(when.at, clock) if when.at else None) or (clock.today if when.repeat else None)
    while day and when.repeat == "weekdays" and day.weekday() > FRIDAY:
        day = date.fromordinal(day.toordinal() + 1)
    kind = (clause.label if clause.label in ("call", "email", "follow_up") else "") or (verb.kind if verb else "todo")
    return Entry("task", capitalised(clause.rest), kind, day, when.at, when.minutes, clause.priority, names, when.repeat)


def _happened(clause: Clause, clock: Clock, names: tuple[str, ...]) -> Entry:
    verb, when = clause.verb, clause.when
    if verb is not None and verb.kind == "call":
        return Entry("call", capitalised(clause.rest), day=when.day, at=when.at, minutes=when.minutes, names=names)
    if verb is not None and verb.meets and when.at is not None:
        return Entry("meeting", capitalised(clause.rest), day=when.day or clock.today, at=when.at, minutes=when.minutes, names=names)
    return Entry("note", capitalised(clause.whole), names=names)


def _day_for(at: time, clock: Clock) -> date:
    """Today while the time lies ahead, else tomorrow."""
    return clock.today if at > clock.now.time() else date.fromordinal(clock.today.toordinal() + 1)


def _about(entry: Entry, clauses: Sequence[Clause], place: int, names: tuple[str, ...]) -> Entry:
    """A step without names is about whom the text names, and says so where it has no words of its own."""
    if entry.names or not names:
        return entry
    clause = clauses[place]
    bare = entry.kind in ("task", "meeting") and clause.verb is not None and not clause.body
    before = next((other for other in reversed(clauses[:place]) if other.body or other.rest), None)
    if bare and before is not None:
        about = LEADING.sub("", (before.body if before.verb else before.rest).strip(EDGES))
        entry = replace(entry, text=f"{entry.text}: {about if len(about) <= SHORT and ':' not in about else names[0]}")
    return replace(entry, names=names)


def capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


# ---- names ----


def names_in(text: str, *, small: bool = False) -> list[str]:
    """What may be names in a text: words in capitals, mail addresses; `small`: the first words too, up to a preposition, however they are written."""
    found: list[str] = [match.group() for match in ADDRESS.finditer(text)]
    for place, run in enumerate(_runs(ADDRESS.sub(" , ", text))):
        capitals = [word[:1].isupper() or (not word.isascii() and word.lower() == word.upper()) for word in run]
        if any(capitals):
            found += _capitalised_runs(run, capitals)
        elif place == 0 and small and not found and len(run) <= 3:
            found.append(" ".join(run))
    if not small and len(found) > 1 and text.startswith(found[0]) and " " not in found[0]:
        found.append(found.pop(0))  # the first word of a sentence has a capital in any case
    return list(dict.fromkeys(found))[:4]


def _runs(text: str) -> list[list[str]]:
    """Words that stand together, without prepositions, pronouns, numbers and punctuation between them."""
    runs: list[list[str]] = [[]]
    for piece in re.findall(r"[^\s,;:!?()\"„“”]+|[,;:!?()]", text):
        word = re.sub(r"['’]s$", "", piece.strip(".,-–"))
        if word and flat(word) not in STOPS and not any(char.isdigit() for char in word) and piece not in ",;:!?()":
            runs[-1].append(word)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _capitalised_runs(words: Sequence[str], capitals: Sequence[bool]) -> list[str]:
    found: list[str] = []
    run: list[str] = []
    for word, capital in [*zip(words, capitals, strict=True), ("", False)]:
        if capital and len(run) < 4:
            run.append(word)
        elif run:
            found.append(" ".join(run))
            run = []
    return found
