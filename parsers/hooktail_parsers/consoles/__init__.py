"""The access lines that web frameworks and application servers print."""
