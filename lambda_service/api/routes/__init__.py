"""The routes of the API: one module for each OpenAPI tag, one Powertools `Router` each."""
