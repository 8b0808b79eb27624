"""Extract and load: one dlt source per feed, importable and runnable without Dagster.

What belongs here: reading a source as it is, writing it to `raw_<feed>` append-only, control totals and rejects.
What does not: business rules (dbt_project), scheduling (orchestration), anything that knows the sandbox.
"""

import os

# Set here, before dlt is first imported. They are not defaults a configuration may change: nothing phones home, every
# raw row says which load wrote it, and resources run one after the other (rejects are known once the tables are read).
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_LOAD_ID"] = "true"
os.environ["EXTRACT__NEXT_ITEM_MODE"] = "fifo"
