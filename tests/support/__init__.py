"""What several tests use: a daemon and an endpoint as processes, lines to write, books to check."""
