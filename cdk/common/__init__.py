"""Code that several stacks share."""
