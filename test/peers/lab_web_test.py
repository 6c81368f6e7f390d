# SPDX-License-Identifier: MIT
"""The page of `netlab lab serve --web` in a real browser: sixty simulated teams, what the cells say, who sees what, names
and roles for screen readers, and that nothing of a peer is markup or leaves this machine.

Pictures are kept in $NETLAB_TEST_CACHE/pictures."""

import datetime
import json
import os
import pathlib
import random
import re
import socket
import sys
import tempfile
import threading

try:
    from selenium import webdriver
except ImportError:
    # Debian's module is for Debian's Python, which need not be the one that runs the tests.
    if sys.executable != "/usr/bin/python3" and os.access("/usr/bin/python3", os.X_OK):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", "-B", *sys.argv])
    import harness
    harness.skip_all("python3-selenium not installed")

from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import classroom
import harness
import simulated_class
from harness import DEADLINE
from simulated_class import FAILING, PROGRAM_STEPS, STEPS, Team, addresses

for program in ("/usr/bin/chromium", "/usr/bin/chromedriver"):
    if not os.access(program, os.X_OK):
        harness.skip_all(f"{program} not installed")
if not harness.has_page():
    harness.skip_all(classroom.WITHOUT_PAGE)

PICTURES = pathlib.Path(os.environ.get("NETLAB_TEST_CACHE", tempfile.gettempdir())) / "pictures"
TEAMS = 60
# Of the first teams; the others have none.
NAMES = """Ada and Ben|Blue Herons|Café au lait|Die Füchse|Émile, Zoé|Finches|Grace H.|Hedgehogs|Ида и Пётр|Jackdaws|Kestrels|Las Nutrias|Magpies|
Noether|Otters|Pelicans|Quails|Room 3|Sea Lions|日本チーム|Terns|Unicorns|Voles|Wrens|Yaks|Żubry|שועלים""".replace("\n", "").split("|")

# For each cell that changes: when the browser showed it.
WATCH = """
window.shownAt = {};
new MutationObserver(() => {
  for (const td of document.querySelectorAll('td[data-step][data-state]')) {
    const row = td.closest('tr[data-address]');
    if (!row || td.dataset.state === 'none') continue;
    const key = row.dataset.address + ' ' + td.dataset.step + ' ' + td.dataset.state;
    if (!(key in shownAt)) shownAt[key] = Date.now();
  }
}).observe(document.body, {subtree: true, childList: true, attributes: true});
"""

# The contrast of each visible text with its ground (WCAG 2.2, 1.4.3).
CONTRAST = """
const parse = (text) => { const all = text.match(/[0-9.]+/g).map(Number); return all.length < 4 ? [...all, 1] : all; };
const luminance = (rgb) => {
  const [r, g, b] = rgb.slice(0, 3).map((c) => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = (element) => {
  for (; element; element = element.parentElement) {
    const color = parse(getComputedStyle(element).backgroundColor);
    if (color[3] === 1) return color;
  }
  return [255, 255, 255, 1];
};
const low = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest('.for-readers, .skip')) continue;
  const [one, other] = [luminance(parse(getComputedStyle(element).color)), luminance(ground(element))];
  const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  if (ratio < 4.5) low.push(`${element.tagName}.${element.className} ${walker.currentNode.data.trim().slice(0, 30)} ${ratio.toFixed(2)}`);
}
return [...new Set(low)];
"""


def start_browser(scripts=True):
    options = webdriver.ChromeOptions()
    profile = tempfile.mkdtemp(prefix="netlab-browser-", dir=harness._scratch)
    # No service of the browser's own may ask another host: its absence is not what is tested.
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1500,950",
                 "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
                 f"--user-data-dir={profile}"):
        options.add_argument(word)
    if not scripts:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    browser.set_page_load_timeout(DEADLINE)
    browser.set_script_timeout(DEADLINE)
    return browser


