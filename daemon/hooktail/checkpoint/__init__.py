"""What is settled, remembered: the ledger of each file, and the only truth about positions."""
