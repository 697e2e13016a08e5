"""The cloud infrastructure of staging and prod, as AWS CDK stacks: one per concern, with names from `milk_assets.resource_names`."""
