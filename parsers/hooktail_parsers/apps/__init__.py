"""Logs of applications, in which some lines, or several together, state a request."""
