"""The backend at its place in 0.1.0's entry points; it is `qbuild_backends.backend.vqa2` now."""

from qbuild_backends.backend import vqa2 as Vqa2Backend  # noqa: N812

__all__ = ["Vqa2Backend"]
