"""Causes on the way to the node: credentials, connection, certificate, privileges, SSH."""

from __future__ import annotations

import re

from operations.diagnosis.diagnosis import Diagnosis, Rule, Subject, token_commands

_CREDENTIALS = "PROXMOX_VE_API_TOKEN, or PROXMOX_VE_USERNAME and PROXMOX_VE_PASSWORD"


def no_credentials(_match: re.Match[str], subject: Subject) -> Diagnosis:
    """Neither token nor user and password."""
    return Diagnosis(
        "credentials_missing",
        "there are no credentials for Proxmox",
        allowed=f"{_CREDENTIALS} in the environment of this command",
        fix=token_commands(subject.surroundings.privileges),
    )


def malformed_token(_match: re.Match[str], _subject: Subject) -> Diagnosis:
    """The token's form is wrong; its value is not shown."""
    return Diagnosis(
        "credentials_malformed",
        "PROXMOX_VE_API_TOKEN is not an API token",
        allowed="USER@REALM!NAME=UUID, such as homelab@pve!terraform=12345678-1234-1234-1234-123456789abc",
        fix=("copy the whole token, in single quotes: the shell takes ! for itself otherwise",),
    )


def unknown_authority(_match: re.Match[str], subject: Subject) -> Diagnosis:
    """The certificate is signed by an authority that is not trusted here."""
    host = subject.surroundings.host.partition(":")[0] or "NODE"
    return Diagnosis(
        "certificate_unknown",
        (
            f"the certificate of {subject.surroundings.host or 'the node'} is signed by an authority that "
            "this machine does not know"
        ),
        allowed=(
            "a certificate that can be verified; Proxmox signs its own with the authority in /etc/pve/pve-root-ca.pem"
        ),
        fix=(
            "trust the node's own authority, after comparing its fingerprint in the web interface (Certificates):",
            f"  scp root@{host}:/etc/pve/pve-root-ca.pem .",
            "  cat /etc/ssl/certs/ca-certificates.crt pve-root-ca.pem > homelab-ca.pem",
            '  export SSL_CERT_FILE="$PWD/homelab-ca.pem"',
            "or give the node a certificate of a known authority (Certificates, ACME)",
        ),
    )


def wrong_name(match: re.Match[str], subject: Subject) -> Diagnosis:
    """The certificate is for another name."""
    return Diagnosis(
        "certificate_name",
        f"the certificate of {subject.surroundings.host or 'the node'} is for another name",
        found=match[0],
        allowed="an endpoint by a name or address that its certificate contains",
        fix=(
            "write that name into proxmox.endpoint of the environment file, and let it resolve to the node,",
            (
                "or make a certificate for the name in use: `pvecm updatecerts --force` on the node after "
                "correcting /etc/hosts there"
            ),
        ),
    )


def expired(match: re.Match[str], subject: Subject) -> Diagnosis:
    """The certificate is out of date, or a clock is wrong."""
    return Diagnosis(
        "certificate_expired",
        f"the certificate of {subject.surroundings.host or 'the node'} is not valid today",
        found=match[0],
        fix=(
            "renew it on the node: `pvecm updatecerts --force`, then `systemctl restart pveproxy`",
            "check the clocks of node and this machine",
        ),
    )


def no_tls(match: re.Match[str], subject: Subject) -> Diagnosis:
    """Something else than HTTPS answers."""
    return Diagnosis(
        "no_https",
        f"what answers at {subject.surroundings.host or 'the endpoint'} does not speak HTTPS",
        found=match[0],
        allowed="the API of Proxmox VE, usually https://NODE:8006",
        fix=("correct proxmox.endpoint in the environment file",),
    )


def old_tls(match: re.Match[str], _subject: Subject) -> Diagnosis:
    """The node offers an older TLS than the provider accepts."""
    return Diagnosis(
        "old_tls",
        "the node does not offer TLS 1.3, which the provider asks for",
        found=match[0],
        fix=("update the node (Proxmox VE 7 and later offer it), or what terminates TLS before it",),
    )


def unreachable(match: re.Match[str], subject: Subject) -> Diagnosis:
    """Nothing answers."""
    host = subject.surroundings.host or "the endpoint"
    text = match[0].lower()
    if "no such host" in text or "lookup" in text:
        name = re.search(r"lookup (\S+)", match[0])
        message, fix = (
            f"the name {name[1] if name else host} can't be resolved",
            "correct proxmox.endpoint in the environment file, or the DNS",
        )
    elif "refused" in text:
        message, fix = (
            f"nothing listens at {host}",
            "check the port (8006 is usual) and `systemctl status pveproxy` on the node",
        )
    else:
        message, fix = f"{host} does not answer", "check that the node runs, the route to it, and firewalls on the way"
    return Diagnosis(
        "endpoint_unreachable",
        message,
        found=match[0],
        fix=(fix, f"try it: curl --insecure {subject.surroundings.endpoint or 'https://NODE:8006'}"),
    )


def unauthorized(match: re.Match[str], subject: Subject) -> Diagnosis:
    """401: the credentials are wrong."""
    return Diagnosis(
        "wrong_credentials",
        f"{subject.surroundings.host or 'the node'} refuses the credentials",
        found=f"401 {match[1].strip()}",
        allowed=f"{_CREDENTIALS} of a user that exists, is enabled and not expired",
        fix=(
            (
                "compare with `pveum user token list USER` on the node; a token's value is shown only once, at "
                "its creation"
            ),
            *token_commands(subject.surroundings.privileges),
        ),
    )


