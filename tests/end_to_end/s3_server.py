"""Amazon's S3, DynamoDB, IAM and STS on loopback, over TLS and in clear, with policies that are obeyed.

moto answers. It does not evaluate the conditions of a policy, so a gate in front of it does. It turns each request into
an action, a resource and the condition keys that our policies use, and refuses what they don't allow. What it does not
know it refuses. moto also forgets half of a bucket's lifecycle rules, which are therefore kept beside it.
"""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, unquote

import boto3
from moto.iam.access_control import PermissionResult
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import FakeBucket, s3_backends
from werkzeug.serving import WSGIRequestHandler, make_server

from simulator.certificates import make_certificates

ADMINISTRATOR = "AKIAADMINISTRATOR"
SECRET = "not-a-secret"
REGION = "us-east-2"
ACCOUNT = "123456789012"

_OBJECT_ACTIONS = {"GET": "GetObject", "HEAD": "GetObject", "PUT": "PutObject", "DELETE": "DeleteObject"}


@dataclass(frozen=True)
class Call:
    """One request, in the words of IAM."""

    access_key: str
    action: str
    resource: str
    context: dict[str, str]
    """The condition keys that the request has."""


@dataclass
class Gate:
    """WSGI middleware that lets through what bucket policies and the policy of the caller's access key allow."""

    application: Callable[..., Iterable[bytes]]
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The policy of each access key but the administrator's, who may do everything that no bucket policy denies."""
    calls: list[Call] = field(default_factory=list)
    refused: list[Call] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        call = _call(environ)
        self.calls.append(call)
        if self.allows(call):
            return self.application(environ, start_response)
        self.refused.append(call)
        start_response("403 Forbidden", [("Content-Type", "application/xml")])
        return [b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"]

    def allows(self, call: Call) -> bool:
        """Whether a request gets through."""
        effects = _effects(_bucket_policy(call), call)
        if call.access_key != ADMINISTRATOR and call.action != "sts:GetCallerIdentity":
            effects |= _effects(self.policies.get(call.access_key), call)
            return "Deny" not in effects and "Allow" in effects
        return "Deny" not in effects


@dataclass
class LifecycleRules:
    """WSGI middleware that answers with the lifecycle rules that a bucket was given, every element of them."""

    application: Callable[..., Iterable[bytes]]
    rules: dict[str, bytes] = field(default_factory=dict)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if "lifecycle" not in parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True):
            return self.application(environ, start_response)
        bucket = environ["PATH_INFO"].strip("/")
        if environ["REQUEST_METHOD"] == "PUT":
            self.rules[bucket] = _body(environ)
        if environ["REQUEST_METHOD"] == "GET" and bucket in self.rules:
            size = ("x-amz-transition-default-minimum-object-size", "all_storage_classes_128K")
            start_response("200 OK", [("Content-Type", "application/xml"), size])
            return [self.rules[bucket]]
        return self.application(environ, start_response)


