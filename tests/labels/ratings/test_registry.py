import subprocess
import sys

import pytest

from qbuild.core.errors import InputError, UsageError
from qbuild.labels.ratings.options import LAYOUTS
from qbuild.labels.ratings.registry import get_layout, recognise

SAMPLES = {
    "comma": ("a.txt", "v/a.mp4, 8.0, 25.0, 3.2\n"),
    "koniq": ("k.csv", "image_name,c1,c2,c3,c4,c5,c_total,MOS,SD,set\n"),
    "kadid": ("d.csv", "ref_name,dist_name,dmos,std\n"),
    "spaq": (
        "s.csv",
        "Image name,MOS,Brightness,Colorfulness,Contrast,Noisiness,Sharpness,ISO,Brightness\n",
    ),
    "q-align": ("q.json", [{"id": "a.jpg->3.5", "image": "k/a.jpg", "conversations": []}]),
    "vqa2": ("p.json", '{"img_path": "a.jpg", "gt_score": "1"}{"img_path": "b", "gt_score": 2}'),
    "subject-votes": ("v.csv", "Observer ID,stimulus,Score\n"),
    "table": ("t.csv", "video,mos\n"),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_each_layout_is_recognised_by_its_content(write, name):
    assert recognise(write(*SAMPLES[name])).name == name


def test_every_layout_has_the_listed_name_and_a_sample():
    assert [get_layout(name).name for name in LAYOUTS] == list(LAYOUTS)
    assert set(SAMPLES) == set(LAYOUTS)


def test_listing_the_layouts_imports_neither_pandas_nor_pyarrow():
    code = (
        "import sys; from qbuild.labels.ratings.options import LAYOUTS;"
        "print([m for m in ('pandas', 'pyarrow', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_layout_is_reported_with_similar_ones():
    with pytest.raises(UsageError, match=r"'koniqq'.*Did you mean koniq\?"):
        get_layout("koniqq")


def test_a_file_without_a_layout_is_reported_with_its_columns_and_all_layouts(write):
    with pytest.raises(InputError) as caught:
        recognise(write("x.csv", "alpha,beta\n1,2\n"))
    text = str(caught.value)
    assert "'alpha', 'beta'" in text
    assert all(name in text for name in LAYOUTS)
    assert "--columns" in text


def test_a_binary_file_is_reported_with_its_first_bytes(write):
    with pytest.raises(InputError, match=r"offset 0 is not UTF-8"):
        recognise(write("x.mat", b"\xff\xfe\x00a"))
