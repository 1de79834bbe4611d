"""Lines that the services of a case would have written: daily business, chronic complaints, and what a fault makes them say.

A line is written because something happened in the simulation: a request was served, a call failed in a certain way, a process
started, work was turned away. Names of customers, towns and goods vary from line to line, and some of them sound like trouble.
"""
import math

from incidents.export import counted
from incidents.fleet import seeded

BUDGET = 5000  # lines of daily business in a case
USERS = """amina bjorn chloe dmitri elena faisal grace hiro ingrid jamal katya luis mei nadia oskar priya quentin rosa sven
tariq uma viktor""".split()
TOWNS = ["Aarhus", "Bergen", "Cork", "Delft", "Essen", "Fatal Bay",
         "Graz", "Hull", "Izmir", "Jena", "Kiel", "Lost Creek", "Malmo", "Porto", "Turin"]
GOODS = ["red kettle", "Error 404 shirt", "oak shelf",
         "Crash course in Go", "wool socks", "Panic! at the Disco LP", "desk lamp", "Night of Terror DVD"]

DAILY = {
    "spring": ["INFO|[{fn}] request by {user} from {town}", "INFO|[{fn}] found {n} rows for {id}", "INFO|[{fn}] {good} x {n} for {user}",
               "INFO|[{fn}][{id}] done in {ms} ms", "INFO|Received status update {id} -> {n}", "DEBUG|cache hit for key {fn}:{id}",
               "WARN|[{fn}] {user} not found, id {id}", "INFO|Validating token of {user}"],
    "go": ["info|[{fn}] user_id=\"{id}\" user_currency=\"EUR\"",
           "info|request complete http.req.id={id} http.resp.took_ms={ms} http.resp.status=200",
           "info|{fn} called for {good}",
           "info|sent confirmation to {user}@example.com", "debug|{fn}: {n} items", "info|quote for {town}: {n}.99"],
}
CHRONIC = ["WARN|configuration key 'legacy.mode' is deprecated", "ERROR|Failed to publish metrics to collector:8125, {n} points dropped",
           "WARN|login of {user} failed: bad credentials", "ERROR|invalid postcode '{town}' given by {user}",
           "WARN|clock skew of {ms} ms to peer",
           "ERROR|could not parse User-Agent of {user}", "WARN|payment of {user} declined, retry scheduled"]
WORDS = "get find create list update check query resolve load fetch".split()

GO_TRACE = """panic: runtime error: invalid memory address or nil pointer dereference
goroutine {n} [running]:
main.(*{name}).{fn}(0xc000{at:06x})
\t/src/main.go:{row}"""
JAVA_TRACE = """Servlet.service() threw exception java.lang.IllegalStateException: {fn}
\tat com.example.{package}.service.{name}ServiceImpl.{fn}({name}ServiceImpl.java:{row})
\tat java.base/java.lang.Thread.run(Thread.java:829)"""


class Pen:
    """The way one service writes."""

    def __init__(self, system, service):
        rng = seeded("pen", system.name, service.name)
        short = service.name.replace("-", " ").title().replace(" ", "")
        self.short, self.style = short, system.logs
        self.functions = [rng.choice(WORDS) + short for _ in range(3)]
        self.daily = rng.sample(DAILY[system.logs], 4)
        self.chronic = rng.choice(CHRONIC) if rng.random() < 0.2 else None
        self.talk = rng.uniform(0.1, 1.0)
        self.names_callee = {c.callee.name: rng.random() < 0.65 for c in service.calls}
        self.address = f"10.{rng.randrange(200)}.{rng.randrange(200)}.{rng.randrange(2, 250)}:{rng.choice((8080, 7070, 9090, 50051))}"

    def fill(self, text, rng):
        return text.format(fn=rng.choice(self.functions), user=rng.choice(USERS), town=rng.choice(TOWNS), good=rng.choice(GOODS),
                           n=rng.randrange(1, 60), ms=rng.randrange(1, 90), id=f"{rng.getrandbits(64):016x}")