class Web(harness.Case):
    """A lab with its page; browsers are closed at the end of each case."""

    def lab(self, *words, bind="127.0.0.1:0"):
        place = self.scratch()
        # Its ports have to be free: another lab may run on this machine.
        host = ".".join(map(str, (127, 77, random.randrange(1, 255), random.randrange(2, 255))))
        argv = [harness.NETLAB, "lab", "serve", "--bind", host, "--port-offset", "10000", "--state", str(place / "state"),
                "--web", bind, *map(str, words)]
        server = harness.Server(argv, harness.lab_lines(tuple(harness.LAB)) + 2, env=harness.environment())
        self.addCleanup(server.kill)
        server.web = int(re.search(r"(?m)^listening http \S+:(\d+)$", server.out)[1])
        server.teacher = re.search(r"(?m)^teacher (http://\S+)$", server.out)[1]
        server.student = f"http://127.0.0.1:{server.web}/"
        server.lab = simulated_class.Lab(server, place / "state/ca.pem")
        server.lab.host = host
        return server

    def browser(self, **how):
        browser = start_browser(**how)
        self.addCleanup(browser.quit)
        return browser

    def open(self, browser, url):
        browser.get(url)
        harness.until(lambda: browser.execute_script("return document.querySelector('#link').dataset.state") == "live", "the page is live")
        harness.until(lambda: browser.execute_script("return document.querySelector('#board table') !== null"), "the table is there")

    def picture(self, browser, name):
        PICTURES.mkdir(parents=True, exist_ok=True)
        browser.save_screenshot(str(PICTURES / f"{name}.png"))

    def media(self, browser, **features):
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]})

    def cells(self, browser):
        """{(address, step): state}, as the table shows it."""
        found = browser.execute_script("""
            return [...document.querySelectorAll('tr[data-address]')].map((row) => [row.dataset.address,
                [...row.querySelectorAll('td[data-step]')].map((td) => [td.dataset.step, td.dataset.state])]);""")
        return {(address, step): state for address, steps in found for step, state in steps}

    def requested_hosts(self, browser):
        hosts = set()
        for entry in browser.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated"):
                url = message["params"].get("request", {}).get("url") or message["params"].get("url", "")
                if url.startswith(("http", "ws", "//")):
                    hosts.add(url.split("/")[2])
        return hosts

    def complaints(self, browser):
        return [each["message"] for each in browser.get_log("browser") if each["level"] == "SEVERE"]


