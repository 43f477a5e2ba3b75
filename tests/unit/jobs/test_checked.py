"""Programs of the user's that check labels, between two containers of ours: what they are shown, and what becomes of what they refuse."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.jobs.claim_shelf import COLOURS, ClaimShelf
from treadle.api.reasons import Reason
from treadle.contracts.check import CollectResult, CollectSpec
from treadle.contracts.quality import Check, Checking, ConsensusPolicy, QualityResult, QualitySpec, RuleNumbers
from treadle.contracts.release import ReleaseResult, ReleaseSpec

POLICY = ConsensusPolicy(checks=tuple(Check(name=name, image="registry.example/check:1") for name in ("dark", "late")))
Program = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


class Bench(ClaimShelf):
    """A shelf with three agreed labels and a disputed one, and two checks."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        for shade, name in enumerate(("a.png", "b.png", "c.png", "d.png")):
            self.picture(name, 50 * shade)
        answers = [(name, "red", who) for name in ("a.png", "b.png", "c.png") for who in "12"]
        self.write_labels(*answers, ("d.png", "red", "1"), ("d.png", "blue", "2"))
        self.synced = self.sync()
        self.labels, self.refused = folder / "labels", folder / "refused"
        self.spec = QualitySpec(
            labels=COLOURS,
            destination=self.sets,
            store=self.store,
            annotations=self.synced.annotations,
            items=self.synced.listing,
            consensus=POLICY,
            checking=Checking(labels=str(self.labels), refused=str(self.refused)),
        )

    def check(self, **programs: Program) -> None:
        shutil.rmtree(self.refused, ignore_errors=True)
        assert self.result(CollectSpec(quality=self.spec), CollectResult).items == 3
        lines = [json.loads(line) for line in (self.labels / "items.jsonl").read_text().splitlines()]
        for name, program in programs.items():
            (self.refused / name).mkdir(parents=True)
            (self.refused / name / "refused.jsonl").write_text("".join(json.dumps(line) + "\n" for line in program(lines)))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_what_programs_refuse_is_in_no_version_and_people_find_it(bench: Bench) -> None:
    def dark(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        assert [(line["key"].rpartition("/")[2], line["label"]["label"], line["annotators"]) for line in lines] == [
            (name, "red", 2) for name in ("a.png", "b.png", "c.png")
        ]
        assert lines[0]["image"] == {"width": 40, "height": 20}
        return [{"key": lines[0]["key"], "message": "too dark"}]

    bench.check(dark=dark, late=lambda lines: [{"key": line["key"]} for line in lines[:2]])
    assert len((bench.labels / "snapshot.jsonl").read_text().splitlines()) == 8
    assert json.loads((bench.labels / "task.json").read_text()) == {"labels": list(COLOURS.names), "type": "ImageClassification"}
    found = bench.result(bench.spec, QualityResult)
    assert (found.items, found.agreed, found.disputed) == (4, 1, 1)
    assert found.by_rule == (RuleNumbers(rule="dark", items=1), RuleNumbers(rule="late", items=1)), "of several that refuse one the first counts"
    assert found.refused is not None
    assert found.findings is not None
    listed = (bench.root / found.findings.uri.removeprefix("pvc://data/")).read_text().splitlines()
    assert [(line["what"], line.get("rule", "")) for line in map(json.loads, listed)] == [
        ("BreaksRule", "dark"),
        ("BreaksRule", "late"),
        ("Disputed", ""),
    ]

    spec = ReleaseSpec(
        labels=COLOURS,
        destination=bench.sets,
        store=bench.store,
        snapshot=found.snapshot,
        items=bench.synced.listing,
        policy=POLICY,
        refused=found.refused,
        formats=("Jsonl",),
    )
    released = bench.result(spec, ReleaseResult)
    assert released.excluded == {"BreaksRule": 2, "Disputed": 1}
    assert list(bench.items(released.version)) == ["c.png"]

    bench.check(dark=lambda lines: [], late=lambda lines: [])
    happy = bench.result(bench.spec, QualityResult)
    assert (happy.agreed, happy.by_rule) == (3, ())
    assert happy.digest != found.digest, "what programs say is part of what would be released"


WRONG: dict[str, tuple[dict[str, Program], str]] = {
    "nothing": ({"dark": lambda lines: []}, "late left no refused.jsonl in TREADLE_OUTPUT_DIR"),
    "a stranger": (
        {"dark": lambda lines: [{"key": "s3://b/x"}], "late": lambda lines: []},
        "dark: line 1 of refused.jsonl: its key is that of no label that it was shown",
    ),
    "no key": ({"dark": lambda lines: [], "late": lambda lines: [{"message": "?"}]}, "late: line 1 of refused.jsonl: key: Field required"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_program_that_does_not_say_what_it_refuses_is_told(bench: Bench, wrong: str) -> None:
    programs, words = WRONG[wrong]
    bench.check(**programs)
    failure = bench.failure(bench.spec)
    assert (failure.reason, failure.message) == (Reason.CheckInvalid, words)
