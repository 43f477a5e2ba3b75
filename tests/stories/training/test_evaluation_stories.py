"""The model is measured by a Job of ours on data it was not trained on, and what it is compared with on the same data."""

from typing import Any

from tests.stories.story import Story
from tests.unit.training.things import (
    DIGEST,
    F1_GATE,
    START,
    STATE,
    TRAINING_RUN,
    alias,
    complete,
    failed,
    finished,
    logged,
    make_project,
    make_run,
    numbered,
    pod,
    version,
)
from treadle.api.reasons import Reason
from treadle.contracts import Failure
from treadle.contracts.evaluate import EvaluateResult, Measured, Smoke
from treadle.contracts.report import ReportResult
from treadle.plan import Unavailable

NOT_WORSE = {"name": "not-worse", "metric": "f1", "notWorseThan": {"alias": "champion"}, "tolerance": "0.01"}
SMOKE = Smoke(uri="s3://raw/7.png", sha256="7" * 64, label="7", score=0.99)
TAG = f"treadle.evaluation.{DIGEST[:16]}.test"


def measured(*models: tuple[str, float], smoke: Smoke | None = None, **stored: str) -> str:
    """What the Job says: accuracy, number of items and F1 of each model; and what it stored."""
    values = tuple(Measured(version=version, values=(0.95, None, 40.0, f1)) for version, f1 in models)
    return EvaluateResult.model_validate({"items": 40, "measured": values, "smoke": smoke, **stored}).to_message()


def evaluation_pod(job: str, started: str, ended: str, message: str, exit_code: int = 0) -> dict[str, Any]:
    made = pod(job, ended=finished(started, ended, exit_code, message=message))
    made["status"]["containerStatuses"][0]["name"] = "treadle"
    return made


def evaluating(job: str, started: str) -> dict[str, Any]:
    made = pod(job, started=started)
    made["status"]["containerStatuses"][0]["name"] = "treadle"
    return made


def begun(title: str, *gates: dict[str, Any], answers: dict[Any, Any] | None = None, evaluate: dict[str, Any] | None = None, **spec: Any) -> Story:
    """A run that is evaluated, as far as the end of its training."""
    run = make_run(dataset={"project": "digits"}, evaluate=evaluate or {"split": "test"}, gates=list(gates), **spec)
    story = Story(title, TRAINING_RUN, run, others=[make_project()])
    story.at("0s", "applied")
    story.at(
        "9m",
        "its Job succeeds",
        objects=[pod("digits-1", ended=finished("00:00:02", "00:09:00"))],
        digits_1=complete("00:09:00"),
        answers={STATE: logged("model", f1=0.99), **(answers or {})},
    )
    return story


def test_a_model_is_measured_by_us_and_not_by_what_its_program_says() -> None:
    story = begun("It is measured", F1_GATE, register={"model": "digits"})
    story.at("10m", "the operator restarts")
    said = measured(("", 0.93), smoke=SMOKE, model="d" * 64, reference="e" * 64, details="f" * 64)
    over = [evaluation_pod("digits-evaluate-1", "00:09:05", "00:10:30", said)]
    story.at("11m", "the model is measured", objects=over, digits_evaluate_1=complete("00:10:30"))
    story.at("12m", "the operator restarts")
    made = ReportResult(uri="s3://mlflow/1/run/artifacts/treadle/report.html", bytes=30000, curves=2).to_message()
    page = [evaluation_pod("digits-report-1", "00:12:05", "00:12:10", made)]
    story.at("13m", "its report is made", objects=page, digits_report_1=complete("00:12:10"))
    story.at("14m", "somebody deletes the Job of the report", digits_report_1=None)
    story.at("8d", "its time is over")
    story.check("training/evaluated.yaml")


def test_a_report_that_cannot_be_made_is_tried_again_and_then_left() -> None:
    story = begun("Its report cannot be made", register={"model": "digits"})
    said = EvaluateResult(items=40, measured=(Measured(values=(0.95, None, 0.93, 40.0)),), details="f" * 64).to_message()
    over = [evaluation_pod("digits-evaluate-1", "00:09:05", "00:10:30", said)]
    story.at("11m", "the model is measured", objects=over, digits_evaluate_1=complete("00:10:30"))
    for number, reason in enumerate((Reason.Unreachable, Reason.StoreAccessDenied), start=1):
        words, code = Failure.of(reason, "no page can be stored").to_message(), 69 if reason is Reason.Unreachable else 64
        message = f"Container treadle for pod ml/digits-report-{number}-x failed with exit code {code} matching FailJob rule at index 1"
        pods = [evaluation_pod(f"digits-report-{number}", f"00:1{number}:05", f"00:1{number}:30", words, exit_code=code)]
        moment = f"1{number}m40s", "its report fails"
        story.at(*moment, objects=pods, **{f"digits_report_{number}": failed(f"00:1{number}:30", message)})
    story.check("training/report_fails.yaml")


