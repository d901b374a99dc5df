"""PostgreSQL in two real guests: users and databases, replication, promotion, and what a killed run leaves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.real_guests.guests import RealGuest, real_guests
from tests.services.real_services import RealServices, random_word

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(900)]

SETTINGS = {
    "replicas": 1,
    "databases": {"app": {"extensions": ["pg_trgm", "pg_stat_statements"]}, "second": {"owner": "app"}},
    "users": {"auditor": {"member_of": ["reader"]}, "reader": {"member_of": ["pg_read_all_data"]}},
    "parameters": {
        "log_statement": "all",
        "shared_preload_libraries": "pg_stat_statements",
        "max_slot_wal_keep_size": "32MB",
    },
}


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[RealServices, RealGuest, RealGuest]]:
    with real_guests("postgresql-db", "postgresql-db-1", unprivileged=True) as (primary, replica):
        services = RealServices({"postgresql": SETTINGS}, {"postgresql": primary})
        for guest in (primary, replica):
            services.install("postgresql", guest)
        # A run that was killed while it made the cluster.
        killed = "mkdir -p /var/lib/postgresql/15/main && : >/var/lib/postgresql/homelab-creating"
        primary.run(f"{killed} && echo half >/var/lib/postgresql/15/main/PG_VERSION")
        services.configure("postgresql", primary)
        services.configure("postgresql", replica, 1)
        yield services, primary, replica


Pair = tuple[RealServices, RealGuest, RealGuest]


def psql(pair: Pair, to: RealGuest, user: str, database: str, command: str) -> str:
    """What psql in the replica's guest says over TCP with the generated password, or what it complains about."""
    services, _, guest = pair
    password = services.secrets[f"postgresql/{user}"]
    guest.run("umask 077; cat >/root/.pgpass", stdin=f"*:*:*:{user}:{password}\n")
    done = guest.run(
        f"PGCONNECT_TIMEOUT=10 psql --no-psqlrc -wqAt -h {to.address} -U {user} -d {database}", stdin=command
    )
    return (done.stdout or done.stderr).strip()


def test_users_and_databases_are_those_of_the_file(pair: Pair) -> None:
    services, primary, replica = pair
    assert psql(pair, primary, "app", "app", "select current_user, similarity('a', 'a')") == "app|1"
    assert "permission denied for database" in psql(pair, primary, "reader", "app", "select 1")
    methods = "select distinct left(rolpassword, 13) from pg_authid where rolpassword is not null"
    assert primary.run(f'cd /; runuser -u postgres -- psql -Atc "{methods}"').stdout == "SCRAM-SHA-256\n"
    assert "rejects connection" in psql(pair, primary, "replication", "app", "select 1")
    assert psql(pair, primary, "app", "second", "select current_user") == "app"
    member = "select pg_has_role('auditor', 'pg_read_all_data', 'member')"
    assert psql(pair, primary, "app", "app", member) == "t"
    # Who may see statistics sees no password in them.
    statements = "select count(*), count(*) filter (where query ~* 'alter role.*password') from pg_stat_statements"
    counted, passwords = psql(pair, primary, "app", "app", statements).split("|")
    assert (int(counted) > 0, passwords) == (True, "0")
    assert services.leaks(primary) == ""
    assert services.leaks(replica) == ""


def test_memory_follows_the_container(pair: Pair) -> None:
    _, primary, replica = pair
    for guest in (primary, replica):
        assert psql(pair, guest, "app", "app", "show shared_buffers") == "256MB"


def as_superuser(guest: RealGuest, command: str) -> str:
    """What psql says in the guest of the server itself."""
    return guest.run("cd /; runuser -u postgres -- psql --no-psqlrc -qAt", stdin=command).stdout.strip()


def test_a_replica_that_was_away_for_too_long_is_made_anew(pair: Pair) -> None:
    services, primary, replica = pair
    status = "select wal_status from pg_replication_slots"
    assert as_superuser(primary, status) == "reserved"
    replica.run("systemctl stop postgresql@15-main")
    written = "select pg_logical_emit_message(false, 'a', 'b'); select pg_switch_wal();"
    as_superuser(primary, written * 8 + "checkpoint;")
    assert as_superuser(primary, status) == "lost"

    # As a new clone finds it: nothing here, and there a slot that nobody can use any more.
    assert replica.run("pg_dropcluster 15 main").returncode == 0
    services.configure("postgresql", replica, 1)
    assert as_superuser(primary, status) == "reserved"
    assert services.is_at_rest("postgresql", primary)


def test_the_replica_follows_and_takes_over(pair: Pair) -> None:
    services, primary, replica = pair
    word = random_word()
    insert = f"insert into words values ('{word}')"  # noqa: S608 - a word of its own
    written = f"create table words (word text); {insert}; select pg_current_wal_lsn()"
    position = psql(pair, primary, "app", "app", written)
    caught_up = f"select pg_last_wal_replay_lsn() >= '{position}'"
    for _ in range(1000):
        if psql(pair, replica, "app", "app", caught_up) == "t":
            break
    assert psql(pair, replica, "app", "app", "select word from words") == word
    assert "read-only transaction" in psql(pair, replica, "app", "app", "delete from words")

    for guest in (primary, replica):
        guest.reboot()
    assert services.is_at_rest("postgresql", primary)
    assert services.is_at_rest("postgresql", replica, 1)
    assert psql(pair, primary, "app", "app", "select word from words") == word

    # One replica less: its slot goes though it is still connected, or it would keep the write-ahead log for ever.
    slots = "select slot_name, active from pg_replication_slots"
    assert as_superuser(primary, slots) == "replica_1|t"
    fewer = RealServices({"postgresql": {**SETTINGS, "replicas": 0}}, {"postgresql": primary})
    fewer.secrets = services.secrets
    fewer.configure("postgresql", primary)
    assert as_superuser(primary, slots) == ""

    assert replica.run("pg_ctlcluster 15 main promote").returncode == 0
    assert psql(pair, replica, "app", "app", "insert into words values ('more')") == ""
    assert psql(pair, replica, "app", "app", "select count(*) from words") == "2"
    assert services.is_at_rest("postgresql", replica, 1)
    assert psql(pair, replica, "app", "app", "select count(*) from words") == "2"
