"""What a monitoring stack makes of measured rows: columns with names, units, counters, gaps and noise of their own."""
import copy
import math

from incidents.fleet import seeded
from incidents.load import Drift


def counted(rng, expected):
    """How many came, when so many were to be expected."""
    if expected <= 0:
        return 0
    if expected > 60:
        return max(0, round(rng.gauss(expected, math.sqrt(expected))))
    limit, product, n = math.exp(-expected), rng.random(), 0
    while product > limit:
        product *= rng.random()
        n += 1
    return n


def quantile_noise(rng, width, n):
    return math.exp(rng.gauss(0, min(0.6, width / math.sqrt(max(n, 1.0)))))


class Sight:
    """One Row as it was seen: requests are whole, quantiles are those of the requests that came."""

    def __init__(self, rng, row, step, service=None):
        self.row, self.step, self.service = row, step, service
        self.count = counted(rng, row.n)
        share = row.errors / row.n if row.n > 0 else 0.0
        self.bad = min(self.count, counted(rng, self.count * share))
        n = max(row.n, 1e-9)
        self.empty = self.count == 0
        self.mean = row.busy / n * quantile_noise(rng, 1.0, self.count)
        self.p50 = row.s50 / n * quantile_noise(rng, 1.0, self.count)
        self.p90 = max(self.p50, (0.7 * row.s90 / n + 0.3 * row.max90) * quantile_noise(rng, 1.6, self.count))
        self.p99 = max(self.p90, (0.6 * row.s99 / n + 0.4 * row.max99) * quantile_noise(rng, 3.0, self.count))

    def field(self, name):
        """The measured value; None where nothing was measured because nothing came."""
        return getattr(self, "of_" + name)() if name in self.DERIVED else self.plain(name)

    def plain(self, name):
        if name in ("mean", "p50", "p90", "p99"):
            return None if self.empty else getattr(self, name)
        if name in ("cpu", "throttled", "reads", "writes", "rx", "tx", "gc"):
            return getattr(self.row, name) / self.step
        if name == "memory_limit":
            return self.service.memory_limit
        return float(getattr(self.row, name))

    DERIVED = ("rate", "errors", "oks", "count", "errcount", "busy", "slow", "ok_pct", "p95", "max99", "cpu_share", "memory_share",
               "cache", "iowait", "disk", "up")

    def of_rate(self):
        return self.count / self.step

    def of_errors(self):
        return self.bad / self.step

    def of_oks(self):
        return (self.count - self.bad) / self.step

    def of_count(self):
        return self.count

    def of_errcount(self):
        return self.bad

    def of_busy(self):
        return 0.0 if self.empty else self.mean * self.count

    def of_slow(self):
        return self.count * 0.0005 + (self.count * 0.2 if self.mean > 0.25 else 0.0)

    def of_ok_pct(self):
        return None if self.empty else 100.0 * (1.0 - self.bad / self.count)

    def of_p95(self):
        return None if self.empty else math.sqrt(self.p90 * self.p99)

    def of_max99(self):
        return 0.0 if self.empty else self.p99 * 1.3

    def of_cpu_share(self):
        return self.row.cpu / self.step / self.service.limit

    def of_memory_share(self):
        return self.row.memory / self.service.memory_limit

    def of_disk(self):
        return (self.row.reads + self.row.writes) / self.step

    def of_cache(self):
        held = self.service.base_memory
        return 0.15 * held + min(0.5 * held, self.of_disk() * 30)

    def of_iowait(self):
        return 20.0 * self.row.node / self.step + self.of_disk() / 2e5

    def of_up(self):
        return 1.0 if self.row.up / self.step > 0.5 else 0.0


