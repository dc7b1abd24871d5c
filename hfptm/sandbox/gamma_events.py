"""Events and tags in Gamma's words, as `gamma_markets` (exchange reference, section 6)."""

from hfptm.sandbox import gamma_markets
from hfptm.sandbox.catalogue import EventEntry, Tag
from hfptm.sandbox.gamma_markets import Json, iso, market_json
from hfptm.sandbox.listings import Phase
from hfptm.units import ONE_E6


def tag_json(tag: Tag) -> Json:
    return {"id": str(tag.tag_id), "label": tag.label, "slug": tag.slug, "forceShow": False}


def event_json(event: EventEntry, ts_ns: int) -> Json:
    """An event with its markets."""
    return event_head(event, ts_ns) | {
        "markets": [market_json(market, ts_ns) for market in event.markets],
        "tags": [tag_json(tag) for tag in event.terms.tags],
    }


def event_head(event: EventEntry, ts_ns: int) -> Json:
    """An event as it stands within its markets."""
    terms = event.terms
    volume, liquidity = volume_e6(event) / ONE_E6, liquidity_e6(event) / ONE_E6
    described = {
        "id": str(event.event_id),
        "ticker": terms.slug,
        "slug": terms.slug,
        "title": terms.title,
        "description": terms.title,
        "resolutionSource": "",
        "startDate": iso(terms.start_ns),
        "creationDate": iso(event.created_ns),
        "endDate": iso(terms.end_ns),
        "startTime": iso(terms.start_ns),
        "image": "",
        "icon": "",
        "createdAt": iso(event.created_ns),
        "updatedAt": iso(ts_ns),
    }
    state = {
        "active": is_active(event),
        "closed": is_closed(event),
        "archived": False,
        "new": False,
        "featured": False,
        "restricted": True,
        "enableOrderBook": True,
        "negRisk": bool(terms.neg_risk_id),
        "enableNegRisk": bool(terms.neg_risk_id),
        "negRiskAugmented": terms.is_augmented,
        "cumulativeMarkets": terms.is_cumulative,
        "commentCount": 0,
        "openInterest": _open_interest_e6(event) / ONE_E6,
        "liquidity": liquidity,
        "liquidityClob": liquidity,
        "volume": volume,
        **{f"volume{span}": volume for span in ("24hr", "1wk", "1mo", "1yr")},
        "cyom": False,
        "showAllOutcomes": True,
        "showMarketImages": True,
        "automaticallyActive": True,
        "pendingDeployment": False,
        "deploying": False,
        "requiresTranslation": False,
    }
    optional: Json = {}
    if terms.neg_risk_id:
        optional["negRiskMarketID"] = terms.neg_risk_id
    if terms.series_slug:
        optional["seriesSlug"] = terms.series_slug
    return described | state | optional


def is_active(event: EventEntry) -> bool:
    return any(market.listed.phase is not Phase.NOT_READY for market in event.markets)


def is_closed(event: EventEntry) -> bool:
    phases = [market.listed.phase for market in event.markets]
    return bool(phases) and all(phase is Phase.RESOLVED for phase in phases)


def volume_e6(event: EventEntry) -> int:
    return sum(market.tape.volume_e6 for market in event.markets)


def liquidity_e6(event: EventEntry) -> int:
    return sum(gamma_markets.liquidity_e6(market) for market in event.markets)


def tag_ids(event: EventEntry) -> tuple[str, ...]:
    return tuple(str(tag.tag_id) for tag in event.terms.tags)


def _open_interest_e6(event: EventEntry) -> int:
    pools = {id(market.listed.pool): market.listed.pool for market in event.markets}
    return sum(pool.collateral_e6 for pool in pools.values())
