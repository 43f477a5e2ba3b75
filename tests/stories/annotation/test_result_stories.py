"""What a Job of an AnnotationProject says may be lost on its way."""

from __future__ import annotations

from tests.stories.annotation.telling import Told, pod, stamp


def test_a_job_that_ended_well_without_a_readable_word_is_run_again() -> None:
    told = Told("The words of a sync are lost")
    told.at("0s", "applied")
    job = told.job("sync")
    complete = {"type": "Complete", "status": "True", "lastTransitionTime": stamp("20s")}
    status = {"startTime": stamp("15s"), "completionTime": stamp("20s"), "conditions": [complete]}
    told.at("20s", "its Job succeeds and says nothing", objects=[pod(job, "20s", "", 0)], **{job.replace("-", "_"): {"status": status}})
    told.at("30s", "ten seconds later")
    told.check("result_unreadable")
