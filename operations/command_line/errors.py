"""What ends a command."""


class CommandError(Exception):
    """Ends a command with a message for the user and an exit code, without a stack trace.

    The message is what happened, then lines with what is allowed and what to do.
    """

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class UsageError(CommandError):
    """The command was called wrongly, such as with an environment that doesn't exist; exit code 2."""

    def __init__(self, message: str) -> None:
        super().__init__(message, exit_code=2)
