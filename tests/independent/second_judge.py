"""The second judge: the rules of the Tout-Doux-Cratie, written a second time from the rules page.

It is independent on purpose: it imports nothing of toutdoux, was written by somebody who had not
seen its source, and must stay that way. Whoever changes a rule changes it here from the page, not
from the other judge.

It is naive on purpose, too. An action is a log of dated entries; its roll, tallies, state and
closing instants are recomputed from that log (and from the memberships) whenever they are asked
for. Nothing is cached, nothing is clever.

    load(text) -> scenario                 judge(scenario, at) -> dict, or raises Invalid

The votes of ONE instant are taken together, so that the order of votes by different people does not
matter: what they lead to is drawn before the next event of that instant whose outcome depends on
the action, or else at the end of the instant. A ballot that was open before them is open for all
of them.
"""

import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import yaml

WINDOWS_END, DEPARTURES, REST = 1, 2, 3  # the three phases of one instant


class Invalid(Exception):
    """The history makes no sense."""


def refuse(condition, sentence):
    if condition:
        raise Invalid(sentence)


# --- instants ------------------------------------------------------------------------------------


def local_time(u, zone):
    return u.astimezone(zone).replace(tzinfo=None)


def instant_of_local(naive, zone):
    """One that exists twice is the first; one that does not, the first instant after the gap."""
    candidates = [naive.replace(tzinfo=zone, fold=f).astimezone(UTC) for f in (0, 1)]
    real = [u for u in candidates if local_time(u, zone) == naive]
    if real:
        return min(real)
    before, after = min(candidates), max(candidates)  # the clocks jump somewhere in (before, after]
    step = timedelta(microseconds=1)
    while after - before > step:
        middle = before + (after - before) // 2
        if local_time(middle, zone) > naive:
            after = middle
        else:
            before = middle
    return after


DATE = re.compile(r"\d{4}-\d\d-\d\d")


def read_instant(text, zone, date_allowed=False):
    refuse(not isinstance(text, str), f"{text!r} is not an instant")
    try:
        value = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Invalid(f"{text!r} is not an instant") from None
    refuse(
        DATE.fullmatch(text.strip()) and not date_allowed,
        f"{text!r} is a date, an instant is needed",
    )
    if value.tzinfo is None:
        return instant_of_local(value, zone)
    return value.astimezone(UTC)


def write_instant(u):
    if u is None:
        return None
    return u.astimezone(UTC).isoformat().replace("+00:00", "Z")


# --- charters ------------------------------------------------------------------------------------


class Threshold:
    """`none`, `more than F of roll|expressed`, `at least F of roll|expressed`, `N votes`."""

    def __init__(self, text):
        refuse(not isinstance(text, str), f"{text!r} is not a threshold")
        self.text = text
        self.none = text == "none"
        self.votes = self.fraction = None
        if self.none:
            return
        if m := re.fullmatch(r"(\d+) votes?", text):
            self.votes = int(m[1])
            refuse(self.votes < 1, f"{text!r}: at least one vote is needed")
        elif m := re.fullmatch(r"(more than|at least) (\d+)/(\d+) of (roll|expressed)", text):
            refuse(int(m[3]) == 0, f"{text!r} divides by zero")
            self.strictly, self.fraction, self.of = (
                m[1] == "more than",
                Fraction(int(m[2]), int(m[3])),
                m[4],
            )
        else:
            raise Invalid(f"{text!r} is not a threshold")

    def reached(self, count, roll, expressed):
        if self.none or count < 1:
            return False
        if self.votes is not None:
            return count >= self.votes
        limit = self.fraction * (roll if self.of == "roll" else expressed)
        return count > limit if self.strictly else count >= limit


def duration(text):
    m = re.fullmatch(r"(\d+) (minute|hour|day|week)s?", text) if isinstance(text, str) else None
    refuse(not m or int(m[1]) == 0, f"{text!r} is not a duration")
    try:
        return timedelta(**{m[2] + "s": int(m[1])})
    except OverflowError:
        raise Invalid(f"{text!r} is too long") from None


