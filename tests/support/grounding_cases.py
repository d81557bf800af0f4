"""Depictions and pairs written by hand, one by one, unlike those of a grammar.

The third value of a pair is the fault that should be found in it, "" for a faithful one. The
results of the first run, before the reader was fixed on them, are in docs/language.md.
"""

from __future__ import annotations

CASES: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        (
            "The clip is recorded with a shaky hand-held camera, so the picture jitters a lot, "
            "mostly when the cyclist rides downhill. The colors of the meadow are rich and "
            "natural. Towards the end the footage becomes rather dark and grain shows up in the "
            "trees."
        ),
        (
            ("Is the image stable while the cyclist rides downhill?", "No, it is shaky.", ""),
            ("How are the colors of the meadow?", "They are rich and natural.", ""),
            ("What happens to the brightness at the end?", "It gets rather dark.", ""),
            ("Is grain visible near the end of the video?", "Yes", ""),
            ("Is the image stable while the cyclist rides downhill?", "Yes", "polarity"),
            ("How are the colors of the meadow?", "Pale and washed out.", "polarity"),
            ("When does the picture get dark?", "In the first half.", "time"),
            ("Is the picture bright towards the end?", "A. Yes", "polarity"),
            ("How smooth is the playback?", "It stutters heavily.", "attribute"),
        ),
    ),
    (
        (
            "Sharpness is excellent from start to finish and every hair of the cat can be told "
            "apart. Exposure and white balance are spot on. The framing is tidy and well "
            "arranged."
        ),
        (
            ("How would you describe the sharpness?", "Outstanding throughout the video.", ""),
            ("Does the video suffer from blur?", "No.", ""),
            ("Is the frame well composed?", "Yes, the arrangement is good.", ""),
            ("Is the cat out of focus or blurry?", "Yes, the cat is very blurry.", "polarity"),
            ("How is the composition of the frame?", "Chaotic and cluttered.", "polarity"),
            ("Is there any noise in the video?", "Yes, severe noise.", "attribute"),
        ),
    ),
    (
        (
            "There's a slight loss of detail from compression, hardly worth mentioning. What "
            "really hurts is the stutter: playback freezes several times between the 4th and "
            "the 9th second."
        ),
        (
            ("Between which seconds does the playback stutter?", "From 4 to 9 seconds.", ""),
            ("Do compression artifacts exist in this video?", "Yes, slight ones.", ""),
            ("How severe is the compression?", "Only slight.", ""),
            ("Does the video play smoothly between 4 and 9 seconds?", "No", ""),
            ("How severe is the compression?", "Extremely severe.", "degree"),
            ("When does the playback stutter?", "At the 15th second.", "time"),
            ("Is playback fluent from 4 to 9 seconds?", "Yes, it is fluent.", "polarity"),
            ("Is the composition balanced?", "Yes, it is well balanced.", "attribute"),
        ),
    ),
    (
        (
            "The beginning is crisp and clean. But as soon as the boat leaves the harbor, focus "
            "is lost and the boat turns into a blurry patch; the sky is badly overexposed as "
            "well."
        ),
        (
            ("Is the picture crisp at the start?", "Yes", ""),
            ("What goes wrong with the sky?", "It is overexposed.", ""),
            ("Is the sky well exposed?", "No, overexposure is bad there.", ""),
            ("How does the boat look after leaving the harbor?", "Blurry and out of focus.", ""),
            ("How is the exposure of the sky?", "It is perfect.", "polarity"),
            ("Is the picture blurry at the beginning?", "Yes, very blurry.", "polarity"),
            ("How shaky is the camera?", "It shakes violently.", "attribute"),
        ),
    ),
    (
        (
            "Overall an average video. It is neither especially sharp nor blurred. The lighting "
            "in the kitchen isn't good, and you notice mild flicker whenever the fridge is "
            "opened."
        ),
        (
            ("What kind of flicker is there when the fridge is opened?", "Mild flicker.", ""),
            ("Is the kitchen well lit?", "No, the lighting is poor.", ""),
            ("When can flicker be noticed?", "Whenever someone opens the fridge.", ""),
            ("Is the kitchen well lit?", "Yes", "polarity"),
            ("How strong is the flicker?", "It is extremely severe.", "degree"),
            ("When can flicker be noticed?", "When the guests arrive by car.", "time"),
            ("Are the colors vivid?", "Yes, very vivid.", "attribute"),
        ),
    ),
    (
        (
            "Heavy noise throughout, especially in the upper left corner. Colors are dull due "
            "to the fog. The camera pans smoothly and steadily, which is the only good thing "
            "here."
        ),
        (
            ("Is the noise present throughout the video?", "Yes, it is heavy.", ""),
            ("Why are the colors dull?", "Because of the fog.", ""),
            ("How would you rate the camera movement?", "Smooth and steady.", ""),
            ("Is this video free of noise?", "No", ""),
            ("Why are the colors dull?", "Because the lens was dirty.", "cause"),
            ("Is this video free of noise?", "Yes, it is clean.", "polarity"),
            ("How would you rate the camera movement?", "Very jerky.", "polarity"),
            ("How is the noise?", "Barely noticeable.", "degree"),
        ),
    ),
    (
        (
            "The quality is not consistent: sharpness suddenly drops when the goalkeeper throws "
            "the ball and recovers after 12 seconds. No flicker, good contrast."
        ),
        (
            ("When does the sharpness drop?", "When the goalkeeper throws the ball.", ""),
            ("Is there flicker?", "No, there is none.", ""),
            ("How is the contrast of this video?", "Good.", ""),
            ("Is there flicker?", "Yes, it flickers.", "polarity"),
            ("How is the contrast of this video?", "Very poor.", "polarity"),
            ("When does the sharpness drop?", "At the 30th second.", "time"),
        ),
    ),
)

