"""Random histories that hit the fine print hard, as scenario files.

    scenario(rng, refused=0.10, odd=False) -> YAML text
    instants(text, rng, count=8) -> list of aware datetimes at which to judge

refused: the share of histories that carry something the second judge refuses.
odd:     also do what the page is silent about: a condition met by somebody else or twice, a
         follow-up that repeats itself, hand-overs to oneself, thresholds above 1, a founder who
         comes later, grants to the departed, ... The two judges need not agree about that.

It grows them with the second judge and imports nothing of toutdoux.
"""

import json
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from . import second_judge as J

MICRO, SECOND, MINUTE, HOUR, DAY = (
    timedelta(microseconds=1),
    timedelta(seconds=1),
    timedelta(minutes=1),
    timedelta(hours=1),
    timedelta(days=1),
)

# a zone, and days shortly before a change of its clocks (so that histories of a few weeks cross it)
ZONES = [
    ("Europe/Paris", "2021-03-20"),
    ("Europe/Paris", "2021-10-22"),
    ("Europe/Paris", "2021-06-01"),
    ("America/Sao_Paulo", "2018-10-28"),
    ("America/Sao_Paulo", "2019-02-09"),
    ("America/New_York", "2021-03-05"),
    ("America/New_York", "2021-10-30"),
    ("America/Havana", "2021-10-30"),
    ("Australia/Lord_Howe", "2021-09-25"),
    ("Australia/Lord_Howe", "2021-03-28"),
    ("Asia/Kolkata", "2021-03-20"),
    ("Africa/Casablanca", "2021-04-05"),
    ("Pacific/Apia", "2011-12-22"),
    ("Asia/Beirut", "2021-03-20"),
    ("America/Santiago", "2021-08-28"),
    ("UTC", "2021-01-01"),
]


# --- charters ------------------------------------------------------------------------------------


def pick_duration(rng, long=True):
    return rng.choice(
        ["7 days", "1 weeks", "168 hours", "2 days", "3 days", "48 hours", "90 minutes", "10 days"]
        if long
        else ["5 minutes", "10 minutes", "1 hours", "2 days"]
    )


def pick_threshold(rng, odd):
    choices = [
        "more than 1/2 of roll",
        "at least 1/2 of roll",
        "at least 1/3 of roll",
        "more than 2/3 of roll",
        "at least 1/3 of expressed",
        "more than 1/2 of expressed",
        "at least 2/3 of expressed",
        "1 votes",
        "2 votes",
        "3 votes",
        "none",
        "at least 2/4 of roll",
        "more than 0/1 of roll",
        "at least 1/1 of roll",
    ]
    if odd:
        choices += ["more than 1/1 of roll", "at least 3/2 of roll", "1 vote"]
    return rng.choice(choices)


def pick_rules(rng, odd):
    rules = {}
    if rng.random() < 0.3:
        rules["starts"] = rng.choice(["when proposed", "when adopted"])
    if rng.random() < 0.4:
        rules["window"] = pick_duration(rng)
    if rng.random() < 0.4:
        rules["adopted_early"] = pick_threshold(rng, odd)
    if rng.random() < 0.4:
        rules["cancelled_early"] = pick_threshold(rng, odd)
    if rng.random() < 0.25:
        rules["at_end"] = rng.choice(["unopposed", "plurality"])
        if rules["at_end"] == "plurality":
            rules["quorum"] = rng.choice(
                ["at least 1/3 of roll", "more than 1/2 of roll", "2 votes", "at least 1/1 of roll"]
            )
            if not odd:
                rules["contest_window"] = "none"
    if "at_end" not in rules and rng.random() < 0.4:
        rules["contest_window"] = rng.choice(["none", pick_duration(rng), pick_duration(rng)])
    if rng.random() < 0.4:
        cancels = pick_threshold(rng, odd)
        rules["counter_vote"] = rng.choice(
            [
                "none",
                {"window": pick_duration(rng), "cancels": cancels},
                {"window": pick_duration(rng), "cancels": cancels},
            ]
        )
    return rules


