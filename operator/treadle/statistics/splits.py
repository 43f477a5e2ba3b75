"""Which split an item belongs to, decided by a stable hash: an item never moves between splits from version to version."""

import hashlib

BUCKETS = 10_000


def bucket(group: str, seed: str) -> int:
    """A number from 0 to 9999, the same for the same group and seed for ever, evenly spread over groups."""
    return int.from_bytes(hashlib.sha256(f"{seed}\n{group}".encode()).digest()[:8], "big") % BUCKETS


def split_of(group: str, *, seed: str, train: int, validation: int) -> str:
    """`train`, `validation` or `test`; shares are percentages, test has the rest.

    >>> split_of("s3://raw/shelf/1.jpg", seed="", train=100, validation=0)
    'train'
    """
    number = bucket(group, seed)
    if number < train * BUCKETS // 100:
        return "train"
    return "validation" if number < (train + validation) * BUCKETS // 100 else "test"