class AtWork(Web):
    def test_class(self):
        """sixty teams do the sheet, right and wrong, and every cell of the teacher's table becomes right"""
        roster = self.scratch() / "teams.csv"
        roster.write_text("".join(f"{address}, {name}\n" for address, name in zip(addresses(TEAMS), NAMES)), encoding="utf-8")
        server = self.lab("--roster", roster)
        browser = self.browser()
        self.open(browser, server.teacher)
        browser.execute_script(WATCH)
        teams = [Team(server.lab, address) for address in addresses(TEAMS)]
        chance = random.Random(60)

        def work(team, seed):
            own = random.Random(seed)
            steps = [step for step in STEPS if own.random() < 0.7 and step not in PROGRAM_STEPS]
            own.shuffle(steps)
            for step in steps:
                if step in FAILING and own.random() < 0.5:
                    team.fail(step)
                    if own.random() < 0.5:
                        continue
                team.do(step)

        failures = []

        def guarded(team, seed):
            try:
                work(team, seed)
            except Exception as error:
                failures.append(f"{team.address}: {error!r}")

        threads = [threading.Thread(target=guarded, args=(team, chance.random())) for team in teams]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        self.assertEqual(failures, [])
        for team in teams:
            for step in PROGRAM_STEPS:
                if chance.random() < 0.5:
                    team.do(step)
        expected = {(team.address, step): state for team in teams for step, state in team.expected.items()
                    if set(team.expected.values()) != {"none"}}
        shown = {}

        def is_right():
            shown.update(self.cells(browser))
            return shown == expected

        try:
            harness.until(is_right, "every cell")
        except AssertionError:
            wrong = {key: (shown.get(key), state) for key, state in expected.items() if shown.get(key) != state}
            self.fail(f"(shown, expected): {wrong}; not expected: {set(shown) - set(expected)}")
        self.picture(browser, "teacher")
        # How long after its event a cell was right is told, not asserted: the machine may be busy.
        told = browser.execute_script("return shownAt")
        answer = browser.execute_async_script(
            "const done = arguments[0]; fetch('/api/teams' + location.search).then((a) => a.json()).then(done)")
        delays = sorted(told[key] / 1000 - self.seconds(cell["at"]) for team in answer["teams"] for step, cell in team["steps"].items()
                        if (key := f"{team['address']} {step} {cell['state']}") in told and cell["state"] == "done")
        if delays:
            print(f"# {len(delays)} cells; shown after their event: median {delays[len(delays) // 2]:.3f} s, longest {delays[-1]:.3f} s")
        self.assertEqual(self.complaints(browser), [])
        self.assertEqual(self.requested_hosts(browser), {f"127.0.0.1:{server.web}"})
        self.stuck_and_sorted(browser)
        self.opened_row(browser, teams, expected)
        self.looks(browser)
        self.without_scripts(server, expected)

    @staticmethod
    def seconds(stamp):
        return datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()

    def stuck_and_sorted(self, browser):
        """Who is stuck longest comes first, and the column says so."""
        browser.find_element(By.CSS_SELECTOR, "th[data-sort=stuck] button").click()
        self.assertEqual(browser.find_element(By.CSS_SELECTOR, "th[data-sort=stuck]").get_attribute("aria-sort"), "descending")
        texts = browser.execute_script("return [...document.querySelectorAll('td.stuck')].map((each) => each.textContent)")
        is_stuck = [text != "" for text in texts]
        self.assertEqual(is_stuck, sorted(is_stuck, reverse=True), texts)
        browser.find_element(By.CSS_SELECTOR, "th[data-sort=name] button").click()

    def opened_row(self, browser, teams, expected):
        """A row opens by keyboard and shows decoded events beside their octets."""
        team = next(each for each in teams if each.expected["calc_tcp"] == "done")
        button = browser.find_element(By.CSS_SELECTOR, f"tr[data-address='{team.address}'] th button")
        browser.execute_script("arguments[0].focus()", button)
        button.send_keys(Keys.ENTER)
        harness.until(lambda: browser.find_elements(By.CSS_SELECTOR, ".events .hex span"), "events with octets")
        self.assertEqual(button.get_attribute("aria-expanded"), "true")
        self.assertEqual(browser.switch_to.active_element, button)
        self.assertNotEqual(button.value_of_css_property("outline-style"), "none")
        hexes = [each.get_attribute("textContent") for each in browser.find_elements(By.CSS_SELECTOR, ".events .hex")]
        self.assertTrue(any(re.search(r"53 55 4d", each) for each in hexes), hexes[:3])
        names = {each.get_attribute("textContent") for each in browser.find_elements(By.CSS_SELECTOR, ".events .fields dt")}
        self.assertLessEqual({"id", "z1"}, names)
        self.picture(browser, "opened")
        button.send_keys(Keys.SPACE)
        harness.until(lambda: not browser.find_elements(By.CSS_SELECTOR, ".events"), "the row is closed")

    def looks(self, browser):
        """Light and dark with enough contrast; on a phone the page does not scroll sideways; large type is large."""
        for scheme in ("light", "dark"):
            self.media(browser, prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
            self.assertEqual(browser.execute_script(CONTRAST), [], scheme)
            self.picture(browser, f"teacher_{scheme}")
        self.media(browser, prefers_color_scheme="light", prefers_reduced_motion="reduce")
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True})
        self.assertLessEqual(browser.execute_script("return document.documentElement.scrollWidth"), 360)
        self.picture(browser, "phone")
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 1920, "height": 1080, "deviceScaleFactor": 1, "mobile": False})
        large = browser.find_element(By.ID, "large")
        large.click()
        self.assertEqual(large.get_attribute("aria-pressed"), "true")
        # On a picture of 2.5 m, 1920 pixels wide, 30 pixels are 39 mm: letters for ten metres.
        for selector in ("td[data-state] .sign", "tbody th button"):
            size = float(browser.find_element(By.CSS_SELECTOR, selector).value_of_css_property("font-size").removesuffix("px"))
            self.assertGreaterEqual(size, 30, selector)
        self.picture(browser, "large")
        large.click()
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    def without_scripts(self, server, expected):
        """Without JavaScript the page shows the same cells, and a row opens by its link."""
        browser = self.browser(scripts=False)
        browser.get(server.teacher)
        self.assertEqual(browser.find_elements(By.CSS_SELECTOR, "#board button"), [])
        rows = browser.find_elements(By.CSS_SELECTOR, ".classroom tbody tr")
        states = {tuple(each.get_attribute("data-state") for each in row.find_elements(By.CSS_SELECTOR, "td[data-step]")) for row in rows}
        wanted = {}
        for (address, step), state in expected.items():
            wanted.setdefault(address, {})[step] = state
        self.assertEqual(len(rows), len(wanted))
        self.assertEqual(states, {tuple(row[step] for step in STEPS) for row in wanted.values()})
        browser.find_element(By.CSS_SELECTOR, ".classroom tbody th a").click()
        harness.until(lambda: browser.find_elements(By.CSS_SELECTOR, ".events li"), "the row's events")
        self.picture(browser, "without_scripts")


