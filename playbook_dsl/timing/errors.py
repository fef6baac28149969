"""What can be wrong with a time an author wrote. The message is for the author: it quotes the text and says what to write."""


class TimingError(ValueError):
    """A time, duration, calendar or quiet rule that cannot be used."""


class DurationError(TimingError):
    """A text that is not a duration."""


class QuietError(TimingError):
    """A text that is not a quiet rule, or a rule that never lets anything out."""


class UnknownCountry(TimingError):
    """A country, or a part of one, whose holidays are not known."""


class TimeOutOfRange(TimingError):
    """A sum that leaves the years 1 to 9999."""
