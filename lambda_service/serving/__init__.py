"""What the endpoint serves: reading artefacts, loading the champion, and replacing it while the process runs."""
