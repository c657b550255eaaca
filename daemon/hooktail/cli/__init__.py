"""The commands: words, exit codes and rendering; no logic."""