def test_a_model_that_says_better_of_itself_than_it_is_is_not_registered() -> None:
    story = begun("It says better of itself than it is", F1_GATE, register={"model": "digits"})
    over = [evaluation_pod("digits-evaluate-1", "00:09:05", "00:10:30", measured(("", 0.41)))]
    story.at("11m", "the model is measured", objects=over, digits_evaluate_1=complete("00:10:30"))
    story.check("training/evaluated_worse_than_said.yaml")


def test_the_champion_is_measured_on_the_same_data_and_remembers_it() -> None:
    story = begun("The champion is measured too", NOT_WORSE, register={"model": "digits"}, answers={alias("champion"): version(4)})
    over = [evaluation_pod("digits-evaluate-1", "00:09:05", "00:10:30", measured(("", 0.93), ("4", 0.935)))]
    answers = {alias("champion"): version(5), numbered(4): version(4)}
    story.at("11m", "both are measured; the alias was moved meanwhile", objects=over, digits_evaluate_1=complete("00:10:30"), answers=answers)
    story.check("training/evaluated_with_champion.yaml")


def test_a_champion_that_is_known_on_this_data_is_not_measured_again() -> None:
    known = version(4, **{TAG: '{"accuracy":0.97,"f1":0.96,"items":40.0}'})
    story = begun("The champion is known", NOT_WORSE, register={"model": "digits"}, answers={alias("champion"): known, numbered(4): known})
    over = [evaluation_pod("digits-evaluate-1", "00:09:05", "00:10:30", measured(("", 0.93)))]
    story.at("11m", "only the model is measured", objects=over, digits_evaluate_1=complete("00:10:30"))
    story.check("training/evaluated_champion_known.yaml")


def test_what_another_image_measured_is_not_compared_with() -> None:
    known = version(4, **{TAG: '{"accuracy":0.97,"f1":0.96,"items":40.0}'})
    own = {"split": "test", "command": ["python", "measure.py"]}
    answers = {alias("champion"): known, numbered(4): known}
    story = begun("Another image measures", NOT_WORSE, evaluate=own, register={"model": "digits"}, answers=answers)
    over = [evaluation_pod("digits-evaluate-1", "00:09:05", "00:10:30", measured(("", 0.5), ("4", 0.45)))]
    story.at("11m", "both are measured by the new image", objects=over, digits_evaluate_1=complete("00:10:30"))
    story.check("training/evaluated_by_another_image.yaml")


def test_a_metric_that_nobody_told_is_unknown() -> None:
    story = begun("A metric that nobody told", {"name": "by-night", "metric": "recall/source/night", "min": "0.9"}, register={"model": "digits"})
    said = EvaluateResult(items=40, measured=(Measured(values=(0.95, None, 0.93, 40.0, None)),))
    over = [evaluation_pod("digits-evaluate-1", "00:09:05", "00:10:30", said.to_message())]
    story.at("11m", "the model is measured", objects=over, digits_evaluate_1=complete("00:10:30"))
    story.check("training/evaluated_not_told.yaml")


def test_a_champion_that_cannot_be_measured_is_no_evidence() -> None:
    champion = {alias("champion"): version(4), numbered(4): version(4)}
    story = begun("The champion cannot be measured", NOT_WORSE, register={"model": "digits"}, answers=champion)
    said = EvaluateResult(
        items=40, measured=(Measured(values=(0.95, None, 40.0, 0.93)), Measured(version="4", trouble="the model is stored as pickle"))
    )
    over = [evaluation_pod("digits-evaluate-1", "00:09:05", "00:10:30", said.to_message())]
    story.at("11m", "only the model could be measured", objects=over, digits_evaluate_1=complete("00:10:30"))
    story.check("training/evaluated_champion_unknown.yaml")


def test_a_champion_whose_files_are_gone_is_left_out_of_the_next_evaluation() -> None:
    champion = {alias("champion"): version(4), numbered(4): version(4)}
    story = begun("The champion's files are gone", F1_GATE, NOT_WORSE, register={"model": "digits"}, answers=champion)
    words = Failure.of(Reason.ModelFilesNotFound, "there is no MLmodel below s3://mlflow/1/models/m-4/artifacts (0 other files)").to_message()
    message = "Container fetch-model-4 for pod ml/digits-evaluate-1-x failed with exit code 64 matching FailJob rule at index 1"
    gone = evaluation_pod("digits-evaluate-1", "00:09:05", "00:09:30", "", exit_code=64)
    ended = {"name": "fetch-model-4", "state": {"terminated": {"exitCode": 64, "message": words}}}
    gone["status"] |= {"containerStatuses": [], "initContainerStatuses": [ended]}
    story.at("9m30s", "its files cannot be fetched", objects=[gone], digits_evaluate_1=failed("00:09:30", message))
    story.at("9m40s", "the pause is over")
    over = [evaluation_pod("digits-evaluate-2", "00:09:45", "00:10:30", measured(("", 0.93)))]
    story.at("11m", "the model alone is measured", objects=over, digits_evaluate_2=complete("00:10:30"))
    story.check("training/evaluated_champion_gone.yaml")


