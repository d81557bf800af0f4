"""What people wrote about quality, as `depiction` rows.

* options.py, names.py: what is asked for; names of columns, kinds, aspects
* entries.py: depictions as a file has them, of tables.py (wide, long) and label_studio.py (exports)
* media_urls.py, media_places.py, cells.py: paths, and typed values of cells
* read.py: typed and rejected rows
"""

from __future__ import annotations