def _body(environ: dict[str, Any]) -> bytes:
    """The body of a request, which can be read again afterwards."""
    body: bytes = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _call(environ: dict[str, Any]) -> Call:
    signed = re.search(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
    access_key, region, service = signed.groups() if signed else ("", "", "s3")
    context = {"aws:SecureTransport": "true" if environ["wsgi.url_scheme"] == "https" else "false"}
    action, resource = "Unknown", "*"
    if service == "s3":
        bucket, _, key = unquote(environ["PATH_INFO"]).lstrip("/").partition("/")
        resource = f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"
        query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        if key and not set(query) - {"x-id"}:
            action = _OBJECT_ACTIONS.get(environ["REQUEST_METHOD"], action)
        elif not key and environ["REQUEST_METHOD"] == "GET" and "list-type" in query:
            action = "ListBucket"
            if "prefix" in query:
                context["s3:prefix"] = query["prefix"][0]
    elif service == "dynamodb":
        request = json.loads(_body(environ))
        action = environ["HTTP_X_AMZ_TARGET"].partition(".")[2]
        resource = f"arn:aws:dynamodb:{region}:{ACCOUNT}:table/{request.get('TableName')}"
        for part in ("Key", "Item"):
            if part in request:
                context["dynamodb:LeadingKeys"] = request[part]["LockID"]["S"]
    elif service == "sts":
        action = "GetCallerIdentity"
    return Call(access_key, f"{service}:{action}", resource, context)


def _bucket_policy(call: Call) -> dict[str, Any] | None:
    name = re.match(r"arn:aws:s3:::([^/]+)", call.resource)
    bucket = s3_backends[ACCOUNT]["aws"].buckets.get(name[1]) if name else None
    return json.loads(bucket.policy) if bucket and bucket.policy else None


def _effects(policy: dict[str, Any] | None, call: Call) -> set[str]:
    return {
        statement["Effect"] for statement in (policy or {"Statement": []})["Statement"] if _applies(statement, call)
    }


def _applies(statement: dict[str, Any], call: Call) -> bool:
    unknown = set(statement) - {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
    if unknown or statement.get("Principal", "*") != "*":
        raise ValueError(f"the gate does not know {unknown or statement['Principal']} in a policy")
    actions, resources = (_listed(statement[key]) for key in ("Action", "Resource"))
    return (
        any(fnmatchcase(call.action, pattern) for pattern in actions)
        and any(fnmatchcase(call.resource, pattern) for pattern in resources)
        and all(_holds(operator, tests, call.context) for operator, tests in statement.get("Condition", {}).items())
    )


def _holds(operator: str, tests: dict[str, Any], context: dict[str, str]) -> bool:
    # ForAllValues is also true of a key that a request lacks.
    quantifier, _, plain = operator.rpartition(":")
    if plain not in ("StringLike", "Bool") or quantifier not in ("", "ForAllValues"):
        raise ValueError(f"the gate does not know the operator {operator}")
    return all(
        any(fnmatchcase(context[key], pattern) for pattern in _listed(patterns)) if key in context else bool(quantifier)
        for key, patterns in tests.items()
    )


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's own name
        pass


@dataclass(frozen=True)
class S3Server:
    """The addresses of the server, and clients that may do everything."""

    url: str
    """Over TLS."""
    clear_url: str
    """The same server without TLS."""
    ca_file: Path
    gate: Gate

    def client(self, service: str, *, url: str | None = None) -> Any:
        """A boto3 client with the administrator's key."""
        return boto3.client(
            service,
            endpoint_url=url or self.url,
            region_name=REGION,
            aws_access_key_id=ADMINISTRATOR,
            aws_secret_access_key=SECRET,
            verify=str(self.ca_file),
        )

    def allow(self, access_key: str, policy: dict[str, Any]) -> None:
        """Give an access key its policy, and its only one."""
        self.gate.policies[access_key] = policy


@contextmanager
def serve(folder: Path) -> Iterator[S3Server]:
    """A server on two free ports of 127.0.0.1, with its certificate in ``folder``; empty at first, gone at the end."""
    ca_file, context = make_certificates(folder, "127.0.0.1")
    gate = Gate(LifecycleRules(DomainDispatcherApplication(create_backend_app)))
    servers = [
        make_server("127.0.0.1", 0, gate, threaded=True, request_handler=_Quiet, ssl_context=tls)
        for tls in (context, None)
    ]
    threads = [threading.Thread(target=server.serve_forever, daemon=True) for server in servers]
    url, clear_url = (
        f"{scheme}://127.0.0.1:{server.port}" for scheme, server in zip(("https", "http"), servers, strict=True)
    )
    server = S3Server(url, clear_url, ca_file, gate)
    # The gate decides; moto would take every condition of a Deny for fulfilled.
    with mock.patch.object(FakeBucket, "get_permission", return_value=PermissionResult.NEUTRAL):
        for thread in threads:
            thread.start()
        try:
            yield server
        finally:
            for running, thread in zip(servers, threads, strict=True):
                running.shutdown()
                thread.join()
                running.server_close()
