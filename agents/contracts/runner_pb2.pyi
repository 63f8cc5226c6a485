from agents.contracts import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTCOME_UNSPECIFIED: _ClassVar[Outcome]
    SUCCEEDED: _ClassVar[Outcome]
    RESTORED: _ClassVar[Outcome]
    FAILED: _ClassVar[Outcome]
OUTCOME_UNSPECIFIED: Outcome
SUCCEEDED: Outcome
RESTORED: Outcome
FAILED: Outcome

class ServerInfo(_message.Message):
    __slots__ = ("os", "architecture", "total_memory", "available_memory", "cpu_cores", "docker_installed", "docker_version")
    OS_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_MEMORY_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_MEMORY_FIELD_NUMBER: _ClassVar[int]
    CPU_CORES_FIELD_NUMBER: _ClassVar[int]
    DOCKER_INSTALLED_FIELD_NUMBER: _ClassVar[int]
    DOCKER_VERSION_FIELD_NUMBER: _ClassVar[int]
    os: str
    architecture: str
    total_memory: int
    available_memory: int
    cpu_cores: float
    docker_installed: bool
    docker_version: str
    def __init__(self, os: _Optional[str] = ..., architecture: _Optional[str] = ..., total_memory: _Optional[int] = ..., available_memory: _Optional[int] = ..., cpu_cores: _Optional[float] = ..., docker_installed: _Optional[bool] = ..., docker_version: _Optional[str] = ...) -> None: ...

class AgentInfo(_message.Message):
    __slots__ = ("version", "os", "architecture", "server_info")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    OS_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    SERVER_INFO_FIELD_NUMBER: _ClassVar[int]
    version: str
    os: str
    architecture: str
    server_info: ServerInfo
    def __init__(self, version: _Optional[str] = ..., os: _Optional[str] = ..., architecture: _Optional[str] = ..., server_info: _Optional[_Union[ServerInfo, _Mapping]] = ...) -> None: ...

class RegisterAgentRequest(_message.Message):
    __slots__ = ("server_id", "agent_token", "agent_info", "certificate_request", "sealing_key")
    SERVER_ID_FIELD_NUMBER: _ClassVar[int]
    AGENT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    AGENT_INFO_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_REQUEST_FIELD_NUMBER: _ClassVar[int]
    SEALING_KEY_FIELD_NUMBER: _ClassVar[int]
    server_id: str
    agent_token: str
    agent_info: AgentInfo
    certificate_request: bytes
    sealing_key: bytes
    def __init__(self, server_id: _Optional[str] = ..., agent_token: _Optional[str] = ..., agent_info: _Optional[_Union[AgentInfo, _Mapping]] = ..., certificate_request: _Optional[bytes] = ..., sealing_key: _Optional[bytes] = ...) -> None: ...

class RegisterAgentData(_message.Message):
    __slots__ = ("agent_id", "server_id", "registration_successful", "message", "credential", "certificate", "mutual_address")
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    SERVER_ID_FIELD_NUMBER: _ClassVar[int]
    REGISTRATION_SUCCESSFUL_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    MUTUAL_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    server_id: str
    registration_successful: bool
    message: str
    credential: str
    certificate: AgentCertificate
    mutual_address: str
    def __init__(self, agent_id: _Optional[str] = ..., server_id: _Optional[str] = ..., registration_successful: _Optional[bool] = ..., message: _Optional[str] = ..., credential: _Optional[str] = ..., certificate: _Optional[_Union[AgentCertificate, _Mapping]] = ..., mutual_address: _Optional[str] = ...) -> None: ...

class AgentCertificate(_message.Message):
    __slots__ = ("certificate", "authorities", "issued_ms", "valid_until_ms")
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    AUTHORITIES_FIELD_NUMBER: _ClassVar[int]
    ISSUED_MS_FIELD_NUMBER: _ClassVar[int]
    VALID_UNTIL_MS_FIELD_NUMBER: _ClassVar[int]
    certificate: str
    authorities: str
    issued_ms: int
    valid_until_ms: int
    def __init__(self, certificate: _Optional[str] = ..., authorities: _Optional[str] = ..., issued_ms: _Optional[int] = ..., valid_until_ms: _Optional[int] = ...) -> None: ...

class RegisterAgentResponse(_message.Message):
    __slots__ = ("status", "error", "data")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    status: _common_pb2.Status
    error: _common_pb2.Error
    data: RegisterAgentData
    def __init__(self, status: _Optional[_Union[_common_pb2.Status, str]] = ..., error: _Optional[_Union[_common_pb2.Error, _Mapping]] = ..., data: _Optional[_Union[RegisterAgentData, _Mapping]] = ...) -> None: ...

class AgentHealth(_message.Message):
    __slots__ = ("connected", "cpu_usage", "memory_usage", "disk_usage", "active_containers", "last_heartbeat", "engine_id")
    CONNECTED_FIELD_NUMBER: _ClassVar[int]
    CPU_USAGE_FIELD_NUMBER: _ClassVar[int]
    MEMORY_USAGE_FIELD_NUMBER: _ClassVar[int]
    DISK_USAGE_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_CONTAINERS_FIELD_NUMBER: _ClassVar[int]
    LAST_HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    ENGINE_ID_FIELD_NUMBER: _ClassVar[int]
    connected: bool
    cpu_usage: float
    memory_usage: int
    disk_usage: int
    active_containers: int
    last_heartbeat: int
    engine_id: str
    def __init__(self, connected: _Optional[bool] = ..., cpu_usage: _Optional[float] = ..., memory_usage: _Optional[int] = ..., disk_usage: _Optional[int] = ..., active_containers: _Optional[int] = ..., last_heartbeat: _Optional[int] = ..., engine_id: _Optional[str] = ...) -> None: ...

class HeartbeatRequest(_message.Message):
    __slots__ = ("agent_id", "server_id", "health")
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    SERVER_ID_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    server_id: str
    health: AgentHealth
    def __init__(self, agent_id: _Optional[str] = ..., server_id: _Optional[str] = ..., health: _Optional[_Union[AgentHealth, _Mapping]] = ...) -> None: ...

class HeartbeatData(_message.Message):
    __slots__ = ("acknowledged",)
    ACKNOWLEDGED_FIELD_NUMBER: _ClassVar[int]
    acknowledged: bool
    def __init__(self, acknowledged: _Optional[bool] = ...) -> None: ...

class HeartbeatResponse(_message.Message):
    __slots__ = ("status", "error", "data")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    status: _common_pb2.Status
    error: _common_pb2.Error
    data: HeartbeatData
    def __init__(self, status: _Optional[_Union[_common_pb2.Status, str]] = ..., error: _Optional[_Union[_common_pb2.Error, _Mapping]] = ..., data: _Optional[_Union[HeartbeatData, _Mapping]] = ...) -> None: ...

class GetAgentStatusRequest(_message.Message):
    __slots__ = ("agent_id",)
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    def __init__(self, agent_id: _Optional[str] = ...) -> None: ...

class AgentStatusData(_message.Message):
    __slots__ = ("agent_id", "server_id", "status", "agent_info", "health")
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    SERVER_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    AGENT_INFO_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    server_id: str
    status: _common_pb2.ServerStatus
    agent_info: AgentInfo
    health: AgentHealth
    def __init__(self, agent_id: _Optional[str] = ..., server_id: _Optional[str] = ..., status: _Optional[_Union[_common_pb2.ServerStatus, str]] = ..., agent_info: _Optional[_Union[AgentInfo, _Mapping]] = ..., health: _Optional[_Union[AgentHealth, _Mapping]] = ...) -> None: ...

class GetAgentStatusResponse(_message.Message):
    __slots__ = ("status", "error", "data")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    status: _common_pb2.Status
    error: _common_pb2.Error
    data: AgentStatusData
    def __init__(self, status: _Optional[_Union[_common_pb2.Status, str]] = ..., error: _Optional[_Union[_common_pb2.Error, _Mapping]] = ..., data: _Optional[_Union[AgentStatusData, _Mapping]] = ...) -> None: ...