def test_a_store_that_takes_no_files_is_told_and_stops_nothing() -> None:
    story = begun("The store takes no files", F1_GATE, register={"model": "digits"})
    refused = "http://s3:7070 refuses the access key for s3://mlflow/1/run/artifacts/treadle (AccessDenied)"
    over = [evaluation_pod("digits-evaluate-1", "00:09:05", "00:10:30", measured(("", 0.93), not_stored=refused))]
    story.at("11m", "the model is measured", objects=over, digits_evaluate_1=complete("00:10:30"))
    story.check("training/evaluated_not_stored.yaml")


def test_an_image_of_the_user_that_leaves_nothing_has_measured_nothing() -> None:
    story = begun("Its own image leaves nothing", F1_GATE, evaluate={"split": "test", "command": ["python", "measure.py"]})
    words = Failure.of(Reason.NothingMeasured, "the evaluation's own image left neither metrics.json nor predictions.jsonl").to_message()
    over = evaluation_pod("digits-evaluate-1", "00:09:05", "00:10:30", "", exit_code=64)
    ended = {"name": "evaluate", "state": {"terminated": {"exitCode": 64, "message": words}}}
    over["status"] |= {"containerStatuses": [], "initContainerStatuses": [ended]}
    message = "Container evaluate for pod ml/digits-evaluate-1-x failed with exit code 64 matching FailJob rule at index 1"
    story.at("11m", "its evaluation fails", objects=[over], digits_evaluate_1=failed("00:10:30", message))
    story.check("training/evaluation_leaves_nothing.yaml")


def test_a_first_model_is_measured_without_a_champion() -> None:
    story = begun("There is no champion", NOT_WORSE, register={"model": "digits"})
    over = [evaluation_pod("digits-evaluate-1", "00:09:05", "00:10:30", measured(("", 0.5)))]
    story.at("11m", "the model is measured", objects=over, digits_evaluate_1=complete("00:10:30"))
    story.check("training/evaluated_no_champion.yaml")


def test_a_model_that_cannot_be_measured_passes_no_gate() -> None:
    story = begun("It cannot be measured", F1_GATE, register={"model": "digits"})
    words = Failure.of(Reason.ItemsNotAccepted, "the model takes no items").to_message()
    over = [evaluation_pod("digits-evaluate-1", "00:09:05", "00:10:30", words, exit_code=64)]
    message = "Container treadle for pod ml/digits-evaluate-1-x failed with exit code 64 matching FailJob rule at index 1"
    story.at("11m", "its evaluation fails", objects=over, digits_evaluate_1=failed("00:10:30", message))
    story.check("training/evaluation_fails.yaml")


def test_a_suspended_run_measures_nothing() -> None:
    story = begun("It is suspended while it is measured", F1_GATE, register={"model": "digits"}, retries={"infrastructure": 0})
    story.at("10m", "its evaluation runs", objects=[evaluating("digits-evaluate-1", "00:09:30")])
    story.at("11m", "it is suspended", this={"spec": {"suspend": True}})
    story.at("20m", "it goes on", this={"spec": {"suspend": False}})
    over = [evaluation_pod("digits-evaluate-2", "00:20:05", "00:21:00", measured(("", 0.93)))]
    story.at("21m", "the model is measured", objects=over, digits_evaluate_2=complete("00:21:00"))
    story.check("training/evaluation_suspended.yaml")


def test_an_evaluation_that_hangs_is_ended_by_its_node() -> None:
    story = begun("It is measured for too long", F1_GATE, register={"model": "digits"}, deadline="1h")
    slow = evaluation_pod("digits-evaluate-1", "00:09:05", "01:09:05", "", exit_code=137)
    slow["status"] |= {"reason": "DeadlineExceeded"}
    message = "Container treadle for pod ml/digits-evaluate-1-x failed with exit code 137 matching FailJob rule at index 1"
    story.at("70m", "its evaluation is ended", objects=[slow], digits_evaluate_1=failed("01:09:06", message))
    story.check("training/evaluation_too_slow.yaml")