def duration_or_none(text):
    return None if text == "none" else duration(text)


def _tdc(**more):
    return {
        "window": "7 days",
        "adopted_early": "more than 1/2 of roll",
        "cancelled_early": "at least 1/2 of roll",
        "at_end": "unopposed",
        "counter_vote": {"window": "7 days", "cancels": "at least 1/2 of roll"},
        **more,
    }


def _lazy(starts):
    return {
        "starts": starts,
        "window": "72 hours",
        "adopted_early": "none",
        "cancelled_early": "1 votes",
        "at_end": "unopposed",
        "contest_window": "none",
        "counter_vote": "none",
    }


def _simple(starts):
    return {
        "starts": starts,
        "window": "7 days",
        "adopted_early": "none",
        "cancelled_early": "none",
        "at_end": "plurality",
        "quorum": "at least 1/3 of roll",
        "contest_window": "none",
        "counter_vote": "none",
    }


PRESETS = {
    "tout-doux-cratie": {
        "ordinary": _tdc(starts="when proposed", contest_window="none"),
        "extraordinary": _tdc(starts="when adopted", contest_window="7 days"),
    },
    "lazy-consensus": {"ordinary": _lazy("when proposed"), "extraordinary": _lazy("when adopted")},
    "simple-majority": {
        "ordinary": _simple("when proposed"),
        "extraordinary": _simple("when adopted"),
    },
}
KIND_KEYS = {
    "starts",
    "window",
    "adopted_early",
    "cancelled_early",
    "at_end",
    "quorum",
    "contest_window",
    "counter_vote",
}


class Rules:
    """The rules of one kind of action in one charter."""

    def __init__(self, data):
        refuse(
            data["starts"] not in ("when proposed", "when adopted"),
            f"starts: {data['starts']!r} is unknown",
        )
        refuse(
            data["at_end"] not in ("unopposed", "plurality"),
            f"at_end: {data['at_end']!r} is unknown",
        )
        self.starts_when_proposed = data["starts"] == "when proposed"
        self.window = duration(data["window"])
        self.adopted_early = Threshold(data["adopted_early"])
        self.cancelled_early = Threshold(data["cancelled_early"])
        self.plurality = data["at_end"] == "plurality"
        refuse(self.plurality and "quorum" not in data, "plurality needs a quorum")
        self.quorum = Threshold(data["quorum"]) if "quorum" in data else None
        self.contest_window = duration_or_none(data["contest_window"])
        self.counter_vote = data["counter_vote"] != "none"
        if self.counter_vote:
            cv = data["counter_vote"]
            refuse(
                set(cv) != {"window", "cancels"},
                "counter_vote needs a window and cancels, and nothing else",
            )
            self.cv_window, self.cv_cancels = duration(cv["window"]), Threshold(cv["cancels"])


class Charter:
    def __init__(self, data):
        if isinstance(data, str):
            data = {"preset": data}
        refuse(not isinstance(data, dict), "a charter is a preset's name or a mapping")
        refuse(
            not isinstance(data.get("preset"), str) or data["preset"] not in PRESETS,
            "a charter needs a known preset",
        )
        unknown = set(data) - {
            "preset",
            "voting_right_delay",
            "correction",
            "ordinary",
            "extraordinary",
        }
        refuse(unknown, f"unknown rule {sorted(unknown)} in the charter")
        self.voting_right_delay = duration(data.get("voting_right_delay", "10 days"))
        self.correction = duration(data.get("correction", "5 minutes"))
        self.rules = {}
        for kind in ("ordinary", "extraordinary"):
            given, merged = data.get(kind, {}), dict(PRESETS[data["preset"]][kind])
            refuse(not isinstance(given, dict), f"{kind} must be a mapping")
            refuse(
                set(given) - KIND_KEYS, f"unknown rule {sorted(set(given) - KIND_KEYS)} in {kind}"
            )
            merged |= given
            counter = given.get("counter_vote", "none")
            if counter != "none":
                refuse(not isinstance(counter, dict), "counter_vote is a mapping or none")
                inherited = PRESETS[data["preset"]][kind]["counter_vote"]
                merged["counter_vote"] = ({} if inherited == "none" else inherited) | counter
            self.rules[kind] = Rules(merged)


