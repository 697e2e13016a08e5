"""What is stored where, and how it is read and written."""
