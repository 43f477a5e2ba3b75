"""`labelmap.txt`: the labels and their colours, as tools that read Pascal VOC look for them where the labels are not VOC's own."""

from treadle.contracts.labels import LabelSchema
from treadle.jobs.exports._export import File


def label_map(schema: LabelSchema) -> File:
    """Background first. A colon ends a name there, so that a label's own one is left out."""
    names = ("background", *schema.names)
    lines = [f"{name.replace(':', '')}:{','.join(map(str, color(number)))}::" for number, name in enumerate(names)]
    return File("labelmap.txt", "\n".join(["# label:color_rgb:parts:actions", *lines, ""]).encode())


def color(number: int) -> tuple[int, int, int]:
    """The colour of an id as Pascal VOC gives them out: each next bit of the id is the next lower bit of red, green or blue."""
    levels = [0, 0, 0]
    for place in range(8):
        bits = number >> (3 * place)
        for channel in range(3):
            levels[channel] |= (bits >> channel & 1) << (7 - place)
    return levels[0], levels[1], levels[2]
