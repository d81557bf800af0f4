"""From a CSV file of opinion scores to a training file, in cells as a notebook has them.

python docs/examples/notebook.py
"""

# %% Opinion scores: any CSV file with the columns `image` and `mos` will do.
import asyncio
import tempfile
from pathlib import Path

import qbuild

folder = Path(tempfile.mkdtemp())
scores = folder / "scores.csv"
scores.write_text("image,mos\na.jpg,12\nb.jpg,35\nc.jpg,51.5\nd.jpg,78\ne.jpg,94\n")

# %% Cut them into five levels. A function returns what its stage wrote; the file stays on disk.
levels = qbuild.mos_to_levels(scores, folder / "levels.parquet", words="itu")
print(levels.to_pandas(["path", "mos", "word"]))
print(levels.report["datasets"][0]["levels"])

# %% Write question-answer pairs. An artifact is a valid input of the next function.
pairs = qbuild.scoring_qa(levels, folder / "pairs.parquet", form="q-align")
print(pairs)

# %% Export them to the form that Q-Align is trained on.
training = qbuild.export(pairs, folder / "train", format="q-align")
print([file.name for file in training.files])

# %% Compare predictions with the scores.
predictions = folder / "predictions.csv"
predictions.write_text("image,score\na.jpg,.1\nb.jpg,.4\nc.jpg,.5\nd.jpg,.7\ne.jpg,.9\n")
metrics = qbuild.evaluate([predictions, levels], folder / "metrics.parquet", dataset="scores")
print(metrics.to_pandas(["name", "value", "rows"]))


# %% A notebook runs an event loop of its own; stages that need one work there as well.
async def in_a_notebook() -> qbuild.Artifact:
    """What a cell of a notebook does when it runs `gpt_extend` by rules."""
    notes = folder / "depictions.csv"
    notes.write_text("video,text\na.mp4,The video is sharp but flickers at the beginning.\n")
    depictions = qbuild.ingest_depictions(notes, folder / "depictions.parquet")
    return qbuild.gpt_extend(depictions, folder / "extended.parquet", provider="rules")


extended = asyncio.run(in_a_notebook())
print(len(extended), "pairs")

# %% What is wrong with an option is said before anything runs.
try:
    qbuild.mos_to_levels(scores, folder / "levels.parquet", wrods="itu")
except qbuild.QbuildError as error:
    print(error)
