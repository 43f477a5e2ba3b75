"""The one table of reasons: name, meaning, remedy. Conditions use only its members; the troubleshooting page and `diagnose` are made from it."""

from enum import Enum, unique

PAGE = "https://treadle.dev/docs/reasons"
"""The page that `reasons_page` writes, where people read it."""


@unique
class Reason(Enum):
    """Why a condition is as it is. The name is what users see; the value is (meaning, remedy)."""

    # -- every kind
    Progressing = ("Work is under way.", "Wait; the other conditions tell what is done and what comes next.")
    Suspended = ("`spec.suspend` is true: nothing new is launched.", "Set `spec.suspend: false` to go on.")
    Deleting = ("The object is being deleted; only cleaning up is done.", "Wait; the message says what is cleaned up.")
    NameConflict = ("An object of ours would have a name that somebody else's object has.", "Delete or rename the object named in the message.")
    OwnedElsewhere = ("What this object refers to belongs to another installation or object.", "Adopt it explicitly, or use another name.")
    ConnectionNotFound = ("The connection named in spec is not configured.", "Use a configured connection, or ask the platform team to add it.")
    ConnectionNotGranted = ("The connection may not be used from this namespace.", "Ask the platform team to add the namespace to the connection.")
    NotGranted = ("A name lies outside what this namespace may use.", "Use a name inside the prefix said in the message.")
    Unauthorized = ("An outside system refused our credentials.", "Ask the platform team to renew the token of the connection.")
    Unreachable = ("An outside system does not answer.", "Check that it runs; Treadle goes on by itself once it answers.")
    UnexpectedAnswer = ("An outside system answered something that is not understood.", "Check the URL and version of the connection.")
    NotSupportedYet = (
        "A field asks for what this version of Treadle cannot do yet.",
        "Remove the field named in the message, or use a newer version.",
    )
    SpecNotUnderstood = (
        "The operator does not understand a field of spec that the API server accepted.",
        "Correct the field named in the message, or install CRDs and operator of the same version.",
    )
    SpecTooLarge = (
        "A Job of ours cannot be told all that spec says.",
        "Shorten the longest lists and texts that concern it: label descriptions, annotators, rules, sources.",
    )
    Forbidden = (
        "The API server refused a request of the operator.",
        "Check the operator's role, quotas and admission policies named in the message.",
    )
    QuotaExceeded = ("A resource quota leaves no room.", "Raise the quota or free what uses it.")
    InvalidObject = ("The API server rejected an object that was built from spec.", "Correct the field named in the message.")
    SecretMissing = ("A Secret that a pod needs does not exist.", "Create the Secret named in the message in this namespace.")
    PodsRejected = ("Pods of a Job are refused by the API server.", "See the message: usually a quota, a missing account or an admission policy.")
    ImagePullFailed = ("An image cannot be pulled.", "Check the image name and the pull secrets.")
    PodConfigurationInvalid = ("A container cannot be configured: a Secret, ConfigMap or key is missing.", "Create what the message names.")
    VolumePending = (
        "A volume of a pod is not mounted yet.",
        "See the node's words in the message: usually a claim that another node holds, or storage that does not answer.",
    )
    Unschedulable = ("No node has room for the pod.", "See the scheduler's words in the message; add nodes or ask for less.")
    JobFailed = ("A Job ended in failure.", "Read the message and the Job's pod log; spec changes start it anew.")
    JobRunning = ("A Job is running.", "Wait.")
    PodNotReady = ("The Job exists, its pod is not ready yet.", "Wait; if it lasts, the message says what is missing.")

    CommandIgnored = (
        "A command names something that is not there now.",
        "Let the annotation name what the message says, or remove it.",
    )

    # -- engine
    OldObjectLeaving = ("An object of the same name, of an earlier one of ours, is not garbage-collected yet.", "Wait; the API server removes it.")
    ChildVanished = ("Somebody deleted an object of ours before it had finished.", "Find out who deletes it; it is made again, later each time.")

    # -- Jobs of ours (jobs/, contracts/)
    StoreAccessDenied = ("The object store refuses the keys of the tenant's Secret.", "Give the keys access to the bucket named in the message.")
    BucketNotFound = ("A bucket does not exist.", "Create it, or correct the URI named in the message.")
    ObjectNotFound = ("An object that was there is gone from the store.", "Restore it; what Treadle wrote under a destination is not to be deleted.")
    ContentChanged = ("An object's content is not what was pinned.", "Restore the content named in the message, or release a new dataset version.")
    SourceEmpty = ("No object at the source matches.", "Check `source.uri`, `include` and `exclude`, or put data there.")
    LabellingProjectNotFound = ("The labelling project does not exist in the backend.", "Wait: it is set up again.")
    TaskTypeNotSupported = ("This version of Treadle cannot work with the task type yet.", "Use a supported type, named in the message.")
    FormatNotSupported = ("The export format is not known for this task type.", "Use one of the formats named in the message.")
    RuleInvalid = (
        "A validation rule is no CEL, or asks for what labels do not have.",
        "Correct `spec.quality.validation` as the message says.",
    )
    CheckInvalid = (
        "What an image of `spec.quality.validation` wrote cannot be read.",
        "Correct the program as the message says; it is described in the page about labelling.",
    )
    PreparationInvalid = (
        "What the program of `spec.dataset.prepare` wrote is no version.",
        "Correct the program as the message says; it is described in the page about labelling.",
    )
    DatasetVersionNotFound = ("There is no dataset version at the address.", "Check the version; versions are listed at the project's destination.")
    NothingToRelease = ("No item has a label that people agree on.", "Label more items; the message counts what is there.")
    ModelFilesNotFound = ("There are no model files at the address.", "Check that the run logged its model, and the mapping of the artifact store.")
    JobContractMismatch = ("A Job was told something that its image does not understand.", "Install operator and images of the same version.")
    JobDefect = ("A Job of ours met an error that it did not expect.", "Read the pod's log and report it as a bug.")

    # -- AnnotationProject
    LabellingConfigurationInvalid = ("The labelling backend refuses the configuration of the task.", "Correct `spec.task` as the message says.")
    ConfigMapMissing = (
        "A ConfigMap that spec names does not exist in this namespace, or lacks the key.",
        "Create it with the key named in the message; it is looked for again by itself.",
    )
    AddressBlocked = (
        "Label Studio's guard against requests to internal addresses keeps it from the object store.",
        "Set USE_DEFAULT_BANNED_SUBNETS=false and USER_ADDITIONAL_BANNED_SUBNETS=169.254.0.0/16 for Label Studio; or set `spec.media: Copy`.",
    )
    LabelsInUse = ("The change would lose answers that people gave, so the labelling project stays as it is.", "Undo the change of `spec.task`.")
    AcceptingAnnotations = ("The labelling project is set up and holds the items.", "Nothing to do; people can annotate.")
    LabelsFromFiles = ("Labels come with the sources, as files; nobody annotates.", "Nothing to do.")
    LabellingProjectLost = (
        "The labelling project is gone, or has lost the line of its description by which it is found.",
        "Wait: it is found or made again, with the answers of the last snapshot; the message counts them.",
    )
    SetupEdited = (
        "Somebody changed the set-up of the labelling project by hand.",
        "Wait: it is set back where no answer is lost by that. Change `spec` instead; remove answers that the message names, if it stays.",
    )
    WorkRepaired = ("What somebody deleted or changed by hand in the labelling project was repaired.", "Nothing to do; find out who did it.")
    AnswersTakenBack = (
        "Answers are gone from items that are there: people may take back what they said.",
        "Nothing, if that was meant. The annotation `treadle.dev/restore` with the digest in the message brings them back.",
    )
    SettingUp = ("The labelling project is being set up, or gets its first items.", "Wait; the other conditions tell what is done.")
    Synced = ("Every item at the sources is in the labelling project.", "Nothing to do.")
    LabelsProposed = ("A model or labelling functions have answered about the items.", "Nothing to do; the message counts.")
    NothingPredicted = (
        "A program that is asked about the items left nothing that can be read.",
        "Let it write `predictions.jsonl` into TREADLE_PREDICTIONS_DIR; see the message and docs/prelabelling.md.",
    )
    OrderedAtRandom = ("There are no proposals yet, so people see the items in random order.", "See the condition Prelabelled.")
    OrderedByUse = ("People see the items in the order that `spec.activeLearning` asks for.", "Nothing to do.")
    LabelsAccepted = ("Proposals that are sure enough are taken as labels, and a share of them is audited.", "Nothing to do; the message counts.")
    AuditFailed = (
        "Accepted labels are surely less right than `minConfidence` promises, so no more are accepted.",
        "Train or calibrate the model, or raise `spec.prelabel.autoAccept.minConfidence`; another version is audited anew.",
    )
    Annotating = ("People have not answered every item yet.", "Wait, or ask more people; the message counts.")
    AllItemsAnnotated = ("Every item has as many answers as wanted.", "Nothing to do.")
    NotMeasuredYet = ("Quality is measured once enough items are answered.", "Wait; the message says what for.")
    NoBoundsSet = ("Quality was measured; no bound was asked for.", "Set `spec.quality` to have a bound.")
    BoundsHeld = ("Every bound on quality holds.", "Nothing to do.")
    AgreementTooLow = ("Annotators agree less than `spec.quality.agreement.minimum`.", "Clear up disputed items and guidelines, or lower the bound.")
    AgreementUnknown = ("The agreement cannot be told from the answers.", "Have two people answer the same items, with more than one label in use.")
    GoldTooLow = (
        "People miss the bound of gold items, whose answers are known.",
        "Talk to the people named in status.quality.byAnnotator, or set `spec.quality.gold.onFail: ExcludeAnnotator`.",
    )
    GoldUnknown = ("Nobody has answered a gold item, so the bound cannot be judged.", "Check that `spec.quality.gold.uri` holds items, and wait.")
    Released = ("A dataset version holds what is to be released.", "Nothing to do.")
    TooFewItems = ("There are not enough finished items for a version.", "Wait for annotators, or lower `spec.dataset.release`.")
    AwaitingQuality = ("A version is released once the quality is measured and its bounds hold.", "See the condition QualityPassed.")
    AwaitingDataset = ("There is no dataset version yet.", "See the condition DatasetReleased.")
    RunStarted = ("The latest dataset version has its TrainingRun.", "Nothing to do; see the run.")
    EarlierRunGoesOn = ("`spec.train.concurrency` is Forbid, and an earlier run goes on.", "Wait, or delete the earlier run.")
    AwaitingSchedule = ("A version is written at the next time of `spec.dataset.release.schedule`.", "Wait; the message says until when.")
    ScheduleInvalid = (
        "`spec.dataset.release.schedule` is no schedule, or one that never comes.",
        "Write five fields in the form of cron, such as `0 3 * * 1`; the message says which is wrong.",
    )
    AwaitingRelease = ("A human releases this version.", "Set the annotation `treadle.dev/release` to the digest in the message.")

    # -- workloads
    ExitedWithError = ("A container ended with an exit code other than 0.", "Read the last lines in the message, or the log of the pod.")
    OutOfMemory = ("A container used more memory than its limit, and was killed.", "Raise `resources.memory`, or use less, e.g. a smaller batch.")
    Killed = ("A container was killed from outside, and nobody said why.", "Most often memory: raise `resources.memory`. Otherwise look at the node.")
    PodEvicted = (
        "A node or an API client evicted the pod: drain, taint or pressure on the node.",
        "Nothing: it is tried again. Look at the node if it repeats.",
    )
    PodPreempted = ("A pod of higher priority took the place.", "Nothing: it is tried again, at no cost. Raise the priority if it repeats.")
    NodeLost = ("The node of the pod does not answer any more.", "Repair the node, or delete its Node object so that its pods are given up.")
    InvalidImage = ("The image name cannot be parsed or is not to be pulled.", "Correct the image.")
    AwaitingAdmission = ("The Job waits for its queue to admit it.", "Wait, or ask for more quota in the LocalQueue.")
    JobTooSlow = ("A Job of ours did not end in the time that it is given.", "See its log: what it waits for, or what there is too much of.")
    ResultUnreadable = ("A Job of ours ended well, but what it said is lost or not understood.", "Nothing: it is run again. Report it if it repeats.")

    # -- TrainingRun
    ImageNotAllowed = (
        "The platform team allows no image of this name.",
        "Take an image from a place the message names, by digest where it asks for one; or ask the platform team (`imagePolicy` in the chart).",
    )
    AccountNotAllowed = (
        "The service account may not be used by pods that Treadle makes.",
        "Use an allowed account, or ask the platform team to allow it.",
    )
    JobSetMissing = ("Several nodes need JobSet, which the cluster does not have.", "Install JobSet, and set `kinds.jobSet` in the chart.")
    DatasetPinned = ("The dataset version to train on is fixed.", "Nothing to do.")
    ProjectNotFound = ("The AnnotationProject named in `spec.dataset` does not exist in this namespace.", "Create it, or correct the name.")
    DatasetNotReleased = ("The project has not released such a dataset version yet.", "Wait for the release, or lower the project's release bounds.")
    ClaimedByEarlierRun = (
        "A Job of an earlier run of the same name is still being removed.",
        "Wait; remove the pod's node or finalizers if it lasts.",
    )
    AwaitingOldPod = ("A pod of an earlier attempt may still write to the shared checkpoint.", "Wait; delete the Node object if its node is lost.")
    RetryPending = ("An attempt failed, the next one starts soon.", "Wait; the list of attempts says why the last one failed.")
    ExperimentClash = (
        "The program chose an MLflow experiment by `set_experiment` that is not the one of its run.",
        "Remove `mlflow.set_experiment` from the program, or name the same experiment in `spec.tracking.experiment`.",
    )
    FurtherRuns = (
        "The program ended its MLflow run and began others, by a second `start_run`: their metrics and models do not count for this run.",
        "Log everything within the first `start_run`, or begin the others with `nested=True`.",
    )
    LogsNotReachable = (
        "The event files lie in the pod's own disk, where TensorBoard cannot read them.",
        "Let `tensorboard.logDir` lie in `spec.checkpoint`, in `spec.output`, in a claim of `spec.volumes`, or in an object store.",
    )
    DeadlineExceeded = ("The run needed more running time than `spec.deadline`.", "Raise the deadline, or make the training faster, in a new run.")
    NoProgress = (
        "The program has reported nothing to the tracking server for longer than `spec.stall.timeout`.",
        "Look at the log of the pod: it may hang. With `spec.stall.action: Restart` another attempt follows.",
    )
    JobLost = ("The Job of an attempt vanished before it ended.", "Nothing: it is tried again. Find out who deletes Jobs if it repeats.")
    ResultLost = (
        "What was left behind is gone before it was read: the pod of an attempt, or the tracked run with its metrics.",
        "Nothing while attempts are left. Otherwise restore the run in MLflow, or train again with a new TrainingRun.",
    )
    JobSucceeded = ("The program ended well.", "Nothing to do.")
    RunSucceeded = ("Everything the run was asked for is done.", "Nothing to do.")
    Cancelled = ("The run was cancelled by the annotation `treadle.dev/cancel`.", "Make a new run to train again.")
    Evaluating = ("The model is measured on held-out data.", "Wait.")
    Evaluated = ("The model was measured on held-out data.", "Nothing to do.")
    SplitEmpty = ("The split to evaluate on holds no items.", "Evaluate on another split, or release a version with more items.")
    ItemsNotAccepted = (
        "The model does not answer the items of the dataset by the model contract of the task type.",
        'Log a classifier with `metadata={"treadle.input": "image/grayscale/WIDTHxHEIGHT"}`; see the message.',
    )
    NothingMeasured = (
        "The evaluation's own image left nothing that can be read.",
        "Let it write `metrics.json` or `predictions.jsonl` into TREADLE_EVALUATION_DIR; see the message.",
    )
    GatesPassed = ("Every gate is passed.", "Nothing to do.")
    GateFailed = ("A metric misses the bound of a gate.", "See the message for the numbers; train better, or change the gate in a new run.")
    GateUnknown = (
        "A gate cannot be judged: its metric is missing, not a number, or not comparable.",
        "Log the metric under the name in the message.",
    )
    NoBaseline = ("There is no model version to compare with, so a gate is passed without.", "Nothing to do.")
    AwaitingApproval = ("The gates are passed; a human must approve.", "Annotate with `treadle.dev/approve` and the attempt's number.")
    Approved = ("A human approved the run.", "Nothing to do.")
    ModelNotLogged = (
        "The run logged no model of the name to register.",
        "Log it with `mlflow.<flavour>.log_model(name=...)`, or set `register.artifact`.",
    )
    ModelAmbiguous = ("The run logged several models.", "Set `register.artifact` to the name of the one to register.")
    ModelRegistered = ("The model is a version in the registry, and carries the alias.", "Nothing to do.")
    AliasNotMoved = (
        "The model is registered; its alias was moved by somebody else meanwhile and stays there.",
        "Move the alias by hand if this is unwanted.",
    )
    Registering = ("The model is being registered.", "Wait.")
    ReportStored = ("The page about the run is stored: among its files in MLflow, or in its output.", "Nothing to do.")
    ReportNotStored = (
        "There is no page about the run: pods reach no place to store it, or may not write there.",
        "For later runs, do what the message says: set `artifactStore` of the MLflow connection or `spec.output`, or let the keys write.",
    )

    # -- ModelDeployment
    ModelNotFound = ("The registry has no such model, alias or version.", "Register the model, set the alias, or correct `spec.model`.")
    ModelNotServable = (
        "The files of the model version cannot be fetched from a pod.",
        "Set `artifactStore` of the MLflow connection; see the message.",
    )
    ModelFound = ("The model version to serve is known.", "Nothing to do.")
    VersionPinned = ("The annotation `treadle.dev/pin` names the version that is served.", "Remove the annotation to follow `spec.model` again.")
    ModelNotReadable = ("The model's files are incomplete, damaged or not what MLflow writes.", "Log the model anew; see the message.")
    ModelFlavourNotSupported = ("Treadle's runtime cannot serve this flavour of MLflow model.", "Log the model in a flavour that the message names.")
    PickleNotAllowed = ("The model is stored in a format that runs code when it is read.", 'Log it with `serialization_format="skops"`.')
    ModelTypesNotTrusted = ("The model's file holds types that are not known to be harmless.", "Log a model made of the library's own types.")
    SmokeFailed = (
        "The loaded model does not answer the example of its evaluation as it did there.",
        "Train it with the versions of libraries that serve it, or serve it with an image that has those it was trained with; see the message.",
    )
    ModelLoadFailed = ("A serving pod ended while it fetched or loaded the model.", "Read the message and the log of the pod.")
    PodsStarting = ("Serving pods are not all ready yet.", "Wait; if it lasts, the message says what is missing.")
    PodsReady = ("All serving pods are ready.", "Nothing to do.")
    NothingDeployed = ("No model version serves yet.", "See the other conditions.")
    RolloutComplete = ("What spec asks for is what serves.", "Nothing to do.")
    RollingOut = ("Another revision comes up beside the one that serves.", "Wait for its pods; the message says what is missing.")
    RolloutAborted = ("A person gave a rollout up.", "Register a new version, or command `promote`.")
    CanaryPreparing = ("The pods of a new version come up, before it gets a share of the traffic.", "Wait; the message says what is missing.")
    CanaryUnschedulable = (
        "No node has had room for the pods of a new version for ten minutes; the stable version serves on.",
        "Free room or add nodes; or set `rollout.strategy: Replace`, which needs no room for two versions; or `abort` the version.",
    )
    CanaryJudging = ("A new version proves itself on live traffic beside the stable one.", "Wait; the message has the numbers so far.")
    AnalysisFailed = ("The new version was surely worse than the stable one, or than `rollout.analysis` allows.", "See the message for the numbers.")
    AnalysisInconclusive = (
        "A step ended without enough evidence, and `onInconclusive` is Rollback.",
        "Let steps take longer, lower `minSamples`, or set `onInconclusive: Hold`.",
    )
    RolloutSuperseded = ("Another version is wanted before this one had proved itself.", "Nothing to do.")
    ControlKeyMissing = (
        "The operator has no control key to sign orders to serving pods with.",
        "The platform team sets `control.existingSecret` of the chart; see docs/configuration.md.",
    )
    ScaledToZero = ("No pods are wanted.", "Raise `spec.replicas` to serve.")
    FirstRollout = ("The first version is being rolled out; there is nothing to compare it with.", "Wait for its pods.")
    AlreadyRefused = ("The version was rolled back before and is not tried again by itself.", "Register a new version, or command `promote`.")
    PromotedToAlias = ("The stable version carries the alias of `promoteTo`.", "Nothing to do.")
    PromotionPending = ("The stable version waits for its evidence before it is promoted.", "Wait; the message says for what.")
    GatesNotPassed = (
        "The version's training gates are not known to have passed; it serves unpromoted.",
        "Check the run's gates, or command `promote`.",
    )
    DriftFound = (
        "Live inputs or answers are surely unlike those of the reference: what the model was trained and measured on, or the first window.",
        "See the message for what shifted; label such inputs and train anew, or find out what changed at their source.",
    )
    NoDrift = ("Live inputs and answers are like those of the reference.", "Nothing to do.")
    TooFewRequests = ("Too few requests were counted to judge drift.", "Wait; windows are judged together until they hold enough requests.")
    MonitoringMade = ("Prometheus reads the pods, and has alerts about them.", "Nothing to do.")
    MonitoringMissing = (
        "The cluster has not the kinds of the Prometheus operator.",
        "Install the Prometheus operator, or switch `kinds.monitoring` off in the chart, or set `spec.monitoring.alerts: false`.",
    )
    RouteAccepted = ("A Gateway serves the endpoint.", "Nothing to do.")
    RouteNotAccepted = (
        "No Gateway has accepted the route to the endpoint as it is now.",
        "Wait; or see whether `spec.expose.gateway` is there and admits routes of this namespace, and what the message says.",
    )
    GatewayMissing = (
        "The cluster has not the kinds of the Gateway API, or the operator may not make routes.",
        "Install the Gateway API and a controller of it, and switch `kinds.httpRoute` on in the chart; or remove `spec.expose`.",
    )
    KeepingItems = ("Items that tell are kept and brought to the store, for people to label.", "Nothing to do.")
    RedactionMissing = (
        "A sensitive deployment keeps nothing that nobody has redacted.",
        "Set `spec.feedback.redact`, or remove `spec.feedback`.",
    )
    SignatureNotSupported = (
        "The model takes no items that people could label.",
        "Log it with metadata `treadle.input`, or with a signature of one text; or remove `spec.feedback`.",
    )
    ReferenceMissing = (
        "Drift is watched, but there is nothing to compare with yet.",
        "Wait until a first window is whole; or train with `spec.evaluate`: the evaluation stores the reference with the model.",
    )
    AliasOwned = ("Another ModelDeployment promotes this model already.", "Remove `promoteTo` from one of them.")
    AliasMoved = ("The alias of `promoteTo` names another version than the one that serves.", "Command `promote` to move it, or serve that version.")

    def __str__(self) -> str:
        return self.name

    @property
    def page(self) -> str:
        """Where it is explained."""
        return f"{PAGE}#{self.name.lower()}"

    @property
    def meaning(self) -> str:
        """What is the case, in one sentence."""
        return self.value[0]

    @property
    def remedy(self) -> str:
        """What a user can do about it, in one sentence."""
        return self.value[1]
