"""Label files as rows of schema `distortion`: what is wrong with each medium.

    options.py     options of the stages              names.py      labels as distortion names
    label.py       the label of one medium            kadid.py      KADID-10k: types in file names
    attributes.py  tables of labels or shares         read_file.py  one file as typed rows
    read.py        several files as one table

Nothing here imports pandas or pyarrow before a file is read. See docs/distortions.md.
"""
