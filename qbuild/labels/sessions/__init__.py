"""Logs of streaming sessions as rows of schema `stall`: one file per published layout.

    options.py    options of the stage               session.py   a session, a layout
    logs.py       layouts, the sessions of logs      folders.py   folders of logs
    cells.py      tables and records of logs         rates.py     frame rates as fractions
    validate.py   sessions whose parts agree         read.py      valid sessions as rows
    matlab/       MATLAB files, checked and read     formats/     the layouts

A file of `formats` is one layout, with its `LAYOUT` at the end. Only `options.py` loads without
numpy and pandas; scipy is loaded for the first MATLAB file.
"""
