"""The cast, a record type with a row of the owner's and one of the stranger's, and what each person may do with them."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from crm.core.records import record_types
from tests.contract.matrix import allowed, granted, writes_so_far
from tests.contract.samples import SAMPLES
from tests.factories import cast

PEOPLE = ("owner", "teammate", "manager", "stranger", "viewer", "agent", "admin")
SLUGS = [record.slug for record in record_types()]
MINE, THEIRS = "Zebrafinch", "Quokkabear"  # names that stand nowhere else on a page


PANEL = {"HX-Request": "true", "HX-Target": "panel-body"}
CELL = {"HX-Request": "true"}


class World:
    """The cast, one row of the owner's and one of the stranger's, and a client per person."""

    def __init__(self, slug):
        self.people = cast()
        self.record = next(record for record in record_types() if record.slug == slug)
        self.sample = SAMPLES[slug]
        self.label = self.record.model_label
        self.rows = {MINE: self.sample.make(self.people.owner, MINE), THEIRS: self.sample.make(self.people.stranger, THEIRS)}

    def client(self, who):
        client = Client(raise_request_exception=True)
        client.force_login(getattr(self.people, who))
        return client

    def may(self, who, action, name):
        return allowed(getattr(self.people, who), action, self.rows[name], self.label)

    def has_grant(self, who, action):
        return granted(getattr(self.people, who), action, self.label)


every_record = pytest.mark.parametrize("world", SLUGS, indirect=True)
everybody = pytest.mark.parametrize("who", PEOPLE)


def quiet(client, method, url, **kwargs):
    """Send a request that must be refused, and see that not one row was written."""
    before = writes_so_far()
    response = getattr(client, method)(url, **kwargs)
    assert writes_so_far() == before, f"{method} {url} answered {response.status_code} and wrote"
    return response


def form_data(client, url):
    """What a browser would send back unchanged."""
    form = client.get(url).context["form"]
    data = {}
    for bound in form:
        html = str(bound)
        for tag in re.findall(r"<input[^>]*>", html):
            name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
            if name and not ("checkbox" in tag and "checked" not in tag) and not ('type="radio"' in tag and "checked" not in tag):
                data[name.group(1)] = value.group(1) if value else ""
        for select in re.finditer(r'<select[^>]*name="([^"]*)".*?</select>', html, re.S):
            chosen = re.search(r'<option[^>]*value="([^"]*)"[^>]*selected', select.group(0))
            data[select.group(1)] = chosen.group(1) if chosen else ""
        area = re.search(r'<textarea[^>]*name="([^"]*)"[^>]*>\n?(.*?)</textarea>', html, re.S)
        if area:
            data[area.group(1)] = area.group(2)
    return data
