"""`make demo`: the loop turns twice, on a real cluster, with real data, and shows what it does."""
