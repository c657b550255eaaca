"""The common and combined log formats, and what is written like them."""
