from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STATUS_UNSPECIFIED: _ClassVar[Status]
    SUCCESS: _ClassVar[Status]
    ERROR: _ClassVar[Status]
    PENDING: _ClassVar[Status]
    IN_PROGRESS: _ClassVar[Status]

class DeploymentStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEPLOYMENT_STATUS_UNSPECIFIED: _ClassVar[DeploymentStatus]
    DEPLOYMENT_STATUS_PENDING: _ClassVar[DeploymentStatus]
    DEPLOYMENT_STATUS_IN_PROGRESS: _ClassVar[DeploymentStatus]
    DEPLOYMENT_STATUS_SUCCESS: _ClassVar[DeploymentStatus]
    DEPLOYMENT_STATUS_FAILED: _ClassVar[DeploymentStatus]
    DEPLOYMENT_STATUS_ROLLING_BACK: _ClassVar[DeploymentStatus]
    DEPLOYMENT_STATUS_ROLLED_BACK: _ClassVar[DeploymentStatus]

class DeploymentStage(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEPLOYMENT_STAGE_UNSPECIFIED: _ClassVar[DeploymentStage]
    BUILDING: _ClassVar[DeploymentStage]
    PUSHING: _ClassVar[DeploymentStage]
    DEPLOYING: _ClassVar[DeploymentStage]
    HEALTH_CHECKING: _ClassVar[DeploymentStage]
    COMPLETED: _ClassVar[DeploymentStage]

class ServerStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SERVER_STATUS_UNSPECIFIED: _ClassVar[ServerStatus]
    SERVER_STATUS_CONNECTED: _ClassVar[ServerStatus]
    SERVER_STATUS_DISCONNECTED: _ClassVar[ServerStatus]
    SERVER_STATUS_ERROR: _ClassVar[ServerStatus]
    SERVER_STATUS_PENDING: _ClassVar[ServerStatus]
    SERVER_STATUS_INSTALLING: _ClassVar[ServerStatus]
STATUS_UNSPECIFIED: Status
SUCCESS: Status
ERROR: Status
PENDING: Status
IN_PROGRESS: Status
DEPLOYMENT_STATUS_UNSPECIFIED: DeploymentStatus
DEPLOYMENT_STATUS_PENDING: DeploymentStatus
DEPLOYMENT_STATUS_IN_PROGRESS: DeploymentStatus
DEPLOYMENT_STATUS_SUCCESS: DeploymentStatus
DEPLOYMENT_STATUS_FAILED: DeploymentStatus
DEPLOYMENT_STATUS_ROLLING_BACK: DeploymentStatus
DEPLOYMENT_STATUS_ROLLED_BACK: DeploymentStatus
DEPLOYMENT_STAGE_UNSPECIFIED: DeploymentStage
BUILDING: DeploymentStage
PUSHING: DeploymentStage
DEPLOYING: DeploymentStage
HEALTH_CHECKING: DeploymentStage
COMPLETED: DeploymentStage
SERVER_STATUS_UNSPECIFIED: ServerStatus
SERVER_STATUS_CONNECTED: ServerStatus
SERVER_STATUS_DISCONNECTED: ServerStatus
SERVER_STATUS_ERROR: ServerStatus
SERVER_STATUS_PENDING: ServerStatus
SERVER_STATUS_INSTALLING: ServerStatus

class Error(_message.Message):
    __slots__ = ("code", "message", "details")
    class DetailsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    details: _containers.ScalarMap[str, str]
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ..., details: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Pagination(_message.Message):
    __slots__ = ("page", "limit", "total", "total_pages")
    PAGE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    TOTAL_PAGES_FIELD_NUMBER: _ClassVar[int]
    page: int
    limit: int
    total: int
    total_pages: int
    def __init__(self, page: _Optional[int] = ..., limit: _Optional[int] = ..., total: _Optional[int] = ..., total_pages: _Optional[int] = ...) -> None: ...

class RequestMetadata(_message.Message):
    __slots__ = ("user_id", "project_id", "request_id", "timestamp")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    project_id: str
    request_id: str
    timestamp: int
    def __init__(self, user_id: _Optional[str] = ..., project_id: _Optional[str] = ..., request_id: _Optional[str] = ..., timestamp: _Optional[int] = ...) -> None: ...

class Empty(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
