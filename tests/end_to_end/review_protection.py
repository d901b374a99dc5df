"""Dangers to what protects guests, each with its harmless twin."""

from __future__ import annotations

from tests.end_to_end.review_resources import (
    CLUSTER,
    HA,
    IPSET,
    JOB,
    MEMBERSHIP,
    OPTIONS,
    POOL,
    REPLICATION,
    RULES,
    VM,
    Scenario,
    disk,
    job,
    one,
    vm,
)


def firewalls() -> dict[str, Scenario]:
    """Firewalls of guests and of the cluster."""
    on = {"node_name": "pve", "enabled": True, "input_policy": "DROP", "macfilter": True}
    rule = {"type": "in", "action": "ACCEPT", "dport": "22", "proto": "tcp"}
    reject = {"type": "in", "action": "REJECT", "dport": "25", "proto": "tcp"}
    after = {"depends_on": [f"{VM}.guarded"]}
    return {
        "firewalls": Scenario(
            {
                f"{VM}.guarded": vm(3000),
                f"{VM}.guarded_too": vm(3001),
                f"{OPTIONS}.off": {**on, "vm_id": 3000, **after},
                f"{OPTIONS}.removed": {**on, "vm_id": 3001, "depends_on": [f"{VM}.guarded_too"]},
                f"{RULES}.removed": {
                    "node_name": "pve",
                    "vm_id": 3001,
                    "rule": [rule],
                    "depends_on": [f"{VM}.guarded_too"],
                },
                f"{RULES}.fewer": {"node_name": "pve", "vm_id": 3000, "rule": [rule, reject], **after},
            },
            {
                f"{OPTIONS}.off": {**on, "vm_id": 3000, "enabled": False, **after},
                f"{OPTIONS}.removed": None,
                f"{RULES}.removed": None,
                f"{RULES}.fewer": {"node_name": "pve", "vm_id": 3000, "rule": [rule], **after},
            },
            {
                f"{OPTIONS}.off": {**on, "vm_id": 3000, "input_policy": "REJECT", "log_level_in": "info", **after},
                f"{RULES}.fewer": {"node_name": "pve", "vm_id": 3000, "rule": [reject, rule], **after},
            },
            {
                f"{OPTIONS}.off": {"guest-firewall-off": True},
                f"{OPTIONS}.removed": {"firewall-options-removed": True},
                f"{RULES}.removed": {"firewall-rules-removed": False},
                f"{RULES}.fewer": {"firewall-rule-removed": False},
            },
        ),
        "firewall that goes with its guest": Scenario(
            {
                f"{VM}.with_firewall": vm(3002),
                f"{OPTIONS}.with_guest": {**on, "vm_id": 3002, "depends_on": [f"{VM}.with_firewall"]},
            },
            {f"{VM}.with_firewall": None, f"{OPTIONS}.with_guest": None},
            {
                f"{OPTIONS}.with_guest": {
                    **on,
                    "vm_id": 3002,
                    "log_level_in": "info",
                    "depends_on": [f"{VM}.with_firewall"],
                }
            },
            {f"{VM}.with_firewall": {"guest-destroyed": True}},
        ),
        "policy opened": Scenario(
            {f"{VM}.opened": vm(3003), f"{OPTIONS}.opened": {**on, "vm_id": 3003, "depends_on": [f"{VM}.opened"]}},
            {
                f"{OPTIONS}.opened": {
                    **on,
                    "vm_id": 3003,
                    "input_policy": "ACCEPT",
                    "macfilter": False,
                    "depends_on": [f"{VM}.opened"],
                }
            },
            {f"{OPTIONS}.opened": {**on, "vm_id": 3003, "output_policy": "DROP", "depends_on": [f"{VM}.opened"]}},
            {f"{OPTIONS}.opened": {"firewall-opened": True, "firewall-filter-off": False}},
        ),
        "rules that let more in": Scenario(
            {
                f"{VM}.ruled": vm(3004),
                f"{RULES}.wider": {
                    "node_name": "pve",
                    "vm_id": 3004,
                    "rule": [reject, rule, {**rule, "source": "10.0.0.0/8", "dport": "5432"}],
                    "depends_on": [f"{VM}.ruled"],
                },
            },
            {
                f"{RULES}.wider": {
                    "node_name": "pve",
                    "vm_id": 3004,
                    "rule": [rule, reject, {**rule, "dport": "5432"}, {"type": "in", "action": "ACCEPT"}],
                    "depends_on": [f"{VM}.ruled"],
                }
            },
            {
                f"{RULES}.wider": {
                    "node_name": "pve",
                    "vm_id": 3004,
                    "rule": [
                        {**reject, "action": "DROP"},
                        {**rule, "dport": "80"},
                        rule,
                        {**rule, "source": "10.1.0.0/16", "dport": "5432"},
                    ],
                    "depends_on": [f"{VM}.ruled"],
                }
            },
            {
                f"{RULES}.wider": {
                    "firewall-rules-reordered": False,
                    "firewall-rule-widened": False,
                    "firewall-opened": True,
                }
            },
        ),
        "set of addresses that grows": one(
            f"{IPSET}.trusted",
            {"name": "trusted", "cidr": [{"name": "10.0.0.5"}]},
            {"cidr": [{"name": "10.0.0.0/24"}]},
            {"cidr": [{"name": "10.0.0.5"}, {"name": "10.0.0.6"}]},
            "firewall-rule-widened",
            blocked=False,
            notes=frozenset({"object-replaced"}),
        ),
        "cluster firewall off": one(
            f"{CLUSTER}.cluster",
            {"enabled": True, "input_policy": "DROP", "log_ratelimit": [{"burst": 5}]},
            {"enabled": False},
            {"log_ratelimit": [{"burst": 9}]},
            "cluster-firewall-off",
        ),
    }


