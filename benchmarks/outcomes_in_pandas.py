"""The Outcomes page's data in pandas: the same facts, all of them in memory, read from one Parquet file a kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.outcomes_told import BANDS, NEWEST, TAGS, Asked, Told

KINDS = ("scoped", "confirmed", "completed", "cycle_completed", "cycle_accepted", "remediated", "decided")
AMOUNTS = {"delivered": "value_delivered", "received": "received", "committed": "committed_value"}
OTHERS = ("paid", "open", "judged", "rejected")
ALONE = ("tagged", "begun", "choices")
_MEDIANS = {
    "scoped": "scoping_time_median",
    "confirmed": "confirmation_time_median",
    "completed": "outcome_lead_time_median",
    "cycle_completed": "schedule_variance_median",
    "cycle_accepted": "cycle_time_median",
    "decided": "review_turnaround_median",
}
_P85 = {"scoped": "scoping_time_p85", "confirmed": "confirmation_time_p85", "decided": "review_turnaround_p85"}
_MEANS = {
    ("scoped", "hit"): "win_rate",
    ("completed", "remediations"): "remediation_cycles_per_scope",
    ("completed", "hit"): "remediation_free_scope_rate",
    ("cycle_completed", "hit"): "on_time_rate",
    ("decided", "hit"): "rejection_rate",
    ("decided", "first"): "first_time_acceptance_rate",
}
MINOR = 10_000
"""Amounts are whole numbers of the fourth decimal: pandas adds those up exactly, and fast."""

_SHOWN = ("deliverable_id", "attempt", "rejection_reason")
Found = dict[tuple[str, str | None, Any], tuple[Any, int]]


def export(cursor: Any, hand: Path, folder: Path) -> None:
    """Write the tables that were built by hand as Parquet files; `cursor` is any of DuckDB's."""
    folder.mkdir(parents=True, exist_ok=True)
    cursor.execute(f"ATTACH '{hand}' AS hand (READ_ONLY)")
    for name in (*KINDS, *AMOUNTS, *OTHERS):
        cursor.execute(f"DESCRIBE hand.{name}_by_day")
        known = {str(row[0]) for row in cursor.fetchall()}
        amount = f" REPLACE ((amount * {MINOR})::BIGINT AS amount)" if "amount" in known else ""
        cursor.execute(f"COPY (SELECT *{amount} FROM hand.{name}_by_day) TO '{folder / name}.parquet'")
    for name in ALONE:
        cursor.execute(f"COPY hand.{name} TO '{folder / name}.parquet'")
    cursor.execute("DETACH hand")