class ListAgentsRequest(_message.Message):
    __slots__ = ("pagination",)
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    pagination: _common_pb2.Pagination
    def __init__(self, pagination: _Optional[_Union[_common_pb2.Pagination, _Mapping]] = ...) -> None: ...

class ListAgentsData(_message.Message):
    __slots__ = ("agents", "pagination")
    AGENTS_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    agents: _containers.RepeatedCompositeFieldContainer[AgentStatusData]
    pagination: _common_pb2.Pagination
    def __init__(self, agents: _Optional[_Iterable[_Union[AgentStatusData, _Mapping]]] = ..., pagination: _Optional[_Union[_common_pb2.Pagination, _Mapping]] = ...) -> None: ...

class ListAgentsResponse(_message.Message):
    __slots__ = ("status", "error", "data")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    status: _common_pb2.Status
    error: _common_pb2.Error
    data: ListAgentsData
    def __init__(self, status: _Optional[_Union[_common_pb2.Status, str]] = ..., error: _Optional[_Union[_common_pb2.Error, _Mapping]] = ..., data: _Optional[_Union[ListAgentsData, _Mapping]] = ...) -> None: ...

class SendMetricsRequest(_message.Message):
    __slots__ = ("agent_id", "health")
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    health: AgentHealth
    def __init__(self, agent_id: _Optional[str] = ..., health: _Optional[_Union[AgentHealth, _Mapping]] = ...) -> None: ...

class DeployProjectCommand(_message.Message):
    __slots__ = ("agent_id", "project_id", "deployment_id", "docker_stack_yml", "env_vars", "force_redeploy")
    class EnvVarsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    DOCKER_STACK_YML_FIELD_NUMBER: _ClassVar[int]
    ENV_VARS_FIELD_NUMBER: _ClassVar[int]
    FORCE_REDEPLOY_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    project_id: str
    deployment_id: str
    docker_stack_yml: str
    env_vars: _containers.ScalarMap[str, str]
    force_redeploy: bool
    def __init__(self, agent_id: _Optional[str] = ..., project_id: _Optional[str] = ..., deployment_id: _Optional[str] = ..., docker_stack_yml: _Optional[str] = ..., env_vars: _Optional[_Mapping[str, str]] = ..., force_redeploy: _Optional[bool] = ...) -> None: ...

class DeployProjectData(_message.Message):
    __slots__ = ("deployment_id", "accepted", "message")
    DEPLOYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    deployment_id: str
    accepted: bool
    message: str
    def __init__(self, deployment_id: _Optional[str] = ..., accepted: _Optional[bool] = ..., message: _Optional[str] = ...) -> None: ...

class DeployProjectResponse(_message.Message):
    __slots__ = ("status", "error", "data")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    status: _common_pb2.Status
    error: _common_pb2.Error
    data: DeployProjectData
    def __init__(self, status: _Optional[_Union[_common_pb2.Status, str]] = ..., error: _Optional[_Union[_common_pb2.Error, _Mapping]] = ..., data: _Optional[_Union[DeployProjectData, _Mapping]] = ...) -> None: ...

class GetDeploymentStatusRequest(_message.Message):
    __slots__ = ("agent_id", "deployment_id")
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    deployment_id: str
    def __init__(self, agent_id: _Optional[str] = ..., deployment_id: _Optional[str] = ...) -> None: ...

class ServiceStatus(_message.Message):
    __slots__ = ("service_id", "service_name", "status", "replicas", "healthy_replicas", "error_message", "deployed_at")
    SERVICE_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REPLICAS_FIELD_NUMBER: _ClassVar[int]
    HEALTHY_REPLICAS_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DEPLOYED_AT_FIELD_NUMBER: _ClassVar[int]
    service_id: str
    service_name: str
    status: _common_pb2.Status
    replicas: int
    healthy_replicas: int
    error_message: str
    deployed_at: int
    def __init__(self, service_id: _Optional[str] = ..., service_name: _Optional[str] = ..., status: _Optional[_Union[_common_pb2.Status, str]] = ..., replicas: _Optional[int] = ..., healthy_replicas: _Optional[int] = ..., error_message: _Optional[str] = ..., deployed_at: _Optional[int] = ...) -> None: ...

class DeploymentStatusData(_message.Message):
    __slots__ = ("deployment_id", "status", "service_statuses", "current_stage", "progress_percent", "error_message")
    DEPLOYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    SERVICE_STATUSES_FIELD_NUMBER: _ClassVar[int]
    CURRENT_STAGE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_PERCENT_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    deployment_id: str
    status: _common_pb2.DeploymentStatus
    service_statuses: _containers.RepeatedCompositeFieldContainer[ServiceStatus]
    current_stage: _common_pb2.DeploymentStage
    progress_percent: int
    error_message: str
    def __init__(self, deployment_id: _Optional[str] = ..., status: _Optional[_Union[_common_pb2.DeploymentStatus, str]] = ..., service_statuses: _Optional[_Iterable[_Union[ServiceStatus, _Mapping]]] = ..., current_stage: _Optional[_Union[_common_pb2.DeploymentStage, str]] = ..., progress_percent: _Optional[int] = ..., error_message: _Optional[str] = ...) -> None: ...

class GetDeploymentStatusResponse(_message.Message):
    __slots__ = ("status", "error", "data")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    status: _common_pb2.Status
    error: _common_pb2.Error
    data: DeploymentStatusData
    def __init__(self, status: _Optional[_Union[_common_pb2.Status, str]] = ..., error: _Optional[_Union[_common_pb2.Error, _Mapping]] = ..., data: _Optional[_Union[DeploymentStatusData, _Mapping]] = ...) -> None: ...

class CancelDeploymentRequest(_message.Message):
    __slots__ = ("agent_id", "deployment_id")
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    deployment_id: str
    def __init__(self, agent_id: _Optional[str] = ..., deployment_id: _Optional[str] = ...) -> None: ...

class ScaleServiceCommand(_message.Message):
    __slots__ = ("agent_id", "project_id", "service_name", "replicas")
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    REPLICAS_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    project_id: str
    service_name: str
    replicas: int
    def __init__(self, agent_id: _Optional[str] = ..., project_id: _Optional[str] = ..., service_name: _Optional[str] = ..., replicas: _Optional[int] = ...) -> None: ...

class StopProjectCommand(_message.Message):
    __slots__ = ("agent_id", "project_id")
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    project_id: str
    def __init__(self, agent_id: _Optional[str] = ..., project_id: _Optional[str] = ...) -> None: ...

class HealthCheckResponse(_message.Message):
    __slots__ = ("serving", "version")
    SERVING_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    serving: bool
    version: str
    def __init__(self, serving: _Optional[bool] = ..., version: _Optional[str] = ...) -> None: ...

class CheckUpdateRequest(_message.Message):
    __slots__ = ("agent_id",)
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    def __init__(self, agent_id: _Optional[str] = ...) -> None: ...

class CheckUpdateData(_message.Message):
    __slots__ = ("agent_id", "current_version", "latest_version", "update_available", "message")
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    CURRENT_VERSION_FIELD_NUMBER: _ClassVar[int]
    LATEST_VERSION_FIELD_NUMBER: _ClassVar[int]
    UPDATE_AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    current_version: str
    latest_version: str
    update_available: bool
    message: str
    def __init__(self, agent_id: _Optional[str] = ..., current_version: _Optional[str] = ..., latest_version: _Optional[str] = ..., update_available: _Optional[bool] = ..., message: _Optional[str] = ...) -> None: ...

class CheckUpdateResponse(_message.Message):
    __slots__ = ("status", "error", "data")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    status: _common_pb2.Status
    error: _common_pb2.Error
    data: CheckUpdateData
    def __init__(self, status: _Optional[_Union[_common_pb2.Status, str]] = ..., error: _Optional[_Union[_common_pb2.Error, _Mapping]] = ..., data: _Optional[_Union[CheckUpdateData, _Mapping]] = ...) -> None: ...

