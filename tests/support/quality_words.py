"""The wording of invented depictions, written by hand and not taken from the tables."""

from __future__ import annotations

# Statements about each attribute: good, then bad. `{more}` is an adverb of degree and a blank,
# `{rate}` a rating, `{size}` an adjective of size and a blank.
SAID: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "sharpness": (
        ("the picture is {more}sharp", "the sharpness is {rate}", "the image looks {more}clear"),
        ("the picture is {more}blurry", "the clarity is {rate}", "everything looks {more}fuzzy"),
    ),
    "focus": (
        ("the focus is {rate}", "the speaker is {more}well focused"),
        ("the subject is {more}out of focus", "the focusing is {rate}"),
    ),
    "noise": (
        ("the picture is {more}clean", "there is no noise in the shadows"),
        ("there is {size}noise", "the image looks {more}noisy", "{size}grain can be seen"),
    ),
    "motion blur": (
        ("moving people show no motion blur", "the clear motion is pleasant to follow"),
        ("there is {size}motion blur", "{size}motion blur smears the runners"),
    ),
    "flicker": (
        ("the picture stays {more}stable", "the stability is {rate}", "the shot is {more}steady"),
        ("there is {size}camera shake", "the picture is {more}shaky", "{size}flicker is visible"),
    ),
    "exposure": (
        ("the frame is {more}well exposed", "the sky is {more}properly exposed"),
        (
            "there is {size}overexposure",
            "the frame is {more}underexposed",
            "the exposure is {rate}",
        ),
    ),
    "compression artifact": (
        ("there are no compression artifacts", "blockiness never shows"),
        ("there is {size}blockiness", "{size}compression artifacts cover the walls"),
    ),
    "fluency": (
        ("the playback is {more}smooth", "the fluency is {rate}"),
        ("there is {size}stuttering", "the playback is {more}choppy", "the fluency is {rate}"),
    ),
    "contents": (
        ("the content is {more}logical", "the story is {more}easy to follow"),
        ("the content is {more}confusing", "the storyline is {more}illogical"),
    ),
    "composition": (
        ("the frame is {more}well composed", "the composition is {rate}"),
        ("the framing is {more}chaotic", "the composition is {rate}"),
    ),
    "color": (
        ("the colors are {more}vivid", "the color reproduction is {rate}"),
        ("the colors look {more}faded", "the color richness is {rate}"),
    ),
    "light": (
        ("the lighting is {more}natural", "the scene is {more}well lit", "the lighting is {rate}"),
        ("the light is {more}dim", "the brightness is {rate}", "the hall is {more}dark"),
    ),
    "camera trajectory": (
        ("the camera movement is {more}coherent", "the camera work is {rate}"),
        ("the camera movement is {more}erratic", "the camera path is {more}uncoordinated"),
    ),
    "quality switch": (
        ("the quality remains at a consistent level", "the clip has consistent quality"),
        ("there are {size}quality fluctuations", "{size}quality drops come up"),
    ),
}

# Degree: adverbs before a good and a bad adjective, ratings, adjectives of size.
MORE = {
    "very severe": ("extremely", "very", "terribly"),
    "relatively severe": ("rather", "quite", "relatively"),
    "mild": ("slightly", "a bit", "a little", "somewhat"),
    "good": ("quite", "relatively", "fairly"),
    "excellent": ("extremely", "perfectly", "exceptionally"),
}
RATE = {
    "very severe": ("extremely low", "very poor", "awful"),
    "relatively severe": ("relatively poor", "quite low", "rather bad"),
    "mild": ("slightly low", "a little poor"),
    "good": ("good", "fairly high", "decent"),
    "excellent": ("excellent", "superb", "outstanding", "flawless"),
}
SIZE = {
    "very severe": ("extremely severe", "very heavy", "very strong"),
    "relatively severe": ("relatively severe", "quite serious", "fairly obvious"),
    "mild": ("slight", "mild", "minor", "merely noticeable"),
}

