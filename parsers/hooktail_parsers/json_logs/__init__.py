"""Logs with a JSON object on each line: what is common to them, web servers, applications."""
