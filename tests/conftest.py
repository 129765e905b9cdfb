"""What all tests share."""

import os
import signal

from hypothesis import HealthCheck, settings

from tests.postgres import own_postgres, postgres_server, postgres_url  # noqa: F401  fixtures

pytest_plugins = ["tests.databases"]

# What starts the tests may have them ignore these (nohup, a job in the background); commands then
# would as well.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples every time, so that a failure is about the change and not about luck; the slow
# run looks elsewhere each time, and prints what it found.
settings.register_profile(
    "tests",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "tests"))
