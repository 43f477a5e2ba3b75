"""Cron schedules, in UTC: five fields (minute, hour, day of the month, month, day of the week), each a star, numbers, ranges and steps.

As cron has it, a day fits when either of the two day fields does, unless one of them is a star. Sunday is 0 or 7.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 7))
LONGEST = timedelta(days=366 * 8 + 1)
"""Between two leap days there are eight years at most: a schedule that fits no minute of them fits none at all."""


class NotASchedule(ValueError):  # noqa: N818  (worded for people)
    """Text that is no schedule, or one that never comes; the message says why."""


@dataclass(frozen=True)
class Schedule:
    """Which minutes fit.

    Attributes:
        any_day: the day of the month is a star.
        any_weekday: the day of the week is a star.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool

    def after(self, moment: datetime) -> datetime:
        """The first minute that fits and is later than `moment`.

        Raises:
            NotASchedule: none ever does (the 30th of February).
        """
        at = moment.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        end = at + LONGEST
        while at < end:
            if not self._fits_day(at):
                at = at.replace(hour=0, minute=0) + timedelta(days=1)
            elif at.hour not in self.hours:
                at = at.replace(minute=0) + timedelta(hours=1)
            elif at.minute not in self.minutes:
                at += timedelta(minutes=1)
            else:
                return at
        raise NotASchedule("no day ever fits")

    def _fits_day(self, at: datetime) -> bool:
        day, weekday = at.day in self.days, at.isoweekday() % 7 in self.weekdays
        return at.month in self.months and ((day and weekday) if self.any_day or self.any_weekday else (day or weekday))


def parse_schedule(text: str) -> Schedule:
    """Read a schedule such as `0 3 * * 1`.

    Raises:
        NotASchedule: for anything else.
    """
    words = text.split()
    if len(words) != len(FIELDS):
        raise NotASchedule(f"it has {len(words)} fields, five are wanted")
    minutes, hours, days, months, weekdays = (_field(word, *field) for word, field in zip(words, FIELDS, strict=True))
    return Schedule(
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=frozenset(day % 7 for day in weekdays),
        any_day=words[2].startswith("*"),
        any_weekday=words[4].startswith("*"),
    )


def _field(word: str, name: str, low: int, high: int) -> frozenset[int]:
    return frozenset(number for part in word.split(",") for number in _part(part, name, low, high))


def _part(part: str, name: str, low: int, high: int) -> range:
    span, _, step = part.partition("/")
    first, _, last = span.partition("-")
    if span == "*":
        first, last = str(low), str(high)
    numbers = (first, last or (str(high) if step else first), step or "1")
    if ("/" in part and not step) or not all(number.isascii() and number.isdigit() and len(number) <= 2 for number in numbers):
        raise NotASchedule(f'"{part}" is no {name}')
    begin, end, each = (int(number) for number in numbers)
    if not low <= begin <= end <= high or each < 1:
        raise NotASchedule(f'"{part}" is no {name}: {low} to {high} are possible')
    return range(begin, end + 1, each)