class UpdateAgentRequest(_message.Message):
    __slots__ = ("agent_id",)
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    def __init__(self, agent_id: _Optional[str] = ...) -> None: ...

class UpdateAgentData(_message.Message):
    __slots__ = ("update_id", "accepted", "message")
    UPDATE_ID_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    update_id: str
    accepted: bool
    message: str
    def __init__(self, update_id: _Optional[str] = ..., accepted: _Optional[bool] = ..., message: _Optional[str] = ...) -> None: ...

class UpdateAgentResponse(_message.Message):
    __slots__ = ("status", "error", "data")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    status: _common_pb2.Status
    error: _common_pb2.Error
    data: UpdateAgentData
    def __init__(self, status: _Optional[_Union[_common_pb2.Status, str]] = ..., error: _Optional[_Union[_common_pb2.Error, _Mapping]] = ..., data: _Optional[_Union[UpdateAgentData, _Mapping]] = ...) -> None: ...

class FromAgent(_message.Message):
    __slots__ = ("hello", "heartbeat", "acknowledged", "report", "inventory", "condition", "observation", "volumes", "samples", "swarm", "certificate_request", "job_runs", "update", "tasks")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    INVENTORY_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_FIELD_NUMBER: _ClassVar[int]
    VOLUMES_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    SWARM_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_REQUEST_FIELD_NUMBER: _ClassVar[int]
    JOB_RUNS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    hello: Hello
    heartbeat: HeartbeatRequest
    acknowledged: CommandAcknowledged
    report: Report
    inventory: Inventory
    condition: Condition
    observation: Observation
    volumes: VolumesSeen
    samples: Samples
    swarm: SwarmSeen
    certificate_request: CertificateRequest
    job_runs: JobRuns
    update: UpdateState
    tasks: TasksSeen
    def __init__(self, hello: _Optional[_Union[Hello, _Mapping]] = ..., heartbeat: _Optional[_Union[HeartbeatRequest, _Mapping]] = ..., acknowledged: _Optional[_Union[CommandAcknowledged, _Mapping]] = ..., report: _Optional[_Union[Report, _Mapping]] = ..., inventory: _Optional[_Union[Inventory, _Mapping]] = ..., condition: _Optional[_Union[Condition, _Mapping]] = ..., observation: _Optional[_Union[Observation, _Mapping]] = ..., volumes: _Optional[_Union[VolumesSeen, _Mapping]] = ..., samples: _Optional[_Union[Samples, _Mapping]] = ..., swarm: _Optional[_Union[SwarmSeen, _Mapping]] = ..., certificate_request: _Optional[_Union[CertificateRequest, _Mapping]] = ..., job_runs: _Optional[_Union[JobRuns, _Mapping]] = ..., update: _Optional[_Union[UpdateState, _Mapping]] = ..., tasks: _Optional[_Union[TasksSeen, _Mapping]] = ...) -> None: ...

