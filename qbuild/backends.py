"""What a model backend must offer, and the backends that are installed, loaded only when used.

A distribution offers a backend by an entry point of group `qbuild.backends`:

    [project.entry-points."qbuild.backends"]
    qalign = "qbuild_backends.qalign:QAlignBackend"

The object is called with the name of a preset or the folder of a checkpoint (`""`: the backend's
own choice) and returns a `Backend`. Its module imports torch inside functions, so that `needs()`
can be asked on any machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

from qbuild.core.errors import MissingPartError, near, raise_all
from qbuild.core.interface import LLAVA_PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from qbuild.core.roots import MediaRoots

Role: TypeAlias = Literal["system", "user", "assistant"]
GROUP = "qbuild.backends"
PLACE = LLAVA_PLACEHOLDER  # where a medium stands in a question
METHODS = ("needs", "fingerprint", "train", "score", "answer")
_INSTALL = "Install the backends that ship with qbuild: pip install -e . -e ./backends"


@dataclass(frozen=True)
class Needs:
    """What a backend needs: distributions by name, an accelerator or not, memory in GiB."""

    distributions: tuple[str, ...] = ()
    accelerator: bool = False
    memory_gib: float = 0.0


@dataclass(frozen=True)
class Medium:
    """A picture or video: its id and path as in artifacts, and the file it is."""

    media_id: str
    path: str
    file: Path


@dataclass(frozen=True)
class Prompt:
    """A question about some media: `PLACE` stands in it where each of them is shown, in order.

    `before` are the questions and answers of the conversation so far, whose places come first.
    """

    sample_id: str
    media: tuple[Medium, ...]
    question: str
    system: str | None = None
    before: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Scored:
    """A medium's score in [0, 1], higher is better; words and logits worst to best, if any."""

    media_id: str
    score: float
    words: tuple[str, ...] = ()
    logits: tuple[float, ...] = ()


@dataclass(frozen=True)
class Answered:
    """The answer to a sample, as the model gave it."""

    sample_id: str
    answer: str


@dataclass(frozen=True)
class Refused:
    """In place of a score or an answer: why there is none, a typed word and a sentence."""

    of: str  # the medium's or the sample's id
    reason: str
    message: str


@dataclass(frozen=True)
class Computing:
    """Where a model computes and in what: changes nothing but speed and the last digits.

    device is auto, cpu or cuda; dtype auto, float32 or bfloat16; batch is samples at a time;
    readers are threads that read media meanwhile.
    """

    device: str = "auto"
    dtype: str = "auto"
    batch: int = 8
    readers: int = 2


@dataclass(frozen=True)
class Scoring:
    """How a score is asked for; a backend takes of it what it knows, and refuses other values.

    frame is what stands around a video, words the levels to choose among (a set's name, or words
    worst to best, with commas), temperature what their logits are divided by.
    """

    frame: str = "scoring"
    words: str = "vqa2"
    temperature: float = 1.0
    computing: Computing = Computing()


@dataclass(frozen=True)
class Answering:
    """How an answer is asked for: greedily, up to `max_new_tokens`; frame as in Scoring."""

    frame: str = "understanding"
    max_new_tokens: int = 256
    computing: Computing = Computing()


AS_PUBLISHED = Scoring()
GREEDY = Answering()


@dataclass(frozen=True)
class TrainSpec:
    """What to train on and where the checkpoint goes; `settings` are the backend's own."""

    artifacts: tuple[Path, ...]
    output: Path
    media_roots: tuple[str, ...]
    seed: int
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class ImportSpec:
    """What weights to bring in and where the checkpoint goes; `settings` are the backend's own."""

    source: Path
    output: Path
    settings: Mapping[str, Any]


class Backend(Protocol):
    """A model that trains, scores and answers."""

    model: str  # the preset or checkpoint in use, as predictions name it

    def needs(self) -> Needs:
        """What must be there before anything else is called."""

    def fingerprint(self) -> str:
        """`sha256:…` of the model, equal for equal weights wherever they lie."""

    def train(self, spec: TrainSpec) -> Path:
        """The folder of the checkpoint trained as told."""

    def score(
        self, media: Iterable[Medium], how: Scoring = AS_PUBLISHED
    ) -> Iterator[Scored | Refused]:
        """One score a medium, in the order given; a refusal for a medium that cannot be read."""

    def answer(
        self, prompts: Iterable[Prompt], how: Answering = GREEDY
    ) -> Iterator[Answered | Refused]:
        """One answer a prompt, in the order given; a refusal where it cannot be asked."""


