"""Write `golden.png` after an intended change of a distortion; inspect the image afterwards."""

from __future__ import annotations

from PIL import Image
from test_spatial import FOLDER, golden_sheet

if __name__ == "__main__":
    Image.fromarray(golden_sheet()).save(FOLDER / "golden.png", optimize=True)