# Moments: the wording of a depiction, and that of another person who saw them.
MOMENTS: tuple[tuple[str, str], ...] = (
    ("when the camera switches to the singer", "as the shot cuts to the singer"),
    ("when the dog jumps into the river", "at the moment the dog leaps into the river"),
    ("as the boy opens the door", "when the boy pulls the door open"),
    ("when the train enters the tunnel", "once the train is inside the tunnel"),
    ("after the goal is scored", "after the striker scores the goal"),
    ("when the fireworks go off", "during the fireworks"),
    ("while the chef is cutting onions", "when the onions are being cut by the chef"),
    ("when the lamp goes out", "after somebody turns the lamp off"),
    ("as the skater lands the jump", "when the skater comes down from the jump"),
    ("when the crowd starts cheering", "as the cheering of the crowd begins"),
    ("before the bus stops", "before the bus comes to a stop"),
    ("when the baby looks at the mirror", "as the baby faces the mirror"),
    ("when the drone flies over the bridge", "while the drone crosses the bridge"),
    ("during the interview", "when the interview takes place"),
    ("when the horse gallops past the fence", "as the horse runs by the fence"),
    ("once the rain begins to fall", "when rain is falling"),
    ("when the woman in the red coat waves", "as the woman wearing a red coat waves"),
    ("as the waves hit the rocks", "when the rocks are hit by waves"),
    ("when the teacher writes on the blackboard", "while the teacher uses the blackboard"),
    ("after the curtain rises", "once the curtain is up"),
)
DIRECT: tuple[tuple[str, str], ...] = (
    ("at the beginning of the video", "at the start"),
    ("near the end of the video", "towards the end of the clip"),
    ("in the first half of the video", "during the first half"),
    ("in the second half", "in the latter half of the clip"),
    ("from 3 to 7 seconds", "between the 3rd and the 7th second"),
    ("from 10-14 seconds", "from the 10th to the 14th second"),
    ("at the 5th second", "around the 5 second mark"),
    ("during 20-25 seconds", "from second 20 to second 25"),
)
OVERALL: tuple[tuple[str, str], ...] = (
    ("throughout the playback", "during the whole video"),
    ("throughout the entire video", "from beginning to end"),
    ("from start to finish", "all the time"),
)
FREQUENT: tuple[tuple[str, str], ...] = (
    ("with high frequency", "frequently"),
    ("on multiple occasions", "again and again"),
)

# Yes/no questions: the good one, then the bad one; `{when}` is "" or a time after a blank.
ASKED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "sharpness": (
        ("Does the picture look crisp{when}?", "Can one speak of high sharpness{when}?"),
        ("Is the image fuzzy{when}?", "Would you call the picture blurry{when}?"),
    ),
    "focus": (
        ("Is the subject in focus{when}?", "Has the footage been properly focused{when}?"),
        ("Is the main subject defocused{when}?", "Is what matters out of focus{when}?"),
    ),
    "noise": (
        ("Is the footage free of noise{when}?", "Is the picture noise-free{when}?"),
        ("Does visible grain spoil the picture{when}?", "Is it noisy{when}?"),
    ),
    "motion blur": (
        ("Do moving things stay without any motion blur{when}?",),
        ("Are moving things hit by motion blur{when}?", "Can ghosting be noticed{when}?"),
    ),
    "flicker": (
        ("Does the picture hold steady{when}?", "Is the view jitter-free{when}?"),
        ("Does the picture suffer from shakes{when}?", "Is the view unstable{when}?"),
    ),
    "exposure": (
        ("Is this footage correctly exposed{when}?",),
        ("Is something wrong, such as bad exposure{when}?", "Is the exposure poor{when}?"),
    ),
    "compression artifact": (
        ("Is it free from block artifacts{when}?", "Is the picture without blocking{when}?"),
        ("Do compression artefacts show{when}?", "Does the picture look blocky{when}?"),
    ),
    "fluency": (
        ("Does it play smoothly{when}?", "Does the video run fluently{when}?"),
        ("Does the video lag{when}?", "Can stutters be felt{when}?"),
    ),
    "contents": (
        ("Is what happens coherent{when}?", "Does the content make a meaningful whole{when}?"),
        ("Does the content come across as absurd{when}?", "Is the story illogical{when}?"),
    ),
    "composition": (
        ("Is the layout of the frame harmonious{when}?", "Is the shot well framed{when}?"),
        ("Is the composition messy{when}?", "Has the shot been poorly framed{when}?"),
    ),
    "color": (
        ("Do the colours look vibrant{when}?", "Are the hues true to life{when}?"),
        ("Do the colors seem washed out{when}?", "Are the colours dull{when}?"),
    ),
    "light": (
        ("Is there sufficient light{when}?", "Is the brightness comfortable{when}?"),
        ("Is the illumination too weak{when}?", "Is the lighting gloomy{when}?"),
    ),
    "camera trajectory": (
        ("Is the camera motion well coordinated{when}?",),
        ("Is the camerawork disordered{when}?", "Is the camera trajectory incoherent{when}?"),
    ),
    "quality switch": (
        ("Does the clip keep up a constant quality{when}?",),
        ("Are there sudden changes in quality{when}?", "Do quality switches stand out{when}?"),
    ),
}