class UpdateState(_message.Message):
    __slots__ = ("update_id", "state", "message")
    UPDATE_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    update_id: str
    state: str
    message: str
    def __init__(self, update_id: _Optional[str] = ..., state: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class CertificateRequest(_message.Message):
    __slots__ = ("request",)
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    request: bytes
    def __init__(self, request: _Optional[bytes] = ...) -> None: ...

class ToAgent(_message.Message):
    __slots__ = ("welcome", "command", "reports_acknowledged", "retention", "observe_again", "read_logs", "certificate", "renew_certificate", "job_runs_stored", "stop_job_runs", "update")
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    REPORTS_ACKNOWLEDGED_FIELD_NUMBER: _ClassVar[int]
    RETENTION_FIELD_NUMBER: _ClassVar[int]
    OBSERVE_AGAIN_FIELD_NUMBER: _ClassVar[int]
    READ_LOGS_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    RENEW_CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    JOB_RUNS_STORED_FIELD_NUMBER: _ClassVar[int]
    STOP_JOB_RUNS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    welcome: Welcome
    command: Command
    reports_acknowledged: ReportsAcknowledged
    retention: Retention
    observe_again: ObserveAgain
    read_logs: ReadLogs
    certificate: AgentCertificate
    renew_certificate: RenewCertificate
    job_runs_stored: JobRunsStored
    stop_job_runs: StopJobRuns
    update: UpdateOrder
    def __init__(self, welcome: _Optional[_Union[Welcome, _Mapping]] = ..., command: _Optional[_Union[Command, _Mapping]] = ..., reports_acknowledged: _Optional[_Union[ReportsAcknowledged, _Mapping]] = ..., retention: _Optional[_Union[Retention, _Mapping]] = ..., observe_again: _Optional[_Union[ObserveAgain, _Mapping]] = ..., read_logs: _Optional[_Union[ReadLogs, _Mapping]] = ..., certificate: _Optional[_Union[AgentCertificate, _Mapping]] = ..., renew_certificate: _Optional[_Union[RenewCertificate, _Mapping]] = ..., job_runs_stored: _Optional[_Union[JobRunsStored, _Mapping]] = ..., stop_job_runs: _Optional[_Union[StopJobRuns, _Mapping]] = ..., update: _Optional[_Union[UpdateOrder, _Mapping]] = ...) -> None: ...

class UpdateOrder(_message.Message):
    __slots__ = ("update_id", "version", "digest")
    UPDATE_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    update_id: str
    version: str
    digest: str
    def __init__(self, update_id: _Optional[str] = ..., version: _Optional[str] = ..., digest: _Optional[str] = ...) -> None: ...

class RenewCertificate(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Hello(_message.Message):
    __slots__ = ("agent_id", "version", "instance_id", "commands", "unfinished_command_ids", "protocol", "journal_id", "ledger_incarnation", "stacks", "highest_numbers", "clock_ms", "build", "trial")
    class CommandsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class HighestNumbersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    COMMANDS_FIELD_NUMBER: _ClassVar[int]
    UNFINISHED_COMMAND_IDS_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_ID_FIELD_NUMBER: _ClassVar[int]
    LEDGER_INCARNATION_FIELD_NUMBER: _ClassVar[int]
    STACKS_FIELD_NUMBER: _ClassVar[int]
    HIGHEST_NUMBERS_FIELD_NUMBER: _ClassVar[int]
    CLOCK_MS_FIELD_NUMBER: _ClassVar[int]
    BUILD_FIELD_NUMBER: _ClassVar[int]
    TRIAL_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    version: str
    instance_id: str
    commands: _containers.ScalarMap[str, int]
    unfinished_command_ids: _containers.RepeatedScalarFieldContainer[str]
    protocol: int
    journal_id: str
    ledger_incarnation: str
    stacks: _containers.RepeatedCompositeFieldContainer[StackState]
    highest_numbers: _containers.ScalarMap[str, int]
    clock_ms: int
    build: str
    trial: bool
    def __init__(self, agent_id: _Optional[str] = ..., version: _Optional[str] = ..., instance_id: _Optional[str] = ..., commands: _Optional[_Mapping[str, int]] = ..., unfinished_command_ids: _Optional[_Iterable[str]] = ..., protocol: _Optional[int] = ..., journal_id: _Optional[str] = ..., ledger_incarnation: _Optional[str] = ..., stacks: _Optional[_Iterable[_Union[StackState, _Mapping]]] = ..., highest_numbers: _Optional[_Mapping[str, int]] = ..., clock_ms: _Optional[int] = ..., build: _Optional[str] = ..., trial: _Optional[bool] = ...) -> None: ...

class StackState(_message.Message):
    __slots__ = ("stack_name", "project_id", "lane", "current_deployment_id")
    STACK_NAME_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    CURRENT_DEPLOYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    stack_name: str
    project_id: str
    lane: str
    current_deployment_id: str
    def __init__(self, stack_name: _Optional[str] = ..., project_id: _Optional[str] = ..., lane: _Optional[str] = ..., current_deployment_id: _Optional[str] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("heartbeat_seconds", "protocol", "ledger_incarnation", "lost_after_seconds")
    HEARTBEAT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    LEDGER_INCARNATION_FIELD_NUMBER: _ClassVar[int]
    LOST_AFTER_SECONDS_FIELD_NUMBER: _ClassVar[int]
    heartbeat_seconds: int
    protocol: int
    ledger_incarnation: str
    lost_after_seconds: int
    def __init__(self, heartbeat_seconds: _Optional[int] = ..., protocol: _Optional[int] = ..., ledger_incarnation: _Optional[str] = ..., lost_after_seconds: _Optional[int] = ...) -> None: ...

class Condition(_message.Message):
    __slots__ = ("engine_answers", "engine_message", "disk_total_bytes", "disk_free_bytes", "fault", "stalled")
    ENGINE_ANSWERS_FIELD_NUMBER: _ClassVar[int]
    ENGINE_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DISK_TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    DISK_FREE_BYTES_FIELD_NUMBER: _ClassVar[int]
    FAULT_FIELD_NUMBER: _ClassVar[int]
    STALLED_FIELD_NUMBER: _ClassVar[int]
    engine_answers: bool
    engine_message: str
    disk_total_bytes: int
    disk_free_bytes: int
    fault: str
    stalled: _containers.RepeatedCompositeFieldContainer[Stalled]
    def __init__(self, engine_answers: _Optional[bool] = ..., engine_message: _Optional[str] = ..., disk_total_bytes: _Optional[int] = ..., disk_free_bytes: _Optional[int] = ..., fault: _Optional[str] = ..., stalled: _Optional[_Iterable[_Union[Stalled, _Mapping]]] = ...) -> None: ...

class Observation(_message.Message):
    __slots__ = ("number", "whole", "containers", "gone_ids", "more", "digest", "at_ms")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    WHOLE_FIELD_NUMBER: _ClassVar[int]
    CONTAINERS_FIELD_NUMBER: _ClassVar[int]
    GONE_IDS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    number: int
    whole: bool
    containers: _containers.RepeatedCompositeFieldContainer[ContainerSeen]
    gone_ids: _containers.RepeatedScalarFieldContainer[str]
    more: bool
    digest: str
    at_ms: int
    def __init__(self, number: _Optional[int] = ..., whole: _Optional[bool] = ..., containers: _Optional[_Iterable[_Union[ContainerSeen, _Mapping]]] = ..., gone_ids: _Optional[_Iterable[str]] = ..., more: _Optional[bool] = ..., digest: _Optional[str] = ..., at_ms: _Optional[int] = ...) -> None: ...

class ContainerSeen(_message.Message):
    __slots__ = ("id", "name", "stack_name", "project_id", "lane", "deployment_id", "node_id", "service_name", "image_id", "state", "health", "exit_code", "oom_killed", "restarts", "started_at_ms", "finished_at_ms", "restarts_itself", "settings", "shown", "memory_kill_at_ms")
    class SettingsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class ShownEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STACK_NAME_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    IMAGE_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    OOM_KILLED_FIELD_NUMBER: _ClassVar[int]
    RESTARTS_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    FINISHED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    RESTARTS_ITSELF_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    SHOWN_FIELD_NUMBER: _ClassVar[int]
    MEMORY_KILL_AT_MS_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    stack_name: str
    project_id: str
    lane: str
    deployment_id: str
    node_id: str
    service_name: str
    image_id: str
    state: str
    health: str
    exit_code: int
    oom_killed: bool
    restarts: int
    started_at_ms: int
    finished_at_ms: int
    restarts_itself: bool
    settings: _containers.ScalarMap[str, str]
    shown: _containers.ScalarMap[str, str]
    memory_kill_at_ms: int
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., stack_name: _Optional[str] = ..., project_id: _Optional[str] = ..., lane: _Optional[str] = ..., deployment_id: _Optional[str] = ..., node_id: _Optional[str] = ..., service_name: _Optional[str] = ..., image_id: _Optional[str] = ..., state: _Optional[str] = ..., health: _Optional[str] = ..., exit_code: _Optional[int] = ..., oom_killed: _Optional[bool] = ..., restarts: _Optional[int] = ..., started_at_ms: _Optional[int] = ..., finished_at_ms: _Optional[int] = ..., restarts_itself: _Optional[bool] = ..., settings: _Optional[_Mapping[str, str]] = ..., shown: _Optional[_Mapping[str, str]] = ..., memory_kill_at_ms: _Optional[int] = ...) -> None: ...

class VolumesSeen(_message.Message):
    __slots__ = ("volumes", "at_ms")
    VOLUMES_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    volumes: _containers.RepeatedCompositeFieldContainer[VolumeSeen]
    at_ms: int
    def __init__(self, volumes: _Optional[_Iterable[_Union[VolumeSeen, _Mapping]]] = ..., at_ms: _Optional[int] = ...) -> None: ...

class VolumeSeen(_message.Message):
    __slots__ = ("name", "project_id", "created_at_ms", "size_bytes", "used_by")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    USED_BY_FIELD_NUMBER: _ClassVar[int]
    name: str
    project_id: str
    created_at_ms: int
    size_bytes: int
    used_by: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., project_id: _Optional[str] = ..., created_at_ms: _Optional[int] = ..., size_bytes: _Optional[int] = ..., used_by: _Optional[_Iterable[str]] = ...) -> None: ...

class SwarmSeen(_message.Message):
    __slots__ = ("role", "state", "swarm_id", "node_id", "leader", "control_available", "node_address", "manager_addresses", "error", "nodes", "at_ms", "nodes_count")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SWARM_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    LEADER_FIELD_NUMBER: _ClassVar[int]
    CONTROL_AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    NODE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    MANAGER_ADDRESSES_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    NODES_COUNT_FIELD_NUMBER: _ClassVar[int]
    role: str
    state: str
    swarm_id: str
    node_id: str
    leader: bool
    control_available: bool
    node_address: str
    manager_addresses: _containers.RepeatedScalarFieldContainer[str]
    error: str
    nodes: _containers.RepeatedCompositeFieldContainer[SwarmNode]
    at_ms: int
    nodes_count: int
    def __init__(self, role: _Optional[str] = ..., state: _Optional[str] = ..., swarm_id: _Optional[str] = ..., node_id: _Optional[str] = ..., leader: _Optional[bool] = ..., control_available: _Optional[bool] = ..., node_address: _Optional[str] = ..., manager_addresses: _Optional[_Iterable[str]] = ..., error: _Optional[str] = ..., nodes: _Optional[_Iterable[_Union[SwarmNode, _Mapping]]] = ..., at_ms: _Optional[int] = ..., nodes_count: _Optional[int] = ...) -> None: ...

class SwarmNode(_message.Message):
    __slots__ = ("id", "hostname", "role", "leader", "reachability", "availability", "state", "message", "address", "engine_version", "os", "architecture", "cpus", "memory_bytes", "labels")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    HOSTNAME_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    LEADER_FIELD_NUMBER: _ClassVar[int]
    REACHABILITY_FIELD_NUMBER: _ClassVar[int]
    AVAILABILITY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    ENGINE_VERSION_FIELD_NUMBER: _ClassVar[int]
    OS_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    CPUS_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    id: str
    hostname: str
    role: str
    leader: bool
    reachability: str
    availability: str
    state: str
    message: str
    address: str
    engine_version: str
    os: str
    architecture: str
    cpus: float
    memory_bytes: int
    labels: _containers.ScalarMap[str, str]
    def __init__(self, id: _Optional[str] = ..., hostname: _Optional[str] = ..., role: _Optional[str] = ..., leader: _Optional[bool] = ..., reachability: _Optional[str] = ..., availability: _Optional[str] = ..., state: _Optional[str] = ..., message: _Optional[str] = ..., address: _Optional[str] = ..., engine_version: _Optional[str] = ..., os: _Optional[str] = ..., architecture: _Optional[str] = ..., cpus: _Optional[float] = ..., memory_bytes: _Optional[int] = ..., labels: _Optional[_Mapping[str, str]] = ...) -> None: ...

class TasksSeen(_message.Message):
    __slots__ = ("swarm_id", "tasks", "left_out", "at_ms", "services")
    SWARM_ID_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    swarm_id: str
    tasks: _containers.RepeatedCompositeFieldContainer[TaskSeen]
    left_out: int
    at_ms: int
    services: _containers.RepeatedCompositeFieldContainer[SwarmServiceSeen]
    def __init__(self, swarm_id: _Optional[str] = ..., tasks: _Optional[_Iterable[_Union[TaskSeen, _Mapping]]] = ..., left_out: _Optional[int] = ..., at_ms: _Optional[int] = ..., services: _Optional[_Iterable[_Union[SwarmServiceSeen, _Mapping]]] = ...) -> None: ...

class TaskSeen(_message.Message):
    __slots__ = ("id", "container_id", "name", "project_id", "service_name", "state", "host", "lost", "error", "failures", "exit_code", "changed_at_ms", "image_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    CONTAINER_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    LOST_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    CHANGED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    IMAGE_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    container_id: str
    name: str
    project_id: str
    service_name: str
    state: str
    host: str
    lost: bool
    error: str
    failures: int
    exit_code: int
    changed_at_ms: int
    image_id: str
    def __init__(self, id: _Optional[str] = ..., container_id: _Optional[str] = ..., name: _Optional[str] = ..., project_id: _Optional[str] = ..., service_name: _Optional[str] = ..., state: _Optional[str] = ..., host: _Optional[str] = ..., lost: _Optional[bool] = ..., error: _Optional[str] = ..., failures: _Optional[int] = ..., exit_code: _Optional[int] = ..., changed_at_ms: _Optional[int] = ..., image_id: _Optional[str] = ...) -> None: ...

class SwarmServiceSeen(_message.Message):
    __slots__ = ("project_id", "service_name", "settings", "shown")
    class SettingsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class ShownEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    SHOWN_FIELD_NUMBER: _ClassVar[int]
    project_id: str
    service_name: str
    settings: _containers.ScalarMap[str, str]
    shown: _containers.ScalarMap[str, str]
    def __init__(self, project_id: _Optional[str] = ..., service_name: _Optional[str] = ..., settings: _Optional[_Mapping[str, str]] = ..., shown: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Samples(_message.Message):
    __slots__ = ("samples",)
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    samples: _containers.RepeatedCompositeFieldContainer[Sample]
    def __init__(self, samples: _Optional[_Iterable[_Union[Sample, _Mapping]]] = ...) -> None: ...

class Sample(_message.Message):
    __slots__ = ("container_name", "project_id", "node_id", "service_name", "cpu_percent", "memory_bytes", "memory_limit_bytes", "received", "sent", "read", "written", "disk_bytes")
    CONTAINER_NAME_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    CPU_PERCENT_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    MEMORY_LIMIT_BYTES_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    SENT_FIELD_NUMBER: _ClassVar[int]
    READ_FIELD_NUMBER: _ClassVar[int]
    WRITTEN_FIELD_NUMBER: _ClassVar[int]
    DISK_BYTES_FIELD_NUMBER: _ClassVar[int]
    container_name: str
    project_id: str
    node_id: str
    service_name: str
    cpu_percent: float
    memory_bytes: int
    memory_limit_bytes: int
    received: float
    sent: float
    read: float
    written: float
    disk_bytes: int
    def __init__(self, container_name: _Optional[str] = ..., project_id: _Optional[str] = ..., node_id: _Optional[str] = ..., service_name: _Optional[str] = ..., cpu_percent: _Optional[float] = ..., memory_bytes: _Optional[int] = ..., memory_limit_bytes: _Optional[int] = ..., received: _Optional[float] = ..., sent: _Optional[float] = ..., read: _Optional[float] = ..., written: _Optional[float] = ..., disk_bytes: _Optional[int] = ...) -> None: ...

class ObserveAgain(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReadLogs(_message.Message):
    __slots__ = ("request_id", "project_id", "lane", "services", "since_ms", "until_ms", "tail", "follow", "search")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    UNTIL_MS_FIELD_NUMBER: _ClassVar[int]
    TAIL_FIELD_NUMBER: _ClassVar[int]
    FOLLOW_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    project_id: str
    lane: str
    services: _containers.RepeatedScalarFieldContainer[str]
    since_ms: int
    until_ms: int
    tail: int
    follow: bool
    search: str
    def __init__(self, request_id: _Optional[str] = ..., project_id: _Optional[str] = ..., lane: _Optional[str] = ..., services: _Optional[_Iterable[str]] = ..., since_ms: _Optional[int] = ..., until_ms: _Optional[int] = ..., tail: _Optional[int] = ..., follow: _Optional[bool] = ..., search: _Optional[str] = ...) -> None: ...

class LogBatch(_message.Message):
    __slots__ = ("request_id", "lines", "left_out", "caught_up", "remarks")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    CAUGHT_UP_FIELD_NUMBER: _ClassVar[int]
    REMARKS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    lines: _containers.RepeatedCompositeFieldContainer[ContainerLine]
    left_out: int
    caught_up: bool
    remarks: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, request_id: _Optional[str] = ..., lines: _Optional[_Iterable[_Union[ContainerLine, _Mapping]]] = ..., left_out: _Optional[int] = ..., caught_up: _Optional[bool] = ..., remarks: _Optional[_Iterable[str]] = ...) -> None: ...

class ContainerLine(_message.Message):
    __slots__ = ("at_ns", "service_name", "container_name", "text", "is_error_stream")
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    CONTAINER_NAME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    IS_ERROR_STREAM_FIELD_NUMBER: _ClassVar[int]
    at_ns: int
    service_name: str
    container_name: str
    text: str
    is_error_stream: bool
    def __init__(self, at_ns: _Optional[int] = ..., service_name: _Optional[str] = ..., container_name: _Optional[str] = ..., text: _Optional[str] = ..., is_error_stream: _Optional[bool] = ...) -> None: ...

class JobRuns(_message.Message):
    __slots__ = ("runs",)
    RUNS_FIELD_NUMBER: _ClassVar[int]
    runs: _containers.RepeatedCompositeFieldContainer[JobRun]
    def __init__(self, runs: _Optional[_Iterable[_Union[JobRun, _Mapping]]] = ...) -> None: ...

class JobRun(_message.Message):
    __slots__ = ("run_id", "revision", "stack_name", "project_id", "lane", "deployment_id", "job", "state", "due_at_ms", "last_due_at_ms", "count", "started_at_ms", "ended_at_ms", "exit_code", "message", "output")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    STACK_NAME_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DUE_AT_MS_FIELD_NUMBER: _ClassVar[int]
    LAST_DUE_AT_MS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    revision: int
    stack_name: str
    project_id: str
    lane: str
    deployment_id: str
    job: str
    state: str
    due_at_ms: int
    last_due_at_ms: int
    count: int
    started_at_ms: int
    ended_at_ms: int
    exit_code: int
    message: str
    output: str
    def __init__(self, run_id: _Optional[str] = ..., revision: _Optional[int] = ..., stack_name: _Optional[str] = ..., project_id: _Optional[str] = ..., lane: _Optional[str] = ..., deployment_id: _Optional[str] = ..., job: _Optional[str] = ..., state: _Optional[str] = ..., due_at_ms: _Optional[int] = ..., last_due_at_ms: _Optional[int] = ..., count: _Optional[int] = ..., started_at_ms: _Optional[int] = ..., ended_at_ms: _Optional[int] = ..., exit_code: _Optional[int] = ..., message: _Optional[str] = ..., output: _Optional[str] = ...) -> None: ...

class JobRunsStored(_message.Message):
    __slots__ = ("runs",)
    RUNS_FIELD_NUMBER: _ClassVar[int]
    runs: _containers.RepeatedCompositeFieldContainer[StoredRun]
    def __init__(self, runs: _Optional[_Iterable[_Union[StoredRun, _Mapping]]] = ...) -> None: ...

class StoredRun(_message.Message):
    __slots__ = ("run_id", "revision")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    revision: int
    def __init__(self, run_id: _Optional[str] = ..., revision: _Optional[int] = ...) -> None: ...

class StopJobRuns(_message.Message):
    __slots__ = ("run_ids",)
    RUN_IDS_FIELD_NUMBER: _ClassVar[int]
    run_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, run_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class OfferJoinTokenRequest(_message.Message):
    __slots__ = ("command_id", "token")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    command_id: str
    token: str
    def __init__(self, command_id: _Optional[str] = ..., token: _Optional[str] = ...) -> None: ...

class TellContainersRequest(_message.Message):
    __slots__ = ("command_id", "containers")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    CONTAINERS_FIELD_NUMBER: _ClassVar[int]
    command_id: str
    containers: bytes
    def __init__(self, command_id: _Optional[str] = ..., containers: _Optional[bytes] = ...) -> None: ...

class Stalled(_message.Message):
    __slots__ = ("command_id", "deployment_id", "seconds", "step")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    command_id: str
    deployment_id: str
    seconds: int
    step: str
    def __init__(self, command_id: _Optional[str] = ..., deployment_id: _Optional[str] = ..., seconds: _Optional[int] = ..., step: _Optional[str] = ...) -> None: ...

class Command(_message.Message):
    __slots__ = ("command_id", "lane", "number", "deployment_id", "project_id", "deploy", "revert", "delete_volume", "swarm", "check_reach", "inspect_host", "build", "check_registry", "last_report_number")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    DEPLOY_FIELD_NUMBER: _ClassVar[int]
    REVERT_FIELD_NUMBER: _ClassVar[int]
    DELETE_VOLUME_FIELD_NUMBER: _ClassVar[int]
    SWARM_FIELD_NUMBER: _ClassVar[int]
    CHECK_REACH_FIELD_NUMBER: _ClassVar[int]
    INSPECT_HOST_FIELD_NUMBER: _ClassVar[int]
    BUILD_FIELD_NUMBER: _ClassVar[int]
    CHECK_REGISTRY_FIELD_NUMBER: _ClassVar[int]
    LAST_REPORT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    command_id: str
    lane: str
    number: int
    deployment_id: str
    project_id: str
    deploy: Deploy
    revert: Revert
    delete_volume: DeleteVolume
    swarm: SwarmChange
    check_reach: CheckReach
    inspect_host: InspectHost
    build: Build
    check_registry: CheckRegistry
    last_report_number: int
    def __init__(self, command_id: _Optional[str] = ..., lane: _Optional[str] = ..., number: _Optional[int] = ..., deployment_id: _Optional[str] = ..., project_id: _Optional[str] = ..., deploy: _Optional[_Union[Deploy, _Mapping]] = ..., revert: _Optional[_Union[Revert, _Mapping]] = ..., delete_volume: _Optional[_Union[DeleteVolume, _Mapping]] = ..., swarm: _Optional[_Union[SwarmChange, _Mapping]] = ..., check_reach: _Optional[_Union[CheckReach, _Mapping]] = ..., inspect_host: _Optional[_Union[InspectHost, _Mapping]] = ..., build: _Optional[_Union[Build, _Mapping]] = ..., check_registry: _Optional[_Union[CheckRegistry, _Mapping]] = ..., last_report_number: _Optional[int] = ...) -> None: ...

class Deploy(_message.Message):
    __slots__ = ("stack_name", "files", "services", "variable_names", "force_redeploy", "health_deadline_seconds", "health_window_seconds", "build_deadline_seconds", "restore_on_failure", "pinned_images", "restarts", "jobs", "engine", "registry_address", "registry_namespace", "takes_over", "adopted_volumes", "built_images", "registry_cleanup", "moves")
    class FilesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class PinnedImagesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class BuiltImagesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class MovesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    STACK_NAME_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    VARIABLE_NAMES_FIELD_NUMBER: _ClassVar[int]
    FORCE_REDEPLOY_FIELD_NUMBER: _ClassVar[int]
    HEALTH_DEADLINE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    HEALTH_WINDOW_SECONDS_FIELD_NUMBER: _ClassVar[int]
    BUILD_DEADLINE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    RESTORE_ON_FAILURE_FIELD_NUMBER: _ClassVar[int]
    PINNED_IMAGES_FIELD_NUMBER: _ClassVar[int]
    RESTARTS_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    TAKES_OVER_FIELD_NUMBER: _ClassVar[int]
    ADOPTED_VOLUMES_FIELD_NUMBER: _ClassVar[int]
    BUILT_IMAGES_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_CLEANUP_FIELD_NUMBER: _ClassVar[int]
    MOVES_FIELD_NUMBER: _ClassVar[int]
    stack_name: str
    files: _containers.ScalarMap[str, str]
    services: _containers.RepeatedCompositeFieldContainer[ServiceSpec]
    variable_names: _containers.RepeatedScalarFieldContainer[str]
    force_redeploy: bool
    health_deadline_seconds: int
    health_window_seconds: int
    build_deadline_seconds: int
    restore_on_failure: bool
    pinned_images: _containers.ScalarMap[str, str]
    restarts: _containers.RepeatedScalarFieldContainer[str]
    jobs: _containers.RepeatedCompositeFieldContainer[JobSpec]
    engine: str
    registry_address: str
    registry_namespace: str
    takes_over: _containers.RepeatedCompositeFieldContainer[TakenContainer]
    adopted_volumes: _containers.RepeatedScalarFieldContainer[str]
    built_images: _containers.ScalarMap[str, str]
    registry_cleanup: RegistryCleanup
    moves: _containers.ScalarMap[str, str]
    def __init__(self, stack_name: _Optional[str] = ..., files: _Optional[_Mapping[str, str]] = ..., services: _Optional[_Iterable[_Union[ServiceSpec, _Mapping]]] = ..., variable_names: _Optional[_Iterable[str]] = ..., force_redeploy: _Optional[bool] = ..., health_deadline_seconds: _Optional[int] = ..., health_window_seconds: _Optional[int] = ..., build_deadline_seconds: _Optional[int] = ..., restore_on_failure: _Optional[bool] = ..., pinned_images: _Optional[_Mapping[str, str]] = ..., restarts: _Optional[_Iterable[str]] = ..., jobs: _Optional[_Iterable[_Union[JobSpec, _Mapping]]] = ..., engine: _Optional[str] = ..., registry_address: _Optional[str] = ..., registry_namespace: _Optional[str] = ..., takes_over: _Optional[_Iterable[_Union[TakenContainer, _Mapping]]] = ..., adopted_volumes: _Optional[_Iterable[str]] = ..., built_images: _Optional[_Mapping[str, str]] = ..., registry_cleanup: _Optional[_Union[RegistryCleanup, _Mapping]] = ..., moves: _Optional[_Mapping[str, str]] = ...) -> None: ...

class RegistryCleanup(_message.Message):
    __slots__ = ("kept_digests", "services")
    KEPT_DIGESTS_FIELD_NUMBER: _ClassVar[int]
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    kept_digests: _containers.RepeatedScalarFieldContainer[str]
    services: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, kept_digests: _Optional[_Iterable[str]] = ..., services: _Optional[_Iterable[str]] = ...) -> None: ...

class Build(_message.Message):
    __slots__ = ("stack_name", "files", "services", "variable_names", "build_deadline_seconds", "registry_address", "registry_namespace", "registry_cleanup")
    class FilesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    STACK_NAME_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    VARIABLE_NAMES_FIELD_NUMBER: _ClassVar[int]
    BUILD_DEADLINE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_CLEANUP_FIELD_NUMBER: _ClassVar[int]
    stack_name: str
    files: _containers.ScalarMap[str, str]
    services: _containers.RepeatedCompositeFieldContainer[ServiceSpec]
    variable_names: _containers.RepeatedScalarFieldContainer[str]
    build_deadline_seconds: int
    registry_address: str
    registry_namespace: str
    registry_cleanup: RegistryCleanup
    def __init__(self, stack_name: _Optional[str] = ..., files: _Optional[_Mapping[str, str]] = ..., services: _Optional[_Iterable[_Union[ServiceSpec, _Mapping]]] = ..., variable_names: _Optional[_Iterable[str]] = ..., build_deadline_seconds: _Optional[int] = ..., registry_address: _Optional[str] = ..., registry_namespace: _Optional[str] = ..., registry_cleanup: _Optional[_Union[RegistryCleanup, _Mapping]] = ...) -> None: ...

class TakenContainer(_message.Message):
    __slots__ = ("id", "name")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class JobSpec(_message.Message):
    __slots__ = ("service", "repeatable", "timeout_seconds", "needs", "by_hand", "schedule", "time_zone", "overlap")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    REPEATABLE_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    NEEDS_FIELD_NUMBER: _ClassVar[int]
    BY_HAND_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_FIELD_NUMBER: _ClassVar[int]
    service: ServiceSpec
    repeatable: bool
    timeout_seconds: int
    needs: _containers.RepeatedScalarFieldContainer[str]
    by_hand: bool
    schedule: str
    time_zone: str
    overlap: str
    def __init__(self, service: _Optional[_Union[ServiceSpec, _Mapping]] = ..., repeatable: _Optional[bool] = ..., timeout_seconds: _Optional[int] = ..., needs: _Optional[_Iterable[str]] = ..., by_hand: _Optional[bool] = ..., schedule: _Optional[str] = ..., time_zone: _Optional[str] = ..., overlap: _Optional[str] = ...) -> None: ...

class ServiceSpec(_message.Message):
    __slots__ = ("node_id", "name", "image", "bundle_digest", "dockerfile", "depends_on", "has_health_check", "replicas", "content_hash", "level", "starts_first", "build_folder", "build_dockerfile", "build_target", "build_args", "build_secrets")
    class BuildArgsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class BuildSecretsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    DOCKERFILE_FIELD_NUMBER: _ClassVar[int]
    DEPENDS_ON_FIELD_NUMBER: _ClassVar[int]
    HAS_HEALTH_CHECK_FIELD_NUMBER: _ClassVar[int]
    REPLICAS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_HASH_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    STARTS_FIRST_FIELD_NUMBER: _ClassVar[int]
    BUILD_FOLDER_FIELD_NUMBER: _ClassVar[int]
    BUILD_DOCKERFILE_FIELD_NUMBER: _ClassVar[int]
    BUILD_TARGET_FIELD_NUMBER: _ClassVar[int]
    BUILD_ARGS_FIELD_NUMBER: _ClassVar[int]
    BUILD_SECRETS_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    name: str
    image: str
    bundle_digest: str
    dockerfile: str
    depends_on: _containers.RepeatedScalarFieldContainer[str]
    has_health_check: bool
    replicas: int
    content_hash: str
    level: int
    starts_first: bool
    build_folder: str
    build_dockerfile: str
    build_target: str
    build_args: _containers.ScalarMap[str, str]
    build_secrets: _containers.ScalarMap[str, str]
    def __init__(self, node_id: _Optional[str] = ..., name: _Optional[str] = ..., image: _Optional[str] = ..., bundle_digest: _Optional[str] = ..., dockerfile: _Optional[str] = ..., depends_on: _Optional[_Iterable[str]] = ..., has_health_check: _Optional[bool] = ..., replicas: _Optional[int] = ..., content_hash: _Optional[str] = ..., level: _Optional[int] = ..., starts_first: _Optional[bool] = ..., build_folder: _Optional[str] = ..., build_dockerfile: _Optional[str] = ..., build_target: _Optional[str] = ..., build_args: _Optional[_Mapping[str, str]] = ..., build_secrets: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Revert(_message.Message):
    __slots__ = ("stack_name", "asked_by", "cause", "keep_proven", "engine")
    STACK_NAME_FIELD_NUMBER: _ClassVar[int]
    ASKED_BY_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    KEEP_PROVEN_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    stack_name: str
    asked_by: str
    cause: str
    keep_proven: bool
    engine: str
    def __init__(self, stack_name: _Optional[str] = ..., asked_by: _Optional[str] = ..., cause: _Optional[str] = ..., keep_proven: _Optional[bool] = ..., engine: _Optional[str] = ...) -> None: ...

class DeleteVolume(_message.Message):
    __slots__ = ("stack_name", "volume_name")
    STACK_NAME_FIELD_NUMBER: _ClassVar[int]
    VOLUME_NAME_FIELD_NUMBER: _ClassVar[int]
    stack_name: str
    volume_name: str
    def __init__(self, stack_name: _Optional[str] = ..., volume_name: _Optional[str] = ...) -> None: ...

class CheckReach(_message.Message):
    __slots__ = ("endpoints",)
    ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    endpoints: _containers.RepeatedCompositeFieldContainer[Endpoint]
    def __init__(self, endpoints: _Optional[_Iterable[_Union[Endpoint, _Mapping]]] = ...) -> None: ...

class CheckRegistry(_message.Message):
    __slots__ = ("address", "namespace")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    address: str
    namespace: str
    def __init__(self, address: _Optional[str] = ..., namespace: _Optional[str] = ...) -> None: ...

class Endpoint(_message.Message):
    __slots__ = ("node_id", "host", "port")
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    host: str
    port: int
    def __init__(self, node_id: _Optional[str] = ..., host: _Optional[str] = ..., port: _Optional[int] = ...) -> None: ...

class SwarmChange(_message.Message):
    __slots__ = ("action", "advertise_address", "role", "manager_addresses", "node_id", "availability", "force")
    ACTION_FIELD_NUMBER: _ClassVar[int]
    ADVERTISE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    MANAGER_ADDRESSES_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    AVAILABILITY_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    action: str
    advertise_address: str
    role: str
    manager_addresses: _containers.RepeatedScalarFieldContainer[str]
    node_id: str
    availability: str
    force: bool
    def __init__(self, action: _Optional[str] = ..., advertise_address: _Optional[str] = ..., role: _Optional[str] = ..., manager_addresses: _Optional[_Iterable[str]] = ..., node_id: _Optional[str] = ..., availability: _Optional[str] = ..., force: _Optional[bool] = ...) -> None: ...

class InspectHost(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CommandAcknowledged(_message.Message):
    __slots__ = ("command_id", "accepted", "refusal", "message")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    command_id: str
    accepted: bool
    refusal: str
    message: str
    def __init__(self, command_id: _Optional[str] = ..., accepted: _Optional[bool] = ..., refusal: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class Report(_message.Message):
    __slots__ = ("command_id", "deployment_id", "number", "at_ms", "stage", "service", "log", "finished", "restore_started")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    RESTORE_STARTED_FIELD_NUMBER: _ClassVar[int]
    command_id: str
    deployment_id: str
    number: int
    at_ms: int
    stage: StageReached
    service: ServiceObserved
    log: LogWritten
    finished: CommandFinished
    restore_started: RestoreStarted
    def __init__(self, command_id: _Optional[str] = ..., deployment_id: _Optional[str] = ..., number: _Optional[int] = ..., at_ms: _Optional[int] = ..., stage: _Optional[_Union[StageReached, _Mapping]] = ..., service: _Optional[_Union[ServiceObserved, _Mapping]] = ..., log: _Optional[_Union[LogWritten, _Mapping]] = ..., finished: _Optional[_Union[CommandFinished, _Mapping]] = ..., restore_started: _Optional[_Union[RestoreStarted, _Mapping]] = ...) -> None: ...

class RestoreStarted(_message.Message):
    __slots__ = ("reason", "message", "failed_service", "log_tail")
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    FAILED_SERVICE_FIELD_NUMBER: _ClassVar[int]
    LOG_TAIL_FIELD_NUMBER: _ClassVar[int]
    reason: str
    message: str
    failed_service: str
    log_tail: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, reason: _Optional[str] = ..., message: _Optional[str] = ..., failed_service: _Optional[str] = ..., log_tail: _Optional[_Iterable[str]] = ...) -> None: ...

class StageReached(_message.Message):
    __slots__ = ("stage", "percent", "message")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    stage: _common_pb2.DeploymentStage
    percent: int
    message: str
    def __init__(self, stage: _Optional[_Union[_common_pb2.DeploymentStage, str]] = ..., percent: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class ServiceObserved(_message.Message):
    __slots__ = ("node_id", "service_name", "state", "health", "image", "image_digest", "container_ids", "replicas", "healthy_replicas", "error_message", "image_volumes", "settings", "shown", "started")
    class SettingsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class ShownEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    IMAGE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    CONTAINER_IDS_FIELD_NUMBER: _ClassVar[int]
    REPLICAS_FIELD_NUMBER: _ClassVar[int]
    HEALTHY_REPLICAS_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    IMAGE_VOLUMES_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    SHOWN_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    service_name: str
    state: str
    health: str
    image: str
    image_digest: str
    container_ids: _containers.RepeatedScalarFieldContainer[str]
    replicas: int
    healthy_replicas: int
    error_message: str
    image_volumes: _containers.RepeatedScalarFieldContainer[str]
    settings: _containers.ScalarMap[str, str]
    shown: _containers.ScalarMap[str, str]
    started: bool
    def __init__(self, node_id: _Optional[str] = ..., service_name: _Optional[str] = ..., state: _Optional[str] = ..., health: _Optional[str] = ..., image: _Optional[str] = ..., image_digest: _Optional[str] = ..., container_ids: _Optional[_Iterable[str]] = ..., replicas: _Optional[int] = ..., healthy_replicas: _Optional[int] = ..., error_message: _Optional[str] = ..., image_volumes: _Optional[_Iterable[str]] = ..., settings: _Optional[_Mapping[str, str]] = ..., shown: _Optional[_Mapping[str, str]] = ..., started: _Optional[bool] = ...) -> None: ...

class LogWritten(_message.Message):
    __slots__ = ("service_name", "source", "text")
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    service_name: str
    source: str
    text: str
    def __init__(self, service_name: _Optional[str] = ..., source: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class CommandFinished(_message.Message):
    __slots__ = ("outcome", "reason", "message", "failed_service", "log_tail", "services", "previous_stack_running", "volumes_left", "touched", "swarm_id", "swarm_node_id", "endpoints")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    FAILED_SERVICE_FIELD_NUMBER: _ClassVar[int]
    LOG_TAIL_FIELD_NUMBER: _ClassVar[int]
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_STACK_RUNNING_FIELD_NUMBER: _ClassVar[int]
    VOLUMES_LEFT_FIELD_NUMBER: _ClassVar[int]
    TOUCHED_FIELD_NUMBER: _ClassVar[int]
    SWARM_ID_FIELD_NUMBER: _ClassVar[int]
    SWARM_NODE_ID_FIELD_NUMBER: _ClassVar[int]
    ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    outcome: Outcome
    reason: str
    message: str
    failed_service: str
    log_tail: _containers.RepeatedScalarFieldContainer[str]
    services: _containers.RepeatedCompositeFieldContainer[ServiceObserved]
    previous_stack_running: bool
    volumes_left: _containers.RepeatedScalarFieldContainer[str]
    touched: bool
    swarm_id: str
    swarm_node_id: str
    endpoints: _containers.RepeatedCompositeFieldContainer[EndpointReached]
    def __init__(self, outcome: _Optional[_Union[Outcome, str]] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., failed_service: _Optional[str] = ..., log_tail: _Optional[_Iterable[str]] = ..., services: _Optional[_Iterable[_Union[ServiceObserved, _Mapping]]] = ..., previous_stack_running: _Optional[bool] = ..., volumes_left: _Optional[_Iterable[str]] = ..., touched: _Optional[bool] = ..., swarm_id: _Optional[str] = ..., swarm_node_id: _Optional[str] = ..., endpoints: _Optional[_Iterable[_Union[EndpointReached, _Mapping]]] = ...) -> None: ...

class EndpointReached(_message.Message):
    __slots__ = ("node_id", "outcome", "message", "milliseconds")
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    MILLISECONDS_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    outcome: str
    message: str
    milliseconds: int
    def __init__(self, node_id: _Optional[str] = ..., outcome: _Optional[str] = ..., message: _Optional[str] = ..., milliseconds: _Optional[int] = ...) -> None: ...

class ReportsAcknowledged(_message.Message):
    __slots__ = ("command_id", "number")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    command_id: str
    number: int
    def __init__(self, command_id: _Optional[str] = ..., number: _Optional[int] = ...) -> None: ...

class Retention(_message.Message):
    __slots__ = ("number", "stacks")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    STACKS_FIELD_NUMBER: _ClassVar[int]
    number: int
    stacks: _containers.RepeatedCompositeFieldContainer[KeptStack]
    def __init__(self, number: _Optional[int] = ..., stacks: _Optional[_Iterable[_Union[KeptStack, _Mapping]]] = ...) -> None: ...

class KeptStack(_message.Message):
    __slots__ = ("stack_name", "project_id", "image_ids", "deployment_ids", "in_cluster")
    STACK_NAME_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    IMAGE_IDS_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_IDS_FIELD_NUMBER: _ClassVar[int]
    IN_CLUSTER_FIELD_NUMBER: _ClassVar[int]
    stack_name: str
    project_id: str
    image_ids: _containers.RepeatedScalarFieldContainer[str]
    deployment_ids: _containers.RepeatedScalarFieldContainer[str]
    in_cluster: bool
    def __init__(self, stack_name: _Optional[str] = ..., project_id: _Optional[str] = ..., image_ids: _Optional[_Iterable[str]] = ..., deployment_ids: _Optional[_Iterable[str]] = ..., in_cluster: _Optional[bool] = ...) -> None: ...

class Inventory(_message.Message):
    __slots__ = ("retention_number", "missing_image_ids", "checked_at_ms")
    RETENTION_NUMBER_FIELD_NUMBER: _ClassVar[int]
    MISSING_IMAGE_IDS_FIELD_NUMBER: _ClassVar[int]
    CHECKED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    retention_number: int
    missing_image_ids: _containers.RepeatedScalarFieldContainer[str]
    checked_at_ms: int
    def __init__(self, retention_number: _Optional[int] = ..., missing_image_ids: _Optional[_Iterable[str]] = ..., checked_at_ms: _Optional[int] = ...) -> None: ...

class FetchBundleRequest(_message.Message):
    __slots__ = ("digest",)
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    digest: str
    def __init__(self, digest: _Optional[str] = ...) -> None: ...

class BundleChunk(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class FetchSecretsRequest(_message.Message):
    __slots__ = ("deployment_id", "opens_registries")
    DEPLOYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    OPENS_REGISTRIES_FIELD_NUMBER: _ClassVar[int]
    deployment_id: str
    opens_registries: bool
    def __init__(self, deployment_id: _Optional[str] = ..., opens_registries: _Optional[bool] = ...) -> None: ...

class FetchSecretsResponse(_message.Message):
    __slots__ = ("values", "registries", "sealed", "sealed_registries")
    class ValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    VALUES_FIELD_NUMBER: _ClassVar[int]
    REGISTRIES_FIELD_NUMBER: _ClassVar[int]
    SEALED_FIELD_NUMBER: _ClassVar[int]
    SEALED_REGISTRIES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.ScalarMap[str, str]
    registries: _containers.RepeatedCompositeFieldContainer[RegistryLogin]
    sealed: bytes
    sealed_registries: bytes
    def __init__(self, values: _Optional[_Mapping[str, str]] = ..., registries: _Optional[_Iterable[_Union[RegistryLogin, _Mapping]]] = ..., sealed: _Optional[bytes] = ..., sealed_registries: _Optional[bytes] = ...) -> None: ...

class RegistryLogin(_message.Message):
    __slots__ = ("name", "address", "username", "password", "ca_certificate")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    CA_CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    name: str
    address: str
    username: str
    password: str
    ca_certificate: str
    def __init__(self, name: _Optional[str] = ..., address: _Optional[str] = ..., username: _Optional[str] = ..., password: _Optional[str] = ..., ca_certificate: _Optional[str] = ...) -> None: ...
