"""What stops the program: a fault must be mended outside the spec, and says how.

A mistake in a spec or a file is never an exception; it is a finding.
"""


class Fault(Exception):
    """A usage or configuration problem; the command ends with exit code 2.

    `message` says what is wrong, `fix` names the next step.
    """

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message}; {self.fix}" if self.fix else self.message
