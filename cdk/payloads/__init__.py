"""Files that stacks deploy as they are."""