# The noun for "how is …"; for noise and the like the fault itself.
TOPIC = {
    "sharpness": "definition of the picture", "focus": "focus", "noise": "noise level",
    "motion blur": "motion blur", "flicker": "steadiness", "exposure": "exposure",
    "compression artifact": "blocking", "fluency": "smoothness of playback",
    "contents": "content", "composition": "framing", "color": "saturation",
    "light": "illumination", "camera trajectory": "camera work",
    "quality switch": "quality consistency",
}  # fmt: skip
FAULTY = frozenset(("noise", "motion blur", "compression artifact"))  # topics that are faults

# Answers of another person: rating of a neutral topic, size of a fault.
JUDGED = {
    "very severe": ("Extremely poor", "It is very bad", "Really terrible", "Very low"),
    "relatively severe": ("Rather poor", "Relatively bad", "It's quite low"),
    "mild": ("Slightly poor", "It is a little low", "A bit weak"),
    "good": ("Fairly good", "It is good", "Pretty decent", "Reasonably high"),
    "excellent": ("Excellent", "It is outstanding", "Perfect", "It is flawless"),
}
SIZED = {
    "very severe": ("It is very severe", "Extremely heavy", "Very serious"),
    "relatively severe": ("Quite severe", "It is rather serious", "Relatively heavy"),
    "mild": ("It is mild", "Only slight", "Barely noticeable", "Just a minor amount"),
}
HOW_OPEN = (
    "How would you rate the {topic} of this video{when}?",
    "What do you think of the {topic}{when}?",
    "{When}how is the {topic}?",
    "How does the {topic} come across{when}?",
    "Tell me about the {topic}{when}.",
)
HOW_SEVERE = (
    "How bad is the {topic}{when}?",
    "To what degree does {topic} disturb the picture{when}?",
    "How strong is the {topic} that can be seen{when}?",
    "What is the degree of {topic}{when}?",
)
# Nouns of a fault, in questions about its time.
FAULT_NOUN = {
    "sharpness": "blurriness", "focus": "defocus", "noise": "noise", "motion blur": "motion blur",
    "flicker": "shaking", "exposure": "poor exposure", "compression artifact": "blockiness",
    "fluency": "stutter", "contents": "illogical content", "composition": "chaotic framing",
    "color": "dull color", "light": "dim lighting", "camera trajectory": "erratic camera work",
    "quality switch": "a quality drop",
}  # fmt: skip
MERIT_NOUN = {
    "sharpness": "crisp detail", "focus": "good focus", "noise": "noise-free shadows",
    "motion blur": "clear motion", "flicker": "a steady picture", "exposure": "good exposure",
    "compression artifact": "a picture without blocking", "fluency": "smooth playback",
    "contents": "coherent content", "composition": "a well arranged frame",
    "color": "vibrant color", "light": "good lighting",
    "camera trajectory": "a coherent camera path", "quality switch": "constant quality",
}  # fmt: skip
WHEN = (
    "When does this video show {noun}?",
    "At what point can one see {noun}?",
    "In which part of the clip is there {noun}?",
    "During which moment would a viewer notice {noun}?",
)
WHAT = (
    ("What stands out about the quality{when}?", "{Noun}."),
    ("Which trait of the video is most striking{when}?", "There is {noun}."),
    ("What does a viewer notice{when}?", "One notices {noun}."),
)
