"""The sections of the configuration: every key with its type, its default and its meaning."""

from decimal import Decimal
from enum import IntEnum

import msgspec

from hfptm.setting_types import (
    Assets,
    Canaries,
    CopyAddress,
    Count,
    DailyReturn,
    Days,
    Dollars,
    Edge,
    FeeModelName,
    File,
    FlushMilliseconds,
    Fraction,
    FreeMebibytes,
    GradeName,
    Hours,
    HttpAddress,
    LegOrderName,
    LegTimeout,
    Lines,
    Mebibytes,
    Milliseconds,
    Minutes,
    ModeName,
    Names,
    NodeAddress,
    OrderTypeName,
    Patience,
    PerSecond,
    Plans,
    QueueModelName,
    Rows,
    Score,
    Seconds,
    SecondsOrNever,
    Seed,
    SetsName,
    Shares,
    Usd,
    WindowSeconds,
    WsAddress,
)


class FeeModel(IntEnum):
    """What a taker pays."""

    PUBLISHED = 0
    """The market's own schedule, shares x rate x (p(1-p))^exponent."""
    NONE = 1
    SEED_FLAT_2PCT = 2
    """2 % of the payout. No such fee exists; for comparison with figures that assumed it."""


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A table of the file; every field has a default and an annotation that says what it takes."""


class Trading(Section, frozen=True, kw_only=True):
    mode: ModeName = "paper"
    """live: `hfptm live` may send real orders. All other commands are the same in both."""
    bankroll_usd: Usd = Decimal(1000)
    """Cash at the start; nothing is ever bought beyond it."""
    min_edge: Edge = Decimal("0.025")
    """Least net profit over outlay, after fees: 0.025 is 2.5 %."""
    max_arb_size_usd: Usd = Decimal(100)
    """Largest outlay of one plan, all legs and fees together."""
    min_liquidity_shares: Shares = Decimal(100)
    """Fewest shares that every leg must offer at a profit."""
    min_return_per_day: DailyReturn = Decimal(0)
    """Least net profit over outlay for each day that a basket is locked until its last market's
    scheduled end, one day at least: 0.0005 is 18 % a year. 0: any."""
    order_type: OrderTypeName = "fak"
    """How legs are bought; docs/execution.md compares them."""
    leg_order: LegOrderName = "at_once"
    """Which legs go first, see docs/execution.md; with resting, one always does."""
    complete_sets: SetsName = "convert"
    """What is paid before it resolves: pairs and NO sets, pairs alone (merge), or nothing."""
    leg_timeout_ms: LegTimeout = 200
    """After this time what rests is cancelled."""
    slippage_tolerance: Edge = Decimal("0.01")
    """Most dollars a share above its limit at which a missing leg is still bought."""
    edge_scaled_share: Fraction = Decimal("0.1")
    """Share of the bankroll that one plan may cost at the least edge; at twice that edge twice as
    much, and so on up to `max_arb_size_usd`. 0: that alone is the limit."""
    short_lived_min_edge: Edge = Decimal("0.008")
    """`min_edge` of short windows (`discovery.short_window_s`)."""
    short_lived_max_size_usd: Usd = Decimal(50)
    """`max_arb_size_usd` of short windows, if it is smaller."""
    min_minutes_to_expiry: Minutes = 2
    """How long before its end no short window is bought any more; 0: at any time."""
    confirm_ms: Milliseconds = 0
    """How long an edge in a crossed book, or once an artefact, must have been consistent."""
    blacklisted_markets: Names = ""
    """Never bought: condition ids, slugs, or words that stand together in a slug or question."""


class Quality(Section, frozen=True, kw_only=True):
    """The score of an opportunity, 0 to 10, as the weighted sum of four; see docs/strategy.md."""

    min_score: Score = Decimal(0)
    """Least score that is bought."""
    edge_weight: Fraction = Decimal("0.4")
    """Of net profit over outlay: a point a per cent, 10 at most."""
    liquidity_weight: Fraction = Decimal("0.3")
    """Of the shares that the thinnest leg offers at a profit: a point a hundred, 10 at most."""
    amount_weight: Fraction = Decimal("0.2")
    """Of the outlay: a point a 50 dollars, 10 at most."""
    gain_weight: Fraction = Decimal("0.1")
    """Of the net profit: a point a 5 dollars, 10 at most. The four weights sum to 1."""


class Risk(Section, frozen=True, kw_only=True):
    max_exposure_per_market_usd: Usd = Decimal(200)
    """Largest cost of what is held and on order in one market."""
    max_exposure_per_event_usd: Usd = Decimal(500)
    """The same over all markets of one event; at least the limit per market."""
    max_exposure_total_usd: Usd = Decimal(1000)
    """The same over everything; at least the limit per event."""
    max_concurrent_arbs: Plans = 20
    """Baskets under way at once."""
    daily_loss_limit_usd: Usd = Decimal(50)
    """A loss of one UTC day, realised and marked, at which no new basket is bought until a human
    lifts it."""
    max_drawdown_usd: Usd = Decimal(100)
    """The same for the fall from the highest result."""
    max_feed_lag_ms: Milliseconds = 5_000
    """Oldest news that a basket may be bought on: from the exchange's time to ours."""
    stale_book_after_s: SecondsOrNever = 600
    """Longest silence of any leg's book; 0: any."""
    max_consecutive_failures: Count = 10
    """Baskets that did not fill whole, one after the other, before a pause."""
    failure_pause_s: Seconds = 60
    """How long nothing is bought then; the next failure is another pause."""
    max_inventory_drift_usd: Usd = Decimal(50)
    """Most that shares without partners in one event may lose, beyond which nothing more of it is
    bought: the seed's 0.05, of the bankroll."""
    max_order_latency_ms: Milliseconds = 2_000
    """Longest time from an order to its first report; three slower ones in a row, or one that is
    still out, pause like failures. 0: any."""
    max_orders_per_s: PerSecond = 40
    """Orders that may leave in the long run, closing included; 40 is what the exchange allows
    its lowest tier."""
    max_order_burst: Count = 60
    """Orders that may leave at once; a basket of more legs is never bought."""
    failed_book_pause_s: SecondsOrNever = 30
    """How long nothing is bought on a book after it failed a check."""
    max_gas_gwei: Count = 100
    """Highest price of gas at which a basket may begin that has to be merged or converted."""
    position_timeout_h: Hours = 24
    """Shares held so long without partners are sold at any bid."""


