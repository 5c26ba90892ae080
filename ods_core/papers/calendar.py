"""A calendar as an iCalendar file (RFC 5545): whole days, the same to the byte while nothing has changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from icalendar import Calendar, Event, vText

MEDIA_TYPE = "text/calendar"


@dataclass(frozen=True, slots=True)
class Entry:
    """One day of a calendar.

    `uid` never changes and is no other entry's; `sequence` rises with each change, the last of which was `changed_at`.
    `status` is CONFIRMED, TENTATIVE or CANCELLED.
    """

    uid: str
    day: date
    summary: str
    description: str
    status: str
    sequence: int
    changed_at: datetime


def calendar_file(name: str, description: str, entries: Iterable[Entry]) -> bytes:
    """The file. Texts of people are escaped by the library, lines folded at 75 bytes."""
    calendar = Calendar()
    calendar.add("prodid", "-//On-Demand Sprints//Calendar//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    # The first is the standard's (RFC 7986), the second what programs read that know no other. As texts: the library
    # takes a name that it does not know for something that needs no escaping.
    for key in ("name", "x-wr-calname"):
        calendar.add(key, vText(name))
    for key in ("description", "x-wr-caldesc"):
        calendar.add(key, vText(description))
    calendar.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for entry in entries:
        calendar.add_component(_event(entry))
    return bytes(calendar.to_ical())


def _event(entry: Entry) -> Event:
    event = Event()
    event.add("uid", entry.uid)
    # Without a method, this is when it was last changed, so that the file does not change by itself.
    event.add("dtstamp", entry.changed_at)
    event.add("last-modified", entry.changed_at)
    event.add("sequence", entry.sequence)
    event.add("dtstart", entry.day)
    event.add("dtend", entry.day + timedelta(days=1))
    event.add("summary", entry.summary)
    event.add("description", entry.description)
    event.add("status", entry.status)
    # A day on which something ends is not a day on which nobody has time.
    event.add("transp", "TRANSPARENT")
    return event
