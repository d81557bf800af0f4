"""Answers: greedy, the same in any batch, ended by the end token, rejected at their position."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")
pytest.importorskip("transformers", reason="needs the model backends' transformers")

from clips import make_clip  # noqa: E402
from fragile_family import fragile_processor  # noqa: E402
from images import write_image  # noqa: E402
from qbuild_backends.inference.answering import Answerer, conversation  # noqa: E402
from qbuild_backends.inference.loading import Loaded  # noqa: E402
from qbuild_backends.models.vqa2.model import Vqa2ForConditionalGeneration  # noqa: E402
from qbuild_backends.models.vqa2.presets import preset  # noqa: E402
from vqa2_toys import fixed_init, read_clip  # noqa: E402
from vqa2_toys import loaded as loaded_model  # noqa: E402

from qbuild.backends.conversation import PLACE  # noqa: E402
from qbuild.backends.protocol import Answering, Computing, Prompt, Rejected  # noqa: E402
from qbuild.core.errors import UsageError  # noqa: E402
from qbuild.core.media_roots import Medium  # noqa: E402

LONGEST = 8


def made() -> Loaded:
    model = fixed_init(Vqa2ForConditionalGeneration(preset("tiny")), 2).eval()
    return loaded_model(model)


@pytest.fixture(scope="module")
def loaded():
    return made()


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    place = tmp_path_factory.mktemp("media")
    make_clip(place / "a.mp4", frames=40)
    make_clip(place / "b.mp4", frames=9)
    write_image(place / "c.png")
    media = [Medium(f"set:{p.name}", p.name, p) for p in sorted(place.iterdir())]
    questions = (
        "How good is it?",
        "What is wrong with it, and where does it begin?",
        "Is it sharp?",
    )
    pairs = zip(media, questions, strict=True)
    return [Prompt(f"s{n}", (m,), f"{PLACE}\n{q}") for n, (m, q) in enumerate(pairs)]


def answers(loaded, samples, batch=4, longest=LONGEST):
    how = Answering(max_new_tokens=longest, computing=Computing("cpu", batch=batch))
    return list(Answerer(loaded, how).answer(samples))


def tokens(loaded, sample):
    """The model's answer, with the whole sequence computed anew for each token."""
    processor = loaded.processor
    clip = read_clip(sample.media[0].file, key_size=112, motion_size=48)
    how = {"video_prompt": "understanding", "open_end": True}
    batch = processor.collate([processor.encode(conversation(sample), clip, **how)])
    del batch["labels"], batch["attention_mask"]
    said = []
    with torch.inference_mode():
        for _ in range(LONGEST):
            following = loaded.model(**batch).logits[0, -1].argmax()
            said.append(int(following))
            batch["input_ids"] = torch.cat((batch["input_ids"], following[None, None]), 1)
    return said


def test_answers_are_the_likeliest_token_after_another(loaded, samples):
    end = loaded.processor.tokenizer.get_vocab()["<|im_end|>"]
    said = [tokens(loaded, sample) for sample in samples]
    expected = [ids[: ids.index(end)] if end in ids else ids for ids in said]
    found = answers(loaded, samples)
    decode = loaded.processor.tokenizer.decode
    assert [a.answer for a in found] == [decode(ids, True).strip() for ids in expected]
    assert [a.sample_id for a in found] == ["s0", "s1", "s2"]
    assert len({a.answer for a in found}) > 1


@pytest.mark.parametrize("batch", [1, 2])
def test_padding_on_the_left_changes_no_answer(loaded, samples, batch):
    assert answers(loaded, samples, batch) == answers(loaded, samples, 16)


def test_an_answer_ends_at_the_end_mark(samples):
    loaded = made()
    said = tokens(loaded, samples[0])
    at = next(n for n in range(1, LONGEST) if said[n] not in said[:n])
    end = loaded.processor.tokenizer.get_vocab()["<|im_end|>"]
    rows = loaded.model.lm_head.weight
    with torch.no_grad():  # where it would generate that token, it now ends
        rows[[said[at], end]] = rows[[end, said[at]]].clone()
    (found,) = answers(loaded, samples[:1])
    assert found.answer == loaded.processor.tokenizer.decode(said[:at]).strip()


