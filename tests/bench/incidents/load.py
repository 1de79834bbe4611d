"""Noise as monitoring shows it, the load of a day, and what happens in a fleet although nothing is wrong."""
import math


def heavy(rng):
    """Student's t of four degrees of freedom: mostly mild, now and then far out. -2 ln(u v) is chi-squared of four."""
    return rng.gauss(0, 1) / math.sqrt(-0.5 * math.log(max(1e-12, rng.random() * rng.random())))


class Drift:
    """An autocorrelated walk around 0 whose steps are heavy-tailed. `memory` is in seconds."""

    def __init__(self, rng, size, memory):
        self.rng, self.size, self.memory = rng, size, memory
        self.value, self.dt, self.keep, self.push = rng.gauss(0, size), 0.0, 0.0, 0.0

    def step(self, dt):
        if dt != self.dt:
            self.dt, self.keep = dt, math.exp(-dt / self.memory)
            self.push = self.size * math.sqrt(1.0 - self.keep * self.keep)
        self.value = self.keep * self.value + self.push * max(-8.0, min(8.0, heavy(self.rng)))
        return self.value


class Demand:
    """Requests per second at the entry, as a multiple of the usual."""

    def __init__(self, rng, level, seconds, restless):
        self.rng, self.level = rng, level
        self.phase, self.depth = rng.uniform(0, 86400), rng.uniform(0.05, 0.35)
        self.walk = Drift(rng, 0.05 * restless, rng.choice((20, 120, 900)))
        self.quick = Drift(rng, 0.04 * restless, 5)
        self.bursts = []
        at = 0.0
        while True:
            at += rng.expovariate(restless / max(600.0, seconds / 4.0))
            if at > seconds:
                break
            self.bursts.append((at, at + rng.uniform(0.01, 0.06) * seconds, rng.uniform(1.15, 1.7)))

    def turn(self, at, until, by):
        """Traffic that changes for reasons of its own."""
        self.bursts.append((at, until, by))

    def at(self, now, dt):
        day = 1.0 + self.depth * math.sin(2 * math.pi * (now + self.phase) / 86400.0)
        extra = 1.0
        for start, end, by in self.bursts:
            if start <= now < end:
                extra *= by
        asked = self.level * day * extra * math.exp(self.walk.step(dt) + self.quick.step(dt))
        return min(1.9, max(0.05, asked))  # beyond that it would be an incident of its own


class Harmless:
    """Backups, batch jobs, log rotation, rolling restarts, popular articles: events in services that are well."""

    def __init__(self, rng, fleet, seconds, rate):
        self.events = []
        at = 0.0
        while True:
            at += rng.expovariate(rate / max(300.0, seconds / 6.0))
            if at > seconds:
                break
            service = rng.choice(fleet.services)
            lasts = rng.uniform(0.005, 0.04) * seconds
            kinds = ["cpu", "memory", "restart", "popular"] if service.replicas > 1 else ["cpu", "memory", "popular"]
            kinds += ["disk"] * (4 if service.kind in ("db", "queue") else 1)
            self.events.append((at, at + lasts, service, rng.choice(kinds), rng.uniform(0.3, 1.0)))
        self.done = set()

    def apply(self, fleet, now):
        for i, (start, end, service, kind, size) in enumerate(self.events):
            if not start <= now < end:
                continue
            e = service.effects
            if kind == "cpu":
                e.hog += 0.25 * size * service.limit
            elif kind == "memory":
                e.memory += 0.25 * size * service.base_memory
            elif kind == "disk":
                e.disk += 1.5e7 * size
            elif kind == "popular":
                for call in service.calls:
                    e.calls_by[call.callee.name] = e.calls_by.get(call.callee.name, 1.0) * (1.0 + 0.4 * size)
            elif kind == "restart" and i not in self.done:
                self.done.add(i)
                fleet.restart(service, now)
