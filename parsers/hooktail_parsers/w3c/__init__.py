"""Logs whose header names the columns: the W3C extended format, CloudFront's, Zeek's."""
