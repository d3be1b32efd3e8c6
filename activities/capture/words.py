"""The words that quick capture knows, per language. Patterns match folded text: lower case, without accents and dots."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twelve": 12,
    "a couple of": 2, "a few": 3, "ein paar": 3,
    "ein": 1, "eine": 1, "einem": 1, "einer": 1, "einen": 1, "zwei": 2, "drei": 3, "vier": 4, "funf": 5, "sechs": 6, "sieben": 7, "acht": 8, "neun": 9,
    "zehn": 10, "zwolf": 12,
}  # fmt: skip
NUMBER = r"\d{1,3}|" + "|".join(sorted((name for name in NUMBERS), key=len, reverse=True))

WEEKDAYS = {
    "en": (("monday", "mon"), ("tuesday", "tues", "tue"), ("wednesday", "wed"), ("thursday", "thurs", "thur", "thu"), ("friday", "fri"), ("saturday", "sat"),
           ("sunday", "sun")),
    "de": (("montag", "mo"), ("dienstag", "di"), ("mittwoch", "mi"), ("donnerstag", "do"), ("freitag", "fr"), ("samstag", "sonnabend", "sa"), ("sonntag", "so")),
}  # fmt: skip
MONTHS = (
    ("january", "januar", "jan", "janner"), ("february", "februar", "feb"), ("march", "marz", "mar", "maerz", "mrz"), ("april", "apr"), ("may", "mai"),
    ("june", "juni", "jun"), ("july", "juli", "jul"), ("august", "aug"), ("september", "sept", "sep"), ("october", "oktober", "oct", "okt"),
    ("november", "nov"), ("december", "dezember", "dec", "dez"),
)  # fmt: skip
UNITS = {
    "minute": "minutes", "minutes": "minutes", "minuten": "minutes", "min": "minutes", "mins": "minutes", "m": "minutes",
    "hour": "hours", "hours": "hours", "hr": "hours", "hrs": "hours", "h": "hours", "stunde": "hours", "stunden": "hours", "std": "hours",
    "day": "days", "days": "days", "d": "days", "tag": "days", "tage": "days", "tagen": "days",
    "week": "weeks", "weeks": "weeks", "wk": "weeks", "wks": "weeks", "w": "weeks", "woche": "weeks", "wochen": "weeks",
    "month": "months", "months": "months", "monat": "months", "monate": "months", "monaten": "months",
    "year": "years", "years": "years", "jahr": "years", "jahre": "years", "jahren": "years",
}  # fmt: skip
PRIORITIES = {
    "high": 3, "urgent": 3, "important": 3, "hoch": 3, "dringend": 3, "wichtig": 3, "hi": 3, "1": 3, "!": 3, "!!": 3,
    "normal": 2, "medium": 2, "mittel": 2, "2": 2, "low": 1, "niedrig": 1, "gering": 1, "3": 1,
}  # fmt: skip


@dataclass(frozen=True)
class Verb:
    """What a clause says is done: `kind` of task when it lies ahead; `past`: it has happened; `meets`: with a time of day it is a meeting;
    `person`: what follows is a person, in small letters too; `either`: it has happened unless it lies ahead."""

    kind: str
    past: bool = False
    meets: bool = False
    person: bool = True
    either: bool = False


CALL, EMAIL, VISIT, FOLLOW, MEET = Verb("call"), Verb("email"), Verb("visit"), Verb("follow_up"), Verb("visit", meets=True)
SEND, CHORE = Verb("email", person=False), Verb("todo", person=False)
CALLED, MAILED, MET = Verb("call", past=True), Verb("email", past=True, person=False), Verb("visit", past=True, meets=True)
TALK = Verb("call", past=True, either=True)
DID = Verb("todo", past=True, person=False)

# At the beginning of a clause.
OPENING: dict[str, tuple[tuple[str, Verb], ...]] = {
    "en": (
        (r"(?:called|phoned|rang|spoke|talked|had (?:a )?(?:phone )?call|left (?:a )?(?:voice ?mail|message)|missed (?:a )?call|(?:(?:got|received|had) )?(?:a )?call from|no answer|tried to (?:call|reach)|could ?n'?o?t reach)\b", CALLED),
        (r"(?:met|visited|saw|had (?:a )?(?:meeting|lunch|coffee|dinner|breakfast|demo))\b", MET),
        (r"(?:e-?mailed|wrote|sent)\b", MAILED),
        (r"(?:follow(?:ing)?[ -]?ups?|check in|check back|chase|nudge|ping|try again|retry)\b", FOLLOW),
        (r"(?:(?:schedule|book|set up|arrange|plan) (?:an? )?(?:meeting|demo|lunch|coffee|dinner|appointment|workshop|video ?call))\b", MEET),
        (r"(?:call|phone|ring|dial|talk|speak)\b", CALL),
        (r"write (?:up )?(?:(?:a|an|the|my|our) )?(?:\w+ )?(?:report|proposal|summary|minutes|docs|documentation|notes|draft|article|post)\b", CHORE),
        (r"(?:e-?mail|mail|write|reply)\b", EMAIL),
        (r"(?:send|forward)\b", SEND),
        (r"(?:meet(?:ing)?|lunch|coffee|dinner|breakfast|demo|appointment|workshop|video ?call|zoom)\b", MEET),
        (r"visit\b", VISIT),
        (r"(?:prepare|review|update|finish|draft|book|order|pay|fix|create|schedule|plan|ask|get|buy|submit|sign|print|research|discuss|confirm|cancel|renew|invite|introduce|share|deliver|organi[sz]e|arrange|check|pick up|collect|bring|reschedule|postpone|move|compare|calculate|read|find|look|clarify|prep|add|remove|test)\b", CHORE),
    ),
    "de": (
        (r"(?:angerufen|telefoniert|gesprochen|nicht erreicht|niemand(?:en)? erreicht|keine antwort|verpasster anruf|anruf verpasst|anruf von|mailbox|nachricht hinterlassen)\b", CALLED),
        (r"telefonat\b", TALK),
        (r"(?:getroffen|besucht)\b", MET),
        (r"(?:geschrieben|gemailt|geschickt|gesendet)\b", MAILED),
        (r"(?:nachfassen|nachhaken|nachfragen|wiedervorlage|follow[ -]?up)\b", FOLLOW),
        (r"(?:anrufen|anruf|telefonieren|telefon|ruf|rufe|zuruckrufen|ruckruf|call)\b", CALL),
        (r"(?:e-?mail|mail|mailen|schreib|schreibe|schreiben|antworten|antworte)\b", EMAIL),
        (r"(?:schick|schicke|schicken|send|sende|senden)\b", SEND),
        (r"(?:treffen|treff|termin|mittagessen|abendessen|fruhstuck|brunch|jour fixe|kaffee|besprechung|meeting|demo|workshop|videocall|videokonferenz)\b", MEET),
        (r"(?:besuch|besuche|besuchen)\b", VISIT),
        (r"(?:vorbereiten|prufen|prufe|bestellen|erstellen|erstelle|planen|fragen|frag|buchen|kundigen|verlangern|einladen|unterschreiben|bezahlen|aktualisieren|abstimmen|klaren|klare|organisieren|absagen|verschieben|bestatigen|abholen|reservieren|kaufen)\b", CHORE),
    ),
}  # fmt: skip
# At the end of a clause, where German has its verbs.
CLOSING: dict[str, tuple[tuple[str, Verb], ...]] = {
    "en": (),
    "de": (
        (r"\b(?:angerufen|telefoniert|gesprochen|erreicht|zuruckgerufen|hinterlassen)$", CALLED),
        (r"\b(?:getroffen|besucht)$", MET),
        (r"\b(?:geschrieben|gemailt|geschickt|gesendet|beantwortet)$", MAILED),
        (r"\b(?:erledigt|abgeschlossen|vorbereitet|bestellt)$", DID),
        (r"\b(?:nachfassen|nachhaken|nachfragen|(?:erneut|nochmals?|noch einmal|wieder) (?:versuchen|probieren))$", FOLLOW),
        (r"\b(?:anrufen|telefonieren|zuruckrufen|an)$", CALL),
        (r"\b(?:bericht|protokoll|angebot|konzept|text|rechnung|zusammenfassung|artikel|dokumentation) schreiben$", CHORE),
        (r"\b(?:mailen|schreiben|antworten)$", EMAIL),
        (r"\b(?:schicken|senden|zusenden|zuschicken)$", SEND),
        (r"\b(?:treffen)$", MEET),
        (r"\b(?:besuchen)$", VISIT),
        (
            r"\b(?:vorbereiten|prufen|bestellen|erstellen|planen|fragen|buchen|kundigen|verlangern|einladen|unterschreiben|bezahlen|aktualisieren"
            r"|abstimmen|klaren|organisieren|besprechen|machen|absagen|verschieben|bestatigen|abholen|reservieren|kaufen|uberweisen|zahlen|ausdrucken|lesen)$",
            CHORE,
        ),
    ),
}
LABELS = {  # "Task: ..." says what it is
    "note": "note", "notiz": "note", "task": "todo", "todo": "todo", "aufgabe": "todo", "call": "call", "anruf": "call", "meeting": "meeting",
    "termin": "meeting", "besprechung": "meeting", "email": "email", "e-mail": "email", "mail": "email", "follow-up": "follow_up",
}  # fmt: skip
URGENT = frozenset(("urgent", "important", "asap", "dringend", "wichtig", "eilig"))  # "Urgent: ..."
HURRY = r"[\s,–-]+(?:asap|as soon as possible|urgent(?:ly)?|dringend|eilig|schnellstmoglich|so schnell wie moglich)[.!]*$"  # at the end of what is to be done
# A sentence with one of these tells something, whatever day it speaks of.
TELLS = {
    "en": r"\b(?:is|are|was|were|isn't|aren't|has|had|wants|want|needs|likes|said|says|prefers|moves|moved|asked|switch(?:es)?|will)\b",
    "de": r"\b(?:ist|sind|war|waren|hat|hatte|will|wollen|mochte|mochten|braucht|brauchen|sagt|sagte|bevorzugt|wechselt|wird|werden|gefallt|kommt)\b",
}
# What people say before what they mean.
FILLERS = {
    "en": r"(?:please|pls|then|and|also|just|will|i'll|i will|we'll|we will|i have to|i need to|i must|need to|have to|must|should|remind me to|remind me|reminder(?: to| for me to)?|remember to|"
    r"don't forget to|to ?do|to|i|we)\b",
    "de": r"(?:bitte|dann|und|auch|noch|ich muss|wir mussen|ich|wir|muss|mussen|soll|erinnere mich daran|erinnere mich an|erinnere mich|erinner mich an|erinnerung(?: an)?|werde|"
    r"daran|nicht vergessen|habe|haben|hab|heute habe ich|zu)\b",
}
REMIND = {
    "en": r"\b(?:remind me|reminder|remember to|need to|have to|must|don't forget|to-?do)\b",
    "de": r"\b(?:erinnere? mich|erinnerung|nicht vergessen|muss|mussen)\b",
}
# What follows, in a sentence about what happened, is still to come: "he decides by Friday".
LATER = {
    "en": r"\b(?:by|before|due|next|tomorrow|until (?!\d)|in (?:\d+|a|an|one|two|three|a few|a couple of) (?:days?|weeks?|months?|hours?))\b[^,;.\n]*",
    "de": r"\b(?:bis (?:zum |ende |spatestens )?(?!\d)|nachste\w* |kommende\w* |morgen\b(?! um)|ubermorgen|in (?:\d+|eine\w*|zwei|drei|ein paar) (?:tag|woche|monat|stunde)\w*)[^,;.\n]*",
}
# Words at which a name ends.
STOPS = frozenset(
    "re about regarding concerning because for to from with and or at of on in by the a an his her their our my this that if when after before until since over via as is are was "
    "were will would can could should not no yes please again back also then new old some all any next last it him them me us you up off out into again asap "
    "wegen bzgl bezuglich zu zum zur fur von vom mit und oder bei beim an am im in auf der die das den dem des ein eine einen einem einer sein seine ihr ihre unser mein meine "
    "diese dieser dieses wenn ob nach vor bis seit uber als ist sind war waren wird werden kann nicht kein keine nochmal wieder neu neue alle nachste letzte es ihn ihm ihnen mich "
    "uns dich sie er wir ich he she they we i herr herrn frau dr mr mrs ms prof".split()
) | {name for days in WEEKDAYS.values() for names in days for name in names if len(name) > 4}


@lru_cache
def compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def number(text: str) -> int:
    return int(text) if text.isdecimal() else NUMBERS[text]