class Viewers(Web):
    def test_student(self):
        """a student sees the own row, live, and names it; the teacher sees the name; no student sees another's"""
        server = self.lab()
        other = Team(server.lab, "127.20.9.9")
        other.do("calc_udp")
        own = Team(server.lab, "127.0.0.1")
        browser, teacher = self.browser(), self.browser()
        self.open(browser, server.student)
        self.open(teacher, server.teacher)
        self.assertNotIn("127.20.9.9", browser.page_source)
        own.fail("telnet")
        cell = lambda step: browser.find_element(By.CSS_SELECTOR, f"td[data-step={step}]")
        harness.until(lambda: cell("telnet").get_attribute("data-state") == "tried", "the failed try")
        self.assertTrue(cell("telnet").find_element(By.CSS_SELECTOR, ".note").text)
        own.do("telnet")
        harness.until(lambda: cell("telnet").get_attribute("data-state") == "done", "the success")
        harness.until(lambda: browser.find_elements(By.CSS_SELECTOR, ".events li"), "the own events")
        name = browser.find_element(By.NAME, "name")
        name.send_keys("<b>Die Füchse</b>", Keys.ENTER)
        harness.until(lambda: "<b>Die Füchse</b>" in teacher.find_element(By.CSS_SELECTOR, "tr[data-address='127.0.0.1'] th").text, "the name at the teacher's")
        self.assertEqual(browser.find_elements(By.CSS_SELECTOR, "#large:not([hidden])"), [])
        self.assertNotIn("127.20.9.9", browser.page_source)
        self.picture(browser, "student")
        for each in (browser, teacher):
            self.assertEqual(self.complaints(each), [])
            self.assertEqual(self.requested_hosts(each), {f"127.0.0.1:{server.web}"})

    def test_many_announcements(self):
        """changes are told to a screen reader, a few at a time"""
        server = self.lab()
        browser = self.browser()
        self.open(browser, server.teacher)
        for address in addresses(20):
            Team(server.lab, address).do("echo_udp")
        harness.until(lambda: len(self.cells(browser)) == 20 * len(STEPS), "twenty rows")
        for address in addresses(20):
            Team(server.lab, address).do("calc_udp")
        news = harness.until(lambda: browser.execute_script("return document.querySelector('#news').textContent"), "an announcement")
        self.assertLess(len(news), 400)

    def test_restart(self):
        """after the lab's restart the page goes on by itself, with what the journal kept"""
        place = self.scratch()
        token, journal = place / "token", place / "journal"
        server = self.lab("--web-token-file", token, "--journal", journal)
        browser = self.browser()
        self.open(browser, server.teacher)
        Team(server.lab, "127.20.0.1").do("calc_udp")
        harness.until(lambda: self.cells(browser).get(("127.20.0.1", "calc_udp")) == "done", "the first step")
        server.stop()
        harness.until(lambda: browser.find_element(By.ID, "link").get_attribute("data-state") == "lost", "the loss is shown")
        again = self.lab("--web-token-file", token, "--journal", journal, bind=f"127.0.0.1:{server.web}")
        self.assertEqual(again.teacher, server.teacher)
        Team(again.lab, "127.20.0.1").do("echo_udp")
        harness.until(lambda: self.cells(browser).get(("127.20.0.1", "echo_udp")) == "done", "the second step")
        self.assertEqual(self.cells(browser)["127.20.0.1", "calc_udp"], "done")
        self.assertEqual(browser.find_element(By.ID, "link").get_attribute("data-state"), "live")


