"""What a mail to each of many will say, shown before it is sent."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from activities import services
from activities.forms.mails import mark_of

NAMED = 5  # recipients that one gets to by their name


def mails_to_each(name: str, request: Any, ids: list[int], form: Any, *, more: bool) -> SafeString:
    """The preview of one recipient (POST `place`), the ways to the others, and how many get it. ValidationError when the template does not fit."""
    template = form.cleaned_data["template"]
    number = request.POST.get("place", "")
    place = int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else 0
    preview = services.preview_each(name, ids, place, actor=request.user, template=template)
    count = len(preview.recipients)
    context = {
        "preview": preview,
        "template": template,
        "mark": mark_of(template),
        "count": count,
        "number": preview.place + 1,
        "examined": len(ids) if more else 0,
        "previous": preview.place - 1 if preview.place > 0 else None,
        "next": preview.place + 1 if preview.place + 1 < count else None,
        "first": [(at, person, at == preview.place) for at, person in enumerate(preview.recipients[:NAMED])],
    }
    return render_to_string("activities/mail_preview.html", context, request=request)
