"""Facial expressions: seven classes, each a mixture of facial actions that varies."""
from __future__ import annotations

import numpy as np

EXPRESSIONS = ('neutral', 'happy', 'sad', 'surprised', 'angry', 'disgusted', 'talking')
"""Names of the classes; a class's number is its place."""

SHARES = (.26, .24, .10, .10, .10, .08, .12)

RECIPES: dict[str, dict[str, tuple[float, float]]] = {
    'neutral': {},
    'happy': {'mouthSmile': (.55, 1.0), 'cheekSquint': (.3, .9), 'eyeSquint': (.1, .5),
              'jawOpen': (0, .30), 'mouthUpperUp': (0, .5), 'mouthDimple': (0, .5)},
    'sad': {'mouthFrown': (.5, 1.0), 'browInnerUp': (.6, 1.0), 'mouthShrugLower': (.1, .6),
            'eyeSquint': (0, .3)},
    'surprised': {'jawOpen': (.35, .9), 'browInnerUp': (.6, 1.0), 'browOuterUp': (.6, 1.0),
                  'eyeWide': (.6, 1.0), 'mouthFunnel': (0, .4)},
    'angry': {'browDown': (.7, 1.0), 'eyeSquint': (.2, .7), 'mouthPress': (.2, .9),
              'noseSneer': (.1, .5), 'mouthFrown': (.1, .5)},
    'disgusted': {'noseSneer': (.7, 1.0), 'mouthUpperUp': (.4, 1.0), 'browDown': (.3, .8),
                  'eyeSquint': (.3, .8), 'mouthFrown': (0, .5)},
    'talking': {'jawOpen': (.12, .55), 'mouthPucker': (0, .6), 'mouthFunnel': (0, .5),
                'mouthLowerDown': (0, .6)}}
"""Least and most strength of the actions of each class; both sides of the face move alike."""

ASYMMETRY, UNREST = 0.12, 0.12
"""Deviation between the sides, and of every action that belongs to no class."""

BLINK_SHARE = 0.06
RESTLESS = ('browInnerUp', 'browOuterUp', 'browDown', 'mouthSmile', 'mouthFrown', 'mouthPress',
            'jawForward', 'mouthShrugUpper', 'cheekPuff', 'mouthRollLower')


def sample_expression(rng: np.random.Generator, names: frozenset[str],
                      ) -> tuple[int, dict[str, float]]:
    """Draw the number of a class, and the strengths of the facial actions.

    `names` are the actions that the head model has; an action with two sides ends in Left, Right.
    """
    label = int(rng.choice(len(EXPRESSIONS), p=SHARES))
    wanted = {name: rng.uniform(*limits)
              for name, limits in RECIPES[EXPRESSIONS[label]].items()}
    for name in RESTLESS:
        wanted[name] = wanted.get(name, 0) + abs(rng.normal(0, UNREST)) * 0.5
    if rng.random() < BLINK_SHARE:
        wanted['eyeBlink'] = rng.uniform(0.5, 1.0)
    strengths = {}
    for name, strength in wanted.items():
        for side in ([name] if name in names else [f'{name}Left', f'{name}Right']):
            strengths[side] = float(max(0, strength * (1 + rng.normal(0, ASYMMETRY))))
    return label, strengths
