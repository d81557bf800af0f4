"""Errors of a language-model service that end a run."""

from __future__ import annotations

from typing import ClassVar

from qbuild.core.errors import QbuildError, UsageError


class ServiceError(QbuildError):
    """A service that keeps failing, so that sending more would be waste."""

    code: ClassVar[str] = "service"


class KeyRefused(UsageError):  # noqa: N818 - the name is the message
    """The service does not take the key, or does not let it do this."""

    code = "key"


class ModelUnknown(UsageError):  # noqa: N818 - the name is the message
    """The service has no model of that name, or not for this key."""

    code = "model"
