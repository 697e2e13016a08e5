"""Sample workbooks: generate, write, truncate and publish them."""
