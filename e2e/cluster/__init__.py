"""A real Kubernetes on this machine, without a container engine or a registry (see README.md)."""

from e2e.cluster.cluster import Cluster
from e2e.cluster.layout import Mode
from e2e.cluster.lifecycle import down, find, up
from e2e.cluster.problem import Problem
from e2e.cluster.tools import tool

__all__ = ["Cluster", "Mode", "Problem", "down", "find", "tool", "up"]