class Mail(Web):
    HOSTILE = ("From: \u202eboss <boss@lab.example>\r\nTo: ben@lab.example\r\nSubject: <img src=x onerror=harmed=1><script>harmed=1</script>\r\n"
               "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
               "<h1 id=seen>Offer</h1><script>parent.harmed=1</script><img src='http://{far}/a.png'><link rel=preconnect href='http://{far}/'>"
               "<link rel=dns-prefetch href='http://{far}/'><link rel=stylesheet href='http://{far}/a.css'><meta http-equiv=refresh content='0;url=http://{far}/r'>"
               "<style>@import 'http://{far}/i.css'; body {{ background: url(http://{far}/b.png) }}</style><iframe src='http://{far}/f'></iframe>"
               "<form action='http://{far}/p'><button>x</button></form><a id=out href='http://{far}/l'>link</a>\r\n"
               "--o\r\nContent-Type: text/html\r\nContent-Disposition: attachment; filename=\"../../a.html\"\r\n\r\n<script>harmed=1</script>\r\n--o--\r\n")

    def setUp(self):
        self.server = self.lab()
        self.browser_ = self.browser()

    def test_inbox(self):
        """a message appears, opens with envelope beside header, is found by search, and goes with clear all"""
        server, browser = self.server, self.browser_
        team = Team(server.lab, "127.20.0.1")
        team.by_program(subject="before")
        self.open(browser, server.teacher + "#mail")
        harness.until(lambda: len(browser.find_elements(By.CSS_SELECTOR, "tr[data-mail]")) == 1, "the first message")
        team.by_program(header_from="boss@lab.example", subject="who wrote this?")
        harness.until(lambda: len(browser.find_elements(By.CSS_SELECTOR, "tr[data-mail]")) == 2, "the second message")
        first = browser.find_element(By.CSS_SELECTOR, "tr[data-mail] button")
        self.assertEqual(first.text, "who wrote this?")
        first.click()
        harness.until(lambda: browser.find_elements(By.CSS_SELECTOR, ".message .pairs"), "the message")
        text = browser.find_element(By.CSS_SELECTOR, ".message").text
        self.assertIn(team.sender(), text)
        self.assertIn("boss@lab.example", text)
        self.assertIn("The header's From is not the sender of the envelope.", text)
        browser.find_elements(By.CSS_SELECTOR, ".message summary")[-1].click()
        said = browser.find_element(By.CSS_SELECTOR, ".said").text
        self.assertIn("c: mail from:<team127-20-0-1@lab.example>", said.lower())  # Python 3.13 writes `mail from`
        self.picture(browser, "mail")
        browser.find_element(By.ID, "search").send_keys("before")
        # In one script: rows may go while they are read.
        subjects = "return [...document.querySelectorAll('tr[data-mail] th')].map((each) => each.innerText)"
        harness.until(lambda: browser.execute_script(subjects) == ["before"], "the search's result")
        browser.find_element(By.ID, "search").send_keys(Keys.CONTROL, "a", Keys.DELETE)
        harness.until(lambda: len(browser.find_elements(By.CSS_SELECTOR, "tr[data-mail]")) == 2, "all messages")
        browser.find_element(By.XPATH, "//button[text()='Clear all mail']").click()
        browser.switch_to.alert.accept()
        harness.until(lambda: not browser.find_elements(By.CSS_SELECTOR, "tr[data-mail]"), "the mail is cleared")
        self.assertEqual(self.complaints(browser), [])

    def test_hostile(self):
        """HTML of a message has no scripts and asks no host; its subject and names are text"""
        server, browser = self.server, self.browser_
        touched = []
        far = socket.create_server(("127.99.99.99", 0))
        self.addCleanup(far.close)

        def accept():
            while True:
                try:
                    peer, _ = far.accept()
                except OSError:
                    return
                touched.append(peer)

        threading.Thread(target=accept, daemon=True).start()
        far_name = f"127.99.99.99:{far.getsockname()[1]}"
        Team(server.lab, "127.20.0.1").by_program(raw=self.HOSTILE.format(far=far_name).encode())
        self.open(browser, server.teacher + "#mail")
        button = harness.until(lambda: browser.find_elements(By.CSS_SELECTOR, "tr[data-mail] button"), "the message")[0]
        self.assertIn("<script>", button.text)
        button.click()
        frame = harness.until(lambda: browser.find_elements(By.CSS_SELECTOR, ".message iframe"), "its frame")[0]
        self.assertEqual(frame.get_attribute("sandbox"), "")
        browser.execute_script("arguments[0].scrollIntoView()", frame)
        browser.switch_to.frame(frame)
        harness.until(lambda: browser.find_elements(By.ID, "seen"), "the HTML")
        self.assertEqual(touched, [], "before the click")
        browser.find_element(By.ID, "out").click()  # where it leads, the browser would connect ahead
        browser.switch_to.default_content()
        harness.until(lambda: browser.execute_script("return document.readyState") == "complete", "the page")
        self.assertEqual(browser.execute_script("return [typeof window.harmed, document.querySelectorAll('#mail img, #mail script').length]"), ["undefined", 0])
        self.picture(browser, "hostile")
        asked = {host for host in self.requested_hosts(browser) if host != f"127.0.0.1:{server.web}"}
        self.assertEqual((asked - {far_name}, touched), (set(), []))
        downloads = [each.get_attribute("href") for each in browser.find_elements(By.CSS_SELECTOR, ".message a[download]")]
        self.assertTrue(downloads)


