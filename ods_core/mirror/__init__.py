"""The mirror: another server of this contract is followed, and commands given here are passed on to it."""

from ods_core.mirror.follower import FEED, POLLING, Follower, Mirror
from ods_core.mirror.passing import Answered, about, caused_by, followed, key_of_command, pass_on, sent_under
from ods_core.mirror.reading import Untold
from ods_core.mirror.remote import Remote, RemoteUnreachable, translated

__all__ = [
    "FEED",
    "POLLING",
    "Answered",
    "Follower",
    "Mirror",
    "Remote",
    "RemoteUnreachable",
    "Untold",
    "about",
    "caused_by",
    "followed",
    "key_of_command",
    "pass_on",
    "sent_under",
    "translated",
]