def backups() -> dict[str, Scenario]:
    """Backup jobs and the guests in them."""
    return {
        "guest dropped from its job": Scenario(
            {
                f"{VM}.kept": vm(4000),
                f"{VM}.dropped": vm(4001),
                f"{JOB}.some": job([4000, 4001], id="some"),
                f"{JOB}.other": job([4000], id="other"),
            },
            {f"{JOB}.some": job([4000], id="some")},
            {f"{JOB}.some": job([4000], id="some"), f"{JOB}.other": job([4000, 4001], id="other")},
            {f"{JOB}.some": {"backup-dropped": True}},
        ),
        "job removed": Scenario(
            {
                f"{VM}.jobless": vm(4002),
                f"{JOB}.removed": job([4002], id="removed"),
                f"{VM}.twice": vm(4008),
                f"{JOB}.twin": job([4008], id="twin"),
                f"{JOB}.stays": job([4008], id="stays"),
            },
            {f"{JOB}.removed": None},
            {f"{JOB}.twin": None},
            {f"{JOB}.removed": {"backup-dropped": True}},
            frozenset({"backup-job-ended"}),
        ),
        "job switched off": Scenario(
            {f"{VM}.off": vm(4003), f"{JOB}.off": job([4003], id="off", enabled=True)},
            {f"{JOB}.off": job([4003], id="off", enabled=False)},
            {f"{JOB}.off": job([4003], id="off", schedule="03:00", enabled=True)},
            {f"{JOB}.off": {"backup-dropped": True}},
        ),
        "guest leaves the job's pool": Scenario(
            {
                f"{POOL}.pool": {"pool_id": "saved"},
                f"{VM}.pooled": vm(4004),
                f"{MEMBERSHIP}.pooled": {
                    "pool_id": "saved",
                    "vm_id": 4004,
                    "depends_on": [f"{VM}.pooled", f"{POOL}.pool"],
                },
                f"{JOB}.pool": {
                    "id": "pool",
                    "schedule": "02:00",
                    "storage": "local",
                    "pool": "saved",
                    "depends_on": [f"{POOL}.pool"],
                },
            },
            {f"{MEMBERSHIP}.pooled": None},
            {f"{POOL}.pool": {"pool_id": "saved", "comment": "in backups"}},
            {f"{MEMBERSHIP}.pooled": {"backup-dropped": True}},
        ),
        "fewer backups kept": Scenario(
            {f"{VM}.pruned": vm(4005), f"{JOB}.pruned": job([4005], id="pruned", prune_backups={"keep-last": "7"})},
            {f"{JOB}.pruned": job([4005], id="pruned", prune_backups={"keep-last": "2"})},
            {f"{JOB}.pruned": job([4005], id="pruned", prune_backups={"keep-last": "9"})},
            {f"{JOB}.pruned": {"retention-reduced": True}},
        ),
        "other backups kept": one(
            f"{JOB}.others",
            job([4000], id="others", prune_backups={"keep-last": "7"}),
            {"prune_backups": {"keep-daily": "7"}},
            {"prune_backups": {"keep-last": "7", "keep-daily": "7"}},
            "retention-changed",
            blocked=False,
        ),
        "backups run less often": one(
            f"{JOB}.rarer",
            job([4000], id="rarer", schedule="02:00"),
            {"schedule": "sat 02:00"},
            {"schedule": "1,13:30"},
            "backup-rarer",
            blocked=False,
        ),
        "folder left out of backups": one(
            f"{JOB}.folders",
            job([4000], id="folders", exclude_path=["/var/cache"]),
            {"exclude_path": ["/var/cache", "/srv"]},
            {"exclude_path": ["/var/cache"], "compress": "zstd"},
            "backup-excludes",
            blocked=False,
        ),
        "guest destroyed with its place in the job": Scenario(
            {f"{VM}.leaving": vm(4006), f"{VM}.staying": vm(4007), f"{JOB}.leaving": job([4006, 4007], id="leaving")},
            {f"{VM}.leaving": None, f"{JOB}.leaving": job([4007], id="leaving")},
            {f"{JOB}.leaving": job([4006, 4007], id="leaving", compress="zstd")},
            {f"{VM}.leaving": {"guest-destroyed": True}},
        ),
    }