class Accessible(Web):
    def tree(self, browser):
        """[(role, name, properties)] of what a screen reader gets."""
        nodes = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        return [(node.get("role", {}).get("value"), node.get("name", {}).get("value", ""),
                 {each["name"]: each["value"].get("value") for each in node.get("properties", [])})
                for node in nodes if not node.get("ignored")]

    def test_roles(self):
        """the table, its headers, buttons, regions and live parts have their roles and names"""
        server = self.lab()
        browser = self.browser()
        self.open(browser, server.teacher)
        team = Team(server.lab, "127.20.0.1")
        team.do("calc_udp")
        team.fail("telnet")
        harness.until(lambda: self.cells(browser).get(("127.20.0.1", "telnet")) == "tried", "the row")
        tree = self.tree(browser)
        roles = [(role, name) for role, name, _ in tree]
        self.assertIn("The class at work", [name for role, name in roles if role == "heading"])
        self.assertEqual(len([1 for role, _ in roles if role == "table"]), 1)
        self.assertEqual(len([1 for role, _ in roles if role == "columnheader"]), 3 + len(STEPS))
        self.assertEqual([name for role, name in roles if role == "rowheader"], ["127.20.0.1"])
        cells = [name for role, name in roles if role in ("cell", "gridcell")]
        self.assertTrue(any(name.startswith("done ") for name in cells), cells)
        self.assertTrue(any(name.startswith("tried ") for name in cells), cells)
        self.assertTrue(any(name.startswith("not yet") for name in cells), cells)
        self.assertIn(("navigation", "Views"), roles)
        self.assertIn(("region", "Table of the class"), roles)
        for role in ("status", "log", "main", "banner", "contentinfo"):
            self.assertIn(role, [each for each, _ in roles])
        buttons = [name for role, name in roles if role == "button"]
        for name in ("Team", "Stuck for", "Done", "Large type", "127.20.0.1"):
            self.assertIn(name, buttons)
        self.assertNotIn("", buttons)
        links = [name for role, name in roles if role == "link"]
        self.assertLessEqual({"Export as CSV", "Export as JSON", "Skip to the table"}, set(links))
        self.assertNotIn("", links)
        expanded = [properties.get("expanded") for role, name, properties in tree if role == "button" and name == "127.20.0.1"]
        self.assertEqual(expanded, [False])

    def test_keyboard(self):
        """every control is reached by the tabulator key, in the order of the page, with a visible focus"""
        server = self.lab()
        browser = self.browser()
        Team(server.lab, "127.20.0.1").do("calc_udp")
        self.open(browser, server.teacher)
        reached = []
        body = browser.find_element(By.TAG_NAME, "body")
        for _ in range(12):
            browser.switch_to.active_element.send_keys(Keys.TAB) if reached else body.send_keys(Keys.TAB)
            element = browser.switch_to.active_element
            reached.append(element.get_attribute("aria-label") or element.text.split("\n")[0])
            self.assertNotEqual(element.value_of_css_property("outline-style"), "none", reached)
            if reached[-1] == "127.20.0.1":
                break
        self.assertEqual(reached, ["Skip to the table", "Class", "Mail", "Large type", "Export as CSV", "Export as JSON",
                                   "Table of the class", "Team", "Stuck for", "Done", "127.20.0.1"])

    def test_student_roles(self):
        """a student's form has a label, and the table a row header a step"""
        server = self.lab()
        browser = self.browser()
        self.open(browser, server.student)
        roles = [(role, name) for role, name, _ in self.tree(browser)]
        self.assertIn(("textbox", "Name of the team"), roles)
        self.assertEqual(len([1 for role, _ in roles if role == "rowheader"]), len(STEPS))
        self.assertIn("Save", [name for role, name in roles if role == "button"])


if __name__ == "__main__":
    harness.main()
