"""What can go wrong in the lab."""


class LabError(Exception):
    """The lab can't do what was asked; its text is for a person."""
