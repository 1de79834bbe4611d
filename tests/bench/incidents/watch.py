"""Runs a fleet through time and keeps what could be measured of it, one row a step."""
import math

from incidents.fleet import Effects

SUMS = ("n", "errors", "busy", "cpu", "throttled", "reads", "writes", "rx", "tx", "gc", "node", "up", "s50", "s90", "s99", "rejected")


class Row:
    """Of one service, or of one call edge, over one step."""

    __slots__ = SUMS + ("ticks", "max90", "max99", "memory", "sockets", "threads", "restarts", "depth", "inflight", "active")

    def __init__(self):
        for name in SUMS:
            setattr(self, name, 0.0)
        self.ticks, self.max90, self.max99, self.active = 0, 0.0, 0.0, False

    def latency(self, n, mean, levels):
        self.n += n
        self.busy += n * mean
        self.s50 += n * levels[0]
        self.s90 += n * levels[1]
        self.s99 += n * levels[2]
        if n > 0:
            self.max90, self.max99 = max(self.max90, levels[1]), max(self.max99, levels[2])


def observe_service(row, s, dt, now):
    e = s.effects
    done = (s.admitted + s.rejected) * dt
    row.latency(done, s.mean, s.levels)
    row.errors += done * s.errors
    row.rejected += s.rejected * dt
    cpu = s.cpu()
    row.cpu += cpu * dt
    busy = cpu / s.limit
    row.throttled += dt * max(0.0, busy - 0.75) ** 2 * 8.0
    writes = s.writes * (1.0 + s.admitted * 0.1 + s.admitted * s.errors) * e.chatter
    row.writes += (writes + e.disk * 0.7) * dt
    row.reads += (s.reads * (1.0 + 0.1 * s.admitted) + e.disk * 0.3 + (2e6 if s.warm > 1.3 else 0.0)) * dt
    keep = (1.0 - e.loss) ** 2
    asked = sum(c.rate * c.bytes for c in s.calls)
    back = sum(c.rate * (1.0 - c.failed) * c.callee.answer_bytes for c in s.calls)
    row.rx += (s.admitted * s.request_bytes + back + 300) * keep * dt
    row.tx += (s.admitted * s.answer_bytes * e.answer_by + asked + 300) * keep * dt
    row.gc += dt * s.gc_share
    row.node += dt * s.node_busy
    alive = max(0.0, 1.0 - e.down)
    row.up += dt * alive
    row.ticks += 1
    held = s.admitted * s.mean + s.backlog + (s.offered * e.hang * 2.0 if e.hang else 0.0)
    row.inflight = min(held, s.workers * 4.0)
    row.sockets = (12 + row.inflight + sum(2 + c.rate * c.mean for c in s.calls) + e.sockets) * max(0.1, alive)
    row.threads = ({"jvm": 40, "native": 12}.get(s.runtime, 20) + min(s.workers, row.inflight)) * max(0.1, alive)
    row.memory = min(s.memory_limit, s.heap_bytes() + s.leak + e.memory) * max(0.02, alive)
    row.restarts, row.depth = s.restarts, s.depth


def observe_call(row, call, dt):
    n = call.rate * dt
    row.latency(n, call.mean, call.levels)
    row.errors += n * call.failed
    row.ticks += 1


def run(fleet, world, start, rows, step, fault=None):
    """One list of {service: Row, (caller, callee): Row} for `rows` steps from `start` seconds on."""
    dt = min(step, 15 if step < 300 else 30)
    table = []
    for i in range(rows):
        line = {s.name: Row() for s in fleet.services}
        line.update(((s.name, c.callee.name), Row()) for s, c in fleet.edges)
        for k in range(max(1, step // dt)):
            now = start + i * step + k * dt
            for s in fleet.services:
                s.effects = Effects()
            world.harmless.apply(fleet, now)
            world.turns(fleet, now)
            if fault is not None:
                fault.apply(fleet, now, dt)
            for walk, call in world.mixes:
                call.mix = math.exp(walk.step(dt)) * call.turned
            fleet.tick(now, dt, world.demand.at(now, dt))
            for s in fleet.services:
                breathe(s, dt)
                row = line[s.name]
                observe_service(row, s, dt, now)
                row.active = row.active or fault is not None and s is fault.service and fault.active(now)
            for s, c in fleet.edges:
                observe_call(line[s.name, c.callee.name], c, dt)
        table.append(line)
    return table


def breathe(s, dt):
    """The saw-tooth of a managed heap, and the slow growth of caches elsewhere."""
    s.gc_share = 0.0
    used = s.heap_bytes() + s.leak + s.effects.memory
    if s.runtime == "jvm":
        s.heap += dt * (0.002 + 0.02 * s.admitted * s.cost / s.limit)
        pressed = max(0.0, used / s.memory_limit - 0.8)
        s.gc_share = 0.005 + 0.4 * pressed
        if s.heap > 1.0:
            s.heap, s.gc_share = 0.2, s.gc_share + 0.05
    else:
        s.heap += (1.0 - s.heap) * dt / 20000.0
