"""The base that every model of an environment file shares."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """An immutable part of an environment that refuses unknown keys.

    Refusing unknown keys is what turns a misspelt firewall key into an error instead of a rule that silently never
    existed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)
