"""What all tests share: invented examples are the same in every run, and a slow machine fails none of them. `make properties` searches at random."""

from hypothesis import settings

settings.register_profile("tests", deadline=None, derandomize=True, database=None)
settings.load_profile("tests")
