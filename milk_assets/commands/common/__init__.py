"""What several commands share: options, running the graph, a local publisher."""
