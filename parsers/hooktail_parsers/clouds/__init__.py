"""Access logs of clouds, their balancers and CDNs."""
