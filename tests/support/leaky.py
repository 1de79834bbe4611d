"""A process that keeps a share of its memory more each second, and serves what the kernel says of it.

leaky.py PORT BYTES SHARE: holds BYTES from its start, then SHARE of what it had each second more, in ten steps.
/metrics has process_resident_memory_bytes and process_start_time_seconds. SIGUSR1 starts the program anew.
"""
import http.server
import os
import resource
import signal
import sys
import threading
import time

BEGAN = time.time()
STEPS_PER_S = 10


def resident_bytes():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


class Metrics(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = (f"# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes {resident_bytes()}\n"
                f"# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds {BEGAN:.3f}\n").encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        pass


def leak(size, share, held):
    while True:
        time.sleep(1 / STEPS_PER_S)
        held.append(b"x" * int(size * share / STEPS_PER_S))


def main():
    port, size, share = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    signal.signal(signal.SIGUSR1, lambda *_: os.execv(sys.executable, [sys.executable, *sys.argv]))
    held = [b"x" * size]
    if share > 0:
        threading.Thread(target=leak, args=(size, share, held), daemon=True).start()
    http.server.ThreadingHTTPServer(("127.0.0.1", port), Metrics).serve_forever()


main()