class Fees(Section, frozen=True, kw_only=True):
    model: FeeModelName = "published"
    """published: each market's own schedule. none: no fees. seed_flat_2pct: 2 % of the payout,
    which the exchange never charged; for comparison only."""


class Sim(Section, frozen=True, kw_only=True):
    """Each latency is constant, or log-normal where its 99th percentile is set: then the first is
    its median. Entry and response may come from measured requests instead."""

    entry_latency_ms: Milliseconds = 50
    """From a decision to the order's arrival at the venue."""
    entry_latency_p99_ms: Milliseconds = 0
    """0: constant."""
    matching_delay_ms: Milliseconds = 0
    """From the arrival to the order's turn at the matching engine."""
    matching_delay_p99_ms: Milliseconds = 0
    """0: constant."""
    response_latency_ms: Milliseconds = 30
    """From the venue's answer to our knowing it."""
    response_latency_p99_ms: Milliseconds = 0
    """0: constant."""
    taker_delay_ms: Milliseconds = 0
    """Of marketable orders, but where the exchange says that there is none; games have their own,
    which is recorded."""
    restarts: Names = "weekly"
    """When the matching engine restarts, between commas: UTC times, or weekly, which is Tuesdays at
    07:00 in New York."""
    settlement_ms: Milliseconds = 2_000
    """From a match to its trade being final on the chain; only then are shares merged or sold."""
    settlement_failure: Edge = Decimal(0)
    """Share of orders whose trades fail there, so that their fills are taken back."""
    measured_requests: File = ""
    """Parquet or CSV of measured requests (`hfptm.latency.measured`), which then give entry and
    response latency. Put matching_delay_ms at 0 if their exchange times are those of the match."""
    seed: Seed = 0
    """Of everything that the simulated venue draws."""
    quiet_grace_ms: Milliseconds = 1000
    """How long after an arrival a market may stay silent before its book counts as unchanged."""
    print_window_ms: Milliseconds = 1000
    """How long after a decision a trade print at a leg's price corroborates it."""
    queue_model: QueueModelName = "risk_averse"
    """Who leaves a level that falls without a trade. risk_averse: those behind an order of ours, as
    long as there may be any. probabilistic: those ahead and behind, in proportion."""


