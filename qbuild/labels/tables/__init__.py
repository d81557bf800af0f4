"""What label files of all kinds share.

    sniff.py        what a file looks like outside    layout.py        what a layout is
    table.py        named columns of a table file     json_records.py  JSON records, any framing
    columns.py      which column means what           cells.py         numbers and text from cells
    media_paths.py  safe relative paths               rejections.py    why a row was rejected
    options.py      options of all kinds of files     registry.py      a layout by its name

Nothing here imports pandas before a file is read.
"""
