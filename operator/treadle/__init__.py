"""Treadle: the machine-learning data loop as Kubernetes resources."""
