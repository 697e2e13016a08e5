"""Sample workbooks: generating, writing, truncating and publishing them."""
