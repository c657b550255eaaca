"""Formats that users define: nginx's and Apache's own notations, GoAccess's, grok, regex."""
