"""The faults: what each does to the service it is injected into, second by second. What follows elsewhere is the fleet's doing."""

KINDS = {
    "cpu": ("entry", "web", "db", "cache", "worker"),
    "memory": ("entry", "web", "db", "cache", "worker"),
    "leak": ("web", "worker"),
    "disk": ("web", "db", "queue", "worker"),
    "delay": ("entry", "web", "db", "cache", "queue"),
    "loss": ("entry", "web", "db", "cache", "queue"),
    "socket": ("web", "db", "cache"),
    "pool": ("web",),
    "kill": ("web", "db", "cache", "queue", "worker"),
    "crashloop": ("web", "worker"),
    "hang": ("web", "db", "worker"),
    "exception": ("entry", "web"),
    "wrong-return": ("web",),
    "slow-query": ("db",),
    "config": ("web",),
    "backlog": ("worker",),
    "overload": ("web",),
}


class Fault:
    """One injection. `force` from 1 upward makes it stronger."""

    def __init__(self, kind, service, rng, start, lasts, force):
        self.kind, self.service, self.start, self.end, self.force = kind, service, start, start + lasts, force
        self.whole = rng.random() < 0.7 or service.replicas == 1  # every replica, or one of them
        self.size = rng.uniform(0.4, 1.0)
        self.ramp = rng.choice((0.0, 0.0, 0.05, 0.2)) * lasts  # how long it takes to grow
        self.flavour = rng.random()
        self.wave = rng.random() < 0.15  # comes and goes
        self.period = rng.uniform(0.08, 0.2) * lasts
        self.next_crash, self.restarted, self.usual = start, False, None

    def strength(self, now):
        if not self.start <= now < self.end:
            return 0.0
        if self.wave and int((now - self.start) / self.period) % 2:
            return 0.0
        grown = min(1.0, (now - self.start + 1e-9) / self.ramp) if self.ramp else 1.0
        return grown * (1.0 if self.whole else 1.0 / self.service.replicas)

    def active(self, now):
        return self.strength(now) > 0.0

    def apply(self, fleet, now, dt):
        k = self.strength(now)
        if k > 0.0:
            getattr(self, "do_" + self.kind.replace("-", "_"))(self.service, self.service.effects, k, fleet, now, dt)

    def slow(self, e, k, by):
        """Requests that meet the sick replica take so many times longer."""
        if self.whole:
            e.slow_share, e.slow_by = 1.0, 1.0 + (by - 1.0) * k
        else:
            e.slow_share, e.slow_by = k, by

    def do_cpu(self, s, e, k, fleet, now, dt):
        e.hog += s.limit * (0.6 + 0.6 * self.size * self.force) * k
        if not self.whole:
            self.slow(e, k, 1.0 + 4.0 * self.size * self.force)

    def do_memory(self, s, e, k, fleet, now, dt):
        e.memory += (0.3 + 0.7 * self.size) * self.force * (s.memory_limit - s.base_memory) * k
        e.hog += 0.15 * s.limit * k
        if s.heap_bytes() + e.memory > 1.05 * s.memory_limit and now > self.next_crash + 60 and self.flavour < 0.4:
            self.next_crash = now
            fleet.restart(s, now)

    def do_leak(self, s, e, k, fleet, now, dt):
        s.leak += (s.memory_limit - s.base_memory) * dt / (self.end - self.start) * (1.2 + 2 * self.size) * self.force
        if s.heap_bytes() + s.leak > s.memory_limit:
            fleet.restart(s, now)

    def do_disk(self, s, e, k, fleet, now, dt):
        e.disk += (2e7 + 1.5e8 * self.size) * self.force * k
        e.hog += 0.05 * s.limit * k
        if s.kind == "web":
            self.slow(e, k, 1.0 + 1.5 * self.size * self.force)

    def do_delay(self, s, e, k, fleet, now, dt):
        e.delay += (0.02 + 0.4 * self.size ** 3) * self.force * k

    def do_loss(self, s, e, k, fleet, now, dt):
        e.loss = 1.0 - (1.0 - e.loss) * (1.0 - min(0.8, (0.05 + 0.3 * self.size) * self.force * k))

    def do_socket(self, s, e, k, fleet, now, dt):
        e.sockets += (200 + 3000 * self.size) * k
        e.fails = max(e.fails, min(0.9, 0.5 * self.size * self.force) * k)
        self.slow(e, k, 1.0 + 2.0 * self.size)

    def do_pool(self, s, e, k, fleet, now, dt):
        if self.usual is None:  # the part of its workers that the load of this moment keeps busy
            self.usual = max(0.02, s.admitted * s.mean / s.workers)
        fewer = min(1.0, max(0.005, self.usual * (1.0 - 0.6 * self.size * self.force)))
        e.workers_by = fewer ** k

    def do_kill(self, s, e, k, fleet, now, dt):
        if not self.restarted:
            self.restarted = True
            fleet.restart(s, now)
            s.down_until = now + max(s.start_s, (0.1 + 0.5 * self.size) * self.force * (self.end - self.start))
            s.started = s.down_until
        if s.down_until > now:
            e.down = max(e.down, 1.0 if self.whole else k)

    def do_crashloop(self, s, e, k, fleet, now, dt):
        if now >= self.next_crash:
            fleet.restart(s, now)
            self.next_crash = s.down_until + (3 + 12 * (1 - self.size)) / self.force
        if now < s.down_until:
            e.down = max(e.down, 1.0 if self.whole else 1.0 / s.replicas)

    def do_hang(self, s, e, k, fleet, now, dt):
        e.hang = max(e.hang, min(1.0, (1.0 if self.flavour < 0.6 else 0.5 * self.force)) * k)

    def do_exception(self, s, e, k, fleet, now, dt):
        e.fails = max(e.fails, min(1.0, (0.15 + 0.85 * self.size) * self.force) * k)

    def do_wrong_return(self, s, e, k, fleet, now, dt):
        e.wrong = max(e.wrong, min(1.0, (0.2 + 0.8 * self.size) * self.force) * k)
        e.answer_by = 0.3 if self.flavour < 0.5 else 1.0
        if self.flavour > 0.7:  # it answers from a default, without asking further
            for call in s.calls:
                e.calls_by[call.callee.name] = 1.0 - 0.9 * k

    def do_slow_query(self, s, e, k, fleet, now, dt):
        self.slow(e, k if self.flavour < 0.7 else 0.3 * k, 1.0 + (5.0 + 40.0 * self.size ** 2) * self.force)
        e.cost_by = 1.0 + 2.5 * self.size * self.force * k
        e.disk += 1e7 * self.size * k if self.flavour < 0.5 else 0.0

    def do_config(self, s, e, k, fleet, now, dt):
        if not self.restarted:  # a change is rolled out by a restart
            self.restarted = True
            fleet.restart(s, now)
            s.down_until = now + min(s.start_s, 5.0) if s.replicas == 1 else now
        if self.flavour < 0.25 and s.calls:  # its cache is switched off
            target = s.calls[int(self.size * 100) % len(s.calls)].callee.name
            e.calls_by[target] = 1.0 + 8.0 * self.size * self.force * k
            e.cost_by = 1.0 + 0.5 * k
        elif self.flavour < 0.5:  # debug logging
            e.chatter = 1.0 + 60.0 * k
            e.cost_by = 1.0 + 2.5 * self.size * self.force * k
        elif self.flavour < 0.75:  # fewer workers
            self.do_pool(s, e, k, fleet, now, dt)
        else:  # a wrong address or key: what needs it fails
            e.fails = max(e.fails, min(1.0, 0.7 * self.size * self.force) * k)

    def do_backlog(self, s, e, k, fleet, now, dt):
        self.slow(e, k, 1.0 + (3.0 + 8.0 * self.size) * self.force)
        if self.flavour < 0.4:
            e.fails = max(e.fails, 0.6 * k)

    def do_overload(self, s, e, k, fleet, now, dt):
        for i, call in enumerate(s.calls):
            if self.flavour < 0.5 or i == int(self.size * 100) % len(s.calls):
                e.calls_by[call.callee.name] = 1.0 + (3.0 + 10.0 * self.size) * self.force * k
