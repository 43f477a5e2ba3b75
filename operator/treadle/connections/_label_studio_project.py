"""A Label Studio project as its API tells it, and the line in its description that says whose it is."""

import html
import re
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from treadle.api.names import GROUP, digest
from treadle.connections.labelling import Progress, setup_digest

COUNTERS = ("task_number", "finished_task_number", "num_tasks_with_annotations", "total_annotations_number", "skipped_annotations_number")
DETAILS = (
    "id",
    "description",
    "label_config",
    "expert_instruction",
    "show_instruction",
    "maximum_annotations",
    "overlap_cohort_percentage",
    *COUNTERS,
)

_TAG = re.compile(
    rf"^{re.escape(GROUP)}/owner: (?P<identity>\S+) uid=(?P<uid>\S*) guidelines=(?P<guidelines>\S*)(?: shown=(?P<shown>\S*))?\s*$", re.MULTILINE
)
_MARKUP = re.compile(r"<[^>]*>")
NONE = digest("", 8)
"""Of guidelines that spec has not: people may write their own."""
EDITED = "edited"


@dataclass(frozen=True)
class Tag:
    """The line in a project's description that says whose it is.

    Attributes:
        guidelines: digest of what annotators are to read.
        shown: digest of what Label Studio, which cleans what it is given, made of it; None in lines that were written before that was noted.
    """

    identity: str
    uid: str
    guidelines: str
    shown: str | None = None

    def __str__(self) -> str:
        shown = "" if self.shown is None else f" shown={self.shown}"
        return f"{GROUP}/owner: {self.identity} uid={self.uid} guidelines={self.guidelines}{shown}"

    def put_into(self, description: str) -> str:
        """The description with this tag instead of any other. Words that people put there stay."""
        words = _TAG.sub("", description).strip() or "Treadle finds this project by the line below; please leave it."
        return f"{words}\n{self}"


def words_digest(text: str) -> str:
    """Equal for texts of the same words."""
    return digest(text.split(), 8)


class Project(BaseModel):
    """What is read of a project. Counters are null in replies to writes."""

    model_config = ConfigDict(frozen=True)

    id: int
    description: str | None = None
    label_config: str | None = None
    expert_instruction: str | None = None
    show_instruction: bool | None = None
    maximum_annotations: int | None = None
    overlap_cohort_percentage: int | None = None
    task_number: int | None = None
    finished_task_number: int | None = None
    num_tasks_with_annotations: int | None = None
    total_annotations_number: int | None = None
    skipped_annotations_number: int | None = None

    @property
    def tag(self) -> Tag | None:
        """Whose it is; None: nobody's that we know of."""
        found = _TAG.search(self.description or "")
        return Tag(**found.groupdict()) if found else None

    @property
    def shown(self) -> str:
        """Digest of the words that annotators read, whatever the markup and the white space."""
        return words_digest(html.unescape(_MARKUP.sub(" ", self.expert_instruction or "")))

    @property
    def guidelines(self) -> str:
        """Digest of the guidelines as they were written; something else once somebody has edited or hidden them."""
        if (tag := self.tag) is None or tag.guidelines == NONE or tag.shown is None:
            return tag.guidelines if tag else ""
        return tag.guidelines if tag.shown == self.shown and self.show_instruction is not False else EDITED

    @property
    def overlap(self) -> int:
        """Percent of the items that several people answer; 0 is a setting like others."""
        return 100 if self.overlap_cohort_percentage is None else self.overlap_cohort_percentage

    @property
    def setup(self) -> str:
        """Digest of how it is set up, comparable with `Setup.digest`."""
        guidelines = self.guidelines
        return setup_digest(self.label_config or "", guidelines, self.maximum_annotations or 1, self.overlap)

    @property
    def progress(self) -> Progress:
        """As Label Studio counts; see `is_suspicious`."""
        return Progress(
            items=self.task_number or 0,
            finished=self.finished_task_number or 0,
            annotated=self.num_tasks_with_annotations or 0,
            annotations=self.total_annotations_number or 0,
            skipped=self.skipped_annotations_number or 0,
        )

    @property
    def is_suspicious(self) -> bool:
        """Whether there are answers enough for every task, yet not every task counts as finished.

        Two people who answer a task at the same moment leave it marked unfinished for ever.
        """
        counted, wanted = self.progress, self.maximum_annotations or 1
        needed = counted.items + counted.items * self.overlap // 100 * (wanted - 1)
        return counted.finished < counted.items <= counted.annotated + counted.skipped and counted.annotations + counted.skipped >= needed