# --- members -------------------------------------------------------------------------------------


class Member:
    """periods: list of (joined, left or None), those that touch made one."""

    def __init__(self, data, zone):
        self.id = data["id"]
        refuse(
            data.get("founder", "false") not in ("true", "false"),
            f"founder of {self.id} is true or false",
        )
        self.founder = data.get("founder") == "true"
        refuse(("periods" in data) == ("joined" in data), f"{self.id} needs `joined` or `periods`")
        refuse("periods" in data and "left" in data, f"{self.id}: `left` belongs in the periods")
        given = data.get("periods", [data])
        refuse(not isinstance(given, list) or not given, f"{self.id}: periods is a list")
        periods = []
        for p in given:
            refuse(
                not isinstance(p, dict) or "joined" not in p, f"{self.id}: a period needs `joined`"
            )
            refuse(
                "periods" in data and set(p) - {"joined", "left"},
                f"{self.id}: unknown key in a period",
            )
            joined = read_instant(p["joined"], zone, date_allowed=True)
            left = read_instant(p["left"], zone, date_allowed=True) if "left" in p else None
            refuse(left is not None and left <= joined, f"{self.id}: left is not after joined")
            periods.append((joined, left))
        self.periods = []
        for joined, left in periods:
            if self.periods:
                last_joined, last_left = self.periods[-1]
                refuse(
                    last_left is None or joined < last_left,
                    f"{self.id}: periods overlap or are out of order",
                )
                if last_left == joined:
                    self.periods[-1] = (last_joined, left)
                    continue
            self.periods.append((joined, left))

    def member_since(self, t):
        for joined, left in self.periods:
            if joined <= t and (left is None or t < left):
                return joined
        return None

    def departures(self):
        return [left for _, left in self.periods if left is not None]


# --- one action ----------------------------------------------------------------------------------


