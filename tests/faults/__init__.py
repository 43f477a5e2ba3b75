"""Faults of everything the operator depends on, and what becomes of its objects meanwhile and afterwards."""
