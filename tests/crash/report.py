"""The crash table, as people read it: docs/evidence/crash.md. Each life has a section, which is replaced by itself."""

from pathlib import Path

from tests.crash.all_places import LIVES, WAYS, Death, Place
from tests.crash.kinds import EVERY_LIFE
from tests.crash.life import Change, Outcome
from tests.crash.parts import PARTS, Part
from tests.crash.records import Records

EVIDENCE = Path(__file__).parents[2] / "docs" / "evidence" / "crash.md"
SECTION = "\n## "

TEXT = """# Dying at every outside call

Made by `make crash`; do not edit. A sample of the places is part of `make integration`: there one life meets several of them, one operator dying
after the other.

The operator runs in front of a real Kubernetes API server with its real controllers, a real MLflow, a real Label Studio and a real S3. Doors stand
between the operator and these servers: they pass every call on and count it. Before one of its calls reaches the server, or after the server has
carried it out and before the answer is told, the operator is ended. A new operator is started and must bring the object to the same end. This is
done for every call that an undisturbed life makes. A write counts each time, a read when it is made for the first time; LISTs, watches and
discovery, the Lease, and Events do not count. The next operator takes another Lease: that a dead leader's runs out is shown by other tests.

A status write that repeats a phase is not always made: two decisions that come at the same moment are remembered at once. Where it was not met in
several lives, nothing died there.

- **cancelled**: the operator runs in the test's process; it is cancelled behind closed doors.
- **SIGKILL**: the operator is the shipped process, with the shipped pace of polls; it is killed.

Where the world changes between crash and restart, the operator dies after every call that wrote something (cancelled). That is all that matters
there: what an operator has read dies with it, and whoever dies before its next call leaves the same world. JobSet can only matter around the making
of Jobs; it is installed once, after all those deaths and before all those restarts.

Several lives share the servers. While Label Studio deletes one project, its process does not count what is saved in any other (and for good, if two
are deleted at once), so that the doors let a deletion through only while nothing is saved.
"""

LIVED = """
## {name}: {calls} calls, {deaths} deaths, {same} with the same end

{story} Lived on {day}.

In the end, wherever the operator died (names, ids and times apart):

{facts}
- and the same status

Not done before the decision was remembered in the status, in the order in which the calls were carried out: {remembers}.

| | call | {heads} |
|---|---|{lines}|
"""
CHANGED = """
| the world changes meanwhile | what must hold | deaths | held |
|---|---|---|---|
"""


def write(name: str) -> None:
    """Replace this life's section of the page, from the records, and its head; the sections of others stay."""
    page = EVIDENCE.read_text() if EVIDENCE.exists() else ""
    _, *sections = page.split(SECTION)
    others = [SECTION + section.rstrip("\n") + "\n" for section in sections if _name(section) in {life.name for life in EVERY_LIFE} - {name}]
    EVIDENCE.parent.mkdir(parents=True, exist_ok=True)
    EVIDENCE.write_text(TEXT + "".join(sorted([*others, _section(name)])))


def _section(name: str) -> str:
    parts = [part for part in PARTS if part.life.name == name]
    known = {part: records for part in parts if (records := Records(str(part))).undisturbed}
    calls = "".join(_lived(part, records) for part, records in known.items() if part.change is None)
    changes = "".join(_changed(part, part.change, records) for part, records in known.items() if part.change)
    return calls + (CHANGED + changes if changes else "")


def _lived(part: Part, records: Records) -> str:
    """The table of calls."""
    alone, life = records.undisturbed, part.life
    assert alone
    deaths = {death.place: death for death in records.deaths}
    columns = [(way, after) for way in WAYS for after in (False, True)]
    head = LIVED.format(
        name=life.name,
        calls=len(alone.calls),
        deaths=sum(death.outcome is not None for death in deaths.values()),
        same=sum(death.outcome == alone.outcome for death in deaths.values()),
        story=life.story,
        day=alone.day,
        facts="\n".join(f"- {what}: {value}" for what, value in alone.outcome.items() if not what.startswith("status")),
        remembers=", ".join(life.remembers),
        heads=" | ".join(f"{way} {'after' if after else 'before'} it" for way, after in columns),
        lines="|".join("---" for _ in columns),
    )
    for number, call in enumerate(alone.calls, start=1):
        cells = [told(deaths.get(Place(call, after, way)), alone.outcome) for way, after in columns]
        head += f"| {number} | {call} | {' | '.join(cells)} |\n"
    return head


def _changed(part: Part, change: Change, records: Records) -> str:
    """One line about a change of the world, and what did not hold."""
    differing, died = part.differing(records), sum(death.outcome is not None for death in records.deaths)
    wrong = "".join(f"; after {death.place.call}: {told(death, {})}" for death in differing)
    return f"| {change.name} | {change.holds} | {died} | {died - len(differing)}{wrong} |\n"


def told(death: Death | None, expected: Outcome) -> str:
    """One cell."""
    if death is None:
        return "not tried yet"
    if death.outcome == expected:
        return "same end"
    if death.outcome is None:
        return f"not met in {LIVES} lives"
    if isinstance(death.outcome, str):
        return f"**no end**: {death.outcome[:300]}".replace("\n", " ").replace("|", "/")
    found = [f"{what}: {_where(value, expected.get(what, ''))}" for what, value in death.outcome.items() if expected.get(what) != value]
    return f"**other end**: {'; '.join(found)}".replace("\n", " ").replace("|", "/")


def _name(section: str) -> str:
    return section.partition(":")[0]


def _where(value: str, wanted: str) -> str:
    """The part of a long text in which it begins to differ."""
    differing = next((place for place, (one, other) in enumerate(zip(value, wanted, strict=False)) if one != other), min(len(value), len(wanted)))
    begin = max(differing - 60, 0)
    return f"{value[begin : begin + 200]} instead of {wanted[begin : begin + 200]}"