class Column:
    """One column of the file, from a word `NAME=FIELD[*FACTOR][!total][~EVERY][%EVERY][@KIND,...]`.

    !total: a counter since the start of the process. ~4: a value each fourth row, that stands until the next; %4: empty between.
    @: for services of these kinds only.
    """

    INTEGERS = ("count", "errcount", "restarts", "threads", "sockets", "depth", "up", "memory_limit", "ok_pct")

    def __init__(self, word, owner, rng, gaps):
        word, _, kinds = word.partition("@")
        self.applies = not kinds or owner is None or owner.kind in kinds.split(",")
        self.empty_between = "%" in word
        word, _, every = word.replace("%", "~").partition("~")
        self.every = int(every or 1)
        self.total, word = "!total" in word, word.replace("!total", "")
        self.name, _, field = word.partition("=")
        self.field, _, factor = field.partition("*")
        self.factor = float(factor or 1)
        self.rng, self.gaps = rng, gaps
        size = 0.0 if self.field in self.INTEGERS or self.total else math.exp(rng.gauss(math.log(0.025), 0.6))
        if self.field == "up":
            size = 0.0
        self.drift = Drift(rng, size, rng.choice((0.5, 3, 20))) if size else None
        self.blips = rng.choice((0.0, 0.0, 0.001, 0.004))
        self.sum, self.held, self.restarts = rng.uniform(0, 1e5) if self.total else 0.0, None, 0
        self.offset = rng.randrange(self.every)
        self.late = rng.random() < 0.01
        self.hold_latency = rng.random() < 0.15

    def value(self, sight, index, row_count):
        if self.late and index < 0.3 * row_count or self.rng.random() < self.gaps:
            if not self.total:
                return None
        if self.field == "uptime":
            return self.uptime(sight)
        v = sight.field(self.field)
        if self.total:
            if sight.row.restarts != self.restarts:  # a new process counts from zero
                self.sum, self.restarts = 0.0, sight.row.restarts
            self.sum += v
            return None if sight.row.up < 0.3 * sight.step else self.sum * self.factor
        if v is None:
            return self.held if self.hold_latency else None
        if self.drift is not None:
            v *= math.exp(self.drift.step(1.0))
            if self.rng.random() < self.blips:
                v *= self.rng.uniform(1.05, 1.3) if self.field in ("memory", "memory_share", "cache") else self.rng.uniform(1.5, 6.0)
        if self.field == "cpu_share":
            v = min(v, 1.0)
        v *= self.factor
        if (index + self.offset) % self.every == 0 or self.held is None:
            self.held = v
        elif self.empty_between:
            return None
        return self.held if self.every > 1 else v

    def uptime(self, sight):
        if sight.row.restarts != self.restarts:
            self.restarts, self.sum = sight.row.restarts, 0.0
        self.sum += sight.step
        return self.sum


def as_clients_see(row, calls):
    """A service's row with the requests, errors and latencies that its callers counted, as proxies at the caller report them."""
    seen = copy.copy(row)
    for name in ("n", "errors", "busy", "s50", "s90", "s99"):
        setattr(seen, name, sum(getattr(call, name) for call in calls))
    seen.max90, seen.max99 = max(c.max90 for c in calls), max(c.max99 for c in calls)
    return seen


RESOURCES = ("cpu", "throttled", "memory", "reads", "writes", "rx", "tx", "sockets", "threads", "gc", "cpu_share",
             "memory_share", "inflight", "restarts", "iowait", "cache", "disk")


def table(system, fleet, rows, key, only=None):
    """(names, list of lists of values or None), a column each, of all owners or of one. `key` seeds the noise."""
    owners = [(s.name, s.name, s, system.columns) for s in fleet.services]
    owners += [(f"{s.name}>{c.callee.name}", (s.name, c.callee.name), None, system.edges) for s, c in fleet.edges]
    entry = fleet.entry
    owners.append(("_entry", entry.name, entry, system.virtual.split()))
    names, columns = [], []
    for name, where, service, words in owners:
        if only is not None and name != only:
            continue
        habits, rng = seeded("columns", system.name, name), seeded("noise", *key, name)  # what is not watched is never watched
        watched = service is None or name == "_entry" or service is entry
        if not watched and habits.random() < 0.04:
            words = words[:3]
        dark = habits.random() < 0.5 and service is not None  # a process that is down has no values at all
        words = [w for w in words if watched or habits.random() >= 0.03]
        made = [c for c in (Column(w, service, rng, system.gaps) for w in words) if c.applies]
        asking = [(s.name, name) for s, c in fleet.edges if c.callee.name == name] if system.by_client and service is not None else []
        lists = [[] for _ in made]
        for i, line in enumerate(rows):
            row = line[where]
            sight = Sight(rng, as_clients_see(row, [line[k] for k in asking]) if asking else row, system.step, service)
            gone = dark and row.up < 0.05 * system.step
            for column, values in zip(made, lists):
                v = column.value(sight, i, len(rows))
                values.append(None if gone and column.field in RESOURCES else v)
        names += [f"{name}:{c.name}" for c in made]
        columns += lists
    return names, columns
