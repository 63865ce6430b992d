"""Any Arrow type to any Arrow type: exactly, or with the offending rows named."""
