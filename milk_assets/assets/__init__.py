"""The stages of the graph, one module each: read, call one domain function, write, say what happened."""
