"""Opening the lake of an environment or of a preview, to write it or to read it."""

import warnings

from planlake.config import Config, suggestion
from planlake.errors import ConfigurationError, LakeError, MovedLake
from planlake.lake.lake import Lake, open_environment
from planlake.lake.previews.entered import preview_of
from planlake.lake.previews.names import preview_names
from planlake.lake.repair.check_location import check_readable
from planlake.printable import quoted

RECOVER = "planlake recover"


def open_lake(config: Config, environment: str | None = None, *, to_read: bool = False) -> Lake:
    """Open the lake of an environment or of a preview; a ConfigurationError where neither has this name."""
    if environment is None or environment in config.environments:
        return open_environment(config, environment, to_read=to_read)
    _, base = base_of(config, environment, to_read=to_read)
    return preview_of(base, environment)


def open_to_read(config: Config, environment: str | None = None, *, stacklevel: int | None = 2) -> Lake:
    """Open a lake or a preview to read it; a LakeError where its files are elsewhere, or the catalogue was lost.

    Of a copy that reads what it was copied from a MovedLake warns, with `stacklevel` as `warnings.warn` has it; whoever
    gives None says it by other means.
    """
    lake = open_lake(config, environment, to_read=True)
    found = check_readable(lake.base or lake)
    if found is not None and stacklevel is not None:
        error = found.error
        if environment is not None and environment in config.environments:
            error = about_environment(config, environment, error)
        warnings.warn(MovedLake(f"{error}\nhint: {error.hint}"), stacklevel=stacklevel)
    return lake


def environment_of(config: Config, environment: str | None) -> str:
    """The configured environment that is meant: the first where none is named, of a preview the one it stands on."""
    if environment is None:
        return next(iter(config.environments))
    return environment if environment in config.environments else base_of(config, environment)[0]


def base_of(config: Config, preview: str, *, to_read: bool = False) -> tuple[str, Lake]:
    """The configured environment a preview stands on; environments that cannot be opened are passed over."""
    if preview in config.environments:
        raise ConfigurationError(f"{preview} is an environment, not a preview", hint="planlake env list")
    known, trouble = list(config.environments), None
    for name in config.environments:
        try:
            lake = open_environment(config, name, to_read=to_read)
            check_readable(lake)
            names = preview_names(lake)
        except LakeError as error:
            trouble = trouble or about_environment(config, name, error)
            continue
        if preview in names:
            return name, lake
        known += names
    if trouble is not None:
        raise trouble
    hint = suggestion(preview, known)
    raise ConfigurationError(f'no environment and no preview is called "{preview}"', hint=hint)


def is_preview(config: Config, name: str) -> bool:
    """Whether a preview has this name; a LakeError where an environment that may have it cannot be opened."""
    try:
        base_of(config, name)
    except ConfigurationError:
        return False
    return True


def about_environment(config: Config, name: str, error: LakeError) -> LakeError:
    """The same error with the environment it is about in its command, where that is not the first of the file."""
    if name != next(iter(config.environments)):
        error.hint = error.hint.replace(RECOVER, f"{RECOVER} --env {quoted(name)}")
    return error
