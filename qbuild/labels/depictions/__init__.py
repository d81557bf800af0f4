"""What people wrote about quality, as `depiction` rows; what their annotations keep to.

* options.py, names.py: what is asked for; names of columns, kinds, aspects
* entries.py: depictions as a file has them, of tables.py (wide, long) and label_studio.py (exports)
* addresses.py, places.py, cells.py: paths, and typed values of cells
* rows.py, shown.py: typed and rejected rows; the level that was shown
* checks.py, agreement.py, figures.py, told.py: the report on annotators
* project.py: a Label Studio project
"""

from __future__ import annotations
