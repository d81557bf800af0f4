"""Logs of streaming sessions as rows of schema `stall`: one file per published layout.

    options.py    options of the stage               session.py   a session, a layout
    registry.py   which layout fits a log            logs.py      the sessions of files and folders
    folders.py    what a folder holds                cells.py     tables and records of logs
    rates.py      frame rates as fractions           matlab/      MATLAB files, checked and read
    validate.py   sessions whose parts agree         read.py      valid sessions as rows
    formats/      the layouts

A file of `formats` is one layout, with its `LAYOUT` at the end. Nothing here imports numpy, scipy
or pandas before a log is read.
"""
