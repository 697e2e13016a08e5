"""The cloud that staging and prod need, as AWS CDK stacks: one a concern, every name from `milk_assets.settings`."""