def forbidden(match: re.Match[str], subject: Subject) -> Diagnosis:
    """403: a privilege is missing at a path."""
    path, _, privileges = match[1].partition(", ")
    if not path.startswith("/"):
        return Diagnosis(
            "root_only",
            "only root@pam with a password may do this; an API token may not, not even root's",
            found=f"403 {match[1]}",
            allowed="proxmox.authentication: root_password, with PROXMOX_VE_USERNAME=root@pam and PROXMOX_VE_PASSWORD",
            fix=("use them for this environment, or remove the setting that needs them",),
        )
    wanted = privileges.replace("|", " or ").replace(",", " and ")
    return Diagnosis(
        "privilege_missing",
        f"the user or token may not do this: {wanted} on {path} is missing",
        found=f"403 Permission check failed ({match[1]})",
        allowed=f"this environment needs on /: {', '.join(subject.surroundings.privileges)}"
        if subject.surroundings.privileges
        else "",
        fix=(
            "add it to the role, as root on a node:",
            (
                "  pveum role modify Homelab --privs "
                f"{','.join(subject.surroundings.privileges) or privileges.split('|')[0]}"
            ),
            (
                "a token with privilege separation needs the permission too: pveum acl modify / --tokens "
                "'USER!NAME' --roles Homelab"
            ),
            "`homelab doctor` lists all that is missing",
        ),
    )


def ssh_host_key(match: re.Match[str], _subject: Subject) -> Diagnosis:
    """The host key is another one than known_hosts has."""
    host = match[1]
    name, _, port = host.rpartition(":")
    entry = f"[{name}]:{port}" if port != "22" else name
    return Diagnosis(
        "ssh_host_key",
        f"the SSH host key of {host} is another one than ~/.ssh/known_hosts has",
        fix=(
            (
                "make sure that it is your node (its key is in /etc/ssh/ssh_host_ed25519_key.pub there); after "
                "a new installation:"
            ),
            f"  ssh-keygen -R '{entry}'",
        ),
    )


def ssh_refused(match: re.Match[str], _subject: Subject) -> Diagnosis:
    """Nothing listens for SSH, or the way is closed."""
    return Diagnosis(
        "ssh_unreachable",
        f"SSH to {match[1]} does not answer; snippets are uploaded over SSH, as Proxmox has no API for them",
        found=match[2],
        allowed="proxmox.nodes.NODE.address and ssh_port of the environment file",
        fix=("correct them, or let SSH through to the node",),
    )


def ssh_login(match: re.Match[str], _subject: Subject) -> Diagnosis:
    """SSH is there and lets nobody in."""
    user, host = match[1], match[2]
    name, _, port = host.rpartition(":")
    return Diagnosis(
        "ssh_login",
        f"SSH to {host} does not let {user} in; snippets are uploaded over SSH, as Proxmox has no API for them",
        allowed=(
            "a key in the SSH agent with PROXMOX_VE_SSH_AGENT=true, or PROXMOX_VE_SSH_PRIVATE_KEY, or "
            "PROXMOX_VE_SSH_PASSWORD; ~/.ssh/config is not read"
        ),
        fix=(
            'export PROXMOX_VE_SSH_PRIVATE_KEY="$(cat ~/.ssh/id_ed25519)"',
            f"and its public half on the node: ssh-copy-id -p {port} {user}@{name}",
        ),
    )


def ssh_other(match: re.Match[str], _subject: Subject) -> Diagnosis:
    """Logged in, and then the upload failed."""
    return Diagnosis(
        "ssh_upload",
        "a snippet could not be uploaded over SSH",
        found=match[0],
        fix=("a user other than root needs sudo without password for pvesm, qm and tee: see proxmox.ssh.username",),
    )


RULES: tuple[Rule, ...] = (
    (re.compile(r"must provide either (?:username and password|user credentials)"), no_credentials),
    (re.compile(r"API token must be in the format|no tokenid specified"), malformed_token),
    (re.compile(r"REMOTE HOST IDENTIFICATION HAS CHANGED for host ([^\s!]+)"), ssh_host_key),
    (re.compile(r"failed to dial ([\w.:\[\]-]+): (.*)"), ssh_refused),
    (re.compile(r'unable to authenticate user "([^"]+)" over SSH to "([^"]+)"'), ssh_login),
    (re.compile(r"(?:error|failed)[^\n]*(?:sudo|SFTP|SSH)[^\n]*", re.IGNORECASE), ssh_other),
    (re.compile(r"certificate signed by unknown authority"), unknown_authority),
    (re.compile(r"(?:certificate is (?:valid|not valid) for|cannot validate certificate for)[^\n]*"), wrong_name),
    (re.compile(r"certificate has expired or is not yet valid[^\n]*"), expired),
    (re.compile(r"server gave HTTP response to HTTPS client|first record does not look like a TLS handshake"), no_tls),
    (re.compile(r"(?:tls: )?protocol version not supported"), old_tls),
    (re.compile(r"received an HTTP 401 response - Reason: ([^\n]*)"), unauthorized),
    (re.compile(r"Permission check failed \(([^)]*)\)"), forbidden),
    (re.compile(r"dial tcp[^\n]*"), unreachable),
    (re.compile(r"(?:i/o timeout|context deadline exceeded|Client\.Timeout)[^\n]*"), unreachable),
)