def of_call(pen, pens, call, row, callee_row, system_step, rng):
    """What a caller writes about a call that failed."""
    name = call.callee.name
    where = name if pen.names_callee[name] else pens[name].address
    if callee_row.up < 0.3 * (15 if system_step >= 15 else system_step) * callee_row.ticks:
        why = "refused"
    elif row.max99 > 0.95 * call.timeout:
        why = "late"
    else:
        why = "status"
    if pen.style == "go":
        text = {"refused": "rpc error: code = Unavailable desc = connection error: dial tcp {w}: connect: connection refused",
                "late": "rpc error: code = DeadlineExceeded desc = context deadline exceeded while waiting for {w}",
                "status": "could not complete {f}: rpc error: code = Internal from {w}"}[why]
        return "error", text.format(w=where, f=rng.choice(pen.functions))
    text = {"refused": 'I/O error on POST request for "http://{w}/api/v1": Connection refused',
            "late": 'timeout calling {w}: java.net.SocketTimeoutException: Read timed out after {t} ms',
            "status": "org.springframework.web.client.HttpServerErrorException: 500 from {w}"}[why]
    return "ERROR", text.format(w=where, t=int(call.timeout * 1000))


def of_culprit(pen, fault, rng):
    """What the sick service writes about itself; None when it is silent."""
    kind, f, fn = fault.kind, fault.flavour, rng.choice(pen.functions)
    error = "error" if pen.style == "go" else "ERROR"
    if kind == "exception" and f < 0.8:
        if pen.style == "go":
            return error, GO_TRACE.format(n=rng.randrange(99, 9999), name=pen.short, fn=fn, at=rng.getrandbits(24), row=100 + int(f * 100))
        return error, JAVA_TRACE.format(name=pen.short, package=pen.short.lower(), fn=fn, row=100 + int(f * 100))
    said = {"pool": "HikariPool-1 - Connection is not available, request timed out after 30000ms.",
            "socket": "accept: Too many open files",
            "leak": "java.lang.OutOfMemoryError: GC overhead limit exceeded",
            "disk": f"slow flush: fsync took {rng.randrange(900, 9000)} ms",
            "slow-query": f"Slow query: {fn} COLLSCAN docsExamined:{rng.randrange(10**5, 10**6)} {rng.randrange(400, 9000)}ms"}
    if kind in said and f < 0.75:
        return ("WARN" if kind in ("disk", "slow-query") else error), said[kind]
    if kind == "config" and 0.75 <= f < 0.95:
        return error, f"invalid api key for {fn}"
    return None


def quoted(text):
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n') else text


def lines_of(system, fleet, rows, fault, zero, rng, healthy):
    """CSV lines, in order of time, from a third of the healthy rows before the live ones."""
    begin = int(healthy * 0.67)
    pens = {s.name: Pen(system, s) for s in fleet.services}
    usual = sum(math.sqrt(line[s.name].n) * pens[s.name].talk for line in rows[begin:] for s in fleet.services)
    share = BUDGET / max(1.0, usual)
    found = []

    def write(i, service, level, text):
        at = zero + (i + rng.random()) * system.step
        found.append((at, f"{at:.3f},{service},{level},{quoted(text)}\n"))

    for i in range(begin, len(rows)):
        line = rows[i]
        for s in fleet.services:
            row, pen = line[s.name], pens[s.name]
            if s.kind in ("web", "entry", "worker"):
                for _ in range(counted(rng, share * math.sqrt(row.n) * pen.talk)):
                    level, _, text = rng.choice(pen.daily).partition("|")
                    write(i, s.name, level, pen.fill(text, rng))
                if pen.chronic and row.n > 0 and rng.random() < 0.5:
                    level, _, text = pen.chronic.partition("|")
                    write(i, s.name, level if pen.style == "spring" else level.lower(), pen.fill(text, rng))
            before = rows[i - 1][s.name].restarts if i else 0
            if row.restarts > before:
                started = f"Started {pen.short}Application in {rng.uniform(3, 30):.3f} seconds"
                write(i, s.name, "INFO", started if pen.style == "spring" else "listening on :8080")
            if row.active and s is fault.service:
                for _ in range(counted(rng, min(4.0, 1.0 + share * math.sqrt(row.n)))):
                    said = of_culprit(pen, fault, rng)
                    if said:
                        write(i, s.name, *said)
            if row.rejected > 0.02 * row.n and rng.random() < 0.7:
                write(i, s.name, "WARN", "task rejected: pool exhausted, active=" + str(int(row.inflight)))
        for s, call in fleet.edges:
            row = line[s.name, call.callee.name]
            if row.errors <= 0 or s.kind == "db":
                continue
            for _ in range(min(6, counted(rng, 0.5 * share * math.sqrt(row.errors)))):
                write(i, s.name, *of_call(pens[s.name], pens, call, row, line[call.callee.name], system.step, rng))
            if call.callee is fault.service and fault.kind == "wrong-return" and line[call.callee.name].active and rng.random() < 0.5:
                write(i, s.name, "WARN", f"unexpected response from {call.callee.name}: missing field '{rng.choice(WORDS)}'")
    return [text for _, text in sorted(found)]
