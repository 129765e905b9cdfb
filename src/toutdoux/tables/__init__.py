"""Tables that associations kept before toutdoux: inventories of actions, and lists of members."""

from .errors import TableError
from .inventory import Inventory, read_inventory
from .members import MemberRow, Members, mapping_of, read_members

__all__ = [
    "Inventory",
    "MemberRow",
    "Members",
    "TableError",
    "mapping_of",
    "read_inventory",
    "read_members",
]
