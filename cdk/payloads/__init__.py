"""Files that stacks deploy unchanged."""
