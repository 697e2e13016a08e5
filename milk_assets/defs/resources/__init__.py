"""Resources: clients of the systems outside the platform. Imports domain packages and settings only."""
