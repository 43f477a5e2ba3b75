"""Is the new version as good as the one that serves? Exact statistics on what both answered at the same time; three possible verdicts."""

from treadle.serving.judgement.evidence import Arm, Evidence
from treadle.serving.judgement.verdict import Demands, Outcome, Verdict, judge

__all__ = ["Arm", "Demands", "Evidence", "Outcome", "Verdict", "judge"]