def availability() -> dict[str, Scenario]:
    """High availability and replication that are switched off without being removed."""
    resource = {"resource_id": "vm:6000", "state": "started", "depends_on": [f"{VM}.available"]}
    copy = {"id": "6001-0", "target": "pve2", "type": "local", "depends_on": [f"{VM}.copied"]}
    often = {"id": "6002-0", "target": "pve2", "type": "local", "depends_on": [f"{VM}.copied_often"]}
    return {
        "stopped by high availability": Scenario(
            {f"{VM}.available": vm(6000), f"{HA}.stopped": resource},
            {f"{HA}.stopped": {**resource, "state": "stopped"}},
            {f"{HA}.stopped": {**resource, "max_restart": 3, "comment": "watched"}},
            {f"{HA}.stopped": {"guest-stopped": False}},
        ),
        "replication off": Scenario(
            {
                f"{VM}.copied": vm(6001, disk=[disk("scsi0", 4, datastore_id="tank")]),
                f"{REPLICATION}.off": copy,
            },
            {f"{REPLICATION}.off": {**copy, "disable": True}},
            {f"{REPLICATION}.off": {**copy, "rate": 50}},
            {f"{REPLICATION}.off": {"replication-off": False}},
        ),
        "replication runs less often": Scenario(
            {
                f"{VM}.copied_often": vm(6002, disk=[disk("scsi0", 4, datastore_id="tank")]),
                f"{REPLICATION}.rarer": often,
            },
            {f"{REPLICATION}.rarer": {**often, "schedule": "22:30"}},
            {f"{REPLICATION}.rarer": {**often, "schedule": "*/10"}},
            {f"{REPLICATION}.rarer": {"replication-rarer": False}},
        ),
    }
