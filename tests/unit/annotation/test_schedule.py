from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.annotation.schedule import NotASchedule, parse_schedule

MONDAY = "2026-11-23T12:00:30"


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        ("0 3 * * 1", MONDAY, "2026-11-30T03:00"),
        ("* * * * *", MONDAY, "2026-11-23T12:01"),
        ("*/15 * * * *", MONDAY, "2026-11-23T12:15"),
        ("5/20 * * * *", MONDAY, "2026-11-23T12:05"),
        ("0 9-17/4 * * *", MONDAY, "2026-11-23T13:00"),
        ("30 2 1,15 * *", MONDAY, "2026-12-01T02:30"),
        ("0 0 * * 0", MONDAY, "2026-11-29T00:00"),
        ("0 0 * * 7", MONDAY, "2026-11-29T00:00"),
        ("0 0 13 * 5", MONDAY, "2026-11-27T00:00"),
        ("0 0 29 2 *", MONDAY, "2028-02-29T00:00"),
        ("0 12 * * *", "2026-11-23T12:00:00", "2026-11-24T12:00"),
    ],
)
def test_the_next_minute_that_fits(schedule: str, after: str, expected: str) -> None:
    found = parse_schedule(schedule).after(datetime.fromisoformat(after).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "why"),
    [
        ("0 3 * *", "4 fields"),
        ("60 3 * * 1", '"60" is no minute: 0 to 59 are possible'),
        ("0 3 0 * 1", '"0" is no day of the month'),
        ("0 3 * * MON", '"MON" is no day of the week'),
        ("5-1 * * * *", "is no minute"),
        ("*/0 * * * *", "is no minute"),
        ("*/ * * * *", "is no minute"),
        ("- * * * *", "is no minute"),
        (", * * * *", "is no minute"),
        ("٣ * * * *", "is no minute"),
        ("0 0 30 2 *", "no day ever fits"),
    ],
)
def test_what_is_no_schedule_is_told(schedule: str, why: str) -> None:
    with pytest.raises(NotASchedule, match=why):
        parse_schedule(schedule).after(datetime(2026, 1, 1, tzinfo=UTC))


@given(st.text("0123456789*/-, ", max_size=20))
def test_any_text_is_a_schedule_or_is_told(text: str) -> None:
    try:
        found = parse_schedule(text).after(datetime(2026, 1, 1, tzinfo=UTC))
    except NotASchedule:
        return
    assert found > datetime(2026, 1, 1, tzinfo=UTC)


@given(st.integers(0, 60 * 24 * 365 * 50), st.integers(0, 59), st.integers(0, 23), st.integers(0, 6))
def test_it_is_the_very_next_one(minutes: int, minute: int, hour: int, weekday: int) -> None:
    moment = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    found = parse_schedule(f"{minute} {hour} * * {weekday}").after(moment)
    assert moment < found <= moment + timedelta(days=7, minutes=1)
    assert (found.minute, found.hour, found.isoweekday() % 7) == (minute, hour, weekday)
