"""The page that `tend simulate --html` writes, opened in a real browser: drawn, whole, and fetching nothing."""
import html.parser
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEND = os.environ.get("TEND_BINARY", str(ROOT / "build" / "tend"))
SHOP = ROOT / "examples" / "shop"
HUNG = "a hung ledger is cured, and its victims are left alone"

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync", "--disable-extensions",
         "--disable-background-networking", "--disable-component-update", "--disable-default-apps",
         "--disable-domain-reliability", "--disable-client-side-phishing-detection", "--no-pings",
         "--enable-logging=stderr", "--proxy-server=http://127.0.0.1:9", "--proxy-bypass-list=<-loopback>"]

VOID = {"meta", "link", "br", "img", "hr", "input"}
NUMBERS = {"M": 2, "L": 2, "H": 1, "V": 1, "Z": 0}


class Element:
    def __init__(self, tag, attributes, parent):
        self.tag, self.attributes, self.parent = tag, attributes, parent
        self.children, self.text = [], ""

    def classes(self):
        return self.attributes.get("class", "").split()

    def all(self, tag, name=None):
        """All elements inside with this tag, and this class when one is named."""
        found = [self] if self.tag == tag and (name is None or name in self.classes()) else []
        for child in self.children:
            found += child.all(tag, name)
        return found


