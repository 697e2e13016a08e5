"""Everything Dagster. Inside, imports go one way: build → automation → assets → resources, common."""