def test_an_answer_has_no_more_tokens_than_allowed(loaded, samples):
    whole, short = (answers(loaded, samples, longest=n)[0].answer for n in (LONGEST, 3))
    assert whole.startswith(short)
    assert len(short) < len(whole)


def test_answers_as_long_as_the_context_are_rejected_before_anything_is_read(loaded, samples):
    with pytest.raises(UsageError, match=r"--max-new-tokens 4096: leaves no room .* 4,096 tokens"):
        answers(loaded, samples, longest=4_096)


def test_a_sample_that_cannot_be_asked_is_rejected_at_its_position(loaded, samples, tmp_path):
    (tmp_path / "bad.mp4").write_text("no video")
    bad = Medium("set:bad", "bad.mp4", tmp_path / "bad.mp4")
    (good,) = samples[0].media
    picture = samples[2].media
    asked = [
        samples[0],
        Prompt("two", (good, bad), f"{PLACE}{PLACE}\nWhich is better?"),
        Prompt("unread", (bad,), f"{PLACE}\nHow good is it?"),
        Prompt("three", (good,), f"{PLACE} {PLACE} {PLACE}\nHow good is it?"),
        Prompt("twice", picture, f"{PLACE}\n{PLACE}\nHow good is it?"),
        Prompt("none", (good,), "How good is it?"),
        samples[1],
    ]
    found = answers(loaded, asked)
    refused = {one.of: one.rejection.reason for one in found if isinstance(one, Rejected)}
    assert refused == {
        "two": "several-media",
        "unread": "not-a-video",
        "three": "placeholders",
        "twice": "placeholders",
        "none": "placeholders",
    }
    assert [found[0], found[-1]] == answers(loaded, samples[:2])


def test_a_video_that_crashes_its_decoder_is_rejected_and_the_rest_is_answered(
    loaded, samples, tmp_path
):
    crash = tmp_path / "crash.mp4"
    crash.write_bytes(samples[0].media[0].file.read_bytes())
    asked = Prompt("s9", (Medium("set:crash", "crash.mp4", crash),), samples[0].question)
    how = Answering(max_new_tokens=LONGEST, computing=Computing("cpu", batch=2))
    fragile = replace(loaded, processor=fragile_processor(loaded.processor))
    found = list(Answerer(fragile, how).answer([samples[0], asked, *samples[1:]]))
    refused = found.pop(1)
    assert (refused.of, refused.rejection.reason) == ("s9", "decoder-crashed")
    assert found == answers(loaded, samples)


def test_a_question_without_a_medium_is_answered(loaded, samples):
    text = Prompt("s9", (), "What is blur?")
    found = answers(loaded, [text, *samples])
    assert [one.sample_id for one in found] == ["s9", "s0", "s1", "s2"]
    assert found[:1] == answers(loaded, [text])


def test_the_conversation_so_far_and_the_system_turn_are_part_of_the_question(samples):
    before = ((f"{PLACE}\nIs it sharp?", "No."), ("Why?", "It moves."))
    turns = conversation(Prompt("s", samples[0].media, "Where?", "Be brief.", before))
    assert [(turn.role, turn.text) for turn in turns] == [
        ("system", "Be brief."),
        ("user", f"{PLACE}\nIs it sharp?"),
        ("assistant", "No."),
        ("user", "Why?"),
        ("assistant", "It moves."),
        ("user", "Where?"),
    ]


def test_an_answer_that_could_exceed_the_context_is_rejected_before_it_is_generated(loaded):
    most = loaded.processor.max_length
    text = Prompt("s9", (), "What is blur?")
    (asked,) = Answerer(loaded, Answering()).encoded([text], [])
    room = most - len(asked.ids)
    (refused,) = answers(loaded, [text], longest=room + 1)
    assert refused.rejection.reason == "too-long"
    assert (
        f"an answer of up to {room + 1:,}; expected {most:,} at most" in refused.rejection.message
    )
    how = Answering(max_new_tokens=room)
    assert not isinstance(next(Answerer(loaded, how).encoded([text], [])), Rejected)
