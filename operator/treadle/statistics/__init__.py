"""Numbers in, numbers out: agreement between people, and what they agree on. `shapes/` knows what it means for each shape of label."""
