"""Real servers that keep metrics: Prometheus and VictoriaMetrics, from Debian's packages.

    server = metric_server.prometheus(test, directory, metric_server.shop_targets(run))    # ends with the test

Each is on a free port of loopback, keeps its data below the directory, and is ended by its pid.
"""
import json
import shutil
import signal
import socket
import subprocess
import urllib.parse
import urllib.request

import shop


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Server:
    """A real server that scrapes the shop: `url`. Ended by its pid."""

    def __init__(self, command, port, ready):
        self.url = f"http://127.0.0.1:{port}"
        self.ready = ready
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)

    def get(self, path, **parameters):
        with urllib.request.urlopen(f"{self.url}{path}?{urllib.parse.urlencode(parameters)}", timeout=10) as answer:
            return json.load(answer) if path.startswith("/api") else answer.read()

    def wait_ready(self):
        def answers():
            try:
                return self.get(self.ready) is not None
            except OSError:
                return False

        shop.wait_for(f"{self.url} answers", answers, 60)

    def scrapes(self, at_s):
        """Scrapes of all targets in the minute before."""
        answer = self.get("/api/v1/query", query="{__name__=\"up\"}[60s]", time=at_s, nocache=1)
        return [float(sample[0]) for series in answer["data"]["result"] for sample in series["values"]]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def shop_targets(run):
    """What they scrape of a shop: job → addresses."""
    jobs = {}
    for index, service in enumerate(run.INSTANCES):
        jobs.setdefault(service, []).append(f"127.0.0.1:{run.base + index}")
    return jobs


def started(test, directory, targets, name, command, ready):
    """`command` of a directory and a port; the test is skipped where its program is not installed."""
    if shutil.which(name) is None:
        test.skipTest(f"the package {name} is not installed")
    own = directory / name
    own.mkdir(exist_ok=True)
    jobs = [{"job_name": job, "static_configs": [{"targets": addresses}]} for job, addresses in targets.items()]
    (own / "scrape.yml").write_text(json.dumps({"global": {"scrape_interval": "1s", "scrape_timeout": "800ms"},
                                                "scrape_configs": jobs}))  # JSON is YAML
    port = free_port()
    server = Server(command(own, port), port, ready)
    test.addCleanup(server.stop)
    server.wait_ready()
    return server


def prometheus(test, directory, targets):
    """What was put into DIRECTORY/prometheus/data before is its past."""
    return started(test, directory, targets, "prometheus", lambda own, port: [
        "prometheus", f"--config.file={own / 'scrape.yml'}", f"--storage.tsdb.path={own / 'data'}",
        "--storage.tsdb.retention.time=100y", f"--web.listen-address=127.0.0.1:{port}"], "/-/ready")


def victoria_metrics(test, directory, targets, *options):
    return started(test, directory, targets, "victoria-metrics", lambda own, port: [
        "victoria-metrics", f"-promscrape.config={own / 'scrape.yml'}", f"-storageDataPath={own / 'data'}",
        "-retentionPeriod=100y", f"-httpListenAddr=127.0.0.1:{port}", *options], "/health")
