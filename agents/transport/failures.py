"""Errors of the domain as the wire knows them: by their stable `code`, whichever app raised them."""

from __future__ import annotations

import grpc

from agents.contracts import common_pb2

_STATUS = {
    "VALIDATION_ERROR": grpc.StatusCode.INVALID_ARGUMENT,
    "UNAUTHORIZED": grpc.StatusCode.UNAUTHENTICATED,
    "FORBIDDEN": grpc.StatusCode.PERMISSION_DENIED,
    "NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "CONFLICT": grpc.StatusCode.FAILED_PRECONDITION,
    "DATABASE_ERROR": grpc.StatusCode.UNAVAILABLE,
    "EXTERNAL_SERVICE_ERROR": grpc.StatusCode.UNAVAILABLE,
    "RATE_LIMIT_EXCEEDED": grpc.StatusCode.RESOURCE_EXHAUSTED,
}


def wire_error(error: Exception) -> common_pb2.Error:
    """Return code and sentence of an error that carries them; anything else is an internal error without its text."""
    code, message = getattr(error, "code", None), getattr(error, "message", None)
    if isinstance(code, str) and isinstance(message, str):
        return common_pb2.Error(code=code, message=message)
    return common_pb2.Error(code="INTERNAL_ERROR", message="The gateway could not do this.")


def is_expected(error: Exception) -> bool:
    """Tell whether the error is an answer for the caller rather than a fault of ours."""
    return getattr(error, "code", None) in _STATUS


def wire_status(error: Exception) -> grpc.StatusCode:
    return _STATUS.get(wire_error(error).code, grpc.StatusCode.INTERNAL)
