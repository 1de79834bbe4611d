"""The demo shop, and tend beside it, for end-to-end tests: real processes on free ports, all below one temporary directory.

    with Shop() as shop, Tend(shop.rules(), shop.directory / "state") as tend:
        tend.cli("arm", "--all")
        shop.hurt("ledger", 0, "hang")
        incident = tend.wait_ended(60)

Standard library only. Whatever is started here is stopped here, by its pid.
"""
import http.server
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEND = pathlib.Path(os.environ.get("TEND_BINARY", ROOT / "build" / "tend"))
SHOP = pathlib.Path(os.environ.get("SHOP_BINARY", TEND.parent / "shop"))


class Late(AssertionError):
    """What was waited for did not come in time."""


def wait_for(what, condition, seconds, pause=0.1):
    """Asks condition() until it gives something true, and returns that. Raises Late, naming `what` and the last answer."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Late(f"after {seconds} s still not: {what} (last answer: {answer!r})")
        time.sleep(pause)


def free_ports(count):
    """The first of `count` neighbouring ports that nobody listens on. Below the ports the kernel gives out by itself."""
    for _ in range(200):
        first = random.randrange(20000, 32000 - count)
        sockets = []
        try:
            for port in range(first, first + count):
                sockets.append(socket.socket())
                sockets[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sockets[-1].bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
        finally:
            for one in sockets:
                one.close()
    raise RuntimeError("no free ports")


def lua(value):
    """A Python value as Lua writes it: text, numbers, booleans, lists, tables."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"[{lua(k)}] = {lua(v)}" for k, v in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "{ " + ", ".join(lua(v) for v in value) + " }"
    return json.dumps(str(value))


class Webhook:
    """Receives webhooks: `url` to give to tend, `bodies` and `headers` what came, in order."""

    def __init__(self, status=200):
        self.bodies = []
        self.headers = []
        self.status = status
        webhook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                webhook.headers.append(dict(self.headers))
                webhook.bodies.append(json.loads(body))
                self.send_response(webhook.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def alerts(self, status):
        """All alerts of the given status ("firing", "resolved") that came, in order."""
        return [alert for body in list(self.bodies) for alert in body["alerts"] if alert["status"] == status]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Shop:
    """The shop of examples/shop on free ports, with load. `webhook` receives what tend says of it."""

    INSTANCES = ("gateway", "checkout", "payments", "payments", "ledger", "stock", "stock")  # port = base + index

    def __init__(self, load=40):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="tend-e2e-"))
        self.run = self.directory / "shop"
        self.base = free_ports(len(self.INSTANCES))
        self.load = load
        self.webhook = Webhook()

    def __enter__(self):
        try:
            self.ctl("start", "all")
            self.ctl("load", str(self.load))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error):
        subprocess.run([ROOT / "examples/shop/shopctl", self.run, "stop", "all"], check=False)
        self.webhook.close()
        if "TEND_KEEP" in os.environ:
            print(f"kept: {self.directory}")
        else:
            shutil.rmtree(self.directory, ignore_errors=True)

    def ctl(self, *arguments):
        environment = dict(os.environ, SHOP_BASE=str(self.base), SHOP_BINARY=str(SHOP))
        command = [ROOT / "examples/shop/shopctl", self.run, *map(str, arguments)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"shopctl {' '.join(map(str, arguments))}: {done.stderr.strip()}")
        return done.stdout

    def port(self, service, index=0):
        return self.base + self.INSTANCES.index(service) + index

    def instance(self, service, index=0):
        """What tend calls it."""
        return f"{service}/127.0.0.1:{self.port(service, index)}"

    def kill(self, *names):
        """Kills instances ("stock:0") with SIGKILL, all at once."""
        pids = self.pids()
        for name in names:
            os.kill(pids[name], signal.SIGKILL)

    def hurt(self, service, index, kind, *factor):
        """Breaks one instance. Returns when it was done, on time.monotonic()."""
        self.ctl("hurt", service, self.port(service, index), kind, *factor)
        return time.monotonic()

    def pids(self):
        """The pid of each living instance, by "service:index"."""
        pids = {}
        for line in self.ctl("status").splitlines():
            service, port, pid, state = line.split()
            if state == "running":
                pids[f"{service}:{int(port) - self.port(service)}"] = int(pid)
        return pids

    def rules(self, name="rules", change=lambda text: text, **more):
        """A copy of the shop's rules for this shop, `change`d, with `more` in its env. Returns the directory."""
        rules = self.directory / name
        (rules / "env").mkdir(parents=True)
        text = (ROOT / "examples/shop/shop.lua").read_text()
        changed = change(text)
        (rules / "shop.lua").write_text(changed)
        env = {"run": self.run, "targets": self.run / "targets.json", "shopctl": self.run / "shopctl",
               "webhook": self.webhook.url, **more}
        (rules / "env/demo.lua").write_text(f"return {lua(env)}\n")
        return rules