# Written after the reader was finished: its first run over these gives the fairest figure.
FRESH: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        (
            "The overall picture of this video is quite dim, the face of the presenter can "
            "hardly be recognised. During the first ten seconds there are obvious mosaic "
            "blocks, afterwards they disappear. The camera is placed on a tripod and remains "
            "very steady."
        ),
        (
            ("Is the camera steady?", "Yes, it remains very steady.", ""),
            ("How bright is the video overall?", "It is quite dim.", ""),
            ("When do block artifacts occur?", "During the first ten seconds.", ""),
            ("Are there noticeable block artifacts in the first 10 seconds?", "Yes", ""),
            ("Is the video well lit?", "Yes, the lighting is bright.", "polarity"),
            ("How stable is the camera?", "It is very shaky.", "polarity"),
            ("When do block artifacts occur?", "From the 20th second onwards.", "time"),
            ("How is the color saturation?", "The colors are oversaturated.", "attribute"),
        ),
    ),
    (
        (
            "The video has relatively good clarity, but when the runner dashes towards the "
            "finish line, motion blur with a slight degree shows around his legs. Colors are "
            "vivid. In the latter half, frames drop repeatedly."
        ),
        (
            (
                "What distortion can be seen when the runner dashes to the finish line?",
                "Slight motion blur around the legs.",
                "",
            ),
            ("How is the overall clarity of the video?", "Relatively good.", ""),
            ("In which half of the video do frame drops occur?", "In the second half.", ""),
            ("Are the colors of the video vivid or faded?", "They are vivid.", ""),
            (
                "How severe is the motion blur around the runner's legs?",
                "Extremely severe.",
                "degree",
            ),
            ("In which half of the video do frame drops occur?", "In the first half.", "time"),
            (
                "How is the overall clarity of the video?",
                "Very low, everything is fuzzy.",
                "polarity",
            ),
            ("Are the colors of the video vivid?", "No, they look washed out.", "polarity"),
        ),
    ),
    (
        (
            "Extremely poor: the whole video is covered with dense grain, the lens shakes "
            "violently at high frequency, and overexposure destroys the window area. Almost "
            "unwatchable."
        ),
        (
            ("What is the level of noise in this video?", "Severe, it covers the whole frame.", ""),
            ("How often does the camera shake?", "With high frequency.", ""),
            ("Where is the picture overexposed?", "In the window area.", ""),
            ("Is the video grainy?", "A. Yes", ""),
            ("Is the video grainy?", "B. No", "polarity"),
            ("How often does the camera shake?", "Only once.", "time"),
            ("Is the camera stable?", "Yes, it is perfectly stable.", "polarity"),
            ("Does the video stutter?", "Yes, it stutters often.", "attribute"),
        ),
    ),
    (
        (
            "Both scenes are in focus. The first scene, in the garden, shows natural light; "
            "after the cut to the cellar the brightness falls sharply and banding can be made "
            "out on the wall."
        ),
        (
            ("Is the light natural in the garden scene?", "Yes", ""),
            ("What happens to the brightness after the cut to the cellar?", "It drops.", ""),
            ("Which artifact appears on the wall after the cut to the cellar?", "Banding.", ""),
            ("Are the scenes out of focus?", "No.", ""),
            ("Are the scenes out of focus?", "Yes.", "polarity"),
            ("When does banding appear?", "While the credits roll.", "time"),
            ("How well is the cellar lit?", "Excellently, it is very bright.", "polarity"),
            ("Is the composition of the garden scene good?", "Yes, it is balanced.", "attribute"),
        ),
    ),
)