@dataclass
class InPandas:
    """The page's data from frames."""

    frames: Mapping[str, pd.DataFrame]

    @classmethod
    def read(cls, folder: Path) -> InPandas:
        """All frames, into memory; what is one of a few values as categories."""
        frames = {}
        for name in (*KINDS, *AMOUNTS, *OTHERS, *ALONE):
            frame = pd.read_parquet(folder / f"{name}.parquet")
            for column in ("organisation", "workspace", "currency", "tag"):
                if column in frame:
                    frame[column] = frame[column].astype("category")
            frames[name] = frame
        return cls(frames)

    def page(self, asked: Asked) -> Told:
        """All that the page shows of a period, and what there is to choose from."""
        counted = self.frames["tagged"].groupby("tag", observed=True)["request"].agg(["size", "max"])
        chosen = list(counted.sort_values(["size", "max"], ascending=False).index[:TAGS])
        now = self.narrowed(asked, self.span(asked))
        earlier = self.narrowed(asked, _before(*self.span(asked)))
        tagged = self.frames["tagged"]
        tagged = tagged[tagged["tag"].isin(chosen)].assign(tag=lambda rows: rows["tag"].cat.remove_unused_categories())
        with_tags = {name: now[name].merge(tagged, on="request") for name in KINDS}
        rejected = now["rejected"]
        newest = rejected.sort_values(["decided_at", "deliverable_id"], ascending=False).head(NEWEST)
        return Told(
            choices=[self.values(name) for name in ("organisations", "workspaces")],
            tags=chosen,
            figures=self.whole(now, asked) | self.by_month(now),
            before=self.whole(earlier, asked),
            organisations=self.by(now, "organisation"),
            workspaces=self.by(now, "workspace"),
            tagged=self.by(with_tags, "tag"),
            rejected=len(rejected),
            rejections=list(newest[list(_SHOWN)].itertuples(index=False, name=None)),
            bands=_bands(now["judged"]),
        )

    def values(self, name: str) -> list[str]:
        """What there is to choose from."""
        known = self.frames["choices"]
        return sorted(known[known["name"] == name]["value"])[:500]

    def span(self, asked: Asked) -> tuple[int, int]:
        """The months that are asked about, as numbers."""
        last = _number(asked.last or asked.now.date())
        if asked.first:
            return _number(asked.first), last
        begun = self.frames["begun"]
        if asked.organization_id:
            begun = begun[begun["organization_id"] == asked.organization_id]
        return _number(begun["day"].min()), last

    def narrowed(self, asked: Asked, span: tuple[int, int]) -> dict[str, pd.DataFrame]:
        """The rows of a period and an organisation; of what tells how things stand, whatever the period."""
        found = {}
        for name in (*KINDS, *AMOUNTS, *OTHERS):
            rows = self.frames[name]
            if name not in ("committed", "open"):
                rows = rows[rows["month"].between(*span)]
            if asked.organization_id:
                rows = rows[rows["organisation"] == asked.organization_id]
            found[name] = rows
        return found

    def whole(self, frames: Mapping[str, pd.DataFrame], asked: Asked) -> Found:
        """The figures of the period."""
        found: Found = {}
        for name in KINDS:
            frame = frames[name]
            if len(frame):
                for key, value, n in _summed(name, frame):
                    if n:
                        found[key, None, None] = (value, int(n))
        for name, key in AMOUNTS.items():
            for currency, group in _by_currency(frames[name]):
                found[key, currency, None] = (int(group["amount"].sum()) / MINOR, len(group))
        for currency, group in _by_currency(frames["paid"]):
            found["days_sales_outstanding", currency, None] = (_outstanding(group), len(group))
        late = frames["open"][frames["open"]["due_at"] < asked.now.replace(tzinfo=None)]
        for key, frame in (("open", frames["open"]), ("overdue", late)):
            for currency, group in _by_currency(frame):
                found[key, currency, None] = (int(group["amount"].sum()) / MINOR, len(group))
        return found

    def by_month(self, frames: Mapping[str, pd.DataFrame]) -> Found:
        """The figures of each month."""
        found: Found = {(key, None, _day(part)): one for (key, _, part), one in self.by(frames, "month").items()}
        for name, key in AMOUNTS.items():
            if name == "committed":
                continue
            sums = frames[name].groupby(["currency", "month"], observed=True)["amount"].agg(["sum", "size"])
            for (currency, part), total, n in sums.itertuples():
                found[key, currency, _day(part)] = (int(total) / MINOR, int(n))
        paid = frames["paid"].assign(weighted=lambda rows: rows["amount"] * rows["days"])
        sums = paid.groupby(["currency", "month"], observed=True)[["amount", "weighted"]].sum()
        counts = paid.groupby(["currency", "month"], observed=True).size()
        for (currency, part), amount, weighted in sums.itertuples():
            found["days_sales_outstanding", currency, _day(part)] = (weighted / amount, int(counts[currency, part]))
        return found

    def by(self, frames: Mapping[str, pd.DataFrame], column: str) -> Found:
        """The figures of each month, organisation, workspace or tag."""
        found: Found = {}
        for name in KINDS:
            grouped = frames[name].groupby(column, observed=True)
            counts = grouped.size()
            if name in _MEDIANS:
                _put(found, _MEDIANS[name], grouped["days"].median(), counts)
            if name in _P85:
                _put(found, _P85[name], grouped["days"].quantile(0.85), counts)
            if name == "remediated":
                _put(found, "remediation_days", grouped["days"].sum(), counts)
            if name == "confirmed":
                _put(found, "price_to_budget_median", grouped["ratio"].median(), grouped["ratio"].count())
            for (of, observed), key in _MEANS.items():
                if of == name:
                    _put(found, key, grouped[observed].mean(), grouped[observed].count())
        return found


def _summed(name: str, frame: pd.DataFrame) -> Iterable[tuple[str, float, int]]:
    if name in _P85:
        half, most = frame["days"].quantile([0.5, 0.85])
        yield from ((_MEDIANS[name], half, len(frame)), (_P85[name], most, len(frame)))
    elif name in _MEDIANS:
        yield _MEDIANS[name], frame["days"].median(), len(frame)
    else:
        yield "remediation_days", frame["days"].sum(), len(frame)
    if name == "confirmed":
        yield "price_to_budget_median", frame["ratio"].median(), frame["ratio"].count()
    for (of, observed), key in _MEANS.items():
        if of == name:
            yield key, frame[observed].mean(), frame[observed].count()


def _put(found: Found, key: str, values: pd.Series, counts: pd.Series) -> None:
    for (part, value), n in zip(values.items(), counts, strict=True):
        if n:
            found[key, None, part] = (value, int(n))


def _by_currency(frame: pd.DataFrame) -> Iterable[tuple[str, pd.DataFrame]]:
    grouped: Iterable[tuple[Any, pd.DataFrame]] = frame.groupby("currency", observed=True)
    return grouped


def _outstanding(paid: pd.DataFrame) -> float:
    return float((paid["amount"] * paid["days"]).sum()) / float(paid["amount"].sum())


def _bands(judged: pd.DataFrame) -> list[tuple[int, int, int]]:
    found = []
    for low, high in BANDS:
        of = judged[judged["score"].between(low, high)]
        found.append((of["scope"].nunique(), len(of), int(of["hit"].sum())))
    return found


def _number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _day(number: int) -> date:
    return date(number // 12, number % 12 + 1, 1)


def _before(first: int, last: int) -> tuple[int, int]:
    return first - (last - first + 1), first - 1


__all__ = ["InPandas", "export"]
