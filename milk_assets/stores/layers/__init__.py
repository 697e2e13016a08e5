"""The layers of the lake, one module each: where its files are, how they are read and written, and what its document says.

Every module has a `LAYER` and functions that name what they read or write. No other module spells a path of the lake.
"""