class Replay(Section, frozen=True, kw_only=True):
    block_rows: Rows = 262_144
    """Rows handed to the kernel at once; speed and memory only, never the result."""
    min_grade: GradeName = "D"
    """Recorded hours that `hfptm verify` gave less are refused. Imports and hours without a
    certificate never are."""


class Live(Section, frozen=True, kw_only=True):
    """How an account begins; replay and paper begin alike, to show what live will do."""

    canary_plans: Canaries = 0
    """So many plans have to buy, and the chain to keep all their fills, before larger ones may."""
    canary_usd: Usd = Decimal(10)
    """Largest outlay of one plan until then."""


class Servers(Section, frozen=True, kw_only=True):
    """Where the exchange is: the real one, or what `hfptm sandbox serve` has printed."""

    clob_url: HttpAddress = "https://clob.polymarket.com"
    """Books, orders, account."""
    gamma_url: HttpAddress = "https://gamma-api.polymarket.com"
    """Events and markets."""
    market_ws_url: WsAddress = "wss://ws-subscriptions-clob.polymarket.com/ws/market"
    """The market channel, with its path."""
    user_ws_url: WsAddress = "wss://ws-subscriptions-clob.polymarket.com/ws/user"
    """The user channel, with its path."""
    rpc_url: NodeAddress = ""
    """A node of the chain, through which an account that holds its own funds merges pairs and
    redeems shares. Empty: neither is done."""
    geoblock_url: HttpAddress = "https://polymarket.com/api/geoblock"
    """The site's word on whether orders may come from here."""


class Discovery(Section, frozen=True, kw_only=True):
    """Which markets are recorded."""

    prioritize_categories: Names = "sports, esports, politics, crypto"
    """Taken first, in this order; all other categories follow."""
    blacklisted_markets: Names = ""
    """Condition ids, slugs, or words that stand together in a slug or question."""
    min_volume_24h_usd: Dollars = 1_000
    """Traded in a day, of an event with exclusive outcomes by all of them together."""
    min_liquidity_usd: Dollars = 10
    """Value of the resting orders, likewise."""
    short_window_s: WindowSeconds = 3_900
    """Longest up or down window that counts as short; 0: they are markets like all others."""
    short_window_ahead_s: WindowSeconds = 900
    """How long before its start a short window is recorded."""
    min_volume_24h_short_usd: Dollars = 100
    """Traded in a day in the whole series of a short window, where the exchange says it."""
    max_order_books: Count = 5_000
    """Markets recorded at once; an event with exclusive outcomes counts whole or not at all."""
    refresh_interval_s: Seconds = 60
    """Between two looks through everything that is listed."""


class Recorder(Section, frozen=True, kw_only=True):
    """How what is recorded is received and stored."""

    redundancy: Lines = 2
    """Independent lines to the exchange, each with all markets; merged to the first arrival."""
    assets_per_connection: Assets = 200
    """Most tokens of one connection; a market has two."""
    connections_per_s: PerSecond = 10
    """Connections opened at most; the exchange refuses many at once."""
    reconnect_interval_s: SecondsOrNever = 600
    """After about so long another connection takes over, without a gap; 0: never."""
    patience_ms: Patience = 10_000
    """How long a market may be silent beyond its longest usual silence before it is looked into."""


class Storage(Section, frozen=True, kw_only=True):
    """How what is received gets onto disk, how long it stays there, and where its copy is."""

    flush_interval_ms: FlushMilliseconds = 250
    """Most that a crash loses: what is received is on disk after this time."""
    queue_mib: Mebibytes = 64
    """Memory for what waits while the disk is slow or full; what comes beyond it is a gap."""
    log_mib: Mebibytes = 16
    """A log of this size becomes a segment; one of 16 MiB takes two seconds for that."""
    log_interval_s: Seconds = 3_600
    """A log becomes a segment when a stretch of this many seconds, from the hour on, is over."""
    keep_days: Days = 0
    """The recorder and `hfptm retain` remove hours that ended longer ago; 0 keeps them."""
    min_free_mib: FreeMebibytes = 0
    """They remove the oldest hours until this much of the disk is free; 0 keeps them."""
    copy_url: CopyAddress = ""
    """Where they, and `hfptm copy`, put a copy. Then nothing is removed that has no verified one.
    Credentials come from the environment, for S3 AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."""
