"""The assets: raw feeds (feeds.py), everything dbt builds (warehouse.py), and what readers get (published.py)."""
