"""How a fleet of services that call each other behaves, tick by tick.

Load goes from callers to callees; latency and errors come back. A request that waits for a slow callee holds a worker of
its caller, so callers run out of workers; attempts that fail are made again; what fails early is never asked further on.
"""
import math
import random

LEVELS = (0.5, 0.9, 0.99)
CONNECT_S = 0.002  # time to be refused


class Effects:
    """What a fault, or a harmless event, does to one service in this tick; the values here do nothing."""

    def __init__(self):
        self.hog = 0.0  # cores that somebody else burns in the container
        self.memory = 0.0  # bytes held beside the program's own
        self.disk = 0.0  # bytes per second read and written by somebody else
        self.delay = 0.0  # seconds added to each packet that leaves
        self.loss = 0.0  # share of packets that vanish
        self.down = 0.0  # share of replicas that refuse connections
        self.hang = 0.0  # share of replicas that accept and never answer
        self.fails = 0.0  # share of requests that end in an exception of its own
        self.wrong = 0.0  # share of answers that are well-formed and useless
        self.slow_share, self.slow_by = 0.0, 1.0  # that share of requests takes that many times longer
        self.cost_by = 1.0  # CPU per request
        self.workers_by = 1.0
        self.sockets = 0.0
        self.calls_by = {}  # callee -> times as many calls
        self.chatter = 1.0  # what it writes to disk and log, times
        self.answer_by = 1.0  # size of its answers, times


class Call:
    """A caller's habit of asking one callee: how often per request, how long it waits, what it does when that fails."""

    def __init__(self, callee, share, rng, asynchronous=False):
        self.callee, self.share, self.asynchronous = callee, share, asynchronous
        self.timeout = rng.choice((0.5, 1.0, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0))
        self.retries = rng.choice((0, 0, 0, 1, 2, 3))
        self.critical = 1.0 if rng.random() < 0.75 else rng.uniform(0.0, 0.6)
        self.breaker = rng.random() < 0.2
        self.bytes = math.exp(rng.gauss(7.0, 1.0))
        self.mix = 1.0  # drift of the share over time
        self.reset()

    def reset(self):
        self.rate = self.failed = self.attempts_extra = self.final = 0.0
        self.mean = self.attempt = 0.0
        self.levels = (0.0, 0.0, 0.0)
        self.trips = 0


class Service:
    def __init__(self, name, kind, rng, runtime):
        self.name, self.kind, self.calls, self.node = name, kind, [], 0
        self.runtime = runtime if kind in ("web", "worker", "entry") else "native"
        scale = {"cache": 0.15, "db": 0.8, "queue": 0.2, "worker": 4.0}.get(kind, 1.0)
        self.cost = math.exp(rng.gauss(math.log(0.003), 0.7)) * scale
        self.wait = math.exp(rng.gauss(math.log(0.004), 0.8)) * scale
        self.spread = rng.uniform(0.3, 0.8)  # of the logarithm of its own time
        self.target = rng.uniform(0.08, 0.28)  # part of its CPU used at usual load
        self.replicas = 1 if kind in ("db", "queue", "cache") else rng.choice((1, 1, 2, 3))
        self.room = rng.choice((6, 10, 20, 50))  # workers over the usual requests in flight
        self.patience = rng.choice((1.0, 3.0, 10.0))  # seconds of work that may wait for a worker
        self.base_memory = math.exp(rng.gauss(math.log(3e8 if self.runtime == "jvm" else 9e7), 0.5))
        self.memory_limit = self.base_memory * rng.uniform(1.5, 3.0)
        self.request_bytes, self.answer_bytes = math.exp(rng.gauss(6.5, 0.8)), math.exp(rng.gauss(8.0, 1.2))
        self.writes = math.exp(rng.gauss(6.0, 1.0)) * (20 if kind in ("db", "queue") else 1)
        self.reads = math.exp(rng.gauss(4.0, 1.5)) * (30 if kind == "db" else 1)
        self.own_errors = 10 ** rng.uniform(-5, -2.3)
        self.start_s = rng.uniform(15, 45) if self.runtime == "jvm" else rng.uniform(2, 10)
        self.outside = 0.0  # share of the demand that enters here
        self.source, self.workers_of = None, []  # the queue that a worker takes from; the workers of a queue
        self.limit, self.workers = 1.0, 8
        self.reset()

    def reset(self):
        self.effects = Effects()
        self.offered = self.admitted = self.rejected = self.backlog = 0.0
        self.mean = self.hold = self.cost + self.wait  # with and without the wait for a worker
        self.levels = tuple(self.mean * f for f in (0.8, 1.6, 3.0))
        self.errors = 0.0
        self.heap, self.depth, self.restarts, self.down_until = 0.0, 0.0, 0, -1.0
        self.started, self.leak, self.warm = -1e9, 0.0, 1.0
        for call in self.calls:
            call.reset()

    def cpu(self):
        """Cores in use."""
        work = self.admitted * self.cost * self.effects.cost_by * self.warm
        return min(self.limit_now, work + 0.01 * self.limit + min(self.effects.hog, self.limit_now))

    def heap_bytes(self):
        held = self.admitted * self.mean * 6e4
        return self.base_memory * (1.0 + 0.25 * self.heap) + min(held, 0.4 * self.base_memory)


