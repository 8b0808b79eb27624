"""Independent plain-Python readings of every feature family and scenario, to judge the SQL by."""
