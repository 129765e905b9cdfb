"""Click's own words, so that they are collected for translation with ours.

Click looks them up with gettext when it needs them, and `main` points it at our catalogue. A test
holds this list to what the installed Click says.
"""

from toutdoux.core.words import say, say_n

CLICK_WORDS = (
    say("Usage:"),
    say("Options"),
    say("Commands"),
    say("Positional arguments"),
    say("Show this message and exit."),
    say("Show the version and exit."),
    say("%(prog)s, version %(version)s"),
    say("default: {default}"),
    say("required"),
    say("Missing argument"),
    say("Missing option"),
    say("Missing parameter"),
    say("Missing command."),
    say("No such option {name!r}."),
    say("No such command {name!r}."),
    say_n("Did you mean {possibility}?", "(Did you mean one of: {possibilities}?)", 1),
    say("Invalid value: {message}"),
    say("Invalid value for {param_hint}: {message}"),
    say_n("Got unexpected extra argument ({args})", "Got unexpected extra arguments ({args})", 1),
    say("Option {name!r} does not take a value."),
    say_n(
        "Option {name!r} requires an argument.", "Option {name!r} requires {nargs} arguments.", 1
    ),
    say_n("{value!r} is not {choice}.", "{value!r} is not one of {choices}.", 1),
    say("Choose from:\n\t{choices}"),
    say("{value!r} is not a valid {number_type}."),
    say("{value} is not in the range {range}."),
    say("Missing parameter: {param_name}"),
    say("Shell completion is not supported for Bash versions older than 4.4."),
    say("Couldn't detect Bash version, shell completion is not supported."),
)