@runtime_checkable
class Importer(Protocol):
    """A backend that also takes weights as others published them; none has to."""

    def import_checkpoint(self, spec: ImportSpec) -> Path:
        """The folder of the checkpoint."""


def conversation(system: str | None, said: Iterable[tuple[Role, str]]) -> list[tuple[Role, str]]:
    """Roles and texts as a model reads them: one system turn first, then sides that alternate.

    Neighbours of one role join with a newline, and so do a row's system prompt and the system
    turns among its others. Training, scores and answers see the same conversation through this.
    """
    turns, prompts = list[tuple[Role, str]](), [system or ""]
    for role, text in said:
        if role == "system":
            prompts.append(text)
        elif turns and turns[-1][0] == role:
            turns[-1] = (role, f"{turns[-1][1]}\n{text}")
        else:
            turns.append((role, text))
    prompt = "\n".join(filter(None, prompts))
    return [("system", prompt), *turns] if prompt else turns


def turns_of(row: Mapping[str, Any]) -> list[tuple[Role, str]]:
    """The conversation of an `instruction` row, `PLACE` where a medium is shown."""
    return conversation(row["system"], ((turn["role"], _text(turn)) for turn in row["turns"]))


def _text(turn: Mapping[str, Any]) -> str:
    return "".join(PLACE if part["text"] is None else part["text"] for part in turn["parts"])


def media_beside(artifact: Path, roots: MediaRoots) -> MediaRoots:
    """Where the media that an artifact's rows name lie: in its own folder of media, if it has one.

    A dataset with a root of its own is looked for there instead, as everywhere.
    """
    from qbuild.core.artifact import FOLDER_ARTIFACT
    from qbuild.core.folder import MEDIA
    from qbuild.core.roots import ANY, MediaRoots

    made = artifact.parent / MEDIA
    if artifact.name != FOLDER_ARTIFACT or not made.is_dir():
        return roots
    return MediaRoots({**roots.folders, ANY: made})


def medium_of(named: Mapping[str, Any], roots: MediaRoots) -> Medium:
    """A medium that a row names; InputError where its path leaves its root, UsageError for none."""
    from qbuild.core.canonical import dataset_of

    place = roots.find(dataset_of(named["media_id"]), named["path"])
    return Medium(named["media_id"], named["path"], place)


def backend_names() -> list[str]:
    """The installed backends' names, sorted; none of them is imported."""
    return sorted({entry.name for entry in metadata.entry_points(group=GROUP)})


def load_backend(name: str, model: str = "") -> Backend:
    """The backend of that name; MissingPartError where it is absent, broken or lacks its needs."""
    entry = _entry(name)
    try:
        factory = entry.load()
    except (ImportError, AttributeError) as error:
        raise MissingPartError(
            f"backend {name}",
            f"{entry.value} cannot be imported ({error})",
            "expected an importable object",
            f"Install what is missing, or install {_distribution(entry)} again.",
        ) from error
    backend: Backend = factory(model)
    _check_methods(name, entry.value, backend)
    _check_needs(name, backend.needs())
    return backend


def _entry(name: str) -> metadata.EntryPoint:
    found = {entry.value: entry for entry in metadata.entry_points(group=GROUP, name=name)}
    if not found:
        known = backend_names()
        hint = f"{near(name, known)} {_INSTALL}".strip()
        raise MissingPartError(f"backend {name}", "is not installed", "", hint)
    if len(found) > 1:
        raise MissingPartError(
            f"backend {name}",
            f"is offered twice: {', '.join(sorted(found))}",
            "expected one distribution to offer a name",
            "Uninstall the other.",
        )
    return next(iter(found.values()))


def _distribution(entry: metadata.EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else "its distribution"


def _check_methods(name: str, value: str, backend: object) -> None:
    lacking = [method for method in METHODS if not callable(getattr(backend, method, None))]
    if lacking:
        raise MissingPartError(
            f"backend {name}",
            f"{value} lacks {', '.join(lacking)}",
            f"expected the methods {', '.join(METHODS)}",
            "See qbuild.backends.Backend.",
        )


def _check_needs(name: str, needs: Needs) -> None:
    raise_all(
        MissingPartError(
            f"backend {name}",
            f"needs {distribution}, which is not installed",
            todo=f"Install it: pip install {distribution}",
        )
        for distribution in needs.distributions
        if not _installed(distribution)
    )


def _installed(distribution: str) -> bool:
    try:
        metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True
