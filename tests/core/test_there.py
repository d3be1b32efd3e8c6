"""What time it is where somebody else is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crm.core import cells

VIENNA = ZoneInfo("Europe/Vienna")


def there(**where: Any) -> str:
    ctx = replace(cells.current_context(), now=datetime(2027, 1, 15, 22, 30, tzinfo=UTC), today=date(2027, 1, 15), zone=VIENNA, locale="en")
    return str(cells.clock_there(ctx, **where))


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ({"zone": "America/New_York"}, "5:30\u202fPM in New York"),
        ({"zone": "Europe/Vienna", "place": "Graz"}, "11:30\u202fPM in Graz"),
        ({"zone": "Asia/Tokyo"}, "Sat 7:30\u202fAM in Tokyo"),
        ({"zone": "Asia/Tokyo", "phone": "+12125550100"}, "in Tokyo"),
        ({"phone": "+12125550100"}, "5:30\u202fPM in New York"),
        ({"phone": "+12125550100", "place": "Graz"}, "5:30\u202fPM in New York"),
        ({"zone": "America/New_York", "place": "Ithaca <b>"}, "5:30\u202fPM in Ithaca &lt;b&gt;"),
        ({"phone": "+447911123456"}, "10:30\u202fPM there"),  # London or the islands: the same time
        ({"phone": "+81312345678"}, "Sat 7:30\u202fAM in Tokyo"),
    ],
)
def test_by_zone_or_number(where: dict[str, str], text: str) -> None:
    assert text in there(**where)
    assert ('title="By the phone number"' in there(**where)) == ("zone" not in where)


@pytest.mark.parametrize("phone", ["+43662421", "+18005550100", "+79161234567", "+551199999999", "0662421", "", "+1", "nonsense", "+" + "9" * 40])
def test_silent_where_it_is_the_same_time_or_nobody_can_tell(phone: str) -> None:
    assert there(phone=phone) == ""
