from treadle.contracts import RESULT_LIMIT
from treadle.contracts.quality import AnnotatorNumbers, LabelNumbers, QualityResult
from treadle.contracts.stores import Blob
from treadle.jobs.quality import _fitting


def test_long_names_shorten_the_lists_and_keep_the_most_telling_entries() -> None:
    digest = "0" * 64
    result = QualityResult(
        snapshot=Blob(uri="s3://b/" + "k" * 1000, sha256=digest),
        digest=digest,
        items=1,
        annotated=1,
        complete=1,
        annotations=1,
        annotators=1,
        agreed=1,
        by_annotator=tuple(AnnotatorNumbers(annotator=f"u{number}", annotations=1) for number in range(20)),
        by_label=tuple(LabelNumbers(label=f"{number} " + "é" * 90, items=1) for number in range(20)),
    )
    fitting = _fitting(result)
    assert len(fitting.to_message().encode()) <= RESULT_LIMIT
    assert fitting.by_label == result.by_label[: len(fitting.by_label)]
    assert fitting.by_annotator == result.by_annotator[: len(fitting.by_annotator)]
    assert len(fitting.by_label) > 3
