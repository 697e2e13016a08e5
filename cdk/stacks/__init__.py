"""The stacks, one per concern."""
