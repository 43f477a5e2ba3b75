"""What is written beside a version for people and catalogues: the card as a page, and Croissant."""

import json
from html.parser import HTMLParser

from treadle.contracts.compare import Changes, Example, Move
from treadle.contracts.dataset import Identity, Manifest, ManifestFile, Provenance, Splits
from treadle.contracts.labels import ClassLabel, LabelClass, LabelSchema
from treadle.contracts.quality import AnnotatorNumbers, ConsensusPolicy, PairNumbers
from treadle.jobs._card import card
from treadle.jobs._card_page import card_page, said_of
from treadle.jobs._consensus import Judged, Verdict
from treadle.jobs._croissant import croissant
from treadle.jobs._samples import Sample
from treadle.statistics.shapes import Consensus

SCHEMA = LabelSchema(task="ImageClassification", labels=(LabelClass(name="can"), LabelClass(name="<b>bottle</b>")))
PAIRS = (
    PairNumbers(one="u7", other="u8", items=30, alike=0.9, kappa=0.87),
    PairNumbers(one="u7", other="u9", items=20, alike=0.4),
    PairNumbers(one="u8", other="u9", items=25, alike=0.5),
)
CHANGES = Changes(
    same=33,
    added=6,
    removed=1,
    relabelled=1,
    labels=(Move(before="can", after="<b>bottle</b>", items=1),),
    examples=(Example(what="Relabelled", key="s3://b/<i>.png", before="can", after="<b>bottle</b>"),),
)
PERSON = AnnotatorNumbers(annotator="u7", annotations=40, agreement=0.91, reliability=0.88, gold=10, gold_accuracy=0.9)


def manifest(version: int = 2, *, can: int = 30, sensitive: bool = False) -> Manifest:
    return Manifest(
        version=version,
        digest="a" * 64,
        identity=Identity(items="b" * 64, labels=SCHEMA, policy=ConsensusPolicy(), splits=Splits()),
        parent=version - 1 or None,
        created_at="2026-11-24T04:00:00+00:00",
        items=can + 10,
        splits={"train": can, "test": 10},
        counts={"can": can, "<b>bottle</b>": 10},
        excluded={"Disputed": 3, "InReview": 2},
        annotators=(PERSON,),
        in_splits={"can": {"train": can, "test": 0}, "<b>bottle</b>": {"train": 0, "test": 10}},
        pairs=() if sensitive else PAIRS,
        changes=None if sensitive else CHANGES,
        sensitive=sensitive,
        provenance=Provenance(project="here/ml/shelf", agreement=0.93, suspected=4, findings="s3://sets/findings/1.jsonl"),
        files=(ManifestFile(path="items.jsonl", sha256="c" * 64, size=12),),
    )


class Words(HTMLParser):
    """The words of a page, and a check that it is well nested."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.links: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())


def judged(agreed: str, *said: str) -> Judged:
    answers = tuple((f"u{who}", ClassLabel(label=label)) for who, label in enumerate(said))
    return Judged("k", "s3://b/k", "1" * 64, answers, 0, 0, True, Verdict.AGREED, Consensus(ClassLabel(label=agreed), 1.0))


def test_the_page_tells_labels_people_what_was_left_out_and_what_changed() -> None:
    said = said_of([judged("can", "can", "can", "<b>bottle</b>"), judged("<b>bottle</b>", "<b>bottle</b>")])
    page = card_page(manifest(), manifest(1, can=25), said)
    told = Words(page)
    assert told.links == []
    words = " ".join(told.words)
    facts = (
        "Dataset version 2",
        "<b>bottle</b>",
        "+5",
        "u7",
        "0.910",
        "0.900 of 10",
        "Disputed",
        "InReview",
        "here/ml/shelf",
        "labels probably wrong",
    )
    for fact in facts:
        assert fact in words
    assert "can answered as <b>bottle</b>: 1" in page.replace("&lt;", "<").replace("&gt;", ">")
    assert "<b>bottle</b>" not in page.replace("<b>bottle</b></b>", "")


def test_what_a_format_has_no_room_for_is_told() -> None:
    crowded = manifest().model_copy(update={"left_out": {"Conll": 7}})
    assert "- Without room in Conll: 7 parts of labels" in card(crowded)
    assert "format without room parts of labels Conll 7" in " ".join(word for word in Words(card_page(crowded, None, {})).words if word)


def test_a_first_version_has_no_changes_and_a_sensitive_one_names_no_label_and_nobody() -> None:
    page = card_page(manifest(1, sensitive=True), None, said_of([judged("can", "can", "can")]))
    words = " ".join(Words(page).words)
    assert "Changes" not in words
    assert "bottle" not in page
    assert "u7" not in page
    assert "Disputed" in words


def test_the_page_shows_who_agrees_with_whom_and_what_became_of_items() -> None:
    page = card_page(manifest(), manifest(1, can=25), {})
    words = " ".join(Words(page).words)
    assert "u7 and u8: 0.900 alike over 30 items, kappa 0.870" in page
    assert page.count('<td class="wrong" style="--share:0.40"') == 2, "who stands out is seen in both rows"
    assert "Not in every split: can, <b>bottle</b>." in words
    for fact in ("Changes since version 1", "6 added", "1 relabelled", "33 as they were", "can → <b>bottle</b>", "s3://b/<i>.png"):
        assert fact in words


def test_samples_stand_in_the_page_and_never_in_that_of_a_sensitive_dataset() -> None:
    samples = (Sample("can", "train", "s3://b/1.png", "<p>looks</p>"), Sample("<b>bottle</b>", "test", "s3://b/2.wav", ""))
    words = " ".join(Words(card_page(manifest(), None, {}, samples)).words)
    assert "looks can train s3://b/2.wav <b>bottle</b> test" in words
    assert "looks" not in card_page(manifest(sensitive=True), None, {}, samples)


def test_the_readme_tells_the_same_in_markdown() -> None:
    told = card(manifest(), manifest(1, can=25))
    for line in (
        "- Items: 40 (train 30, test 10)",
        "| label | items | train | test | change |",
        "| can | 30 | 30 | 0 | +5 |",
        "| &lt;b>bottle&lt;/b> | 10 | 0 | 10 |  |",
        "## Changes since version 1",
        "Items: 6 added, 1 removed, 1 relabelled, 33 as they were.",
        "| u7 | 40 | 0.910 | 0.900 |",
    ):
        assert line in told.splitlines()
    assert "bottle" not in card(manifest(sensitive=True))
    assert "u7" not in card(manifest(sensitive=True))


def test_croissant_names_every_file_with_its_digest() -> None:
    content = json.loads(croissant(manifest()))
    assert (content["name"], content["version"], content["conformsTo"]) == ("shelf-v2", "2.0.0", "http://mlcommons.org/croissant/1.0")
    assert [(file["contentUrl"], file["sha256"]) for file in content["distribution"]] == [("items.jsonl", "c" * 64)]
    (records,) = content["recordSet"]
    assert {field["source"]["fileObject"]["@id"] for field in records["field"]} == {"items.jsonl"}
    assert "bottle" not in json.dumps(content)
