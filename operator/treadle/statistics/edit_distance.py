"""How alike two texts are by how much must be changed to make one the other (Levenshtein, 1966)."""


def edit_distance(one: str, other: str) -> int:
    """The fewest letters to insert, delete or replace.

    >>> edit_distance("kitten", "sitting")
    3
    """
    above = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        here = [row]
        for column, candidate in enumerate(other, start=1):
            here.append(min(above[column] + 1, here[-1] + 1, above[column - 1] + (letter != candidate)))
        above = here
    return above[-1]


def likeness(one: str, other: str) -> float:
    """1 for equal texts, 0 where every letter is another one: the distance as a share of the longer text, from 1."""
    longer = max(len(one), len(other))
    return 1.0 - edit_distance(one, other) / longer if longer else 1.0
