"""The clock at work: looks for what is due, and gives each command in a transaction of its own.

It keeps nothing in memory that matters. What is due is asked of the database at each look, and the rule judges every
command by the state inside its transaction; so a server that was killed goes on where it stopped, a person who decides
in the same moment either comes first or is told that the clock did, and two servers that look at once decide once.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ods_core.basics.background import Background
from ods_core.basics.errors import NotAllowed, NotFound
from ods_core.service.facade import Result, Service
from ods_core.store import due

log = logging.getLogger("ods.scheduler")

SHARE = 0.5
"""How much of the time it may be at work while people give commands: it rests for as long as a command took."""


@dataclass(frozen=True, slots=True)
class Duty:
    """One kind of due thing: how it is found, and the command that carries it out."""

    name: str
    find: Callable[[Connection, datetime, int], due.Due]
    give: Callable[[Service, str], Result]


DUTIES: tuple[Duty, ...] = (
    # Decisions first: who is to be reminded of a window that has passed needs no reminder any more.
    Duty("lapsed reviews", due.lapsed, Service.lapse),
    Duty("reminders to review", due.reviewers_to_remind, Service.remind_reviewer),
    Duty("reminders to confirm", due.approvers_to_remind, Service.remind_approver),
)


class Scheduler(Background):
    """A thread that carries out what is due, every `seconds`.

    Args:
        service: gives the commands, by its own clock.
        seconds: between the end of a look and the next one.
        chores: done after each look, such as letting go of what has grown old.
        duties: what is looked for; none where the clock of another server decides.
    """

    def __init__(
        self,
        service: Service,
        seconds: float,
        chores: Sequence[Callable[[], None]] = (),
        duties: Sequence[Duty] = DUTIES,
    ) -> None:
        self.service = service
        self.duties = duties
        self.seconds = seconds
        self.chores = chores
        super().__init__("ods-scheduler")

    def _run(self) -> None:
        while not self._stopped.is_set():
            self.look()
            self._stopped.wait(self.seconds)

    def look(self) -> Counter[str]:
        """Carry out all that is due now; how many commands of each duty were obeyed.

        Never raises: what fails is logged, left as it was, and tried again at the next look.
        """
        done: Counter[str] = Counter()
        try:
            # Of several servers on one database one looks; the others find that somebody is at it.
            with self.service.store.turns.alone("the scheduler") as mine:
                for duty in self.duties if mine else ():
                    done[duty.name] = self._tried(duty)
                for chore in self.chores if mine else ():
                    chore()
        except Exception:
            log.exception("could not look for what is due; trying again in %s s", self.seconds)
        return +done

    def _tried(self, duty: Duty) -> int:
        try:
            return self._carry_out(duty)
        except Exception:
            log.exception("could not look for %s; trying again in %s s", duty.name, self.seconds)
            return 0

    def _carry_out(self, duty: Duty) -> int:
        """Every due thing of one kind, a batch at a time; each is tried once, so that one that fails stops no other."""
        done = after = 0
        while not self._stopped.is_set():
            with self.service.store.read() as connection:
                batch = duty.find(connection, self.service.clock(), after)
            for number, id in batch:
                if self._stopped.is_set():
                    break
                done += self._give(duty, id)
                after = number
            if len(batch) < due.BATCH:
                break
        if done:
            log.info("%s: %d", duty.name, done)
        return done

    def _give(self, duty: Duty, id: str) -> bool:
        began = time.monotonic()
        try:
            duty.give(self.service, id)
        except (NotAllowed, NotFound) as refused:
            # Somebody came first, between the look and the command.
            log.debug("%s: %s", duty.name, refused.detail)
            return False
        except Exception:
            log.exception("%s: %s failed; trying again in %s s", duty.name, id, self.seconds)
            return False
        finally:
            self._stopped.wait((time.monotonic() - began) * (1 - SHARE) / SHARE)
        return True
