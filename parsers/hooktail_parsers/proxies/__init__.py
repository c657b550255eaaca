"""Access logs of proxies, in formats of their own."""
