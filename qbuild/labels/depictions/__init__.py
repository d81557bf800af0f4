"""Texts by people about quality, as rows of schema `depiction`.

options.py      options of the stage           names.py         names of columns, kinds, aspects
entries.py      annotations of a file          tables.py        wide and long tables
label_studio.py Label Studio exports           media_places.py  paths of media
cells.py        typed values of cells          read.py          typed and rejected rows
"""