def pick_charter(rng, odd):
    preset = rng.choice(["tout-doux-cratie"] * 6 + ["lazy-consensus", "simple-majority"])
    if rng.random() < 0.45:
        return preset
    charter = {"preset": preset}
    if rng.random() < 0.5:
        charter["voting_right_delay"] = rng.choice(
            ["10 days", "1 days", "3 days", "6 hours", "2 weeks"]
        )
    if rng.random() < 0.3:
        charter["correction"] = pick_duration(rng, long=False)
    for kind in ("ordinary", "extraordinary"):
        if rng.random() < 0.6:
            rules = pick_rules(rng, odd)
            if (
                rules.get("contest_window", "none") != "none"
                and preset == "simple-majority"
                and not odd
            ):
                del rules["contest_window"]
            if rules:
                charter[kind] = rules
    # a counter-vote that overrides only half of the preset's
    if preset == "tout-doux-cratie" and rng.random() < 0.15:
        charter.setdefault("ordinary", {})["counter_vote"] = {"window": pick_duration(rng)}
    return charter


def break_charter(rng):
    return rng.choice(
        [
            "tout-doux",
            {"ordinary": {"window": "7 days"}},
            {"preset": "lazy-consensus", "ordinary": {"window": "0 days"}},
            {"preset": "tout-doux-cratie", "ordinary": {"adopted_early": "more than 0.5 of roll"}},
            {"preset": "tout-doux-cratie", "ordinary": {"cancelled_early": "half"}},
            {"preset": "tout-doux-cratie", "ordinary": {"at_end": "majority"}},
            {"preset": "tout-doux-cratie", "extraordinary": {"starts": "never"}},
            {
                "preset": "tout-doux-cratie",
                "extraordinary": {"adopted_early": "more than 1/0 of roll"},
            },
            {"preset": "tout-doux-cratie", "voting_right_delay": "10"},
            {"preset": "tout-doux-cratie", "colour": "red"},
        ]
    )


# --- writing -------------------------------------------------------------------------------------


def flow(value):
    """YAML in flow style, plain scalars wherever that is safe."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(v) for v in value) + "]"
    text = str(value)
    plain = (
        text
        and all(c.isalnum() or c in "-_+.:/ " for c in text)
        and text[0].isalnum()
        and ": " not in text
        and not text.endswith(":")
    )
    return text if plain else json.dumps(text, ensure_ascii=False)


def plain(value):
    """What load(to_yaml(...)) gives, without the detour."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return str(value)


def to_yaml(s):
    lines = ["association: " + flow(s["association"])]
    if "charter" in s:
        lines.append("charter: " + flow(s["charter"]))
    lines.append("members:")
    lines += ["  - " + flow(m) for m in s["members"]]
    lines.append("events:" if s["events"] else "events: []")
    lines += ["  - " + flow(e) for e in s["events"]]
    return "\n".join(lines) + "\n"


def transitions(zone, start, days=75):
    """The instants at which the zone's clocks change, in the given span."""
    found, t = [], start
    while t < start + timedelta(days=days):
        if J.local_time(t, zone) - t.replace(tzinfo=None) != J.local_time(t + HOUR, zone) - (
            t + HOUR
        ).replace(tzinfo=None):
            low, high = t, t + HOUR
            offset = low.astimezone(zone).utcoffset()
            while high - low > SECOND:
                middle = (low + (high - low) / 2).replace(microsecond=0)
                if middle == low:
                    break
                if middle.astimezone(zone).utcoffset() == offset:
                    low = middle
                else:
                    high = middle
            found.append(high)
        t += HOUR
    return found


def write(rng, t, zone, date=False):
    """One of the ways to write the instant t; a date when asked for and possible."""
    naive = J.local_time(t, zone)
    ways = []
    if J.instant_of_local(naive, zone) == t:
        ways += [naive.isoformat()] * 2
    before = J.local_time(t - MICRO, zone) + MICRO  # a gap ends at t: any time inside it means t
    if before < naive:
        inside = before + (naive - before) * rng.choice([0, 0.25, 0.5])
        if J.instant_of_local(inside, zone) == t:
            ways += [inside.isoformat()] * 4
    aware = t.astimezone(zone)
    if aware.utcoffset().total_seconds() % 60 == 0:
        ways.append(aware.isoformat())
    ways.append(t.isoformat().replace("+00:00", "Z"))
    ways.append(t.astimezone(timezone(timedelta(hours=rng.choice([-9, -3, 5, 12])))).isoformat())
    if date:
        for day in (naive.date(), (t - MICRO).astimezone(zone).date()):
            if J.instant_of_local(datetime(day.year, day.month, day.day), zone) == t:
                return day.isoformat()
    return rng.choice(ways)


