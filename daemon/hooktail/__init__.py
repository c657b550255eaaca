"""hooktail tails web server logs and delivers each event to a server-to-server endpoint."""

__version__ = "0.1.0"
