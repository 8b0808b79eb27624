"""Looking back: what monitoring finds in a past period, as it was known then or as it is known now.

Everything works on a copy of the warehouse (copies.py), so that the live one stays as it is (docs/adr/0023).
"""
