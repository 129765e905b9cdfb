"""The chats that tests are in."""

from tests.chat.mattermost import listening, mattermost_world, stand_in  # noqa: F401  fixtures
from tests.chat.synapse import matrix_world, synapse  # noqa: F401
