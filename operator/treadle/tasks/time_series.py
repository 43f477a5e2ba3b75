"""TimeSeries: what happens when in a series of numbers: intervals, each with one label.

An item is a CSV file with a header, a column `time` of rising numbers and a column `value` of numbers; further columns are not shown.
"""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from treadle.contracts.labels import ImageSize, Interval, Intervals, LabelSchema
from treadle.tasks._parts import chosen, each_part, number, part, screen
from treadle.tasks._task import Invalid, Region, Task, value_of

FIELD = "series"
TIME = "time"
VALUE = "value"


def configuration(schema: LabelSchema) -> str:
    """A curve in which stretches can be marked."""
    series = {"value": f"${FIELD}", "valueType": "url", "timeColumn": TIME, "sep": ","}
    channel = Element("Channel", column=VALUE, displayName=VALUE)
    return screen("TimeSeries", series, "TimeSeriesLabels", {"choice": "single"}, schema, [channel])


def parse(answer: Sequence[Region], schema: LabelSchema) -> Intervals | Invalid:
    """All intervals, in the unit of the column `time`."""
    intervals = each_part(answer, "part", lambda region: _interval(region, schema))
    return intervals if isinstance(intervals, Invalid) else Intervals(intervals=tuple(intervals))


def show(label: Intervals, _: ImageSize | None) -> list[Region]:
    """The intervals as an answer."""
    return [part(each.label, "timeserieslabels", {"start": each.start, "end": each.end, "instant": False}) for each in label.intervals]


def _interval(region: Region, schema: LabelSchema) -> Interval | Invalid:
    name = chosen(region, "timeserieslabels", schema)
    if isinstance(name, Invalid):
        return name
    start, end = (number(value_of(region).get(key)) for key in ("start", "end"))
    if start is None or end is None:
        return Invalid(f'an interval of "{name}" does not say in numbers where it begins and ends')
    return Interval(label=name, start=start, end=end) if start <= end else Invalid(f'an interval of "{name}" ends before it begins')


TIME_SERIES = Task(
    type="TimeSeries",
    media="Series",
    fields=(FIELD,),
    configuration=configuration,
    parse=parse,
    show=show,
    shape="Intervals",
    measures=("IntervalF1", "MeanIou"),
    formats=("Jsonl", "Parquet", "Dvc"),
)