class Tree(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.root = self.at = Element("", {}, None)
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        element = Element(tag, dict(attrs), self.at)
        self.at.children.append(element)
        if tag not in VOID:
            self.at = element

    def handle_endtag(self, tag):
        while self.at.tag not in (tag, ""):
            self.at = self.at.parent
        self.at = self.at.parent or self.at

    def handle_data(self, data):
        self.at.text += data


def corners(path):
    """The points that a path goes through, from its `d`."""
    points, x, y = [], 0.0, 0.0
    for command, rest in re.findall(r"([A-Za-z])([^A-Za-z]*)", path):
        numbers = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", rest)]
        step = NUMBERS[command.upper()]
        for i in range(0, len(numbers), step or 1):
            pair = numbers[i:i + step]
            far_x, far_y = (x, y) if command.islower() else (0.0, 0.0)
            if command.upper() == "H":
                x = far_x + pair[0]
            elif command.upper() == "V":
                y = far_y + pair[0]
            else:
                x, y = far_x + pair[0], far_y + pair[1]
            points.append((x, y))
    return points


def asked_for(net_log):
    """URLs that pages asked for, from the browser's own log; what it asks its maker for has no origin."""
    asked = []
    for line in net_log.read_text(errors="replace").splitlines():
        try:
            parameters = json.loads(line.strip().rstrip(",")).get("params", {})
        except (ValueError, AttributeError):
            continue  # the log is one object; its events are a line each
        if parameters.get("initiator", "not an origin") != "not an origin":
            asked.append(parameters.get("url", ""))
    return asked


@unittest.skipIf(BROWSER is None, "no chromium here (Debian package chromium)")
class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="tend-page-")
        cls.addClassCleanup(cls.directory.cleanup)
        cls.path = pathlib.Path(cls.directory.name)
        cls.page = cls.path / "report.html"
        done = subprocess.run([TEND, "simulate", SHOP, "--env", "demo", "--scenario", HUNG, "--json", "--html", cls.page],
                              capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        cls.document = json.loads(done.stdout)

    def open(self, path):
        """Opens a page. Returns (its DOM, the URLs that it asked for, what the browser said on its console)."""
        net_log = self.path / "net-log.json"
        done = subprocess.run([BROWSER, *QUIET, f"--user-data-dir={self.path / 'profile'}", f"--log-net-log={net_log}",
                               "--dump-dom", path.as_uri()],
                              capture_output=True, text=True, timeout=120, check=False)
        said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        return done.stdout, asked_for(net_log), said

    def test_the_charts_are_drawn_inside_their_boxes(self):
        dom = Tree(self.open(self.page)[0]).root
        charts = dom.all("svg", "chart")
        self.assertGreater(len(charts), 5)
        longest = 0
        for chart in charts:
            _, _, width, height = map(float, chart.attributes["viewbox"].split())
            lines = chart.all("path", "p")
            self.assertEqual(len(lines), 1, "one line of what was measured")
            longest = max(longest, len(corners(lines[0].attributes["d"])))
            for path in chart.all("path"):
                for x, y in corners(path.attributes["d"]):
                    self.assertTrue(0 <= x <= width and 0 <= y <= height, (x, y, path.attributes))
            for box in chart.all("rect"):
                x, y, wide, high = (float(box.attributes[name]) for name in ("x", "y", "width", "height"))
                self.assertTrue(x >= 0 and y >= 0 and x + wide <= width and y + high <= height, box.attributes)
        self.assertGreater(longest, 50)

    def test_each_alert_and_step_is_marked(self):
        dom = Tree(self.open(self.page)[0]).root
        timeline = dom.all("svg", "timeline")[0]
        self.assertGreater(len(self.document["alerts"]), 1)
        self.assertEqual(len(timeline.all("g", "alert")), len(self.document["alerts"]))
        steps = [step for incident in self.document["incidents"] for run in incident["runs"] for step in run["steps"]
                 if step["verb"] != "pick"]
        self.assertGreater(len(steps), 0)
        self.assertEqual(len(timeline.all("g", "step")), len(steps))
        named = [culprit["service"] for incident in self.document["incidents"] for culprit in incident["culprits"][:1]]
        self.assertIn("ledger", named)
        self.assertEqual([title.text for title in dom.all("h3")], named)

    def test_where_nothing_answers_the_line_is_broken_and_the_gap_hatched(self):
        dom = Tree(self.open(self.page)[0]).root
        hung = [figure for figure in dom.all("figure", "metric")
                if [name.text for name in figure.all("b")] == ["response_time"]
                and [name.text for name in figure.all("span", "of")] == ["ledger"]]
        self.assertGreater(len(hung), 0)
        for figure in hung:
            self.assertGreater(figure.all("path", "p")[0].attributes["d"].count("M"), 1)
            self.assertGreater(len(figure.all("rect", "gap")), 0)

    def test_where_a_metric_warms_up_it_is_dotted_and_told(self):
        rules = self.path / "learned"
        rules.mkdir()
        (rules / "rules.lua").write_text("""local tend = require "tend"
tend.service "web" { targets = { "http://a:1/m" }, every = "60s", metrics = {
  load = { tend.gauge "load", bad = "above", expect = tend.learned {}, alpha = 1 } } }
tend.rule "loaded" { on = "web", when = "load", severity = "ticket" }
tend.notify "log" { on = "*", severity = "ticket", to = { require "tend.notify.log" {} } }
""")
        past = self.path / "past.csv"
        past.write_text("time,web:load\n" + "".join(f"{1772445600 + 60 * i},{5 + i % 2}\n" for i in range(480)))
        page = self.path / "learned.html"
        done = subprocess.run([TEND, "simulate", rules, "--csv", past, "--json", "--html", page], capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        learned = json.loads(done.stdout)["learned"][0]
        text, asked, said = self.open(page)
        self.assertEqual(([], []), (asked, said))
        dom = Tree(text).root
        told = [item.text for item in dom.all("li") if "warmed up" in item.text]
        self.assertEqual(1, len(told))
        self.assertIn("load of web trusted from 2026-03-02 12:", told[0])
        self.assertIn("Warm-up ", [heading.text for heading in dom.all("h2")])
        figure = next(f for f in dom.all("figure", "metric") if [name.text for name in f.all("b")] == ["load"])
        (dotted,) = figure.all("rect", "warm")
        # The chart goes from x = 66 to 550; it is dotted up to where E begins.
        share = (learned["trusted_ms"] - learned["from_ms"]) / (479 * 60000)
        self.assertAlmostEqual(66 + share * 484, float(dotted.attributes["x"]) + float(dotted.attributes["width"]), delta=1.5)
        # Beside it is what never warms up: the page of a scenario tells nothing of that.
        self.assertNotIn("warm-up", self.page.read_text())

    def test_nothing_is_fetched_and_nothing_is_refused(self):
        _, asked, said = self.open(self.page)
        self.assertEqual(asked, [])
        self.assertEqual(said, [], "its policy lets its own style and script be used")

    def test_what_gets_into_the_page_fetches_nothing_either(self):
        bait = '<img src="http://elsewhere.test/x.png"><script>document.title = "ran"</script></main>'
        baited = self.path / "baited.html"
        text = self.page.read_text().replace("</main>", bait, 1)
        baited.write_text(text)
        dom, asked, said = self.open(baited)
        self.assertEqual(asked, [])
        self.assertEqual(len(said), 2, said)
        self.assertNotIn("<title>ran</title>", dom)
        # Without the policy the same bait is taken, so the check above can fail.
        baited.write_text(re.sub(r"<meta http-equiv=[^>]*>", "", text))
        dom, asked, _ = self.open(baited)
        self.assertTrue(any("elsewhere.test" in line for line in asked), asked)
        self.assertIn("<title>ran</title>", dom)

    def test_the_pointer_reads_all_charts_at_one_moment(self):
        # A script of ours moves it, so this copy has no policy.
        move = """<script>
          const svg = document.querySelector("main > .charts svg.chart"), box = svg.getBoundingClientRect();
          const at = { clientX: box.left + box.width / 2, clientY: box.top + 9 };
          svg.dispatchEvent(new PointerEvent("pointermove", at));
          const texts = [...document.querySelectorAll("main > .charts .read")].map((text) => text.textContent);
          document.title = texts.filter((text) => /^10:03:[01]\\d  /.test(text)).length + " of " + texts.length;
        </script></body>"""
        moved = self.path / "moved.html"
        moved.write_text(re.sub(r"<meta http-equiv=[^>]*>", "", self.page.read_text()).replace("</body>", move))
        dom, _, said = self.open(moved)
        self.assertEqual(said, [])
        title = Tree(dom).root.all("title")[0].text
        charts = title.split(" of ")[1]
        self.assertEqual(title, f"{charts} of {charts}")  # all tell of the middle of the box, which is 10:03:10
        self.assertGreater(int(charts), 5)



if __name__ == "__main__":
    unittest.main()
