"""What label files of all kinds share.

    files.py        which kind of table a file is     sniff.py         what one looks like outside
    table.py        named columns of a table file     json_records.py  JSON records, any framing
    columns.py      which column means what           cells.py         numbers and text from cells
    media_paths.py  safe relative paths               rejections.py    why a row was rejected
    layout.py       what a layout is                  registry.py      a layout by its name
    options.py      options of all kinds of files

Nothing here imports pandas before a file is read.
"""
