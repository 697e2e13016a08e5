"""From facts to incidents and messages."""