def at_level(levels, level):
    """The quantile of a distribution of which the quantiles at LEVELS are known; straight lines in the logarithm."""
    low, knots = levels[0] * 0.35, (0.0,) + LEVELS
    values = (low,) + tuple(levels)
    for i in range(1, 4):
        if level <= knots[i] or i == 3:
            part = min(1.3, (level - knots[i - 1]) / (knots[i] - knots[i - 1]))
            a, b = max(values[i - 1], 1e-7), max(values[i], 1e-7)
            return a * (b / a) ** part
    return levels[2]


def over(levels, bound):
    """The share of a distribution, taken as log-normal, that lies over a bound."""
    middle = max(levels[0], 1e-6)
    sigma = max(0.15, math.log(max(levels[2], middle * 1.01) / middle) / 2.326)
    return 0.5 * math.erfc((math.log(bound) - math.log(middle)) / sigma / math.sqrt(2.0))


class Fleet:
    def __init__(self, services, demand, closed_users=0.0):
        """services: callers before callees, a queue before its workers. demand: requests per second at usual load."""
        self.services, self.demand, self.closed = services, demand, closed_users
        self.entry = max(services, key=lambda s: s.outside)
        self.node_cores = {}
        self.edges = [(s, c) for s in services for c in s.calls]

    def settle(self, rng):
        """Gives each service as much CPU and as many workers as its usual load asks for."""
        for s in self.services:
            s.limit, s.workers = 1e9, 10 ** 9
        for _ in range(3):
            self.tick(0.0, 1.0, 1.0)
        used = {}
        for s in self.services:
            s.limit = max(0.1, round(s.admitted * s.cost / s.target, 1))
            s.workers = max(8, int(s.admitted * s.mean * s.room))
            if s.kind == "worker":
                s.workers = max(1, math.ceil(s.admitted * s.mean / rng.uniform(0.3, 0.6)))
            used[s.node] = used.get(s.node, 0.0) + s.limit
        self.node_cores = {n: max(2.0, cores * rng.uniform(0.6, 1.0)) for n, cores in used.items()}
        self.reset()

    def reset(self):
        for s in self.services:
            s.reset()

    def restart(self, s, now):
        s.restarts += 1
        s.down_until = now + s.start_s
        s.heap = s.leak = 0.0
        s.started = s.down_until

    def tick(self, now, dt, demand):
        entry_latency = 0.0
        for s in self.services:
            if s.outside:
                entry_latency = max(entry_latency, s.mean)
            s.offered = s.outside * demand * self.demand
        if self.closed:  # a load maker with a fixed number of users that think between requests
            think = self.closed / self.demand
            slower = think / (think * 0.5 + min(30.0, entry_latency + 0.5 * think))
            for s in self.services:
                s.offered *= min(1.0, slower) if entry_latency > 0.1 * think else 1.0
        for s in self.services:
            self.admit(s, now, dt)
        for s in reversed(self.services):
            self.answer(s)
        self.contend()

    def admit(self, s, now, dt):
        e = s.effects
        if now < s.down_until:
            e.down = max(e.down, 1.0 / s.replicas)
        fresh = now - s.started
        s.warm = 1.0 + (1.5 / s.replicas) * math.exp(-fresh / 40.0) if 0 <= fresh < 200 else 1.0
        alive = max(0.0, 1.0 - e.down - e.hang)
        if s.source is not None:  # a worker takes what is there
            s.offered = s.depth / dt if s.source.effects.down < 0.99 else 0.0
        share = alive / max(1e-9, alive + e.hang) if e.hang else 1.0
        reach = s.offered * (share if e.hang else alive if s.replicas == 1 else min(1.0, alive * s.replicas))
        s.limit_now = s.limit * max(0.05, alive)
        s.cpu_free = max(0.05 * s.limit_now, s.limit_now - e.hog * (0.9 if e.hog < s.limit_now else 0.85))
        if e.hog > 0:  # the scheduler shares out by threads: the program keeps what it can claim
            s.cpu_free = max(s.cpu_free, s.limit_now * 0.12)
        able = s.cpu_free / (s.cost * e.cost_by * s.warm)
        able = min(able, max(1.0, s.workers * e.workers_by * max(0.02, alive)) / max(s.hold, 1e-4))
        total = reach + s.backlog / dt
        s.admitted = min(total, able)
        s.able = able
        if s.source is not None:
            s.backlog = s.rejected = 0.0
        else:
            kept = min((total - s.admitted) * dt, able * s.patience)
            s.rejected = max(0.0, total - s.admitted - kept / dt)
            s.backlog = kept
        if s.kind == "queue":  # each of its workers gets all
            for worker in s.workers_of:
                worker.depth += s.admitted * dt
            s.depth = max((w.depth for w in s.workers_of), default=0.0)
        if s.source is not None:
            s.depth = max(0.0, s.depth - s.admitted * dt * (1.0 - min(0.95, s.errors)))
        going = s.admitted * (1.0 - 0.8 * e.fails)
        for call in s.calls:
            often = call.share * call.mix * e.calls_by.get(call.callee.name, 1.0)
            call.often = often
            tried = 0.05 if call.trips >= 3 else 1.0
            call.rate = going * often * (1.0 + call.attempts_extra) * tried
            call.callee.offered += call.rate
            going *= 1.0 - min(1.0, often) * call.critical * call.final * 0.9

    def answer(self, s):
        e = s.effects
        busy = min(0.985, s.admitted * s.cost * e.cost_by * s.warm / s.cpu_free)
        cores = max(1.0, s.limit_now)  # waiting in a system of several servers: Sakasegawa 1977
        stretch = 1.0 + busy ** math.sqrt(2.0 * (cores + 1.0)) / (cores * (1.0 - busy))
        if e.hog > 0.3 * s.limit_now:  # throttled by the quota: stalls of up to a period of 100 ms
            stretch *= 1.0 + 4.0 * min(1.5, e.hog / s.limit_now)
        used = s.heap_bytes() + s.leak + e.memory
        pressed = min(1.0, max(0.0, used / s.memory_limit - 0.85) / 0.15)
        stretch *= 1.0 + 5.0 * pressed
        stretch *= getattr(s, "neighbours", 1.0)
        own = s.cost * e.cost_by * s.warm * stretch
        waiting = s.wait * (1.0 + (e.disk / 4e7) * (6.0 if s.kind in ("db", "queue") else 0.4)) * (1.0 + 2.0 * pressed)
        queued = min(s.patience, s.backlog / max(s.able, 1e-6))
        usual = own + waiting
        mean = usual * (1.0 + e.slow_share * (e.slow_by - 1.0)) * (1.0 - 0.6 * e.fails) + queued
        levels = []
        for z, level in zip((0.0, 1.2816, 2.326), LEVELS):
            slow = e.slow_by if e.slow_share > 1.0 - level else 1.0
            levels.append(usual * 0.85 * math.exp(s.spread * z) * slow + queued)
        healthy, excess = 1.0, [(v - levels[0]) ** 2 for v in levels]
        middle = levels[0]
        for call in s.calls:
            self.ask(s, call)
            if not call.asynchronous:
                mean += call.often * call.attempt * (1.0 - 0.8 * e.fails)
                parts = []
                for level in LEVELS:
                    inner = level if call.often >= 1.0 else 1.0 - (1.0 - level) / max(call.often, 1e-6)
                    parts.append(at_level(call.levels, inner) * max(1.0, call.often) if inner > 0 else 0.0)
                middle += parts[0]
                excess = [x + (p - parts[0]) ** 2 for x, p in zip(excess, parts)]
            unusable = 1.0 - (1.0 - call.final) * (1.0 - call.callee.effects.wrong)
            healthy *= 1.0 - min(1.0, call.often) * call.critical * unusable
        s.mean = 0.4 * s.mean + 0.6 * mean
        s.hold = 0.4 * s.hold + 0.6 * (mean - queued)
        s.levels = tuple(middle + math.sqrt(x) for x in excess)
        refused = s.rejected / (s.rejected + s.admitted) if s.rejected else 0.0
        s.errors = 1.0 - (1.0 - s.own_errors) * (1.0 - e.fails) * (1.0 - refused) * healthy

    def ask(self, s, call):
        """What one attempt at a callee is like for its caller, and what comes of it after all attempts."""
        c, e, mine = call.callee, call.callee.effects, s.effects
        delay = e.delay + mine.delay
        loss = 1.0 - (1.0 - e.loss) * (1.0 - mine.loss)
        lost = 1.0 - (1.0 - loss) ** 4  # a call is a handful of packets; each loss costs a retransmission timer
        levels = list(v + delay for v in c.levels)
        mean = c.mean + delay + lost * 0.25 / max(0.15, 1.0 - loss)
        for i, level in enumerate(LEVELS):
            if lost > 1.0 - level:
                levels[i] += 0.2 * (1.0 + 6.0 * loss)
        refused = 0.0 if c.replicas > 1 and e.down < 0.99 else e.down
        hung = e.hang / max(1e-9, 1.0 - e.down) if e.down < 1.0 else 0.0
        late = over(levels, call.timeout)
        broken = max(0.0, loss - 0.12) * 0.8
        f = 1.0 - (1.0 - refused) * (1.0 - min(1.0, hung)) * (1.0 - c.errors) * (1.0 - late) * (1.0 - broken)
        if refused > 0.5:
            mean, levels = CONNECT_S, [CONNECT_S, CONNECT_S * 2, CONNECT_S * 5]
        elif hung > 0.0:
            mean = (1.0 - hung) * mean + hung * call.timeout
            levels = [call.timeout if hung > 1.0 - lv else v for lv, v in zip(LEVELS, levels)]
        call.levels = tuple(min(v, call.timeout) for v in levels)
        call.mean = min(mean, call.timeout)
        call.failed = f
        extra = sum(f ** k for k in range(1, call.retries + 1))
        call.attempts_extra = 0.5 * call.attempts_extra + 0.5 * extra
        call.final = f ** (1.0 + 0.6 * call.retries)
        call.attempt = call.mean * (1.0 + extra)
        if call.retries and f > 0.3:
            call.levels = tuple(v * (1.0 + extra * (1.0 if f > 1.0 - lv else 0.3)) for lv, v in zip(LEVELS, call.levels))
        if call.breaker:
            call.trips = min(20, call.trips + 1) if f > 0.5 else max(0, call.trips - 4)
            if call.trips >= 3:
                call.attempt, call.levels, call.final = 0.0002, (0.0002,) * 3, 1.0

    def contend(self):
        busy = {}
        for s in self.services:
            busy[s.node] = busy.get(s.node, 0.0) + s.cpu()
        for s in self.services:
            full = busy[s.node] / self.node_cores[s.node] if self.node_cores else 0.0
            s.neighbours = 1.0 + max(0.0, min(full, 1.3) - 0.75) * 3.0
            s.node_busy = min(1.0, full)


def seeded(*parts):
    return random.Random("/".join(str(p) for p in parts))
