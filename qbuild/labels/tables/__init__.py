"""What the readers of all label files share.

    files.py        file kind, delimiter           sniff.py         a preview of a file
    table.py        tables with named columns      json_records.py  text and JSON records
    columns.py      which column means what        cells.py         text and numbers from cells
    media_paths.py  safe relative paths            rejections.py    the first rejection of each row
    options.py      options that all readers share

Only `files.py` and `options.py` load without pandas and pyarrow.
"""