# --- growing a history ---------------------------------------------------------------------------


class Grower:
    def __init__(self, rng, refused, odd):
        self.rng, self.odd = rng, odd
        self.want_refusal = rng.random() < refused
        name, day = rng.choice(ZONES)
        self.zone = ZoneInfo(name)
        self.start = J.instant_of_local(datetime.fromisoformat(day), self.zone)
        if rng.random() < 0.7:
            self.start = self.start + rng.randrange(0, 24) * HOUR
        self.changes = transitions(self.zone, self.start - 12 * DAY)
        self.s = {
            "association": {"name": "Les Loutres libres", "time_zone": name},
            "members": [],
            "events": [],
        }
        if rng.random() < 0.75:
            self.s["charter"] = pick_charter(rng, odd)
        self.delay = J.Charter(self.s.get("charter", "tout-doux-cratie")).voting_right_delay
        self.t = self.start
        self.moods, self.most = {}, rng.randint(1, 6)
        self.make_members()

    def make_members(self):
        rng = self.rng
        ids = ["ana", "bob", "cleo", "dan", "eva", "fay", "gus", "hal", "ida"][: rng.randint(3, 9)]
        rng.shuffle(ids)
        late = 0
        for i, who in enumerate(ids):
            m = {"id": who}
            if rng.random() < 0.5:
                m["name"] = who.title() + " Brun"
            kind = (
                "founder"
                if i == 0 or rng.random() < 0.5
                else rng.choice(["old", "old", "old", "delay", "late", "returns"])
            )
            joined = self.start - rng.choice([30, 100, 400]) * DAY
            if kind == "founder":
                m["founder"] = "true"
                if rng.random() < 0.3:
                    joined = self.start - rng.choice([0, 1, 5]) * DAY
                if self.odd and rng.random() < 0.1:
                    joined = self.start + 3 * DAY
            elif kind == "delay":  # the delay ends soon after the start, on the hour
                joined = (
                    self.start - self.delay + rng.choice([0, 0, 1, 2, 5, 24, 48, 7 * 24]) * HOUR
                )
            elif kind == "late":
                joined = self.start + rng.choice([1, 3, 24, 48, 100, 168]) * HOUR
                late += 1
            joined_text = self.moment(joined)
            joined = J.read_instant(joined_text, self.zone, True)
            if rng.random() < 0.3 or kind == "returns":
                # leaves, and perhaps returns: at the same instant (touching), or later
                left = max(joined, self.start) + rng.choice([1, 2, 6, 24, 48, 72, 168, 336]) * HOUR
                if kind == "returns" and rng.random() < 0.4:
                    left = joined + rng.choice([1, 10, 20]) * DAY
                left_text = self.moment(left)
                left = J.read_instant(left_text, self.zone, True)
                if left <= joined:
                    left = joined + DAY
                    left_text = write(rng, left, self.zone)
                if kind == "returns" or rng.random() < 0.3:
                    back = left + rng.choice(
                        [timedelta(0), timedelta(0), MICRO, HOUR, DAY, 2 * DAY, 7 * DAY]
                    )
                    m["periods"] = [
                        {"joined": joined_text, "left": left_text},
                        {"joined": write(rng, back, self.zone, True)},
                    ]
                    if rng.random() < 0.3:
                        again = back + rng.choice([1, 3, 7]) * DAY
                        m["periods"][1]["left"] = write(rng, again, self.zone, True)
                elif rng.random() < 0.3:
                    m["periods"] = [{"joined": joined_text, "left": left_text}]
                else:
                    m |= {"joined": joined_text, "left": left_text}
            elif rng.random() < 0.1:
                m["periods"] = [{"joined": joined_text}]
            else:
                m["joined"] = joined_text
            self.s["members"].append(m)
        rng.shuffle(self.s["members"])

    def moment(self, t):
        """Often moved to a local midnight and written as a date."""
        rng = self.rng
        if rng.random() < 0.4:
            day = J.local_time(t, self.zone).date()
            return day.isoformat()
        if self.changes and rng.random() < 0.08:
            return write(rng, rng.choice(self.changes), self.zone, True)
        return write(rng, t, self.zone, rng.random() < 0.5)

    # ---- trying

    def accepted(self, s):
        """None, or the sentence of the refusal."""
        try:
            J.check(plain(s))
        except J.Invalid as why:
            return str(why)
        return None

    def world(self):
        return J.World(plain(self.s)).run(self.t)

    def interesting(self, w):
        """Instants to come at which something may happen by itself."""
        found = set(self.changes)
        for a in w.actions:
            found |= {a.window_end, a.closes_at, a.opened + a.charter.correction}
            if a.pending_end:
                found.add(a.pending_end)
            if a.rules.contest_window:
                found.add(a.window_end + a.rules.contest_window)
        for m in w.members.values():
            for joined, left in m.periods:
                found |= {joined, joined + w.charter.voting_right_delay}
                if left:
                    found.add(left)
        if len(w.actions) < self.most:  # propose so that a window ends when something else happens
            for k in ("ordinary", "extraordinary"):
                found |= {x - w.charter.rules[k].window for x in set(found)}
        return sorted(x for x in found if x > self.t)

    def next_instant(self, w):
        rng, r = self.rng, self.rng.random()
        if self.s["events"] and r < 0.35:
            return self.t
        soon = [x for x in self.interesting(w) if x < self.t + 25 * DAY]
        if soon and r < 0.70:
            x = soon[0] if rng.random() < 0.6 else rng.choice(soon[:4])
            x += rng.choice([timedelta(0)] * 7 + [MICRO, -MICRO, -SECOND])
            return max(x, self.t)
        return self.t + rng.choice(
            [
                MINUTE,
                4 * MINUTE,
                5 * MINUTE,
                HOUR,
                2 * HOUR,
                6 * HOUR,
                12 * HOUR,
                DAY,
                DAY,
                2 * DAY,
                1500 * timedelta(milliseconds=1),
            ]
        )

    # ---- one random event

    def proposal(self, t, w):
        rng = self.rng
        here = [p for p, m in w.members.items() if m.member_since(t)] or list(w.members)

        def anyone():
            return rng.choice(here) if rng.random() < 0.95 else rng.choice(list(w.members))

        at = {"at": write(rng, t, self.zone)}
        live = [a for a in w.actions if not a.decision]
        if not w.actions or (len(w.actions) < self.most and rng.random() < 0.12):
            return at | self.propose(w, anyone)
        a = rng.choice(live if live and rng.random() < 0.8 else w.actions)
        roll = sorted(a.roll((t, J.REST)))
        leader = a.leader if rng.random() < 0.93 else anyone()

        def voter():
            return rng.choice(roll) if roll and rng.random() < 0.75 else anyone()

        mood = self.moods.setdefault(
            a.ref, rng.choice(["for", "against", "mixed", "slow", "stall", "stall", "stall"])
        )
        r = rng.random()
        if a.call and not a.decision and r < 0.45:
            if rng.random() < 0.2:
                return at | {"withdraw_vote": a.ref, "ballot": "counter_vote", "by": voter()}
            return at | {
                "vote": a.ref,
                "ballot": "counter_vote",
                "by": voter(),
                "choice": rng.choice(["for", "for", "against", "abstain"]),
            }
        if r < 0.52:
            choice = rng.choice(
                {
                    "for": ["for"] * 6 + ["against", "abstain"],
                    "against": ["against"] * 3 + ["for", "abstain"],
                    "mixed": ["for", "for", "against", "abstain"],
                    "slow": ["abstain"] * 3 + ["for", "against"],
                    "stall": ["abstain", "abstain", "for", "against"],
                }[mood]
            )
            by = voter()
            if (
                mood == "stall" and not a.contested
            ):  # one against, no majority: on the way to `contested`
                n = a.tally("action", (t, J.REST))
                choice = (
                    "against"
                    if not n["against"] and n["roll"] > 2
                    else rng.choice(["abstain", "abstain", "for"])
                )
                if 2 * (n["for"] + 1) > n["roll"] and choice == "for":
                    choice = "abstain"
            if a.contested and rng.random() < 0.4:
                against = [
                    p
                    for p, (c, counted) in a.in_force("action", (t, J.REST)).items()
                    if counted and c == "against"
                ]
                by = rng.choice(against or [by])
            return at | {"vote": a.ref, "by": by, "choice": choice}
        if r < 0.60:
            force = a.in_force("action", (t, J.REST))
            return at | {
                "withdraw_vote": a.ref,
                "by": rng.choice(sorted(force)) if force else voter(),
            }
        if r < 0.74 and (a.contested or rng.random() < 0.4):
            against = [
                p
                for p, (c, counted) in a.in_force("action", (t, J.REST)).items()
                if counted and c == "against"
            ]
            return at | {
                "counter_vote": a.ref,
                "by": rng.choice(against) if against and rng.random() < 0.5 else voter(),
                "reason": "pas d'accord",
            }
        if r < 0.79:
            return at | {
                "amend": a.ref,
                "by": leader,
                "object": rng.choice(["un compromis", "le même, mieux écrit"]),
            }
        if r < 0.805:
            return at | {"withdraw": a.ref, "by": leader}
        if r < 0.84:
            to = anyone()
            if to == a.leader and not self.odd:
                to = rng.choice([p for p in w.members if p != a.leader])
            return at | {"hand_over": a.ref, "by": leader, "to": to}
        if r < 0.88:
            who = rng.choice(list(w.members)) if self.odd else rng.choice(here)
            return at | {"grant_voting_right": who}
        if r < 0.93:
            waiting = [
                x
                for x in w.actions
                if x.condition
                and not x.last("condition_met")
                and x.state not in ("cancelled", "withdrawn")
            ]
            if self.odd:
                waiting = w.actions
            if waiting:
                x = rng.choice(waiting)
                return (
                    at
                    | {"condition_met": x.ref, "by": anyone() if self.odd else x.leader}
                    | ({"note": "oui"} if rng.random() < 0.5 else {})
                )
        able = [x for x in w.actions if x.may_start()]
        x = rng.choice(able) if able and rng.random() < 0.85 else a
        verb = rng.choice([v for v in J.FOLLOW_UPS if self.odd or J.FOLLOW_UPS[v] != x.follow_up()])
        return (
            at
            | {verb: x.ref, "by": x.leader if rng.random() < 0.93 else anyone()}
            | ({"note": "fait"} if rng.random() < 0.3 else {})
        )

    def propose(self, w, anyone):
        rng = self.rng
        kind = rng.choice(["ordinary", "extraordinary", "extraordinary"])
        e = {
            "propose": kind,
            "by": anyone(),
            "object": rng.choice(["Une fête", "Un serveur: neuf", "#ménage avec @bob"]),
        }
        if rng.random() < 0.25:
            e["number"] = rng.choice([1, 2, 3, 12, 27])
        if rng.random() < 0.3:
            e["leader"] = anyone()
        if rng.random() < 0.2:
            e["condition"] = "si au moins une autre personne est volontaire"
        if rng.random() < 0.3:
            e["link"] = "https://example.org/a/1"
        effects = []
        if rng.random() < 0.25:
            effects.append({"grant_voting_right": rng.choice(list(w.members))})
        if kind == "extraordinary" and rng.random() < 0.3:
            effects.append({"amend_charter": pick_charter(rng, self.odd)})
        if effects:
            rng.shuffle(effects)
            e["effects"] = effects
        return e

    def change_membership(self, t):
        """Somebody leaves at t (or comes back): so that departures meet everything else."""
        rng = self.rng
        s = json.loads(json.dumps(self.s))
        m = rng.choice(s["members"])
        if "left" in m or ("periods" in m and "left" in m["periods"][-1]):
            if "periods" not in m:
                m["periods"] = [{"joined": m.pop("joined"), "left": m.pop("left")}]
            m["periods"].append({"joined": write(rng, t, self.zone, True)})
        elif "periods" in m:
            m["periods"][-1]["left"] = write(rng, t, self.zone, True)
        else:
            m["left"] = write(rng, t, self.zone, True)
        return s

    def spoil(self, s):
        """Something refused that is no event on its own."""
        rng = self.rng
        what = rng.randrange(9)
        if what == 0:
            s["charter"] = break_charter(rng)
        elif what == 1 and len(s["events"]) > 1:
            i = rng.randrange(1, len(s["events"]))
            s["events"][i]["at"] = (self.start - 40 * DAY).isoformat()
        elif what == 2:
            m = rng.choice(s["members"])
            p = m["periods"][-1] if "periods" in m else m
            p["left"] = p["joined"]
        elif what == 3 and s["events"]:
            rng.choice(s["events"])["by"] = "zoe"
        elif what == 4 and s["events"]:
            e = rng.choice(s["events"])
            e.update(
                {"vote": "AE99", "by": s["members"][0]["id"], "choice": "for"}
                if "vote" in e
                else {"at": "yesterday"}
            )
        elif what == 5 and s["events"]:
            e = rng.choice([e for e in s["events"] if "propose" in e] or s["events"])
            if e.get("propose") == "ordinary":
                e["effects"] = [{"amend_charter": "lazy-consensus"}]
            else:
                e["effects"] = [{"amend_charter": break_charter(rng)}]
        elif what == 6:
            s["members"].append(dict(s["members"][0]))
        elif what == 7 and len(s["events"]) > 1:
            s["events"].pop(rng.randrange(len(s["events"])))
        elif what == 8 and len(s["events"]) > 1:
            rng.shuffle(s["events"])
        return s

    def copy(self):
        return json.loads(json.dumps(self.s))

    def grow(self):
        rng = self.rng
        if self.accepted(self.s) is not None:
            return None  # a bad draw of the members
        length, tries = rng.choice([6, 12, 20, 30]), 0
        while len(self.s["events"]) < length and tries < 3 * length:
            tries += 1
            w = self.world()
            t = self.next_instant(w)
            if t > self.t:
                w = J.World(plain(self.s)).run(t)
            if rng.random() < 0.06:
                s = self.change_membership(t)
                if self.accepted(s) is None:
                    self.s, self.t = s, t
                continue
            s = self.copy()
            s["events"].append(self.proposal(t, w))
            why = self.accepted(s)
            if why is None:
                self.s, self.t = s, t
            elif self.want_refusal and len(self.s["events"]) > 2 and rng.random() < 0.5:
                self.s = s  # the history now carries something refused; it may go on a little
                return to_yaml(self.s)
        if self.want_refusal:
            return to_yaml(self.spoil(self.copy()))
        return to_yaml(self.s)


def scenario(rng, refused=0.10, odd=False):
    while True:
        text = Grower(rng, refused, odd).grow()
        if text is not None:
            return text


def instants(text, rng, count=8):
    """Instants at which to judge.

    Those of events, of windows' ends, of departures, one microsecond before or after, far away.
    """
    far = datetime(2035, 1, 1, tzinfo=UTC)
    try:
        plain = J.load(text)
        w = J.World(plain)
        zone = w.zone
        found, events = set(), []
        for e in w.events:
            events.append(J.read_instant(e["at"], zone))
        J.check(plain)
    except (J.Invalid, KeyError, TypeError):
        return [far]
    found |= set(events)
    for t in sorted(set(events)):
        for a in J.World(plain).run(t).actions:
            found |= {x for x in (a.pending_end, a.closes_at, a.window_end) if x}
    if events:
        found |= {d for m in w.members.values() for d in m.departures() if events[0] <= d}
    found = sorted(found) or [far]
    chosen = [
        rng.choice(found) + rng.choice([timedelta(0)] * 4 + [MICRO, -MICRO])
        for _ in range(count - 1)
    ]
    if events and rng.random() < 0.2:
        chosen.append(events[0] - MICRO)
    return [*sorted(set(chosen)), far]