class Tend:
    """`tend run` on a directory of rules, with more `options`. `log` is what it writes."""

    def __init__(self, rules, state, env="demo", options=()):
        self.rules, self.state, self.env = pathlib.Path(rules), pathlib.Path(state), env
        self.options = options
        self.log = self.state.with_name(self.state.name + ".log")
        self.listen = f"127.0.0.1:{free_ports(1)}"
        self.process = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error):
        if self.process is not None and self.process.poll() is None:
            self.stop()
        log = self.log.read_text(errors="replace") if self.log.exists() else ""
        if "Sanitizer: " in log or "runtime error: " in log:  # of a sanitized build, at its end too
            raise AssertionError(f"a sanitizer has something to say:\n{log[-8000:]}")

    def start(self):
        self.state.mkdir(parents=True, exist_ok=True)
        command = [TEND, "run", self.rules, "--state", self.state, "--listen", self.listen]
        if self.env:
            command += ["--env", self.env]
        command += self.options
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def answers():
            if self.process.poll() is not None:
                raise RuntimeError(f"tend run ended with {self.process.returncode}:\n{self.log.read_text()[-4000:]}")
            done = self.command("status", "--json")
            return done.returncode == 0 and json.loads(done.stdout)["generation"]

        wait_for("tend answers `tend status` and has loaded its rules", answers, 20)

    def stop(self, how=signal.SIGTERM, seconds=15):
        """Ends it; returns the exit status."""
        self.process.send_signal(how)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Late(f"tend did not end {seconds} s after {how.name}") from None

    def command(self, *arguments):
        """Runs a subcommand against this daemon's state directory."""
        command = [TEND, *map(str, arguments), "--state", self.state]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)

    def cli(self, *arguments):
        """The same, which must succeed; returns what it prints."""
        done = self.command(*arguments)
        if done.returncode != 0:
            raise RuntimeError(f"tend {' '.join(map(str, arguments))}: exit {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def json(self, *arguments):
        return json.loads(self.cli(*arguments, "--json"))

    def metrics(self):
        """tend's own /metrics, as {series: value}."""
        lines = self.get("/metrics")[1].splitlines()
        return {name: float(value) for name, _, value in
                (line.rpartition(" ") for line in lines if line and not line.startswith("#"))}

    def get(self, path):
        """(status, text) of a GET on the port of --listen."""
        try:
            with urllib.request.urlopen(f"http://{self.listen}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def instances(self):
        """What `tend status` says of each instance, by name ("payments/127.0.0.1:9312")."""
        return {i["name"]: i for s in self.json("status")["services"] for i in s["instances"]}

    def incidents(self):
        """All incidents that are known, oldest first."""
        return self.json("incidents")["incidents"][::-1]  # those of one moment are in order too

    def wait_incident(self, what, condition, seconds, after=()):
        """The oldest incident whose id is not in `after` and for which condition(incident) is true."""
        def look():
            return next((i for i in self.incidents() if i["id"] not in after and condition(i)), None)

        try:
            return wait_for(f"an incident that is {what}", look, seconds)
        except Late as late:
            raise Late(f"{late}; incidents: {json.dumps(self.incidents(), indent=1)[-6000:]}\n"
                       f"log: {self.log.read_text()[-6000:]}") from None

    def wait_ended(self, seconds, after=(), outcome="recovered"):
        """The oldest new incident that has ended so."""
        return self.wait_incident(outcome, lambda i: i["outcome"] == outcome, seconds, after)

    def wait_in_line(self, count, seconds=40):
        """Until all of `count` instances are in line and no incident is open."""
        def look():
            states = [i["state"] for i in self.instances().values()]
            return states == ["ok"] * count and all(i["state"] == "ended" for i in self.incidents())

        wait_for(f"{count} instances are in line and no incident is open", look, seconds)

    def wait_warm(self, count, seconds=40):
        """Until all of `count` instances are in line and have been for as long as tend wants before it acts."""
        self.wait_in_line(count, seconds)
        scrapes = 'tend_scrapes_total{result="ok"}'
        enough = 4 * count  # three good ones each, and one for those that came early
        wait_for(f"{enough} good scrapes", lambda: self.metrics()[scrapes] >= enough, seconds)


def culprits(incident):
    """The names of the services that an incident (of the list, or as explained) is blamed on."""
    return [culprit["service"] for culprit in incident["culprits"]]


class ShopTest(unittest.TestCase):
    """A test with a shop of its own; self.run_tend() starts a tend for it. All ends with the test."""

    def setUp(self):
        self.shop = self.enterContext(Shop())

    def run_tend(self, change=lambda text: text, armed=True, **env):
        """tend on the shop's rules, as `change`d, and all that it watches in line."""
        tend = self.enterContext(Tend(self.shop.rules(change=change, **env), self.shop.directory / "state"))
        if armed:
            tend.cli("arm", "--all")
        tend.wait_warm(len(Shop.INSTANCES))
        return tend
