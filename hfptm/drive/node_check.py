"""Whether an account that is to merge and redeem can."""

from hfptm.drive.checks import Check
from hfptm.drive.follower import in_time
from hfptm.redaction import hosts_only
from hfptm.secrets import Secrets
from hfptm.sections import Servers
from hfptm.venue.client import Transactions
from hfptm.venue.transaction import ChainError, Sent


async def node_check(servers: Servers, secrets: Secrets) -> Check:
    """Of the node, the coin that pays gas, and what the account has approved; sends nothing."""
    try:
        async with Transactions(servers, secrets, _refuse) as transactions:
            problem = await in_time(transactions.problem())
    except ChainError as error:
        problem = f"{hosts_only(servers.rpc_url)}: {error}; check the network and server.rpc_url"
    return Check("transactions", problem)


async def _refuse(sent: Sent) -> None:
    raise ValueError(f"a check sends nothing: {sent.hash}")
