"""One row of the table of parameters: its type, its range, and what a change of it does."""
from __future__ import annotations

import math
from dataclasses import dataclass

from latent_rag_ros.coverage_presets import COVERAGE_PRESETS, preset_text

Value = bool | int | float | str


class ParameterError(ValueError):
    """A parameter is unknown, has the wrong type, or is out of range. Names it and the remedy."""


@dataclass(frozen=True)
class Parameter:
    """One row of the table.

    Parameters
    ----------
    name : str
        Name with its group, such as `detector.score_min`; units are in the name.
    default : bool, int, float or str
        Default value; its type is the type of the parameter.
    description : str
        One sentence for `ros2 param describe`, the config file and the README.
    minimum, maximum : float, optional
        Inclusive range of a number.
    choices : tuple of str
        Allowed values of a string; empty allows every string.
    weakened_by : {'', 'raising', 'lowering'}
        Which change of the value protects people less; empty where none does. Of choices a later
        one counts as higher, of true and false the first.
    read_only : bool
        Whether the value can only be given at start.
    by_preset : bool
        Whether the default stands for the value that the preset of `protection.coverage` gives.
    """

    name: str
    default: Value
    description: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    weakened_by: str = ''
    read_only: bool = False
    by_preset: bool = False

    @property
    def range_text(self) -> str:
        """The allowed values as a person reads them; empty where every value is allowed."""
        if self.choices:
            return ', '.join(self.choices)
        if self.minimum is None:
            return ''
        text = f'{self.minimum:.12g} .. {self.maximum:.12g}'
        return f'{self.default:g} (preset), {text}' if self.by_preset else text

    @property
    def explanation(self) -> str:
        """The description, its values by preset, and which change protects people less."""
        description = self.description
        if self.by_preset:
            description += f' By protection.coverage: {preset_text(self.name)}.'
        if not self.weakened_by:
            return description
        raising = self.weakened_by == 'raising'
        if isinstance(self.default, bool):
            change = f'Switching it {"on" if raising else "off"}'
        elif self.choices:
            change = 'A later choice' if raising else 'An earlier choice'
        else:
            change = f'{self.weakened_by.capitalize()} it'
        return f'{description} {change} weakens protection.'

    def resolved(self, value: Value, coverage: Value) -> Value:
        """Return `value`, or what the preset `coverage` gives where it stands for the preset."""
        if self.by_preset and value == self.default:
            return COVERAGE_PRESETS[coverage][self.name]
        return value

    def weakens(self, before: Value, after: Value) -> bool:
        """Return whether people are protected less by `after` than by `before`.

        Both are checked and `resolved`.
        """
        if not self.weakened_by or before == after:
            return False
        if self.choices:
            before, after = self.choices.index(before), self.choices.index(after)
        return (after > before) == (self.weakened_by == 'raising')

    def checked(self, value: object) -> Value:
        """Return `value` in the parameter's own type.

        An integer is accepted for a float. Raises `ParameterError` for a wrong type, NaN, a number
        out of range, or a string that is not among the choices.
        """
        kind = type(self.default)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if type(value) is not kind:
            raise ParameterError(f'{self.name} is {value!r}, a {type(value).__name__}; '
                                 f'give a {kind.__name__} such as {self.default!r}')
        if self.by_preset and value == self.default:
            return value
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            self._check_range(value)
        elif self.choices and value not in self.choices:
            raise ParameterError(f'{self.name} is {value!r}; choose one of {self.range_text}')
        return value

    def _check_range(self, value: float) -> None:
        low = -math.inf if self.minimum is None else self.minimum
        high = math.inf if self.maximum is None else self.maximum
        if not math.isfinite(value) or not low <= value <= high:
            raise ParameterError(f'{self.name} is {value!r}; give a number in {self.range_text}')
