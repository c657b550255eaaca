"""What is put around the lines of another log: syslog, containers, log shippers."""