def test_an_evaluation_that_meets_an_outage_is_tried_again() -> None:
    story = begun("The store is down for a while")
    words = Failure.of(Reason.Unreachable, "http://s3:7070 does not answer").to_message()
    over = [evaluation_pod("digits-evaluate-1", "00:09:05", "00:10:30", words, exit_code=69)]
    message = "Container treadle for pod ml/digits-evaluate-1-x failed with exit code 69 matching FailJob rule at index 1"
    story.at("10m30s", "its evaluation fails", objects=over, digits_evaluate_1=failed("00:10:30", message))
    story.at("10m40s", "the pause is over")
    said = EvaluateResult(items=40, measured=(Measured(values=(0.95, None, 0.93, 40.0)),))
    again = [evaluation_pod("digits-evaluate-2", "00:10:45", "00:11:00", said.to_message())]
    story.at("11m", "the second one ends well", objects=again, digits_evaluate_2=complete("00:11:00"))
    story.check("training/evaluation_retried.yaml")


def test_the_registry_is_down_when_the_champion_is_asked_for() -> None:
    down = Unavailable(START, "MLflow at http://mlflow:5000 does not answer")
    story = begun("The registry is down", NOT_WORSE, register={"model": "digits"}, answers={alias("champion"): down})
    story.at("15m", "the registry is back", answers={alias("champion"): version(4)})
    story.check("training/evaluation_waits_for_registry.yaml")


def test_a_model_that_nothing_tracks_is_measured_in_the_folder_where_its_program_left_it() -> None:
    asked = {"evaluate": {"split": "test"}, "gates": [F1_GATE, {"name": "quick", "metric": "seconds", "max": "60"}]}
    run = make_run(dataset={"project": "digits"}, tracking={"type": "None"}, output={"uri": "s3://models/digits/"}, **asked)
    story = Story("A model is measured that nothing tracks", TRAINING_RUN, run, others=[make_project()])
    story.at("0s", "applied")
    told = pod("digits-1", ended=finished("00:00:02", "00:09:00", message='{"metrics": {"f1": 0.99, "seconds": 31}}'))
    story.at("9m", "its Job succeeds", objects=[told], digits_1=complete("00:09:00"))
    story.at("10m", "the operator restarts")
    said = EvaluateResult(items=40, measured=(Measured(values=(0.95, None, 40.0, 0.93, None)),), details="f" * 64).to_message()
    over = [evaluation_pod("digits-evaluate-1", "00:09:05", "00:10:30", said)]
    story.at("11m", "the model is measured", objects=over, digits_evaluate_1=complete("00:10:30"))
    page = [
        evaluation_pod(
            "digits-report-1",
            "00:12:05",
            "00:12:10",
            ReportResult(uri="s3://models/digits/digits/treadle/report.html", bytes=30000, curves=0).to_message(),
        )
    ]
    story.at("13m", "its report is made", objects=page, digits_report_1=complete("00:12:10"))
    story.check("training/evaluated_untracked.yaml")


def test_what_is_measured_in_a_claim_has_no_page_and_says_so() -> None:
    run = make_run(dataset={"project": "digits"}, tracking={"type": "None"}, output={"uri": "pvc://team/models"}, evaluate={"split": "test"})
    story = Story("Its model lies in a claim", TRAINING_RUN, run, others=[make_project()])
    story.at("0s", "applied")
    story.at("9m", "its Job succeeds", objects=[pod("digits-1", ended=finished("00:00:02", "00:09:00"))], digits_1=complete("00:09:00"))
    nowhere = "the run keeps its files where pods cannot write"
    said = EvaluateResult(items=40, measured=(Measured(values=(0.95, None, 0.93, 40.0)),), not_stored=nowhere)
    over = [evaluation_pod("digits-evaluate-1", "00:09:05", "00:10:30", said.to_message())]
    story.at("11m", "the model is measured", objects=over, digits_evaluate_1=complete("00:10:30"))
    story.at("12m", "the operator restarts")
    story.check("training/evaluated_in_a_claim.yaml")


def test_a_run_without_gates_fails_when_nothing_can_be_measured() -> None:
    story = begun("The split is empty", register={"model": "digits"})
    words = Failure.of(Reason.SplitEmpty, "the split test of the dataset version holds no items").to_message()
    over = [evaluation_pod("digits-evaluate-1", "00:09:05", "00:10:30", words, exit_code=64)]
    message = "Container treadle for pod ml/digits-evaluate-1-x failed with exit code 64 matching FailJob rule at index 1"
    story.at("11m", "its evaluation fails", objects=over, digits_evaluate_1=failed("00:10:30", message))
    story.check("training/evaluation_of_nothing.yaml")


def test_a_run_is_cancelled_while_its_model_is_measured() -> None:
    story = begun("It is cancelled while it is measured", F1_GATE, register={"model": "digits"})
    story.at("10m", "a human cancels it", this={"metadata": {"annotations": {"treadle.dev/cancel": "1"}}})
    story.check("training/evaluation_cancelled.yaml")