class Action:
    """A log of entries; everything else is derived. A moment is (instant, phase)."""

    def __init__(self, world, ref, kind, number, charter, leader, condition, effects):
        self.world, self.ref, self.kind, self.number = world, ref, kind, number
        self.charter, self.rules = charter, charter.rules[kind]
        self.condition, self.effects = condition, effects
        self.log = [{"what": "leader", "who": leader}]

    def add(self, what, t, **more):
        self.log.append({"what": what, "t": t, **more})

    def last(self, what):
        return next((e for e in reversed(self.log) if e["what"] == what), None)

    def since_opening(self):
        """The entries since the vote last opened, its opening first."""
        start = len(self.log) - 1
        while self.log[start]["what"] != "open":
            start -= 1
        return self.log[start:]

    def find(self, what):
        """The last entry of that sort since the last opening, if any."""
        for entry in reversed(self.log):
            if entry["what"] == what:
                return entry
            if entry["what"] == "open":
                return None
        return None

    leader = property(lambda self: self.last("leader")["who"])
    opened = property(lambda self: self.last("open")["t"])
    decision = property(lambda self: self.find("decided"))
    contested = property(lambda self: self.find("contested"))
    call = property(lambda self: self.find("called"))

    @property
    def state(self):
        if self.decision:
            return self.decision["state"]
        return "counter_vote" if self.call else "contested" if self.contested else "open"

    @property
    def window_end(self):
        return self.opened + self.rules.window

    @property
    def pending_end(self):
        """The end of the window whose end would decide something; None once decided."""
        if self.state == "open":
            return self.window_end
        if self.state == "contested":
            return self.window_end + self.rules.contest_window
        if self.state == "counter_vote":
            return self.call["t"] + self.rules.cv_window
        return None

    @property
    def closes_at(self):
        """When the action's own ballot closes or closed, as far as known."""
        if not self.contested:
            closes = self.window_end
        elif self.call:  # called on a contested action (a call before keeps it open)
            closes = self.call["t"]
        elif self.decision:
            closes = self.decision["t"]
        else:
            closes = self.window_end + self.rules.contest_window
        if self.state in ("cancelled", "withdrawn"):
            closes = min(closes, self.decision["t"])
        return closes

    @property
    def cv_closes_at(self):
        end = self.call["t"] + self.rules.cv_window
        return min(end, self.decision["t"]) if self.decision else end

    def roll(self, moment):
        """Those who had the right at the opening, and members ever since (until the decision)."""
        until = moment
        if self.decision:
            until = min(moment, (self.decision["t"], self.decision["phase"]))
        since = (self.opened, REST)
        return {
            p
            for p in self.find("open")["right"]
            if not any(since < (d, DEPARTURES) <= until for d in self.world.members[p].departures())
        }

    def in_force(self, ballot, moment):
        """person -> (choice, counted): the votes and opinions in force on a ballot."""
        latest = {}
        for e in self.since_opening():
            if e["what"] == "vote" and e["ballot"] == ballot:
                latest[e["who"]] = (e["choice"], e["counted"])
            if e["what"] == "unvote" and e["ballot"] == ballot:
                del latest[e["who"]]
        roll = self.roll(moment)
        return {
            p: (choice, counted)
            for p, (choice, counted) in latest.items()
            if not counted or p in roll
        }

    def tally(self, ballot, moment):
        counted = [choice for choice, c in self.in_force(ballot, moment).values() if c]
        result = {c: counted.count(c) for c in ("for", "against", "abstain")}
        result["expressed"] = sum(result.values())
        result["roll"] = len(self.roll(moment))
        return result

    def opinions(self, moment):
        return sum(1 for _, counted in self.in_force("action", moment).values() if not counted)

    def may_start(self):
        if self.state in ("cancelled", "withdrawn"):
            return False
        if not (self.rules.starts_when_proposed or self.state == "adopted"):
            return False
        return self.condition is None or self.last("condition_met") is not None

    def follow_up(self):
        if not self.may_start():
            return None
        e = self.last("follow_up")
        return e["to"] if e else "to_do"

    # ---- deciding

    def decide(self, moment, state, how):
        self.add("decided", moment[0], phase=moment[1], state=state, how=how)
        if state == "adopted":
            for kind, value in self.effects:
                if kind == "grant_voting_right":
                    self.world.granted.add(value)
                else:
                    self.world.charter = value

    def settle(self, moment):
        """What became true by itself: a threshold, or the last against gone while contested."""
        if self.decision:
            return
        if self.state == "counter_vote":
            n = self.tally("counter_vote", moment)
            if self.rules.cv_cancels.reached(n["for"], n["roll"], n["expressed"]):
                self.decide(moment, "cancelled", "counter_vote")
            return
        n = self.tally("action", moment)
        if self.rules.adopted_early.reached(n["for"], n["roll"], n["expressed"]):
            self.decide(moment, "adopted", "majority")
        elif self.rules.cancelled_early.reached(n["against"], n["roll"], n["expressed"]):
            self.decide(moment, "cancelled", "opposed")
        elif self.state == "contested" and n["against"] == 0:
            self.decide(moment, "adopted", "unopposed")

    def end_of_window(self, moment):
        if self.state == "counter_vote":
            self.decide(moment, "adopted", "counter_vote_failed")
        elif self.state == "contested":
            self.decide(moment, "adopted", "no_counter_vote")
        else:
            n = self.tally("action", moment)
            if self.rules.plurality:
                quorum = self.rules.quorum
                enough = quorum.none or quorum.reached(n["expressed"], n["roll"], n["expressed"])
                if enough and n["for"] > n["against"]:
                    self.decide(moment, "adopted", "plurality")
                else:
                    self.decide(moment, "cancelled", "not_adopted")
            elif n["against"] == 0:
                self.decide(moment, "adopted", "unopposed")
            elif self.rules.contest_window is None:
                self.decide(moment, "adopted", "no_counter_vote")
            else:
                self.add("contested", moment[0])

    # ---- showing

    def show(self, moment):
        n = self.tally("action", moment)
        cv = None
        if self.call:
            c = self.tally("counter_vote", moment)
            cv = {
                "called_by": self.call["who"],
                "for": c["for"],
                "against": c["against"],
                "abstain": c["abstain"],
                "closes_at": write_instant(self.cv_closes_at),
            }
        d = self.decision
        return {
            "ref": self.ref,
            "kind": self.kind,
            "number": self.number,
            "leader": self.leader,
            "state": self.state,
            "how": d["how"] if d else None,
            "decided_at": write_instant(d["t"]) if d else None,
            "closes_at": write_instant(self.closes_at),
            "for": n["for"],
            "against": n["against"],
            "abstain": n["abstain"],
            "expressed": n["expressed"],
            "opinions": self.opinions(moment),
            "roll": n["roll"],
            "counter_vote": cv,
            "follow_up": self.follow_up(),
        }


# --- the history ---------------------------------------------------------------------------------

FOLLOW_UPS = {
    "start": "doing",
    "done": "done",
    "abandon": "abandoned",
    "stand": "standing",
    "reopen": "to_do",
}
VERBS = {  # verb: (required keys, optional keys), besides `at` and the verb
    "propose": ({"by", "object"}, {"number", "leader", "link", "condition", "effects"}),
    "vote": ({"by", "choice"}, {"ballot"}),
    "withdraw_vote": ({"by"}, {"ballot"}),
    "counter_vote": ({"by", "reason"}, {"link"}),
    "amend": ({"by", "object"}, {"link"}),
    "withdraw": ({"by"}, {"note", "reason"}),
    "hand_over": ({"by", "to"}, {"note"}),
    "grant_voting_right": (set(), {"by", "note"}),
    "condition_met": ({"by"}, {"note"}),
    **{verb: ({"by"}, {"note", "link", "links"}) for verb in FOLLOW_UPS},
}
VOTING = ("vote", "withdraw_vote")


class World:
    def __init__(self, scenario):
        refuse(not isinstance(scenario, dict), "a scenario is a mapping")
        refuse(
            set(scenario) - {"association", "charter", "members", "events"},
            "unknown key in the scenario",
        )
        association = scenario.get("association")
        refuse(
            not isinstance(association, dict) or "time_zone" not in association,
            "the association needs a time zone",
        )
        try:
            self.zone = ZoneInfo(association["time_zone"])
        except Exception:
            raise Invalid(f"{association['time_zone']!r} is not a time zone") from None
        self.charter = Charter(scenario.get("charter", "tout-doux-cratie"))
        self.members = {}
        refuse(not isinstance(scenario.get("members"), list), "members is a list")
        for m in scenario["members"]:
            refuse(not isinstance(m, dict) or "id" not in m, "a member needs an id")
            refuse(
                set(m) - {"id", "name", "founder", "joined", "left", "periods"},
                "unknown key in a member",
            )
            refuse(m["id"] in self.members, f"{m['id']} is there twice")
            self.members[m["id"]] = Member(m, self.zone)
        self.events = scenario.get("events") or []
        refuse(not isinstance(self.events, list), "events is a list")
        self.actions = []  # in order of proposal
        self.granted = set()
        # Everything before and at this instant has happened.
        self.now = datetime.min.replace(tzinfo=UTC)

    # ---- memberships and rights

    def has_right(self, person, t):
        m = self.members[person]
        since = m.member_since(t)
        if since is None:
            return False
        return m.founder or person in self.granted or since + self.charter.voting_right_delay <= t

    def known(self, person):
        refuse(not isinstance(person, str) or person not in self.members, f"{person!r} is unknown")
        return person

    def acting(self, person, t):
        self.known(person)
        refuse(
            self.members[person].member_since(t) is None,
            f"{person} is no member at {write_instant(t)}",
        )
        return person

    def action(self, ref):
        for a in self.actions:
            if a.ref == ref:
                return a
        raise Invalid(f"there is no action {ref!r} (yet)")

    # ---- the passing of time

    def automatic_instants(self):
        """Instants after `now` at which something happens by itself."""
        ends = {a.pending_end for a in self.actions if a.pending_end is not None}
        return {
            t
            for t in ends | {d for m in self.members.values() for d in m.departures()}
            if t > self.now
        }

    def pass_to(self, t):
        """Everything that happens by itself up to t, t included."""
        while True:
            due = [i for i in self.automatic_instants() if i <= t]
            if not due:
                break
            i = min(due)
            for a in self.actions:
                if a.pending_end == i:
                    a.end_of_window((i, WINDOWS_END))
            if any(i in m.departures() for m in self.members.values()):
                for a in self.actions:
                    a.settle((i, DEPARTURES))
            self.now = i
        self.now = max(self.now, t)

    def settle_all(self):
        for a in self.actions:
            a.settle((self.now, REST))

    def run(self, at=None):
        """Everything told up to `at` (all of it when None), that instant included."""
        previous = None
        for number, e in enumerate(self.events, 1):
            try:
                t, verb = self.read_head(e)
                refuse(
                    previous is not None and t < previous,
                    "this event is earlier than the one before it",
                )
                if at is not None and t > at:
                    break
                if previous is None or t > previous:
                    if previous is not None:
                        self.settle_all()  # the end of the previous instant
                    self.pass_to(t)
                previous = t
                self.before(verb, e)
                self.apply(verb, e, t)
            except Invalid as why:
                raise Invalid(f"event {number} ({e}): {why}") from None
        if previous is not None:
            self.settle_all()
        if at is not None:
            self.pass_to(at)
        else:
            while self.automatic_instants():
                self.pass_to(min(self.automatic_instants()))
        return self

    def before(self, verb, e):
        """Draw the consequences of the votes of this instant, when the next event asks for it."""
        for a in self.actions:
            touched = (
                verb in ("counter_vote", "amend", "withdraw", *FOLLOW_UPS) and e[verb] == a.ref
            )
            if touched or (verb in ("propose", "amend") and a.effects):
                a.settle((self.now, REST))

    def read_head(self, e):
        refuse(not isinstance(e, dict) or "at" not in e, "an event needs `at`")
        # `counter_vote` is also a value of `ballot`, never a second key: exactly one verb per event
        verbs = [v for v in VERBS if v in e]
        refuse(len(verbs) != 1, "an event does exactly one thing")
        verb = verbs[0]
        required, optional = VERBS[verb]
        keys = set(e) - {"at", verb}
        refuse(required - keys, f"missing {sorted(required - keys)}")
        refuse(keys - required - optional, f"unknown {sorted(keys - required - optional)}")
        return read_instant(e["at"], self.zone), verb

    # ---- the events

    def apply(self, verb, e, t):
        moment = (t, REST)
        if verb == "grant_voting_right":
            if "by" in e:
                self.acting(e["by"], t)
            self.granted.add(self.known(e[verb]))
            return
        by = self.acting(e["by"], t)
        if verb == "propose":
            return self.propose(e, t, by)
        a = self.action(e[verb])
        if verb in VOTING:
            ballot = e.get("ballot", "action")
            refuse(ballot not in ("action", "counter_vote"), f"there is no ballot {ballot!r}")
            if ballot == "counter_vote":
                refuse(a.call is None, f"there is no counter-vote on {a.ref}")
                closes = a.cv_closes_at
            else:
                closes = a.closes_at
            refuse(t >= closes, f"that ballot of {a.ref} is closed")
            if verb == "vote":
                refuse(
                    e["choice"] not in ("for", "against", "abstain"),
                    f"{e['choice']!r} is no choice",
                )
                a.add(
                    "vote",
                    t,
                    ballot=ballot,
                    who=by,
                    choice=e["choice"],
                    counted=by in a.roll(moment),
                )
            else:
                refuse(by not in a.in_force(ballot, moment), f"{by} has no vote in force there")
                a.add("unvote", t, ballot=ballot, who=by)
        elif verb == "counter_vote":
            refuse(not a.rules.counter_vote, f"the charter of {a.ref} has no counter-votes")
            refuse(a.decision, f"{a.ref} is decided")
            refuse(a.call, f"a counter-vote on {a.ref} is running")
            refuse(by not in a.roll(moment), f"{by} is not on the roll of {a.ref}")
            a.add("called", t, who=by)
        elif verb in ("amend", "withdraw"):
            refuse(by != a.leader, f"{by} does not lead {a.ref}")
            refuse(a.decision, f"{a.ref} is decided")
            if verb == "withdraw":
                a.decide(moment, "withdrawn", None)
            else:
                silent = not any(x["what"] == "vote" for x in a.since_opening())
                if silent and t < a.opened + a.charter.correction:
                    a.add("corrected", t)
                else:
                    a.add("open", t, right={p for p in self.members if self.has_right(p, t)})
        elif verb == "hand_over":
            refuse(by != a.leader, f"{by} does not lead {a.ref}")
            to = self.acting(e["to"], t)
            refuse(to == by, "an action is handed over to another member")
            a.add("leader", t, who=to)
        elif verb == "condition_met":
            refuse(a.condition is None, f"{a.ref} has no condition")
            a.add("condition_met", t)
        else:
            refuse(by != a.leader, f"{by} does not lead {a.ref}")
            refuse(not a.may_start(), f"{a.ref} may not start (yet, or any more)")
            a.add("follow_up", t, to=FOLLOW_UPS[verb])

    def propose(self, e, t, by):
        kind = e["propose"]
        refuse(kind not in ("ordinary", "extraordinary"), f"{kind!r} is no kind of action")
        used = [a.number for a in self.actions if a.kind == kind]
        number = max(used, default=0) + 1
        if "number" in e:
            refuse(
                not isinstance(e["number"], str) or not re.fullmatch(r"[1-9]\d*", e["number"]),
                f"{e['number']!r} is no number",
            )
            number = int(e["number"])
        refuse(number in used, f"the number {number} is used already")
        leader = self.acting(e.get("leader", by), t)
        effects = []
        given = e.get("effects", [])
        refuse(not isinstance(given, list), "effects is a list")
        for effect in given:
            refuse(
                not isinstance(effect, dict) or len(effect) != 1,
                "an effect is a mapping with one key",
            )
            ((what, value),) = effect.items()
            if what == "grant_voting_right":
                effects.append((what, self.known(value)))
            else:
                refuse(what != "amend_charter", f"{what!r} is no effect")
                refuse(kind == "ordinary", "only an extraordinary action amends the charter")
                effects.append((what, Charter(value)))
        ref = ("AO" if kind == "ordinary" else "AE") + str(number)
        a = Action(self, ref, kind, number, self.charter, leader, e.get("condition"), effects)
        a.add("open", t, right={p for p in self.members if self.has_right(p, t)})
        self.actions.append(a)


# --- the two functions ---------------------------------------------------------------------------


def load(text):
    try:
        return yaml.load(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    except yaml.YAMLError as why:
        raise Invalid(f"not YAML: {why}".replace("\n", " ")) from None


def check(scenario):
    """Raise Invalid unless the whole history makes sense; return the world at its very end."""
    return World(scenario).run()


def judge(scenario, at, checked=False):
    """The JSON object of `toutdoux replay FILE --at INSTANT --format json`; `at` is aware."""
    if not checked:
        check(scenario)
    world = World(scenario)
    world.run(at)
    return {"at": write_instant(at), "actions": [a.show((at, REST)) for a in world.actions]}
